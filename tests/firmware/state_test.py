"""State that methods write: a block that the caller gives, several calls, several streams, and what is refused."""

import subprocess
from typing import Tuple

import pytest
import torch
from torch import Tensor, nn

from compare import compare_tensors
from firmware import Program, decode, execute, flatten, link, machine, sequence_driver
from refusal_test import refuse


class Gru(nn.Module):
    """A step of a recurrent network and a count of steps."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.GRUCell(3, 8), nn.Linear(8, 2)
        self.register_buffer("h", torch.full((1, 8), 0.25))
        self.steps = 0

    def forward(self, x: Tensor) -> Tuple[Tensor, int]:
        self.h = self.cell(x, self.h)
        self.steps += 1
        return self.head(self.h), self.steps

    @torch.jit.export
    def clear(self):
        self.h = torch.zeros(1, 8)
        self.steps = 0


class Swap(nn.Module):
    """What is read stays what it was when the attribute is written; tuples, in branches and loops."""

    def __init__(self):
        super().__init__()
        self.pair = (torch.zeros(2), torch.ones(2))
        self.last = torch.arange(2.0)
        self.big = False

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, bool]:
        a, b = self.pair
        before = self.last
        self.pair = (b + x, a)
        for i in range(3):
            self.last = self.last * 0.5 + x
        if x.sum().item() > 0.0:
            self.last = before
            self.big = True
        return before + a, self.last - b, self.big


class Ring(nn.Module):
    """The last readings, and their mean."""

    def __init__(self):
        super().__init__()
        self.register_buffer("ring", torch.zeros(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        self.ring = torch.cat([self.ring[1:], x.unsqueeze(0)])
        return self.ring.mean(0)


class Mean(nn.Module):
    """A running mean and a context, written in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("context", torch.ones(2))
        self.count = 0

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        before = self.context
        y = self.mean + before
        self.mean.mul_(0.9).add_(x, alpha=0.1)
        self.context.copy_(x)
        return y + x, self.mean


class Delay(nn.Module):
    """A delay line, written where an attribute says; views of it are read before and after."""

    def __init__(self):
        super().__init__()
        self.register_buffer("line", torch.zeros(5, 2))
        self.register_buffer("peaks", torch.zeros(2, 3))
        self.at = 0

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        last = self.line[self.at - 1]  # a view, which sees what is written
        before = last + 0.0
        self.line[self.at] = x
        self.line.narrow(0, (self.at + 1) % 4, 2).mul_(0.5)
        self.at = (self.at + 1) % 5
        self.peaks[:, 1:] += x.unsqueeze(1)
        self.peaks[0, 0].fill_(2.0)
        self.peaks.t()[0].copy_(self.line.sum(0))
        return last * 2.0 + before, self.line.unsqueeze(0), self.peaks


class Branches(nn.Module):
    """State written in place, as a whole and in parts, in branches and loops."""

    def __init__(self):
        super().__init__()
        self.register_buffer("h", torch.zeros(2))
        self.register_buffer("table", torch.arange(8.0).reshape(4, 2))
        self.count = 0

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        for i in range(3):
            self.h.mul_(0.5)
            for j in range(self.count % 4):
                self.h[0] += 1.0
                self.table[j] = self.table[-1 - j] + x
        if x.sum().item() > 0.0:
            self.h += x
            self.table[self.count % 4, 1] = -1.0
        else:
            self.h[1] = x[0]
            self.table[:, 0].zero_()
            self.table[1].fill_(float(self.count) + 0.5)
        self.count += 1
        return self.h, self.table


def steps_of(module):
    """Methods and their inputs, and the compiler's options."""
    torch.manual_seed(0)
    if hasattr(module, "clear"):
        names = ["forward", "forward", "clear", "forward"]
        return [(name, [torch.randn(1, 3)] if name == "forward" else []) for name in names], ["--input=x: f32[1, 3]"]
    return [("forward", [torch.randn(2)]) for _ in range(6)], ["--input=x: f32[2]"]


def calls_and_results(module, steps):
    """What the module, which changes, returns: by call, and all of it as it was then."""
    calls, results = [], []
    for method, inputs in steps:
        outputs = [value for value in flatten([getattr(module, method)(*inputs)]) if value is not None]
        calls.append((method, inputs, outputs))
        results += [value.clone() if isinstance(value, torch.Tensor) else value for value in outputs]
    return calls, results


MODULES = [Gru, Swap, Ring, Mean, Delay, Branches]


@pytest.mark.parametrize("target", ["native", "riscv64", "cortex-m4"])
@pytest.mark.parametrize("make", MODULES)
def test_steps(compiler, tmp_path, make, target):
    where = machine(target)
    torch.manual_seed(1)
    module = torch.jit.script(make().eval())
    steps, options = steps_of(module)
    program = Program(compiler, module, tmp_path, target, *options)
    calls, theirs = calls_and_results(module, steps)
    ours = decode(execute(where, link(program, where, sequence_driver(program, calls))), theirs)
    assert ours.status == 0
    for i, (output, wanted) in enumerate(zip(ours.outputs, theirs, strict=True)):
        if isinstance(wanted, torch.Tensor):
            compare_tensors(output, wanted, wanted.double(), f"output {i}")
        else:
            assert output == wanted
    assert ours.spill == 0, "the state is written past its end"


def test_state_is_checked(compiler, tmp_path):
    where = machine("native")
    program = Program(compiler, torch.jit.script(Ring()), tmp_path, "native", "--input=x: f32[2]")
    text = sequence_driver(program, [("forward", [torch.zeros(2)], [torch.zeros(2)])])
    assert execute(where, link(program, where, text)).status == 0
    for wrong in ("0", "(char *)state + 4"):
        assert execute(where, link(program, where, text.replace("state, arena)", f"{wrong}, arena)"))).status == 1


class Pick(nn.Module):
    """Of places that the caller tells."""

    def __init__(self):
        super().__init__()
        self.register_buffer("h", torch.zeros(4))

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        i = int(place.item())
        y = torch.zeros(4, 2)
        y[i] = x
        y.narrow(0, i, 1).add_(1.0)
        self.h[i] = x[0]
        return y + self.h.unsqueeze(1)


def test_index_out_of_range(compiler, tmp_path):
    where = machine("native")
    program = Program(compiler, torch.jit.script(Pick()), tmp_path, "native", "--input=x: f32[2]", "--input=place: i64[1]")
    x = torch.tensor([3.0, 4.0])
    for i, status in [(0, 0), (3, 0), (-1, 0), (-4, 0), (4, 4), (-5, 4), (2**62, 4)]:
        place = torch.tensor([i])
        wanted = Pick()(x, place) if status == 0 else torch.zeros(4, 2)
        ours = decode(execute(where, link(program, where, sequence_driver(program, [("forward", [x, place], [wanted])]))), [wanted])
        assert ours.status == status, i
        if status == 0:
            assert torch.equal(ours.outputs[0], wanted), i


class Grows(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = torch.zeros(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.h = torch.cat([self.h, x])
        return self.h


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.word = ""

    def forward(self, x: Tensor) -> Tensor:
        self.word = "seen"
        return x + 1


class Inside(nn.Module):
    """A view of the state is written, and another name sees it."""

    def __init__(self):
        super().__init__()
        self.h, self.other = torch.zeros(2), torch.zeros(2)

    def forward(self, x: Tensor) -> Tensor:
        self.other = self.h
        self.h.add_(x)
        return self.other + 1


@pytest.mark.parametrize("module, words", [
    (Grows, ["what the attribute 'h' is given", "it is f32[2, 2]", "begins as f32[1, 2]"]),
    (Text, ["the attribute 'word'", "it begins as str"]),
    (Inside, ["it writes its operand", "state_test.py"]),
])  # fmt: skip
def test_refused(compiler, tmp_path, module, words):
    text = refuse(compiler, tmp_path, torch.jit.script(module()), "--input=f32[1, 2]" if module is Grows else "--input=f32[2]")
    assert [word for word in words if word not in text] == [], text


def test_name_of_the_initialiser_is_free(compiler, tmp_path):
    class Taken(Ring):
        @torch.jit.export
        def initial_state(self):
            self.ring = torch.ones(4, 2)

    torch.jit.script(Taken()).save(str(tmp_path / "net.pt"))
    subprocess.run([compiler, tmp_path / "net.pt", "-o", tmp_path / "net.o", "--freestanding", "--input=x: f32[2]"], check=True)
    header = (tmp_path / "net.h").read_text()
    assert "int net_initial_state(void *state, void *arena);" in header and "int net_initial_state_1(void *state);" in header
