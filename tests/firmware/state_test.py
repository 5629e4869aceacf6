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


@pytest.mark.parametrize("target", ["native", "riscv64", "cortex-m4"])
@pytest.mark.parametrize("make", [Gru, Swap, Ring, Mean])
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
