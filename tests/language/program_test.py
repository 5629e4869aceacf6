"""The six programs that other exporters get wrong: control flow, containers and state in small."""

from typing import Dict, List

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((randn(5, 8),), (randn(1, 8),), (randn(2, 3, 8),), (randn(8),))
class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, x):
        return self.layers(x)


@suite((randn(3, 4).abs(),), (-randn(3, 4).abs(),), (randn(7),), (torch.tensor(2.0),))
class DataDependentIf(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            y = x * 2
        else:
            y = -x
        return y


@suite((randn(3, 4), 3), (randn(3, 4), 0), (randn(10) * 1e-3, 100), (randn(2, 2, 2), 7))
class WhileOnNorm(nn.Module):
    def forward(self, x, limit: int):
        count = 0
        while x.norm() < 10.0 and count < limit:
            x = x * 1.5
            count += 1
        return x, count


@suite(
    ({"a": randn(3, 4), "b": randn(3, 4)},),
    ({"b": randn(2), "a": randn(2), "c": randn(2)},),
    ({},),
)
class DictInOut(nn.Module):
    def forward(self, features: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        out: Dict[str, torch.Tensor] = {}
        for name, x in features.items():
            out[name + "_scaled"] = x * 2
        if "a" in features:
            out["total"] = features["a"].sum()
        return out


@suite((randn(3, 4), 3), (randn(4), 1), (randn(2, 0), 5), (torch.tensor(1.5), 2))
class AppendThenStack(nn.Module):
    def forward(self, x, steps: int):
        outputs: List[torch.Tensor] = []
        for i in range(steps):
            x = torch.tanh(x) + i
            outputs.append(x)
        return torch.stack(outputs)


@suite(
    (randn(4),), (randn(4),), on("reset"), (randn(4),), on("peek"), (randn(1),), on("reset"), on("reset"), on("peek")
)
class Accumulator(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(4))
        self.count = 0

    def forward(self, x):
        self.total = self.total * 0.5 + x
        self.count += 1
        return self.total, self.count

    @torch.jit.export
    def reset(self):
        self.total.zero_()
        self.count = 0

    @torch.jit.export
    def peek(self):
        return self.total + self.count


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
