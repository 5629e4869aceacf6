"""Loops over steps of a sequence, whose products with a constant weight may be one product before the loop."""

from typing import List

import torch
from torch import nn

from language import Suite, randn

suite = Suite()


def filled(module):
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(randn(*parameter.shape, seed=i) * 0.3)
    return module


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = filled(nn.Linear(64, 80))
        self.hidden = filled(nn.Linear(80, 80, bias=False))


SEQUENCES = ((randn(5, 2, 64),), (randn(1, 1, 64),), (randn(0, 2, 64),), (randn(3, 0, 64),), (randn(5, 2, 63),), (randn(0, 2, 63),))


@suite(*SEQUENCES, (randn(5, 64),), (randn(4, 3, 2, 64),), (torch.ones(5, 2, 64, dtype=torch.int64),), message=None, line=False)
class Forwards(Recurrent):
    def forward(self, x):
        h = torch.zeros(x.size(1), 80)
        outputs: List[torch.Tensor] = []
        for step in range(x.size(0)):
            h = torch.tanh(self.input(x[step]) + self.hidden(h))
            outputs.append(h)
        return h, outputs


@suite(*SEQUENCES, message=None, line=False)
class Backwards(Recurrent):
    def forward(self, x):
        h = torch.zeros(x.size(1), 80)
        for step in range(x.size(0)):
            h = torch.tanh(self.input(x[-step - 1]) + self.hidden(h))
        return h


@suite((randn(2, 5, 64),), (randn(1, 3, 64),), (randn(2, 0, 64),), (randn(2, 5, 60),), message=None, line=False)
class BatchFirst(Recurrent):
    def forward(self, x):
        h = torch.zeros(x.size(0), 80)
        for step in range(x.size(1)):
            h = torch.tanh(self.input(x[:, step]) + self.hidden(h))
        return h


@suite(*SEQUENCES, message=None, line=False)
class EveryStepTwice(Recurrent):
    """Loops in loops, and a step that is read beside its product."""

    def forward(self, x):
        total = torch.zeros(x.size(1), 80)
        for _ in range(2):
            for step in range(x.size(0)):
                total = total + self.input(x[step]) * x[step].mean()
        return total


@suite((randn(5, 2, 64), 3.0), (randn(5, 2, 64), -1e9), (randn(0, 2, 64), 0.0), (randn(5, 2, 63), -1e9), message=None, line=False)
class MayEndEarly(Recurrent):
    """A loop that ends early must not fail for steps that it never comes to."""

    def forward(self, x, limit: float):
        h = torch.zeros(x.size(1), 80)
        for step in range(x.size(0)):
            if float(h.sum()) > limit:
                break
            h = torch.tanh(self.input(x[step]) + self.hidden(h))
        return h


@suite(*SEQUENCES, message=None, line=False)
class WritesItsInput(Recurrent):
    """A step depends on what an earlier one wrote."""

    def forward(self, x):
        h = torch.zeros(x.size(1), 80)
        for step in range(x.size(0)):
            h = torch.tanh(self.input(x[step]) + self.hidden(h))
            if step + 1 < x.size(0):
                x[step + 1] += h[:, :1]
        return h


@suite((randn(6, 2, 64), 2), (randn(6, 2, 64), 9), (randn(6, 2, 64), 0), (randn(6, 2, 63), 0), class_name="IndexError", message=None, line=False)
class SomeSteps(Recurrent):
    """The number of trips is the caller's; too many fail where they fail in Python."""

    def forward(self, x, n: int):
        h = torch.zeros(x.size(1), 80)
        for step in range(n):
            h = torch.tanh(self.input(x[step]) + self.hidden(h))
        return h


@suite(*SEQUENCES, (randn(5, 64),), message=None, line=False)
class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = filled(nn.LSTMCell(64, 48))
        self.gru = filled(nn.GRUCell(48, 32))

    def forward(self, x):
        h, c = torch.zeros(x.size(1), 48), torch.zeros(x.size(1), 48)
        g = torch.zeros(x.size(1), 32)
        for step in range(x.size(0)):
            h, c = self.lstm(x[step], (h, c))
            g = self.gru(h, g)
        return h, c, g


@suite((randn(3, 5),), (randn(2, 3, 5),), (randn(5),), (randn(4, 2, 3, 5),), (randn(3, 4),), (torch.ones(2, 5, dtype=torch.float64),), message=None, line=False)
class AnyRank(nn.Module):
    """What is likely is assumed; all else runs, too."""

    def __init__(self):
        super().__init__()
        self.first = filled(nn.Linear(5, 7))
        self.second = filled(nn.Linear(7, 3))

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


@suite((randn(2, 3, 8),), (randn(1, 5, 8),), (randn(3, 8),), (randn(2, 3, 4, 8),), (randn(2, 3, 6),), message=None, line=False)
class UnpacksSizes(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = filled(nn.Linear(8, 24))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.qkv(x).view(b, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        return (torch.softmax(q @ k.transpose(-1, -2), -1) @ v).transpose(1, 2).reshape(b, t, c)


@suite((randn(2, 8), True), (randn(2, 6), False), (randn(2, 8), False), (randn(3, 2, 6), False), message=None, line=False)
class OneOfTwo(nn.Module):
    """The weights of a branch tell nothing of inputs that take the other."""

    def __init__(self):
        super().__init__()
        self.eight = filled(nn.Linear(8, 4))
        self.six = filled(nn.Linear(6, 4))

    def forward(self, x, eight: bool):
        if eight:
            return self.eight(x)
        return self.six(x)


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
