"""Control flow: branches, loops, break, continue, early return, functions, iteration over modules."""

from typing import List, Optional, Tuple

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((5,), (0,), (-3,), (12,))
class Branches(nn.Module):
    def forward(self, n: int) -> str:
        if n < 0:
            return "negative"
        elif n == 0:
            kind = "zero"
        elif n % 2 == 0:
            if n > 10:
                kind = "large even"
            else:
                kind = "even"
        else:
            kind = "odd"
        return kind


@suite(([3, 1, -4, 1, 5],), ([],), ([1, 2, 100, 3],), ([-1],))
class BreakAndContinue(nn.Module):
    def forward(self, xs: List[int]) -> Tuple[int, int]:
        total = 0
        seen = 0
        for x in xs:
            seen += 1
            if x < 0:
                continue
            if x > 50:
                break
            total += x
        return total, seen


@suite((10, 3), (0, 1), (7, 7), (30, 4))
class NestedLoops(nn.Module):
    def forward(self, n: int, k: int) -> List[int]:
        out: List[int] = []
        for i in range(n):
            for j in range(i):
                if j == k:
                    break
                if (i + j) % 3 == 0:
                    continue
                out.append(i * 10 + j)
            while len(out) > 20:
                out.pop()
        return out


@suite((10,), (1,), (27,))
class Collatz(nn.Module):
    def forward(self, n: int) -> Tuple[int, int]:
        steps = 0
        top = n
        while n != 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            top = max(top, n)
            steps += 1
        return steps, top


@suite((randn(4, 3), 2), (randn(4, 3), 9), (-randn(4, 3).abs(), 1))
class ReturnInLoop(nn.Module):
    def forward(self, x, limit: int):
        for i in range(limit):
            row = x[i % x.size(0)]
            if row.sum() > 1.0:
                return row, i
        return x[0] * 0, -1


@suite((5,), (0,), (1,), (20,))
class SwapInLoop(nn.Module):
    def forward(self, n: int) -> Tuple[int, int]:
        a, b = 0, 1
        for _ in range(n):
            a, b = b, a + b
        return a, b


@suite((1, 10, 3), (10, 1, -2), (5, 5, 1), (-7, 8, 4), (0, 3, 0), class_name="ValueError")
class Ranges(nn.Module):
    def forward(self, begin: int, end: int, step: int) -> List[int]:
        out: List[int] = []
        for i in range(begin, end, step):
            out.append(i)
        return out


@suite((["a", "b", "c"], [1, 2, 3]), (["x"], [5, 6]), ([], []))
class ZipAndEnumerate(nn.Module):
    def forward(self, names: List[str], numbers: List[int]) -> List[str]:
        out: List[str] = []
        for i, (name, number) in enumerate(zip(names, numbers)):
            out.append(str(i) + name + str(number))
        for i, name in enumerate(names):
            out.append(name + str(i + 1))
        return out


@suite((randn(2, 4), 0), (randn(2, 4), 2), (randn(2, 4), -1), (randn(2, 4), 3))
class ModuleLists(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.named = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Tanh()})

    def forward(self, x, skip: int):
        sums: List[float] = []
        for i, layer in enumerate(self.layers):
            if i != skip:
                x = torch.relu(layer(x)) + i
            sums.append(float(x.sum()))
        for name, layer in self.named.items():
            if name == "b":
                x = layer(x)
        for a, b in zip(self.layers, self.layers):
            x = a(b(x))
        return x, len(sums)


def is_even(n: int) -> bool:
    result = True
    for _ in range(n):
        result = not result
    return result


@suite((5,), (0,), (10,))
class Functions(nn.Module):
    def helper(self, n: int, scale: float = 0.5) -> float:
        return n * scale

    def forward(self, n: int) -> Tuple[bool, float, float]:
        return is_even(n), self.helper(n), self.helper(n, scale=2.0)


@suite((randn(3), 0.5, 3, True, "sum"), (randn(3),), (randn(3), 2.0), (randn(3), 2.0, 1, False), (randn(3), 1.0, 2, True, "max"))
class Defaults(nn.Module):
    def forward(self, x, scale: float = 1.5, repeat: int = 2, negate: bool = False, mode: str = "mean"):
        for _ in range(repeat):
            x = x * scale
        if negate:
            x = -x
        if mode == "mean":
            return x.mean()
        elif mode == "sum":
            return x.sum()
        return x.max()


@suite((3,), (None,), (0,))
class OptionalIn(nn.Module):
    def forward(self, n: Optional[int]) -> Optional[str]:
        if n is None:
            return None
        if n == 0:
            return "zero"
        return "n" + str(n + 1)


@suite((randn(2, 3), None), (randn(2, 3), randn(2, 3, seed=1)), (randn(2, 3),))
class OptionalTensor(nn.Module):
    def forward(self, x, y: Optional[torch.Tensor] = None) -> Tuple[torch.Tensor, Optional[torch.Tensor]]:
        out: Optional[torch.Tensor] = None
        if y is not None:
            out = x + y
        else:
            y = x
        return y * 2, out


@suite((randn(6),), (torch.zeros(3),), (torch.ones(1),))
class TensorBool(nn.Module):
    def forward(self, x):
        count = 0
        i = 0
        while bool((x[i:] > 0).any()):
            count += int(x[i] > 0)
            i += 1
        return count, i


@suite((4,), (0,), (9,))
class WhileTrue(nn.Module):
    def forward(self, n: int) -> int:
        i = 0
        total = 0
        while True:
            i += 1
            if i > n:
                break
            if i == 3:
                continue
            for j in range(100):
                if j > i:
                    break
                total += j
        return total


@suite((1, 2, 3), (3, 2, 1), (2, 2, 2), (0, 0, 5))
class BooleanLogic(nn.Module):
    def forward(self, a: int, b: int, c: int) -> Tuple[bool, bool, bool, int, int]:
        x = a < b and b < c
        y = a < b or b < c
        z = not (a == b) and (a or c) if False else a != b
        return x, y, z, (a if a > b else b), (a if x else (b if y else c))


@suite((3,), (0,))
class TensorJoins(nn.Module):
    """A value of several shapes and dtypes at a join."""

    def forward(self, n: int):
        x = torch.ones(2, 3)
        y = torch.zeros(1)
        for i in range(n):
            x = torch.cat([x, x[:1]])
            if i % 2 == 0:
                y = x.sum(0)
            else:
                y = (x > 0).to(torch.int64)
        return x, y


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)


def last_or_none(start: Optional[int], n: int) -> Optional[int]:
    """In a call the start is an int that is never None; the loop makes it optional again."""
    found = start
    i = 0
    while i < n:
        i += 1
        if i % 3 == 0:
            found = None
        else:
            found = i
        if n == 7:
            break
    return found


@suite((0,), (1,), (3,), (4,), (7,))
class NoneComesBackInALoop(nn.Module):
    def forward(self, n: int) -> Tuple[Optional[int], int]:
        found = last_or_none(5, n)
        return found, found if found is not None else -1
