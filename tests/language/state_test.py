"""State: what one call leaves to the next."""

from typing import Dict, List, Optional, Tuple, Union

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((1,), (2,), on("get"), (3,), on("reset"), on("get"), (5,), on("pure", 3))
class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.factor = 2.5
        self.label = "start"

    def forward(self, n: int) -> int:
        self.count += n
        self.label = self.label + "." + str(n)
        return self.count

    @torch.jit.export
    def get(self) -> Tuple[int, float, str]:
        return self.count, self.count * self.factor, self.label

    @torch.jit.export
    def pure(self, n: int) -> int:
        return n + 1

    @torch.jit.export
    def reset(self):
        self.count = 0
        self.label = "again"


@suite((randn(2),), (randn(3),), on("total"), (randn(1),), on("clear"), on("total"), (randn(2),))
class GrowingList(nn.Module):
    seen: List[torch.Tensor]
    sizes: Dict[str, int]

    def __init__(self):
        super().__init__()
        self.seen = []
        self.sizes = {}

    def forward(self, x) -> List[torch.Tensor]:
        self.seen.append(x * 2)
        self.sizes["call" + str(len(self.seen))] = x.numel()
        return self.seen

    @torch.jit.export
    def total(self) -> Tuple[int, Dict[str, int]]:
        n = 0
        for x in self.seen:
            n += x.numel()
        return n, self.sizes

    @torch.jit.export
    def clear(self):
        self.seen = []
        self.sizes.clear()


@suite((2.0,), (3.0,), on("grow"), (4.0,))
class ListsOfTheFile(nn.Module):
    """Containers that the file has values for, and whose elements methods write."""

    parts: List[torch.Tensor]
    sizes: Dict[str, List[int]]

    def __init__(self):
        super().__init__()
        self.parts = [torch.ones(2), torch.zeros(3)]
        self.sizes = {"a": [1, 2], "b": []}

    def forward(self, by: float) -> Tuple[List[torch.Tensor], Dict[str, List[int]]]:
        for part in self.parts:
            part.add_(by)
        self.sizes["a"].append(int(by))
        return self.parts, self.sizes

    @torch.jit.export
    def grow(self):
        self.parts.append(self.parts[0])
        self.sizes["b"] = self.sizes["a"]


@suite((randn(3),), (randn(3),), on("read"), (torch.zeros(3),), on("read"))
class InPlaceBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x):
        self.total.mul_(0.5).add_(x)
        self.total[0] += 10
        self.steps += 1
        return self.total

    @torch.jit.export
    def read(self):
        return self.total * 1, self.steps + 0


@suite((randn(1, 2, 4),), (randn(1, 3, 4),), (randn(1, 1, 4),), on("reset"), (randn(1, 2, 4),))
class KeyValueCache(nn.Module):
    cache: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.cache = None

    def forward(self, x):
        cache = self.cache
        if cache is None:
            cache = x
        else:
            cache = torch.cat([cache, x], 1)
        self.cache = cache
        return torch.softmax(x @ cache.transpose(1, 2), -1) @ cache

    @torch.jit.export
    def reset(self):
        self.cache = None


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("h", torch.zeros(2, 3))
        self.calls = 0

    def forward(self, x):
        self.h = torch.tanh(self.h + x)
        self.calls += 1
        return self.h


@suite((randn(2, 3),), (randn(2, 3, seed=1),), on("calls"), (randn(2, 3, seed=2),), on("calls"))
class NestedState(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.ModuleList([Cell(), Cell()])
        self.other = Cell()

    def forward(self, x):
        for cell in self.cells:
            x = cell(x)
        if x.sum() > 0:
            x = self.other(x)
        return x

    @torch.jit.export
    def calls(self) -> List[int]:
        out = [self.other.calls]
        for cell in self.cells:
            out.append(cell.calls)
        return out


@suite((randn(3),), (randn(3, seed=1),), on("last"), (randn(3, seed=2),), on("last"))
class KeepsInput(nn.Module):
    """The caller's tensor, kept across calls, becomes the instance's own."""

    previous: Optional[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.previous = None

    def forward(self, x):
        before = self.previous
        self.previous = x
        if before is None:
            return x * 0
        return x - before

    @torch.jit.export
    def last(self) -> Optional[torch.Tensor]:
        return self.previous


@suite((3,), (-1,), on("get"), (2,), (-5,), on("get"))
class FailsBetween(nn.Module):
    """State is what the call had written when it failed."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, n: int) -> int:
        self.count += 1
        if n < 0:
            raise ValueError("negative")
        self.count += n
        return self.count

    @torch.jit.export
    def get(self) -> int:
        return self.count


@suite((1,), (2,), (3,))
class SwapsState(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.zeros(2)
        self.b = torch.ones(2)

    def forward(self, n: int):
        t = self.a
        self.a = self.b + n
        self.b = t
        return self.a, self.b


class Node:
    def __init__(self, value: int, marks: List[int]):
        self.value = value
        self.marks = marks


@suite((1,), (2,), (3,))
class SharedParts(nn.Module):
    """Attributes that are one object, and tensors that are one memory, also after the call, in a copy and after a reset."""

    first: List[int]
    second: List[int]
    rows: List[torch.Tensor]
    names: Dict[str, List[int]]

    def __init__(self):
        super().__init__()
        self.first = [1, 2]
        self.second = self.first
        self.names = {"a": self.first}
        self.register_buffer("table", torch.zeros(2, 3))
        self.row = self.table[1]
        self.rows = [self.table[0], self.table]

    def forward(self, n: int) -> Tuple[List[int], List[int], Dict[str, List[int]], torch.Tensor, torch.Tensor, List[torch.Tensor]]:
        self.first.append(n)
        self.row += n
        self.rows[0][1] += 10
        if n == 2:
            self.second = self.second + [100]
            self.names["b"] = self.second
        self.second.append(-n)
        return self.first, self.second, self.names, self.table, self.row, self.rows


@suite((randn(3, 4),), on("add", 1.0), on("add", 2.0))
class ViewsOfAnInput(nn.Module):
    """What a method keeps of an input is no longer the caller's; views of it still share memory."""

    views: List[torch.Tensor]

    def __init__(self):
        super().__init__()
        self.views = []
        self.whole = torch.zeros(1)

    def forward(self, x):
        self.views = [x[1], x[:, 2], x.t()]
        self.whole = x
        return x + 1

    @torch.jit.export
    def add(self, value: float) -> Tuple[torch.Tensor, List[torch.Tensor]]:
        self.views[0].add_(value)
        self.whole[2] *= 3.0
        return self.whole, self.views


@suite((4,), (5,), on("total"))
class SharedObjects(nn.Module):
    """Objects reached in two ways, which hold a list of the module's."""

    marks: List[int]
    kept: Optional[Tuple[Node, Node, Node]]

    def __init__(self):
        super().__init__()
        self.marks = []
        self.kept = None

    def forward(self, n: int) -> int:
        kept = self.kept
        if kept is None:
            node = Node(n, self.marks)
            self.kept = (node, Node(n + 1, self.marks), node)
            return n
        kept[0].value += n
        kept[1].marks.append(n)
        return kept[2].value

    @torch.jit.export
    def total(self) -> Tuple[int, bool, bool, List[int]]:
        kept = self.kept
        if kept is None:
            return 0, False, False, self.marks
        a, b, c = kept
        c.value += 1
        return a.value + b.value, a is c, a.marks is b.marks, self.marks


@torch.jit.script
class Tally:
    def __init__(self, count: int, names: List[str], total: torch.Tensor):
        self.count = count
        self.names = names
        self.total = total

    def add(self, name: str, x: torch.Tensor) -> int:
        self.count += 1
        self.names.append(name)
        self.total = self.total + x
        return self.count


@suite((torch.ones(2), "a"), on("swap"), (torch.ones(2), "b"), on("same"), on("same"))
class ObjectsOfTheFile(nn.Module):
    """Attributes that are objects, which the file has values for."""

    tally: Tally
    tallies: List[Tally]
    unread: Optional[Tally]

    def __init__(self):
        super().__init__()
        self.tally = Tally(3, ["x"], torch.zeros(2))
        self.tallies = [Tally(0, [], torch.ones(2)), Tally(1, ["y", "z"], torch.ones(2))]
        self.unread = Tally(7, [], torch.zeros(1))

    def forward(self, x: torch.Tensor, name: str) -> Tuple[int, List[str], torch.Tensor, List[Tally]]:
        count = self.tally.add(name, x) + self.tallies[-1].add(name, x)
        return count, self.tally.names, self.tally.total, self.tallies

    @torch.jit.export
    def swap(self):
        self.tally = self.tallies[0]

    @torch.jit.export
    def same(self) -> Tuple[bool, bool, bool]:
        unread = self.unread
        assert unread is not None
        unread.count += 1
        return self.tally is self.tallies[0], self.tally is self.tally, unread.count > 8


@suite((1,), (2,))
class UnionsOfTheFile(nn.Module):
    mixed: List[Union[int, str, List[int]]]

    def __init__(self):
        super().__init__()
        self.mixed = [3, "a", [1, 2]]

    def forward(self, x: int) -> List[str]:
        out: List[str] = []
        for item in self.mixed:
            if isinstance(item, int):
                out.append(str(item + x))
            elif isinstance(item, str):
                out.append(item)
            else:
                out.append("list")
        self.mixed.append("b")
        return out


@suite((torch.ones(3),), (torch.ones(3),), on("read"))
class WritesThroughItself(nn.Module):
    """`contiguous` and `to` give the tensor itself where they have nothing to do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.full([3], 2.0))
        self.register_buffer("b", torch.full([3], 3.0))
        self.register_buffer("kept", torch.zeros(3))

    def forward(self, x) -> int:
        self.a.contiguous().mul_(2)
        same = self.b.to(torch.float32).contiguous()
        self.b.add_(1)
        self.kept = self.a.contiguous()
        self.kept.add_(same + x)
        return x.dim()

    @torch.jit.export
    def read(self):
        self.a.add_(1)
        return self.a * 1, self.b * 1, self.kept * 1


@suite((torch.ones(2, 3),), (torch.ones(2, 3),), on("grow"), on("read"))
class KeepsViews(nn.Module):
    """A view that one method keeps, and another writes through."""

    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.zeros(3, 2))
        self.register_buffer("view", torch.zeros(2, 3))
        self.register_buffer("sum", torch.zeros(2, 3))

    def forward(self, x):
        turned = self.a.t()
        self.sum = turned * 2 + x
        self.view = turned
        return self.sum + turned

    @torch.jit.export
    def grow(self):
        self.a.add_(5)

    @torch.jit.export
    def read(self):
        return self.view * 1, self.sum * 1


@suite(
    on("flat"), on("look"), (torch.arange(6.0).view(2, 3),), on("flat"), on("keep"), on("flat"), on("look"), (randn(3, 2),),
    on("flat"), on("look"), on("constant"), on("flat"), on("look"),
)  # fmt: skip
class StridesInTheState(nn.Module):
    """What a method leaves has its operands' order of dimensions, by which another one copies or writes it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("kept", torch.ones(3, 2).t())

    def forward(self, x):
        self.kept = (torch.full([3, 2], float(x.size(0))) * 2).t().clamp(-9, 9)
        return x + 1

    @torch.jit.export
    def constant(self):
        self.kept = (torch.full([3, 2], 2.0) * 2).t().clamp(-9, 9)

    @torch.jit.export
    def keep(self):
        self.kept = (torch.full([2, 3], 2.0) * 3).clamp(-9, 9)

    @torch.jit.export
    def flat(self):
        self.kept.reshape([-1]).mul_(2)

    @torch.jit.export
    def look(self):
        return self.kept


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
