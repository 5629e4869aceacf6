"""Each program on each machine, against PyTorch in float64."""

import pytest
import torch

from compare import compare, compare_tensors, run_double
from firmware import MACHINES, Program, call, check_stack, flatten, machine
from programs import PROGRAMS, input_options, quantised, trace


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(compiler, tmp_path, name, target):
    machine(target)
    module, inputs = PROGRAMS[name]()
    theirs, exact = flatten(module(*inputs)), flatten(run_double(module, inputs, "forward"))
    program = Program(compiler, trace(module, inputs), tmp_path, target, *input_options(module, inputs))
    ours = call(program, inputs, theirs)
    assert ours.status == 0
    check_stack(program, ours, deepest_is_taken=True)
    for i, output in enumerate(ours.outputs):
        check(output, theirs[i], exact[i], f"output {i}")


@pytest.mark.parametrize("target", MACHINES)
def test_quantised(compiler, tmp_path, target):
    """PyTorch's bits."""
    machine(target)
    module, inputs = quantised()
    theirs = module(*inputs)
    program = Program(compiler, trace(module, inputs), tmp_path, target)
    ours = call(program, inputs, flatten(theirs))
    assert ours.status == 0
    assert torch.equal(ours.outputs[0], theirs)


def check(ours, theirs, exact, place):
    if isinstance(theirs, torch.Tensor):
        compare_tensors(ours, theirs, exact, place)
    else:
        compare(ours, theirs, exact, place)
