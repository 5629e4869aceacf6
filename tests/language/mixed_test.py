"""What is left: futures, gradient modes, annotations, containers in containers."""

import os
from typing import Dict, Final, List, Optional, Tuple

import torch
from torch import nn

import tsc
from language import Suite, on, randn

suite = Suite()


def doubled(x: torch.Tensor, n: int) -> torch.Tensor:
    return x * n


@suite((randn(3),), (randn(2, 2),))
class ForkAndWait(nn.Module):
    def forward(self, x):
        futures = [torch.jit.fork(doubled, x, i) for i in range(3)]
        total = torch.zeros_like(x)
        for future in futures:
            total = total + torch.jit.wait(future)
        return total


def picky(x: torch.Tensor, n: int) -> torch.Tensor:
    if n < 0:
        raise ValueError("negative: " + str(n))
    return x * n


def counting(counts: List[int], n: int) -> int:
    counts.append(n)
    return len(counts)


@suite((randn(3), 2), (randn(3), -1), (randn(3), 0))
class FailingTask(nn.Module):
    def forward(self, x, n: int):
        future = torch.jit.fork(picky, x, n)
        return torch.jit.wait(future) + 1


@suite((randn(3), 2), (randn(3), -1))
class TaskThatNobodyWaitsFor(nn.Module):
    """Its exception is never raised."""

    def forward(self, x, n: int):
        torch.jit.fork(picky, x, n)
        return x + 1


@suite((3,), (0,))
class TasksInTasks(nn.Module):
    def forward(self, n: int) -> Tuple[int, List[int]]:
        counts: List[int] = []
        for i in range(n):
            first = torch.jit.fork(counting, counts, i)
            torch.jit.wait(first)
        return len(counts), counts


@suite((randn(3),), (-randn(3).abs(),))
class NoGrad(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x * 2
            if y.sum() > 0:
                y = y + 1
        return y


@suite((3,), (0,))
class Annotations(nn.Module):
    scale: Final[int] = 4

    def forward(self, n: int):
        empty = torch.jit.annotate(List[int], [])
        maybe = torch.jit.annotate(Optional[int], None)
        if n > 0:
            maybe = n * self.scale
            empty.append(n)
        return empty, maybe


@suite(([{"a": 1}, {"b": 2, "a": 3}],), ([],))
class ListOfDicts(nn.Module):
    def forward(self, rows: List[Dict[str, int]]):
        merged: Dict[str, int] = {}
        for row in rows:
            for key, value in row.items():
                merged[key] = merged.get(key, 0) + value
            row["seen"] = len(row)
        return merged, rows


@suite(({"a": (1, "x"), "b": (2, "y")},), ({},))
class DictOfTuples(nn.Module):
    def forward(self, table: Dict[str, Tuple[int, str]]):
        out: Dict[str, List[Tuple[str, int]]] = {}
        for key, (number, text) in table.items():
            out[key] = [(text, number), (key, -number)]
        return out, [k for k in table], "a" in table


@suite(([5, 3, 5, 1], 5), ([5], 5), ([1, 5], 1))
class ListSearch(nn.Module):
    def forward(self, xs: List[int], x: int):
        at = xs.index(x)
        del xs[at]
        ys = xs * 2
        ys.insert(1, 7)
        return at, xs, ys, xs == ys, [x] * 2


@suite((randn(2, 3), 0.5), (randn(4), -1.0))
class ChainedChoices(nn.Module):
    def forward(self, x, f: float):
        y = x if f > 0 else -x
        z = 1 if x.dim() == 1 else 2 if x.size(0) < 3 else 3
        inside = 0.0 < f < 1.0
        n, m = (x.size(0), x.size(-1))
        n += m
        m -= n
        return y * z, inside, n, m


@suite((torch.tensor([1, 2, 3]), torch.tensor([0.5])), (torch.tensor([True]), torch.tensor([2], dtype=torch.int32)))
class Promotion(nn.Module):
    def forward(self, a, b):
        return a + b, a * 2.5, b / 2, a == b, (a > 0) & (b > 0), torch.where(a > 1, a, b), a.to(torch.float64) - b


@suite((5,), (0,), (2,))
class GrowingTensor(nn.Module):
    def forward(self, n: int):
        x = torch.zeros(1, 2)
        sizes: List[List[int]] = []
        for i in range(n):
            x = torch.cat([x, torch.full((i, 2), float(i))])
            sizes.append(x.shape)
        return x, sizes


class Scale(nn.Module):
    def __init__(self, by: float):
        super().__init__()
        self.by = by

    def forward(self, x):
        return x * self.by


@suite((randn(2), "less"), (randn(2), "more"), (randn(2), "both"))
class ChooseModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict({"less": Scale(0.5), "more": Scale(2.0)})

    def forward(self, x, which: str):
        for name, part in self.parts.items():
            if name == which or which == "both":
                x = part(x) + 1
        return x


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)


class Count(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, n: int) -> int:
        self.count += n
        return self.count


def test_instances_have_their_own_state(tmp_path):
    path = tsc.compile(torch.jit.script(Count()), tmp_path / "count.so", compiler=os.environ.get("TSC"))
    a, b = tsc.load(path), tsc.load(path)
    assert [a(2), a(3), b(1), a(1), b(1)] == [2, 5, 1, 6, 2]
