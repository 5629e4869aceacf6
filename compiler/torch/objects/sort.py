# Sorts objects of a user class by its __lt__. A merge sort, which is stable.


def sort(self: List[Item], reverse: bool) -> None:
    size = len(self)
    width = 1
    while width < size:
        merged: List[Item] = []
        begin = 0
        while begin < size:
            middle = min(begin + width, size)
            end = min(begin + 2 * width, size)
            a = begin
            b = middle
            while a < middle or b < end:
                take_b = a == middle
                if a < middle and b < end:
                    if reverse:
                        take_b = self[a] < self[b]
                    else:
                        take_b = self[b] < self[a]
                if take_b:
                    merged.append(self[b])
                    b += 1
                else:
                    merged.append(self[a])
                    a += 1
            begin = end
        for i in range(size):
            self[i] = merged[i]
        width = 2 * width


def sorted(input: List[Item]) -> List[Item]:
    result = input.copy()
    sort(result, False)
    return result
