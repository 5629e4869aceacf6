"""The modules and functions of PyTorch's "Introduction to TorchScript" and "Loading a TorchScript Model in C++"."""

import torch
from torch import Tensor, nn


class MyCell(nn.Module):
    def forward(self, x, h):
        new_h = torch.tanh(x + h)
        return new_h, new_h


class MyLinearCell(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, h):
        new_h = torch.tanh(self.linear(x) + h)
        return new_h, new_h


class MyDecisionGate(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        else:
            return -x


class MyHighDecisionGate(nn.Module):
    def forward(self, x):
        if x.sum() > 10:
            return x
        else:
            return -x


class MyGatedCell(nn.Module):
    """With a scripted gate, a trace of the cell keeps the decision; with a plain one it keeps what the example decided."""

    def __init__(self, gate: nn.Module):
        super().__init__()
        self.dg = gate
        self.linear = nn.Linear(4, 4)

    def forward(self, x, h):
        new_h = torch.tanh(self.dg(self.linear(x)) + h)
        return new_h, new_h


class MyRNNLoop(nn.Module):
    """Scripted: a loop, as long as the input, over a traced cell."""

    def __init__(self):
        super().__init__()
        self.cell = torch.jit.trace(MyGatedCell(torch.jit.script(MyDecisionGate())), cell_example())

    def forward(self, xs):
        h, y = torch.zeros(3, 4), torch.zeros(3, 4)
        for i in range(xs.size(0)):
            y, h = self.cell(xs[i], h)
        return y, h


class WrapRNN(nn.Module):
    """Traced: around the scripted loop."""

    def __init__(self):
        super().__init__()
        self.loop = torch.jit.script(MyRNNLoop())

    def forward(self, xs):
        y, h = self.loop(xs)
        return torch.relu(y)


class MyModule(nn.Module):
    """The two branches differ in the rank of their result."""

    def __init__(self, n: int, m: int):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(n, m))

    def forward(self, input: Tensor):
        if input.sum() > 0:
            output = self.weight.mv(input)
        else:
            output = self.weight + input
        return output


def double_and_add(x, y):
    return 2 * x + y


traced_double_and_add = torch.jit.trace(double_and_add, (torch.rand(3), torch.rand(3)))


@torch.jit.script
def script_calls_trace(x):
    return traced_double_and_add(x, x)


@torch.jit.script
def larger(x, y):
    if x.max() > y.max():
        r = x
    else:
        r = y
    return r


def add_to_larger(x, y, z):
    return larger(x, y) + z


trace_calls_script = torch.jit.trace(add_to_larger, (torch.rand(3), torch.rand(3), torch.rand(3)))


def cell_example():
    return torch.rand(3, 4), torch.rand(3, 4)


def build_all():
    """Each by its name, as torch.jit makes it."""
    torch.manual_seed(0)
    with torch.no_grad():
        return {
            "my_cell_traced": torch.jit.trace(MyCell(), cell_example()),
            "my_cell_scripted": torch.jit.script(MyCell()),
            "my_linear_cell_traced": torch.jit.trace(MyLinearCell(), cell_example()),
            "my_linear_cell_scripted": torch.jit.script(MyLinearCell()),
            "my_gated_cell_traced": torch.jit.trace(MyGatedCell(MyDecisionGate()), cell_example(), check_trace=False),
            "my_gated_cell_scripted": torch.jit.script(MyGatedCell(MyDecisionGate())),
            "my_gated_cell_mixed": torch.jit.trace(MyGatedCell(torch.jit.script(MyDecisionGate())), cell_example()),
            "my_decision_gate": torch.jit.script(MyDecisionGate()),
            "my_high_decision_gate": torch.jit.script(MyHighDecisionGate()),
            "my_rnn_loop": torch.jit.script(MyRNNLoop()),
            "wrap_rnn": torch.jit.trace(WrapRNN(), (torch.rand(10, 3, 4),)),
            "my_module": torch.jit.script(MyModule(10, 20)),
            "script_calls_trace": script_calls_trace,
            "trace_calls_script": trace_calls_script,
        }
