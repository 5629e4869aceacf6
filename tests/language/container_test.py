"""Lists, dicts, tuples, NamedTuples."""

from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite(([3, 1, 2], 7), ([], 0), ([5], -1), ([2, 2, 1, 1], 2))
class ListMethods(nn.Module):
    def forward(self, xs: List[int], x: int) -> Tuple[List[int], List[int], int, int, bool]:
        ys = xs.copy()
        ys.append(x)
        ys.insert(0, 9)
        ys.extend([4, 4])
        ys.sort()
        zs = sorted(ys)
        zs.reverse()
        last = ys.pop()
        ys.remove(x)
        return ys, zs, last, ys.count(4), x in ys


@suite(([0, 1, 2, 3, 4, 5, 6, 7], 2, 6, 2), ([1, 2, 3], -2, 10, 1), ([], 0, 1, 1), ([1, 2, 3, 4], 3, 1, 1), ([1, 2, 3, 4], -1, -3, 1))
class ListSlices(nn.Module):
    def forward(self, xs: List[int], begin: int, end: int, step: int):
        return xs[begin:end], xs[begin:end:step], xs[:end], xs[begin:], xs[:], xs[-2:], xs[::2]


@suite(([1, 2, 3],), ([],))
class Comprehensions(nn.Module):
    def forward(self, xs: List[int]) -> Tuple[List[int], List[str], List[List[int]], Dict[str, int]]:
        squares = [x * x for x in xs]
        names = ["n" + str(x) for x in range(len(xs))]
        nested = [[x, x + 1] for x in xs]
        table = {str(x): x for x in xs}
        return squares, names, nested, table


@suite((3,), (0,), (1,))
class NestedLists(nn.Module):
    def forward(self, n: int) -> List[List[int]]:
        rows: List[List[int]] = []
        for i in range(n):
            row: List[int] = []
            for j in range(i + 1):
                row.append(i * j)
            rows.append(row)
        if n > 0:
            rows[0].append(100)
            rows[-1][0] = -5
        return rows


@suite((2,), (5,))
class ListAliases(nn.Module):
    def forward(self, n: int):
        a = [1, 2]
        b = a
        b.append(n)
        rows = [a, a]
        rows[0].append(7)
        c = a + b
        a += [8]
        a[0] = -1
        return a, b, c, rows, a is b, c is a, a == b


@suite(([1.5, -2.0, 3.0], [True, False]), ([0.0], [True, True]), ([2.5, 2.5], []))
class ListReductions(nn.Module):
    def forward(self, xs: List[float], flags: List[bool]):
        return max(xs), min(xs), sum(xs), any(flags), all(flags), len(xs), xs * 2, [0] * 3


@suite((["b", "a", "c"],), ([],), (["x", "x"],))
class StringLists(nn.Module):
    def forward(self, xs: List[str]):
        ys = sorted(xs)
        ys.append("z")
        if "a" in xs:
            ys.append("has a")
        return ys, len(xs), "-".join(xs)


@suite(([randn(3), randn(3, seed=1)],), ([randn(2)],))
class TensorLists(nn.Module):
    def forward(self, xs: List[torch.Tensor]):
        xs = [x * 2 for x in xs]
        xs.append(xs[0] + 1)
        ys = xs[1:]
        total = torch.zeros_like(xs[0])
        for x in xs:
            total = total + x
        xs[0] = total
        return xs, ys, torch.cat(xs), torch.stack(ys).sum(0), len(xs)


@suite(([randn(2, 3), randn(2, 3, seed=1)], 1), ([randn(2, 3), randn(2, 3, seed=1)], -2))
class NestedTensorLists(nn.Module):
    def forward(self, xs: List[torch.Tensor], index: int) -> List[List[torch.Tensor]]:
        out: List[List[torch.Tensor]] = []
        for x in xs:
            out.append([row for row in x])
        out[index][0] = out[index][1] + 1
        return out


@suite(({"x": 1, "y": 2}, "x"), ({"z": 5}, "q"), ({}, "a"))
class DictMethods(nn.Module):
    def forward(self, table: Dict[str, int], key: str):
        out = table.copy()
        out["new"] = 3
        had = key in out
        value = out.get(key, -1)
        maybe = out.get(key)
        if had:
            popped = out.pop(key)
        else:
            popped = out.setdefault(key, 42)
        out.update({"u": 1, "new": 4})
        keys = list(out.keys())
        values = list(out.values())
        del out["u"]
        return out, had, value, maybe, popped, keys, values, len(out)


@suite(({3: "c", 1: "a", 2: "b"},), ({},))
class IntKeys(nn.Module):
    def forward(self, table: Dict[int, str]) -> Tuple[Dict[int, str], List[int], str]:
        out: Dict[int, str] = {}
        order: List[int] = []
        text = ""
        for k, v in table.items():
            out[k * 2] = v + v
            order.append(k)
        for k in table:
            text += str(k)
        return out, order, text


@suite((4,), (0,), (3,))
class CountWords(nn.Module):
    def forward(self, n: int) -> Dict[str, int]:
        counts: Dict[str, int] = {}
        for word in ["a", "b", "a", "c"][:n]:
            if word not in counts:
                counts[word] = 0
            counts[word] += 1
        return counts


@suite(({"enc": {"x": randn(2), "y": randn(3)}, "dec": {"x": randn(2, seed=4)}},), ({},), ({"a": {}},))
class NestedDicts(nn.Module):
    def forward(self, table: Dict[str, Dict[str, torch.Tensor]]) -> Dict[str, Dict[str, torch.Tensor]]:
        out: Dict[str, Dict[str, torch.Tensor]] = {}
        for name, inner in table.items():
            made: Dict[str, torch.Tensor] = {}
            for key, value in inner.items():
                made[key] = value * 2
            made["sum"] = torch.zeros(1)
            for value in inner.values():
                made["sum"] += value.sum()
            out[name] = made
        return out


@suite(({"a": [1, 2], "b": []},), ({},))
class DictOfLists(nn.Module):
    def forward(self, table: Dict[str, List[int]]):
        table["c"] = [len(table)]
        for name in table.keys():
            table[name].append(5)
        shared = table["c"]
        shared.append(6)
        return table, [(k, len(v)) for k, v in table.items()]


@suite((1, "a", 2.5), (0, "", -1.0))
class Tuples(nn.Module):
    def forward(self, a: int, b: str, c: float):
        t = (a, b, (c, a))
        x, y, (z, w) = t
        pairs = [(a, b), (a + 1, b + "!")]
        p, q = pairs[1]
        return t, x, t[1], t[2][0], t[-1], t[:2], pairs, p, q, (z, w)


@suite(((1, randn(2)),), ((5, randn(3)),))
class TupleIn(nn.Module):
    def forward(self, pair: Tuple[int, torch.Tensor]) -> Tuple[torch.Tensor, int]:
        n, x = pair
        return x * n, n


class Stats(NamedTuple):
    count: int
    mean: torch.Tensor
    label: str = "none"


class Box(NamedTuple):
    stats: Stats
    sizes: List[int]


@suite((randn(3, 4), "a"), (randn(2), "b"))
class NamedTuples(nn.Module):
    def forward(self, x, label: str) -> Stats:
        s = Stats(x.numel(), x.mean(), label)
        if s.count > 5:
            return Stats(count=s.count, mean=s.mean * 2, label="large")
        return s


@suite((randn(3, 4),), (randn(2),))
class NestedNamedTuples(nn.Module):
    def forward(self, x):
        box = Box(Stats(x.dim(), x.sum(), "inner"), list(x.size()))
        others = [box.stats, Stats(1, x[0].sum())]
        return box, others, {"a": box.stats}, box.stats.count + len(box.sizes)


@suite((Stats(3, randn(2), "in"), 2), (Stats(0, randn(1), ""), 1))
class NamedTupleIn(nn.Module):
    def forward(self, s: Stats, n: int) -> Tuple[int, torch.Tensor, str]:
        for _ in range(n):
            s = Stats(s.count + 1, s.mean + 1, s.label + "!")
        return s.count, s.mean, s.label


@suite(([1, None, 3],), ([],), ([None],))
class ListOfOptionals(nn.Module):
    def forward(self, xs: List[Optional[int]]) -> Tuple[int, List[Optional[int]]]:
        total = 0
        out: List[Optional[int]] = []
        for x in xs:
            if x is not None:
                total += x
                out.append(None)
            else:
                out.append(total)
        return total, out


@suite(({"a": randn(2), "b": None},), ({},))
class DictOfOptionals(nn.Module):
    def forward(self, table: Dict[str, Optional[torch.Tensor]]) -> Dict[str, Optional[torch.Tensor]]:
        out: Dict[str, Optional[torch.Tensor]] = {}
        for key, value in table.items():
            if value is not None:
                out[key] = value + 1
            else:
                out[key] = None
        return out


@suite(([[1, 2], [3]],), ([],), ([[]],))
class ListEquality(nn.Module):
    def forward(self, xs: List[List[int]]):
        flat: List[int] = []
        for x in xs:
            flat.extend(x)
        return flat, flat == [1, 2, 3], flat != [1], [len(x) for x in xs]


@suite(([3, 1, 2],), ([],), ([1],))
class Unpacking(nn.Module):
    def forward(self, xs: List[int]):
        out: List[Tuple[int, str]] = []
        for x in xs:
            out.append((x, str(x)))
        total = 0
        for number, text in out:
            total += number + len(text)
        return out, total


@suite(([("b", 2), ("a", 1)],), ([],))
class SortedTuples(nn.Module):
    def forward(self, pairs: List[Tuple[str, int]]):
        ordered = sorted(pairs)
        ordered.sort(reverse=True)
        return ordered, {name: number for name, number in pairs}


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
