"""Modules, functions, control flow, context managers, attributes, views."""

from typing import Any, Dict, Final, List, Optional, Tuple

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()
T = torch.Tensor


class Scale(nn.Module):
    def __init__(self, k: float):
        super().__init__()
        self.k = k

    def forward(self, x):
        return x * self.k

    def other(self, x, n: int) -> T:
        return x + self.k * n


class Lin(nn.Module):
    def __init__(self, i: int):
        super().__init__()
        self.lin = nn.Linear(3, 3)
        with torch.no_grad():
            self.lin.weight.copy_(randn(3, 3, seed=i))
            self.lin.bias.copy_(randn(3, seed=i))

    def forward(self, x):
        return torch.relu(self.lin(x))


@torch.jit.interface
class Layer:
    def forward(self, x: T) -> T:
        pass


@suite((randn(2, 3), 0), (randn(1, 3), 2), (randn(1, 3), -1), message=None, line=False)
class RuntimeIndex(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Lin(0), Lin(1), Lin(2)])

    def forward(self, x, i: int):
        layer: Layer = self.layers[i]
        return layer.forward(x)


@suite((randn(2, 3), "a"), (randn(1, 3), "b"), (randn(1,3), "zz"), message=None, line=False)
class RuntimeKey(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"a": Lin(0), "b": Lin(1)})

    def forward(self, x, k: str):
        layer: Layer = self.layers[k]
        return layer.forward(x)


@suite((randn(2, 3),))
class DictLoops(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"a": Scale(2.0), "b": Scale(3.0)})

    def forward(self, x):
        names = ""
        for k, m in self.layers.items():
            x = m(x)
            names += k
        for k in self.layers.keys():
            names += k
        for m in self.layers.values():
            x = m.other(x, 2)
        for k in self.layers:
            names += k
        return x, names, "a" in self.layers, len(self.layers), self.layers["a"](x)


@suite((randn(2, 3),))
class ListLoops(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Scale(2.0), Scale(3.0), Scale(0.5)])
        self.seq = nn.Sequential(Scale(1.5), nn.ReLU(), Scale(2.0))

    def forward(self, x):
        outs: List[T] = []
        for i, m in enumerate(self.layers):
            x = m(x) + i
            outs.append(x)
        for m, k in zip(self.layers, (1, 2, 3)):
            x = m.other(x, k)
        for m in self.seq:
            x = m(x)
        for m in self.layers[1:]:
            x = m(x)
        y = self.layers[-1](x) + self.layers[0](x) + self.seq(x) + self.seq[0](x)
        return x, outs, y, len(self.layers), len(self.seq)


@suite((randn(2, 3),))
class ParamLists(nn.Module):
    def __init__(self):
        super().__init__()
        self.ps = nn.ParameterList([nn.Parameter(randn(3, seed=i)) for i in range(3)])
        self.pd = nn.ParameterDict({"a": nn.Parameter(randn(3, seed=5))})

    def forward(self, x):
        for p in self.ps:
            x = x + p
        return x * self.ps[0] + self.pd["a"]


def helper(x: int, depth: int = 2) -> int:
    if x > depth:
        return x
    return x * 10


def apply_twice(x: T, k: float = 2.0) -> Tuple[T, int]:
    def_value = x * k
    return def_value * k, x.dim()


@suite((1, randn(2)), (5, randn(2, 2)))
class Funcs(nn.Module):
    def forward(self, n: int, x):
        a, d = apply_twice(x)
        b, _ = apply_twice(x, k=3.0)
        return helper(n), helper(n, 0), helper(depth=7, x=n), a, b, d


@suite((10,), (0,), (3,))
class Nested(nn.Module):
    def forward(self, n: int):
        out: List[Tuple[int, int]] = []
        for i in range(n):
            if i == 7:
                break
            j = 0
            while True:
                j += 1
                if j > i:
                    break
                if (i * j) % 2 == 1:
                    continue
                for k in range(3):
                    if k == 1:
                        continue
                    if k == 2 and i > 4:
                        break
                    out.append((i * 10 + j, k))
            if len(out) > 20:
                return out
        return out


@suite((10,), (0,), (3,))
class EarlyReturn(nn.Module):
    def find(self, xs: List[int], v: int) -> Optional[int]:
        for i, x in enumerate(xs):
            if x == v:
                return i
            elif x > 100:
                return None
        return -1

    def forward(self, n: int):
        a = self.find([1, 2, n, 200, 5], 10)
        b = self.find([1, 2, n], 3)
        c = self.find([], 3)
        return a, b, c


@suite((5,), (0,), (-2,))
class Ranges(nn.Module):
    def forward(self, n: int):
        a = [i for i in range(n)]
        b = [i for i in range(1, n)]
        c = [i for i in range(n, 0, -1)]
        d = [i for i in range(0, n, 2)]
        e = list(range(n))
        t = 0
        for i in range(10, n, -3):
            t += i
        i = 100
        for i in range(n):
            pass
        return a, b, c, d, e, t, i


@suite((5, 0), (0, 3), class_name="ValueError")
class RangeZero(nn.Module):
    def forward(self, n: int, s: int):
        t = 0
        for i in range(0, n, s):
            t += i
        return t


@suite(([1, 2, 3], ["a", "b"]), ([], []))
class ZipEnum(nn.Module):
    def forward(self, xs: List[int], ys: List[str]):
        out: List[str] = []
        for i, (x, y) in enumerate(zip(xs, ys)):
            out.append(f"{i}{x}{y}")
        for x, y, z in zip(xs, ys, range(5)):
            out.append(f"{x}{y}{z}")
        for i, x in enumerate(xs, 10):
            out.append(f"{i}:{x}")
        for x in xs:
            out.append(str(x))
        for a in [[1, 2], xs]:
            for b in a:
                out.append(str(b))
        return out


@suite((randn(3, 2),), (randn(1, 4),), (torch.zeros(0, 2),))
class TensorIter(nn.Module):
    def forward(self, x):
        total = torch.zeros(x.size(1))
        n = 0
        for row in x:
            total = total + row
            n += 1
        for i, row in enumerate(x):
            total = total + i * row
        a = [r.sum() for r in x]
        return total, n, a, len(x), [float(v) for v in torch.arange(3)]


@suite((randn(3),), (randn(2, 2),))
class TensorConds(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            y = x + 1
        else:
            y = x - 1
        n = 0
        while y.abs().sum() > 0.5 and n < 20:
            y = y * 0.5
            n += 1
        z = y if bool((y > 0).any()) else -y
        if x.size(0) == 3:
            w = 1
        elif not (x > 0).all():
            w = 2
        else:
            w = 3
        return y, z, n, w, bool(x.dim() == 1 and x[0] > 0)


@suite((3,), (0,))
class Ternary(nn.Module):
    def forward(self, n: int):
        a = "pos" if n > 0 else "zero"
        b = [1] if n > 0 else [2, 3]
        c = None if n > 0 else n
        d = (1, "a") if n > 0 else (2, "b")
        e = 1.5 if n else 2.5
        return a, b, c, d, e


@torch.jit.script
class Timer:
    def __init__(self, n: int):
        self.n = n
        self.log: List[str] = []

    def __enter__(self):
        self.n += 1
        self.log.append("enter")
        return self

    def __exit__(self, type: Any, value: Any, tb: Any):
        self.n += 10
        self.log.append("exit")


@suite((1,), (5,))
class Contexts(nn.Module):
    def forward(self, n: int):
        t = Timer(n)
        m = 0
        with t:
            m = t.n
        with t as q:
            q.n += 100
        with Timer(3) as a, Timer(4) as b:
            m += a.n * b.n
        return t.n, m, t.log


@suite((1,), (5,))
class ContextReturn(nn.Module):
    def inner(self, t: Timer, n: int) -> int:
        with t:
            if n > 2:
                return 99
        return 1

    def forward(self, n: int):
        t = Timer(0)
        r = self.inner(t, n)
        return r, t.n, t.log


@suite((randn(2),))
class GradModes(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x * 2
        with torch.no_grad():
            z = y + 1
        torch.set_grad_enabled(False)
        return z, y.requires_grad, torch.is_grad_enabled()


@suite((randn(2, 3),))
class Autocast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 2)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = torch.mm(x, self.lin.weight.t())
        return y, y.dtype


@suite((randn(2),), (randn(3),))
class Unused(nn.Module):
    @torch.jit.unused
    def python_only(self, x: T) -> T:
        import numpy
        return x

    @torch.jit.ignore
    def never_called(self, x: T) -> T:  # a module that calls such a method can't be saved
        return x

    def forward(self, x):
        if x.size(0) == 3:
            return self.python_only(x)
        return x + 1


@suite((randn(2),), on("helper_method", randn(2), 3), on("reset"), (randn(2),))
class Export(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0

    @torch.jit.export
    def helper_method(self, x, n: int):
        self.count += n
        return x * n

    @torch.jit.export
    def reset(self):
        old = self.count
        self.count = 100
        return old

    def forward(self, x):
        self.count += 1
        return x, self.count


@torch.jit.script_if_tracing
def loop_it(x, n: int):
    for i in range(n):
        x = x + i
    return x


@suite((randn(2), 3), (randn(3), 0))
class ScriptIfTracing(nn.Module):
    def forward(self, x, n: int):
        return loop_it(x, n)


@suite((randn(2),))
class Finals(nn.Module):
    k: Final[int] = 4
    names: Final[List[str]]
    __constants__ = ["z"]

    def __init__(self):
        super().__init__()
        self.names = ["a", "b"]
        self.z = 2.5
        self.table = torch.jit.Attribute({"a": 1}, Dict[str, int])
        self.opt = torch.jit.Attribute(None, Optional[int])
        self.dev = torch.device("cpu")
        self.dt = torch.float64

    def forward(self, x):
        y = x * self.k + self.z
        n = 0
        for s in self.names:
            n += self.table.get(s, 10)
        if self.opt is not None:
            n += 1000
        return y, n, self.names, x.to(self.dt), self.dev == x.device


@suite((3,), (-1,), (4,))
class AttrState(nn.Module):
    def __init__(self):
        super().__init__()
        self.log = torch.jit.Attribute([], List[int])
        self.table = torch.jit.Attribute({}, Dict[str, List[int]])
        self.last = torch.jit.Attribute(None, Optional[str])
        self.pair = (0, "x")
        self.flag = False
        self.register_buffer("buf", torch.zeros(2))

    def forward(self, n: int):
        self.log.append(n)
        k = "neg" if n < 0 else "pos"
        if k not in self.table:
            self.table[k] = torch.jit.annotate(List[int], [])
        self.table[k].append(n)
        old = self.last
        self.last = k
        self.pair = (self.pair[0] + n, k)
        self.flag = not self.flag
        self.buf += n
        return self.log, self.table, old, self.pair, self.flag, self.buf


@suite((randn(3, 4),), (randn(2, 2),))
class Views(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[0] = 0
        y[:, 1] += 5
        y[-1][0] = 7
        v = y.view(-1)
        v[2] = 100
        t = y.t()
        t[0, 0] = -1
        y[y > 50] = 3
        a = y[:, :2]
        a.mul_(2)
        b = a[1:]
        b.add_(1)
        y.unsqueeze(0)[0, 0, 1] = 9
        c = y.chunk(2, 1)
        c[0].fill_(0.5)
        d = y.diagonal()
        d += 10
        e = y.expand(2, y.size(0), y.size(1))
        f = torch.split(y, 1, 0)[0]
        f.zero_()
        g = y.unbind(1)
        g[1].neg_()
        h = y.detach()
        h[0, 0] = 33
        return y, v, t, e, y.select(0, 1), y.narrow(1, 0, 1), y.flatten()


@suite((randn(4, 4), 1), (randn(5, 3), 2))
class IndexWrites(nn.Module):
    def forward(self, x, i: int):
        y = x.clone()
        y[i, i] = 1
        y[i:, 0] = torch.arange(y.size(0) - i).to(y.dtype)
        y[..., -1] = 2
        y[[0, 1]] += 1
        y[torch.tensor([0, 1]), torch.tensor([1, 0])] = 5
        y[None, 0] *= 2
        y[::2, 1:3] = 0.25
        z = y[:, None, 0]
        z[:] = -1
        w = y[i]
        w[0] = 42
        y[y < 0] *= 2
        return y, z, w, y[i - 3:, ::2], y[0, ...], y[:, [0, 2]], y[torch.tensor(1)]


@suite((3,), on("reset"), (-1,), on("take"), (5,))
class ListState(nn.Module):
    def __init__(self):
        super().__init__()
        self.log = torch.jit.Attribute([], List[int])

    @torch.jit.export
    def reset(self):
        self.log = [1, 2]
        return self.log

    @torch.jit.export
    def take(self):
        self.log = [7]
        a = self.log
        a.append(8)
        return self.log

    def forward(self, n: int):
        self.log.append(n)
        return self.log


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
