"""User classes, and values whose type is told at run time."""

from enum import Enum
from typing import Any, Dict, List, Optional, Tuple, Union

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@torch.jit.script
class Point:
    def __init__(self, x: int, y: int):
        self.x = x
        self.y = y

    def moved(self, by: int) -> "Point":
        return Point(self.x + by, self.y + by)

    def scale(self, factor: int):
        self.x *= factor
        self.y *= factor

    def norm(self) -> int:
        return abs(self.x) + abs(self.y)

    def __add__(self, other: "Point") -> "Point":
        return Point(self.x + other.x, self.y + other.y)

    def __eq__(self, other: "Point") -> bool:
        return self.x == other.x and self.y == other.y


@torch.jit.script
class Stack:
    def __init__(self):
        self.items: List[torch.Tensor] = []
        self.names: Dict[str, int] = {}
        self.best = torch.zeros(1) - 1000

    def push(self, x: torch.Tensor, name: str) -> int:
        self.items.append(x)
        self.names[name] = len(self.items)
        best = self.best
        if bool(x.sum() > best.sum()):
            self.best = x
        return len(self.items)

    def pop(self) -> torch.Tensor:
        return self.items.pop()


@torch.jit.script
class Line:
    def __init__(self, begin: Point, end: Point):
        self.begin = begin
        self.end = end

    def length(self) -> int:
        return self.end.x - self.begin.x + self.end.y - self.begin.y


@suite((3,), (-2,), (0,))
class Points(nn.Module):
    def forward(self, n: int):
        p = Point(n, 1)
        q = p
        q.scale(3)
        moved = p.moved(2)
        return p.x, p.y, moved.x, q.norm(), (p + moved).x, p == q, p is q, p == moved


@suite((3,), (1,), (0,))
class ListOfObjects(nn.Module):
    def forward(self, n: int) -> Tuple[int, List[int]]:
        points: List[Point] = []
        for i in range(n):
            points.append(Point(i, i * i))
        total = 0
        for p in points:
            p.x += 10
            total += p.norm()
        return total, [p.x for p in points]


@suite((2,), (5,))
class NestedObjects(nn.Module):
    def forward(self, n: int):
        p = Point(0, 0)
        line = Line(p, Point(n, n))
        before = line.length()
        p.x = -n
        line.end.y += 100
        line.begin = Point(line.begin.x - 1, 0)
        return before, line.length(), p.x


@suite((randn(2, 3), 3), (randn(4), 1), (-randn(3), 2))
class ObjectsOfTensors(nn.Module):
    def forward(self, x, n: int):
        stack = Stack()
        for i in range(n):
            stack.push(x + i, "item" + str(i))
        last = stack.pop()
        best = stack.best
        return last, best, stack.names, len(stack.items)


@suite((3,), (0,))
class ObjectOut(nn.Module):
    def build(self, n: int) -> Point:
        return Point(n, -n)

    def forward(self, n: int):
        p = self.build(n)
        if n > 0:
            p = p.moved(n)
        return p.x, p.y


@suite((1,), ("abc",))
class Unions(nn.Module):
    def forward(self, x: Union[int, str]) -> str:
        if isinstance(x, int):
            return "int " + str(x + 1)
        else:
            return "str " + x


@suite((1, 2.5), (3, -1.0))
class UnionLocals(nn.Module):
    def forward(self, n: int, f: float) -> List[str]:
        out: List[str] = []
        for i in range(3):
            x: Union[int, float, str] = n
            if i == 1:
                x = f
            if i == 2:
                x = "text"
            if isinstance(x, int):
                out.append("int " + str(x * 2))
            elif isinstance(x, float):
                out.append("float " + str(x * 2))
            else:
                out.append("other")
        return out


@suite((1,), (2,), (0,))
class Anys(nn.Module):
    def describe(self, x: Any) -> str:
        if isinstance(x, int):
            return "int"
        if isinstance(x, str):
            return "str " + x
        if isinstance(x, List[int]):
            return "list " + str(len(x))
        return "other"

    def forward(self, n: int) -> List[str]:
        return [self.describe(n), self.describe("s"), self.describe([1, 2]), self.describe(1.5), self.describe((n, n))]


@suite((7,), (1,), class_name="IndexError", message=None)
class MissingItem(nn.Module):
    """A field of an object that a list does not have."""

    def forward(self, n: int) -> Tuple[int, int, int]:
        points = [Point(1, 2), Point(3, 4)]
        pairs = [(Point(5, 6), 1)]
        last = points[0]
        for i in range(2):
            if i < n:
                last = points[n]
        return last.x, pairs[n][0].x, points[n].y


@suite(("a",), ("z",), class_name="KeyError", message=None)
class MissingKey(nn.Module):
    def forward(self, key: str) -> int:
        named = {"a": Point(1, 2)}
        named[key].x += 1
        return named[key].x


@suite((None,), message=None)
class MissingOptional(nn.Module):
    def forward(self, n: Optional[int]) -> int:
        best: Optional[Point] = None
        if n is not None:
            best = Point(n, n)
        assert best is not None
        return best.y


class Color(Enum):
    RED = 1
    GREEN = 5


@suite((1,), (5,), (7,))
class Enums(nn.Module):
    def _pick(self, n: int) -> Color:
        if n == 1:
            return Color.RED
        return Color.GREEN

    def forward(self, n: int):
        c = self._pick(n)
        return c == Color.RED, c != Color.GREEN, n


@suite((1,), (2,))
class EnumOut(nn.Module):
    def forward(self, n: int) -> Color:
        if n == 1:
            return Color.RED
        return Color.GREEN


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
