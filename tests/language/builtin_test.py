"""Every builtin of str, list and dict."""

from typing import Dict, List, Optional, Tuple

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()
nan, inf = float("nan"), float("inf")
T = torch.Tensor
TEXTS = [
    ("Hello World",), ("",), ("abc123",), ("  pad \t\n",), ("UPPER",), ("a\tb\tcc\td",), ("one\ntwo\r\nthree",), ("Title Case Here",),
    ("123",), ("_id",), ("1.5",),
]


@suite(*TEXTS)
class StrTests(nn.Module):
    def forward(self, s: str):
        return (
            s.isupper(), s.islower(), s.isalpha(), s.isalnum(), s.isdigit(), s.isdecimal(), s.isnumeric(), s.isspace(), s.istitle(),
            s.isidentifier(), s.isprintable(),
        )


@suite(*TEXTS)
class StrMake(nn.Module):
    def forward(self, s: str):
        return (
            s.upper(), s.lower(), s.capitalize(), s.title(), s.swapcase(), s.expandtabs(), s.expandtabs(4), s.splitlines(),
            s.splitlines(True), s.strip(), s.strip("a"), s.lstrip(" H"), s.rstrip("d3\n"),
        )


@suite(*TEXTS)
class StrPad(nn.Module):
    def forward(self, s: str):
        return s.center(15), s.center(14, "*"), s.ljust(15), s.rjust(15, "-"), s.zfill(15), s.zfill(0), s.center(2)


@suite(("banana", "an"), ("abc", "x"), class_name="ValueError")
class StrIndex(nn.Module):
    def forward(self, s: str, t: str):
        return s.index(t), s.rindex(t)


@suite(("banana", "an"), ("abc", "x"), ("a,b,,c", ","), ("", ","), (" a  b ", " "))
class StrSplit(nn.Module):
    def forward(self, s: str, t: str):
        return (
            s.split(t), s.split(t, 1), s.rsplit(t), s.rsplit(t, 1), s.partition(t), s.rpartition(t), s.split(None),
            s.split(None, 1),
        )


@suite(("banana",), ("a b",), ("",))
class StrSplit2(nn.Module):
    def forward(self, s: str):
        return s.split(), s.rsplit(), s.split(" "), list(s)


@suite(("banana", 2), ("", 1), ("ab", 0))
class StrMul(nn.Module):
    def forward(self, s: str, n: int):
        return s + s, s[n:], s[:n], s[-n:], s[::2], s[n:n+2], len(s)


@suite(("banana", 2), ("abc", -1), ("ab", 5), ("ab", -3), class_name="IndexError", message=None)
class StrGet(nn.Module):
    def forward(self, s: str, n: int):
        return s[n]


@suite(("banana",), ("abc",), ("",))
class StrIter(nn.Module):
    def forward(self, s: str):
        out: List[int] = []
        codes: Dict[str, int] = {}
        for i, c in enumerate(s):
            out.append(ord(c) + i)
            codes[c] = i
        r = ""
        for c in s:
            r = c + r
        return out, codes, r, [c + "" for c in s]


@suite((65,), (97,), (48,), (200,))
class Chr(nn.Module):
    def forward(self, n: int):
        return ord(chr(n)), hex(n), oct(n), bin(n), hex(-n), bin(-n)


@suite((-1,), (0x110000,), class_name="ValueError")
class ChrBad(nn.Module):
    def forward(self, n: int):
        return chr(n)


@suite(("ab",), ("",), ("x",), class_name="TypeError")
class Ord(nn.Module):
    def forward(self, s: str):
        return ord(s)


@suite(
    (3, 1.5, "x", True), (-7, 1e20, "", False), (0, 0.1, "é", True), (1, float("inf"), "a b", True), (2, -0.0, "{}", True),
    (2, 1e-7, "%", True),
)
class Format1(nn.Module):
    def forward(self, n: int, f: float, s: str, b: bool):
        return (
            f"{n}{f}{s}{b}", "{} {} {} {}".format(n, f, s, b), "%d %s %s %s" % (n, s, b, f), "%f|%e" % (f, f), "%i" % n,
            "%%", "%s" % s, "%c" % 65,
        )


@suite((3, 1.5, "x", True), (-7, 1e20, "", False))
class Format2(nn.Module):
    def forward(self, n: int, f: float, s: str, b: bool):
        return (
            f"{[n, n]}", f"{(n, s)}", f"{ {s: n} }", str([s, s]), str((f, b)), str([f, f]), str([b, b]), str({s: f}), str(None),
            f"{None}", f"{torch.float32}", f"{torch.device('cpu')}",
        )


@suite((3,), (-3,))
class Format3(nn.Module):
    def forward(self, n: int):
        x: Optional[int] = n if n > 0 else None
        return f"{x}", str([x, x]), str([[n], [n, n]]), str([(n, n)]), str({n: [n]}), str(2j + n), str([])


TENSORS = [
    [nan, 1.5], [inf, 2.0], [nan], [1e10, 1.0], [1e-5, 1.5], [100000.5, 3.2], [1234567.5, 1000000.0], [-1234.5, 3.25], [0.001, 0.002],
    [-3, 100], [True], 1e-30, 2.5, 3, [[1, 2], [3, 400]], [[[1.5, 2], [3, 4]], [[0.25, 6], [7, 8]]], [], [[0.001, 0.002], [0.003, -1.0]],
    [1 + 2j], [1e-120, 1.0], [0.0, 0.5], [123456.0, 99999999999.0], [123456789], 123456789, [[[12.5, 12345678.5]], [[1234567, 1]]], nan,
]


@suite(
    *[(torch.tensor(x),) for x in TENSORS], (torch.arange(60.0).reshape(2, 30) * 1.5,), (torch.zeros(2, 0),),
    (torch.arange(60.0).reshape(1, 2, 30) * 1.5,), (torch.arange(40.0).reshape(2, 20) * 1234567.25,),
    (torch.arange(80.0).reshape(2, 2, 20) * 1234567.25 + 1e7,), (torch.arange(24).reshape(2, 3, 2, 2),),
    (torch.arange(6.0).reshape(2, 3).t(),), (torch.zeros(2, dtype=torch.float16),), (torch.arange(60).reshape(3, 20) * 0.0001,),
)
class FormatTensor(nn.Module):
    def forward(self, x):
        return str(x), f"{x}!", "{}".format([x, x])


@suite(("a",), ("b",), class_name="ValueError")
class FormatMissing(nn.Module):
    def forward(self, a: str):
        return "{} {}".format(a)


@suite(("a",), ("b",))
class FormatMore(nn.Module):
    def forward(self, a: str):
        return "{}".format(a, a), "{{}}".format(a), "no".format(a)


@suite(("a", ["x", "y"]), ("", []), (", ", ["only"]))
class Join(nn.Module):
    def forward(self, a: str, xs: List[str]):
        return a.join(xs), a.join([x + "!" for x in xs])


@suite(("a", "b"), ("x", "x"))
class StrCompare(nn.Module):
    def forward(self, a: str, b: str):
        return a == b, a != b, a < b, a > b, a <= b, a >= b, a == "a", a in ["a", "q"], hash(a) == hash(b)


@suite(([3, 1, 2],), ([],), ([5, 5, -1],))
class IntList(nn.Module):
    def forward(self, xs: List[int]):
        a = sorted(xs)
        b = sorted(xs)
        xs.sort(reverse=True)
        c = xs.copy()
        xs.sort()
        xs.reverse()
        d = list(xs)
        e = xs
        xs.clear()
        return a, b, c, d, e, xs, len(xs), not xs


@suite(([3.5, 1.0, 2.0],), ([],), ([5.0, float("inf"), -1.0],))
class FloatList(nn.Module):
    def forward(self, xs: List[float]):
        a = sorted(xs)
        xs.sort(reverse=True)
        xs.append(7.0)
        xs.insert(0, 1.5)
        return a, xs, 7.0 in xs, xs.count(1.5), xs.index(7.0), xs == a, xs != a, sum(xs), max(xs)


@suite(([True, False],), ([],), ([False],))
class BoolList(nn.Module):
    def forward(self, xs: List[bool]):
        xs.append(True)
        return xs, sum(xs), any(xs), all(xs), xs.count(True), xs.index(True), sorted(xs), xs + [False], xs * 2, xs == [True]


@suite((["b", "a"],), ([],), (["z", "z", ""],))
class StrList(nn.Module):
    def forward(self, xs: List[str]):
        xs.append("q")
        ys = sorted(xs)
        xs.sort(reverse=True)
        return (
            xs, ys, xs.count("z"), xs.index("q"), "b" in xs, xs + ["w"], xs * 2, xs == ys, xs != ys, any([len(x) > 0 for x in xs]),
        )


@suite((["b", "a"],), ([],), (["", ""],))
class AnyStr(nn.Module):
    def forward(self, xs: List[str]):
        return any([x == "a" for x in xs]), all([x != "" for x in xs])


@suite(([1, 2, 3, 4, 5], 2), ([1], 0), ([1, 2, 3], -1), ([1, 2], 5), ([], 0), class_name="IndexError")
class ListPop(nn.Module):
    def forward(self, xs: List[int], i: int):
        a = xs.pop(i)
        return a, xs


@suite(([1, 2, 3], 2), ([1], 0), ([1, 2, 3], -1), ([1, 2], 5), ([], -4))
class ListInsert(nn.Module):
    def forward(self, xs: List[int], i: int):
        xs.insert(i, 99)
        return xs


@suite(([1, 2, 3], 2), ([1], 0), ([1, 2, 3], -1), ([1, 2], 5), class_name="IndexError")
class ListDel(nn.Module):
    def forward(self, xs: List[int], i: int):
        del xs[i]
        return xs


@suite(([1, 2, 3, 4], 2), ([1, 2], 7), class_name="ValueError")
class ListRemove(nn.Module):
    def forward(self, xs: List[int], x: int):
        xs.remove(x)
        return xs


@suite(([1, 2, 3, 4], 2), ([1, 2], 7), class_name="ValueError")
class ListIndexOf(nn.Module):
    def forward(self, xs: List[int], x: int):
        return xs.index(x)


@suite(([1, 2, 3, 4], 1), ([1, 2], -1), ([], 0))
class ListAug(nn.Module):
    def forward(self, xs: List[int], x: int):
        ys = xs
        xs += [x]
        xs *= 2
        xs.extend(xs)
        return xs, ys, xs is ys


@suite(([1, 2, 3, 4], 1), ([1, 2], -1))
class ListItemAug(nn.Module):
    def forward(self, xs: List[int], i: int):
        xs[i] += 5
        xs[0] *= 2
        xs[-1] -= 1
        return xs


@suite((3,), (0,))
class ListMul(nn.Module):
    def forward(self, n: int):
        return [1, 2] * n, n * [0.5], [[n]] * 2, ["a"] * n


@suite(([[1, 2], [3]],), ([],), ([[]],))
class ListNested(nn.Module):
    def forward(self, xs: List[List[int]]):
        ys = [len(x) for x in xs]
        for x in xs:
            x.append(0)
        ws = xs.copy()
        ws.append([9])
        if len(xs) > 0:
            ws[0].append(100)
        return xs, ys, ws, [sum(x) for x in xs]


@suite(([(1, "a"), (0, "b"), (0, "a")],), ([],))
class ListOfTuplesSort(nn.Module):
    def forward(self, xs: List[Tuple[int, str]]):
        ys = sorted(xs)
        return ys, [a for a, b in xs], [b for _, b in ys]


@suite(([randn(2), randn(3)],), ([randn(1)],))
class TensorListOps(nn.Module):
    def forward(self, xs: List[T]):
        a = xs[0]
        xs.append(a)
        c = xs.pop(0)
        xs.insert(0, c + 1)
        xs.reverse()
        ys = xs[:1] + xs
        return ys, xs, len(xs), [x.size(0) for x in xs], xs[-1] is a


@suite(([torch.tensor(3), torch.tensor(1), torch.tensor(2)],), ([torch.tensor(3)],))
class TensorListSort(nn.Module):
    def forward(self, xs: List[T]):
        ys = sorted(xs)
        xs.sort()
        zs = sorted(xs)
        return ys, xs, zs, xs.count(torch.tensor(1)), xs.index(torch.tensor(3))


@suite(
    ([torch.tensor([3]), torch.tensor([1])], [torch.tensor([3]), torch.tensor([1])]), ([], []),
    ([torch.tensor([1])], [torch.tensor([2])]),
)
class TensorListEq(nn.Module):
    def forward(self, xs: List[T], ys: List[T]):
        return xs == ys, xs != ys


@suite(([1, 2, 3],), ([1, 2],), ([],))
class ListUnpack3(nn.Module):
    def forward(self, xs: List[int]):
        a, b, c = xs
        return a + b * 10 + c * 100


@suite(({"a": 1, "b": 2}, "a"), ({}, "q"))
class DictA(nn.Module):
    def forward(self, t: Dict[str, int], k: str):
        a = t.get(k)
        b = t.get(k, 7)
        c = k in t
        t[k] = 9
        d = t.copy()
        t.update({"z": 26})
        e = t.setdefault("n", 3)
        f = t.pop(k)
        g = len(t)
        keys = [x for x in t.keys()]
        items = [(x, y) for x, y in t.items()]
        vals = [v for v in t.values()]
        return a, b, c, t, d, e, f, g, keys, items, vals, list(t.keys()), list(t), bool(len(t)), list(t.items())


@suite(({"a": 1, "b": 2}, "a"), ({"a": 1}, "q"), class_name="KeyError", message=None)
class DictPop(nn.Module):
    def forward(self, t: Dict[str, int], k: str):
        return t.pop(k)


@suite(({"a": 1, "b": 2}, "a"), ({"a": 1}, "q"))
class DictPopDefault(nn.Module):
    def forward(self, t: Dict[str, int], k: str):
        return t.pop(k, 55), t


@suite(({"a": 1, "b": 2},), ({"a": 1},), ({},), class_name="KeyError")
class DictPopItem(nn.Module):
    def forward(self, t: Dict[str, int]):
        x = t.popitem()
        return x, t


@suite(({"a": 1, "b": 2}, "a"), ({"a": 1}, "q"), class_name="KeyError", message=None)
class DictDel(nn.Module):
    def forward(self, t: Dict[str, int], k: str):
        del t[k]
        return t


@suite(({1: 2.5, 3: 4.5}, 1), ({}, 2))
class DictIntKey(nn.Module):
    def forward(self, t: Dict[int, float], k: int):
        t[k] = 0.5
        t[k + 10] = t[k] * 3
        return t, t.get(k), t.get(99), sum([v for v in t.values()]), max([x for x in t.keys()])


@suite(({1.5: "x"}, 1.5), ({}, 2.0))
class DictFloatKey(nn.Module):
    def forward(self, t: Dict[float, str], k: float):
        t[k] = "new"
        return t, k in t, t.get(k), t.pop(k), t.get(k, "none"), t


@suite(({True: "x"}, True), ({}, False))
class DictBoolKey(nn.Module):
    def forward(self, t: Dict[bool, str], k: bool):
        t[k] = "new"
        t[not k] = "other"
        return t, k in t, t.get(k), t.pop(k), t


@suite((1, 2), (0, 0))
class DictTensorKey(nn.Module):
    def forward(self, a: int, b: int):
        x = torch.tensor(a)
        y = torch.tensor(b)
        t = {x: 1, y: 2}
        t[x] = 5
        return t[x], t[y], len(t), x in t


@suite((3,), (0,))
class DictComp(nn.Module):
    def forward(self, n: int):
        a = {i: i * i for i in range(n)}
        b = {str(i): [i] * i for i in range(n)}
        c = dict([("a", n), ("b", 2)])
        d = {k: v for k, v in a.items()}
        e: Dict[str, Dict[str, int]] = {}
        e["x"] = {"y": n}
        e["x"]["z"] = 5
        f = dict(a)
        f[100] = 1
        return a, b, c, d, e, f, dict(x=1, y=n), len(a)


@suite(({"a": [1]}, "a"), ({}, "b"))
class DictList(nn.Module):
    def forward(self, t: Dict[str, List[int]], k: str):
        if k not in t:
            t[k] = torch.jit.annotate(List[int], [])
        t[k].append(3)
        t[k] += [4, 5]
        x = t[k]
        x[0] = 100
        return t, x is t[k]


@suite(({"a": randn(2)}, "a"), ({}, "b"))
class DictTensor(nn.Module):
    def forward(self, t: Dict[str, T], k: str):
        if k in t:
            t[k] = t[k] * 2
            t[k].add_(1)
        else:
            t[k] = torch.ones(3)
        total = torch.zeros(())
        for name, v in t.items():
            total = total + v.sum()
        return t, total, list(t.keys())


@suite(({"a": 1},), ({},))
class DictClear(nn.Module):
    def forward(self, t: Dict[str, int]):
        u = t
        u["k"] = 1
        n = len(t)
        t.clear()
        return n, u, len(u), u is t


@suite(({"b": 1, "a": 2},), ({},))
class DictIterOrder(nn.Module):
    def forward(self, t: Dict[str, int]):
        t["c"] = 0
        t["b"] = 9
        out = ""
        for k in t:
            out += k + str(t[k])
        for i, (k, v) in enumerate(t.items()):
            out += f"{i}{k}{v}"
        for k, x in zip(t.keys(), [10, 20, 30]):
            out += k + str(x)
        return out, sorted([k for k in t])


@suite(("banana", "an"), ("aaa", "a"), ("abc", "bc"), ("xyz", "q"))
class StrSearch(nn.Module):
    def forward(self, s: str, t: str):
        return (
            s.find(t), s.rfind(t), s.find(t, 2), s.find(t, 1, 3), s.rfind(t, 0, 3), s.count(t), s.count(t, 1), s.count(t, 0, 3),
            s.startswith(t), s.endswith(t), s.startswith(t, 1), s.endswith(t, 0, 3), s.replace(t, "_"), s.replace(t, "__", 1),
            t in s, t not in s,
        )


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
