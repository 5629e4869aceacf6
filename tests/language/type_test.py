"""Types: enums, tuples, optionals, unions, Any, devices, dtypes, classes with operators, interfaces."""

import os
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import nn

import tsc
from language import Suite, on, randn

suite = Suite()
T = torch.Tensor


class Color(Enum):
    RED = 1
    GREEN = 5


class Name(Enum):
    A = "a"
    B = "bee"


class Ratio(Enum):
    HALF = 0.5
    TWO = 2.0


@suite((1,), (-1,))
class EnumValue(nn.Module):
    def forward(self, n: int):
        c = Color.RED
        if n > 0:
            c = Color.GREEN
        return c.value, c.name, c == Color.RED, c != Color.RED, Name.A.value, Ratio.HALF.value + 1


@suite((1,), (-1,))
class EnumStr(nn.Module):
    def forward(self, n: int):
        c = Name.A
        if n > 0:
            c = Name.B
        r = Ratio.TWO if n > 0 else Ratio.HALF
        return c.value + "!", c.name, r.value * 2


@suite((Color.RED,), (Color.GREEN,))
class EnumIn(nn.Module):
    def forward(self, c: Color):
        return c == Color.RED, c.name, c.value


@suite((1,), (-1,))
class EnumOut(nn.Module):
    def forward(self, n: int) -> Color:
        if n > 0:
            return Color.GREEN
        return Color.RED


@suite((1,), (-1,))
class EnumListOut(nn.Module):
    def forward(self, n: int):
        xs = [Color.RED, Color.GREEN]
        if n > 0:
            xs.append(Color.RED)
        return xs, (Color.RED, n), {"a": Color.GREEN}


@suite(([Color.RED, Color.GREEN],), ([],))
class EnumListIn(nn.Module):
    def forward(self, cs: List[Color]):
        n = 0
        for c in cs:
            n += c.value
        return n, [c.name for c in cs]


@suite((1,), (5,))
class EnumAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.color = Color.RED
        self.fixed = Name.B

    def forward(self, n: int):
        old = self.color
        if n > 2:
            self.color = Color.GREEN
        return old == self.color, self.color.value, self.fixed.value, old.name


@suite((1,), (5,))
class EnumDictKeys(nn.Module):
    def forward(self, n: int):
        total = 0
        for c in Color:
            total += c.value * n
        return total


@suite((None,), (Color.RED,))
class EnumOptional(nn.Module):
    def forward(self, c: Optional[Color]):
        if c is None:
            return "none"
        return c.name


@suite((1, "a", 2.5), (2, "", -1.0))
class TupleA(nn.Module):
    def forward(self, a: int, b: str, c: float):
        t = (a, b, c)
        x, y, z = t
        u = (t, (x,))
        v = t[:2]
        w = t[1:]
        return t[0], t[-1], u[0][1], v, w, len(t), u


@suite((1, 2), (2, 1), (1, 1))
class TupleCompare(nn.Module):
    def forward(self, a: int, b: int):
        xs = sorted([(a, b), (b, a)])
        return xs


@suite(((1, (2, "x")),), ((5, (6, "y")),))
class TupleNested(nn.Module):
    def forward(self, t: Tuple[int, Tuple[int, str]]):
        a, (b, c) = t
        for x in (a, b):
            c = c + str(x)
        return c, t[1], (t, t[1][0])


@suite(((1, 2, 3), 1), ((5, 6, 7), -1), ((5, 6, 7), 3), class_name="IndexError")
class TupleDyn(nn.Module):
    def forward(self, t: Tuple[int, int, int], i: int):
        return t[i]


@suite((randn(2), 3), (randn(3), 0))
class TupleTensors(nn.Module):
    def forward(self, x, n: int):
        pairs = [(x + i, i) for i in range(n)]
        a, b = torch.max(x, 0)
        first, *rest = (1, 2, 3)
        return pairs, (a, b), torch.sort(x), torch.max(x, 0)[1], first, rest


class P(NamedTuple):
    x: int
    name: str


class Q(NamedTuple):
    first: P
    values: List[T]
    maybe: Optional[int]


@suite((1, "a"), (2, "b"))
class NT1(nn.Module):
    def forward(self, a: int, b: str):
        p = P(a, b)
        q = P(name=b, x=a + 1)
        n, s = p
        return p, q.x, q.name, p[0], n, s, len(p), p[-1], (p, [q]), {"k": p}


@suite((randn(2), 3), (randn(3), 0))
class NT2(nn.Module):
    def forward(self, x, n: int):
        q = Q(P(n, "n"), [x, x + 1], None if n == 0 else n)
        q.values.append(x * 2)
        return q, q.first.name, q.values[0]


@suite((P(1, "z"),), (P(-1, ""),))
class NTIn(nn.Module):
    def forward(self, p: P) -> P:
        return P(p.x * 2, p.name + "!")


@suite(([P(1, "z"), P(0, "y")],), ([],))
class NTList(nn.Module):
    def forward(self, ps: List[P]):
        total = 0
        for p in ps:
            total += p.x
        out: Dict[str, P] = {}
        for p in ps:
            out[p.name] = p
        return total, out, [p.name for p in ps]


@suite((3,), (None,), (0,))
class Opt1(nn.Module):
    def forward(self, n: Optional[int]):
        a = -1
        if n is not None:
            a = n + 1
        b = n if n is not None else 7
        c = n is None
        d = 0
        if n is None or n > 2:
            d = 1
        if n is not None and n == 0:
            d = 2
        f: Optional[int] = None
        if n is not None:
            f = n * 2
        return a, b, c, d, n, f


@suite((randn(2), None), (randn(2), randn(2)), (randn(3), None))
class Opt2(nn.Module):
    def forward(self, x: T, y: Optional[T]):
        if y is None:
            y = torch.ones_like(x)
        z: Optional[T] = None
        if x.size(0) > 2:
            z = x * 2
        w = torch.jit._unwrap_optional(y)
        return x + y, z, w, (y, z)


@suite((3,), (None,))
class OptAssert(nn.Module):
    def forward(self, n: Optional[int]):
        assert n is not None
        return n + 1


@suite((3,), (None,))
class OptUnwrap(nn.Module):
    def forward(self, n: Optional[int]):
        return torch.jit._unwrap_optional(n) + 1


@suite((1,), (0,))
class OptListWritten(nn.Module):
    """A list of optionals that only ints are put into."""

    def forward(self, n: int):
        xs: List[Optional[int]] = []
        pairs = torch.jit.annotate(List[Tuple[Optional[int], str]], [])
        if n > 0:
            xs.append(n)
            xs[0] = n + 1
            pairs.append((n, "a"))
        return (xs[n - 1] if len(xs) > 0 else n), (pairs[0] if len(pairs) > 0 else (n, "b"))


def shortened(x: Union[float, List[int]]) -> int:
    if isinstance(x, List[int]):
        x.pop()
        return len(x)
    return -1


class UnionWritten(nn.Module):
    """LibTorch's alias analysis, and with it its executor, fails on the inlined call with a float."""

    def forward(self, xs: List[int]):
        return shortened(1.0), shortened(xs)


def test_written_union(tmp_path):
    torch.jit.script(UnionWritten()).save(str(tmp_path / "model.pt"))
    model = tsc.load(tsc.compile(tmp_path / "model.pt", compiler=os.environ.get("TSC")))
    assert model([1, 2]) == (-1, 1)


@suite(([1, None, 3], 1), ([None], 0), ([], 0), message=None)
class OptListMethods(nn.Module):
    def forward(self, xs: List[Optional[int]], i: int):
        xs.insert(0, None)
        first, last = xs[i], xs.pop()
        xs.append(4)
        middle = xs.pop(i)
        xs.reverse()
        return first, last, middle, xs


@suite(([1, None, 3],), ([],), ([None],))
class OptList(nn.Module):
    def forward(self, xs: List[Optional[int]]):
        total = 0
        out: List[Optional[int]] = []
        for x in xs:
            if x is None:
                total += 100
                out.append(5)
            else:
                total += x
                out.append(None)
        return total, out, xs


@suite(([1, 2],), (None,))
class OptOfList(nn.Module):
    def forward(self, xs: Optional[List[int]]):
        if xs is None:
            xs = [9]
        xs.append(1)
        return xs


@suite(({"a": 1},), (None,))
class OptOfDict(nn.Module):
    def forward(self, t: Optional[Dict[str, int]]) -> Optional[Tuple[int, Dict[str, int]]]:
        if t is None:
            return None
        t["z"] = 1
        return len(t), t


@suite((1,), ("a",), (2.5,), ([1, 2],), (randn(2),))
class Union1(nn.Module):
    def forward(self, x: Union[int, str, float, List[int], T]) -> str:
        if isinstance(x, int):
            return "int" + str(x + 1)
        elif isinstance(x, str):
            return "str" + x
        elif isinstance(x, float):
            return "float" + str(x * 2)
        elif isinstance(x, list):
            return "list" + str(len(x))
        else:
            return "tensor" + str(x.dim())


@suite((1,), ("a",), (None,))
class UnionNone(nn.Module):
    def forward(self, x: Union[int, str, None]) -> Union[int, str, None]:
        if x is None:
            return "none"
        if isinstance(x, int):
            if x > 0:
                return x + 1
            return None
        return x + "!"


@suite((1,), (2,), (3,))
class UnionOut(nn.Module):
    def forward(self, n: int) -> Union[int, str, List[str], Dict[str, int]]:
        if n == 1:
            return "one"
        if n == 2:
            return ["two"]
        return {"n": n}


@suite(([1, "a", 2],), ([],))
class UnionList(nn.Module):
    def forward(self, xs: List[Union[int, str]]):
        n = 0
        s = ""
        for x in xs:
            if isinstance(x, int):
                n += x
            else:
                s += x
        xs.append(5)
        xs.append("q")
        return n, s, xs


@suite((1,), ("a",), (2.5,), ([1, 2],), (None,), (True,), ((1, "x"),), ({"a": 1},), (randn(2),))
class Any1(nn.Module):
    def forward(self, x: Any) -> str:
        if isinstance(x, bool):
            return "bool"
        if isinstance(x, int):
            return "int" + str(x + 1)
        if isinstance(x, str):
            return "str" + x
        if isinstance(x, float):
            return "float"
        if isinstance(x, T):
            return "tensor" + str(x.size(0))
        if x is None:
            return "none"
        if isinstance(x, List[int]):
            return "ints" + str(len(x))
        if isinstance(x, (list, tuple)):
            return "seq"
        return "other"


@suite(((1, "a"),), ((1, 2),), ((1.5,),), ([[1, 2], [3]],), ([["a"], ["b", "c"]],), ({"a": [1.5]},), ({"k": (1, "b")},), ([(1, "x"), (2, "y")],), ((1, (2.5, [True])),), ("s",))
class AnyContainers(nn.Module):
    """Containers that the caller gives for an Any are of the types that they look like, and stay the same objects."""

    def forward(self, x: Any) -> Tuple[str, Any]:
        if isinstance(x, Tuple[int, str]):
            return x[1] + str(x[0]), x
        if isinstance(x, Tuple[float]):
            return str(x[0]), x
        if isinstance(x, List[List[int]]):
            x.append([7])
            x[0].append(8)
            return str(len(x[0])), x
        if isinstance(x, List[List[str]]):
            x[1].append("z")
            return x[0][0], x
        if isinstance(x, Dict[str, List[float]]):
            x["b"] = x["a"]
            x["a"].append(0.5)
            return "dict", x
        if isinstance(x, Dict[str, Tuple[int, str]]):
            return x["k"][1], x
        if isinstance(x, List[Tuple[int, str]]):
            return x[1][1], x
        if isinstance(x, Tuple[int, Tuple[float, List[bool]]]):
            return str(x[1][1]), x
        return "other", x


@suite((1,), (2,), (3,), (4,))
class AnyOut(nn.Module):
    def forward(self, n: int) -> Any:
        x: Any = n
        if n == 2:
            x = "two"
        if n == 3:
            x = torch.ones(2)
        if n == 4:
            x = [n, n]
        return x


@suite((1,), (2,))
class AnyList(nn.Module):
    def forward(self, n: int):
        xs: List[Any] = [1, "a", None, 2.5]
        xs.append(n)
        xs.append([n])
        t: Dict[str, Any] = {}
        t["a"] = n
        t["b"] = "x"
        x = xs[n]
        s = "?"
        if isinstance(x, str):
            s = x
        return s, len(xs), xs, t


@suite((torch.device("cpu"),),)
class Dev(nn.Module):
    def forward(self, d: torch.device):
        x = torch.zeros(2, device=d)
        return d, x.device, d == x.device, d.type, str(d), d.index, torch.device("cpu") == d, x.to(d), torch.device("cpu:0") != d


@suite((randn(2),), (torch.tensor([1, 2]),))
class Dtypes(nn.Module):
    def forward(self, x):
        d = x.dtype
        y = torch.zeros(2, dtype=d)
        e = torch.float64
        return (
            d == torch.float32, y, x.to(e), x.dtype, [d, e], d != torch.int64, torch.ones(1, dtype=x.dtype).dtype == d,
            x.is_floating_point(), x.layout == torch.strided,
        )


@suite((torch.float64,), (torch.int32,), (6,))
class DtypeIn(nn.Module):
    def forward(self, d: torch.dtype):
        return torch.ones(2).to(d), d, torch.zeros(1, dtype=d)


@torch.jit.script
class Vec:
    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def __add__(self, o: "Vec") -> "Vec":
        return Vec(self.x + o.x, self.y + o.y)

    def __sub__(self, o: "Vec") -> "Vec":
        return Vec(self.x - o.x, self.y - o.y)

    def __mul__(self, f: float) -> "Vec":
        return Vec(self.x * f, self.y * f)

    def __lt__(self, o: "Vec") -> bool:
        return self.x < o.x

    def __eq__(self, o: "Vec") -> bool:
        return self.x == o.x

    def __ne__(self, o: "Vec") -> bool:
        return self.x != o.x

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> float:
        return self.x if i == 0 else self.y

    def __setitem__(self, i: int, v: float):
        if i == 0:
            self.x = v
        else:
            self.y = v

    def __contains__(self, v: float) -> bool:
        return v == self.x or v == self.y

    def __neg__(self) -> "Vec":
        return Vec(-self.x, -self.y)

    def __bool__(self) -> bool:
        return self.x != 0.0

    def __str__(self) -> str:
        return "vec"

    def __call__(self, v: float) -> float:
        return self.x * v + self.y

    @staticmethod
    def zero() -> "Vec":
        return Vec(0.0, 0.0)

    @property
    def norm(self) -> float:
        return abs(self.x) + abs(self.y)


@suite((1.0, 2.0), (3.0, -1.0), (0.0, 0.0))
class Magic(nn.Module):
    def forward(self, a: float, b: float):
        v = Vec(a, b)
        w = Vec(b, a)
        u = v + w
        z = (v - w) * 2.0
        return u.x, z.y, v < w, v == w, v != w, len(v), v[0], v[1], (-v).x, v(3.0), v.norm, a in v


@suite((1.0, 2.0), (3.0, -1.0), (0.0, 0.0))
class Magic2(nn.Module):
    def forward(self, a: float, b: float):
        v = Vec(a, b)
        v[0] = 9.0
        v.y += 1.0
        if v:
            v.x = v.x + 1
        vs = [Vec(b, a), v, Vec(a, a)]
        vs = sorted(vs)
        vs.sort(reverse=True)
        return v.x, v.y, [q.x for q in vs], v is vs[0], Vec.zero().x


@suite((1.0,), (2.0,))
class ObjOpt(nn.Module):
    def forward(self, a: float):
        v: Optional[Vec] = None
        if a > 1:
            v = Vec(a, a)
        t: Dict[str, Vec] = {"z": Vec(0.0, a)}
        t["z"].x = 5.0
        return v is None, 0.0 if v is None else v.x, t["z"].x, t["z"].y


@torch.jit.script
class Node:
    def __init__(self, value: int):
        self.value = value
        self.children = torch.jit.annotate(List[int], [])

    def add(self, n: int):
        self.children.append(n)


@suite((3,), (0,))
class ObjAny(nn.Module):
    def forward(self, n: int):
        x: Any = Vec(1.0, 2.0)
        if n > 0:
            x = 5
        if isinstance(x, Vec):
            return x.x
        return -1.0


@suite((3,), (0,))
class ObjUnion(nn.Module):
    def forward(self, n: int):
        x: Union[Vec, Node] = Vec(1.0, 2.0)
        if n > 0:
            x = Node(n)
        if isinstance(x, Vec):
            return x.x
        else:
            return float(x.value)


@torch.jit.interface
class Shape:
    def area(self, k: float) -> float:
        pass


@torch.jit.script
class Square:
    def __init__(self, s: float):
        self.s = s

    def area(self, k: float) -> float:
        return self.s * self.s * k


@torch.jit.script
class Circle:
    def __init__(self, r: float):
        self.r = r

    def area(self, k: float) -> float:
        return self.r * self.r * 3.0 * k


def total_area(shapes: List[Shape]) -> float:
    t = 0.0
    for s in shapes:
        t += s.area(1.0)
    return t


@suite((1.0,), (2.0,))
class InterfaceList(nn.Module):
    def forward(self, a: float):
        shapes = torch.jit.annotate(List[Shape], [])
        shapes.append(Square(a))
        shapes.append(Circle(a))
        return total_area(shapes)


def either(flag: bool) -> Tuple[Union[float, List[int]], bool]:
    return 3.0, flag


@suite((1,), (0,))
class ItemOfATupleOfAUnion(nn.Module):
    """What is known of the tuple is more than the type of its item says."""

    def forward(self, n: int) -> Tuple[Union[float, List[int]], bool]:
        v, known = either(False)
        w = either(True)[0]
        if n > 0:
            w = [n]
        return (v if n == 0 else w), known


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
