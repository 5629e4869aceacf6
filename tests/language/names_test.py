"""Names that C++, the runtime or the emitted code have too."""

from typing import Dict, NamedTuple, Tuple

import torch
from torch import nn

from language import Suite, on, randn
suite = Suite()


@torch.jit.script
class State:
    def __init__(self, register: int):
        self.register = register
        self.default = [register]


class Context(NamedTuple):
    ctx: int
    double: float


@suite((3, 2, 1.5), (0, 1, -1.0))
class Names(nn.Module):
    def forward(self, new: int, ctx: int, double: float):
        auto = new + ctx
        union = double * auto
        s = State(auto)
        s.default.append(new)
        main = [auto]
        for i64 in range(ctx):
            main.append(i64)
        return auto, union, s.register, s.default, Context(ctx, double), main


@torch.jit.script
class Pair:
    def __init__(self, x: int, y: int):
        self.x = x
        self._x = y
        self.x__ = x + y


@suite((randn(2), randn(2), randn(3)), on("forward_", randn(2)), (randn(2), randn(2), randn(3)))
class Underscores(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = torch.zeros(2)
        self._h = torch.ones(2)
        self.h_ = 3

    def forward(self, x, _x, x_):
        self.h += x
        self._h += _x.sum()
        self.h_ += 2
        p = Pair(1, 2)
        p._x = p._x * 3
        return self.h + 2, self._h, self.h_, p.x, p._x, p.x__, x_.exp()

    @torch.jit.export
    def forward_(self, x):
        return x + self.h


@suite((1,), (2,), on("delete", 5))
class KeywordMethods(nn.Module):
    def __init__(self):
        super().__init__()
        self.namespace = 0
        self.operator = torch.zeros(2)
    def forward(self, switch: int):
        self.namespace += switch
        self.operator += 1
        return self.namespace, self.operator
    @torch.jit.export
    def delete(self, template: int) -> int:
        return template + self.namespace


@suite((1,), (2,))
class StateAndState(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, n: int):
        self.count += n
        s = State(self.count)
        s.default.append(n)
        return self.count, s.default


@suite(({1.5: "a", 0.5: "b"},), ({},))
class FloatKeys(nn.Module):
    def forward(self, t: Dict[float, str]) -> Tuple[Dict[float, str], float]:
        n = 0.0
        for k in t.keys():
            n += k
        return t, n


@suite((randn(2, 3),), (randn(1),))
class Prints(nn.Module):
    def forward(self, x):
        print("sum", x.dim(), [1, 2], {"a": 1}, (1, "b"), 2.5, None)
        return x


@suite((randn(2, 3),))
class NamesOfConstants(nn.Module):
    """What emitted code calls the constants [0], [1] and [0, 1] are names of its variables, too."""

    def forward(self, k):
        k_0 = k * 2
        first = k_0.sum([0])
        k_1 = k_0 + first
        for k_0_1 in range(2):
            k_1 = k_1 + k_1.sum([0, 1]) * k_0_1
        return k_1.sum([1]), k_0.sum([1]), k_0.sum([0]), k_1.sum([0, 1])


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
