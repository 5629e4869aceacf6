"""PyTorch's TorchScript tutorials: cells, gates, loops, scripts in traces, traces in scripts; modules and functions."""

import pytest
import torch

import tsc
from compare import check
from torchscript_tutorial import models as tutorial

torch.manual_seed(0)


def rand(*sizes):
    return torch.rand(*sizes)


# Name -> inputs, the example's shapes first, then others that PyTorch would take, both sides of each branch among them.
CELL_INPUTS = [(rand(3, 4), rand(3, 4)), (rand(7, 4), rand(7, 4)), (-rand(1, 4), rand(1, 4)), (rand(5, 4) - 1, rand(1, 4))]
INPUTS = {
    "my_cell_traced": [*CELL_INPUTS, (rand(0, 4), rand(0, 4))],
    "my_cell_scripted": [*CELL_INPUTS, (rand(0, 4), rand(0, 4))],
    "my_linear_cell_traced": CELL_INPUTS,
    "my_linear_cell_scripted": CELL_INPUTS,
    "my_gated_cell_traced": CELL_INPUTS,
    "my_gated_cell_scripted": CELL_INPUTS,
    "my_gated_cell_mixed": CELL_INPUTS,
    "my_decision_gate": [(rand(3, 4),), (-rand(3, 4),), (rand(2, 2, 2),), (torch.tensor(-2.0),), (torch.tensor([3, -1]),)],
    "my_high_decision_gate": [(rand(3, 4),), (10 * rand(3, 4),), (rand(100),), (-rand(5, 1),)],
    "my_rnn_loop": [(rand(10, 3, 4),), (rand(3, 3, 4),), (rand(0, 3, 4),), (-rand(20, 3, 4),), (rand(2, 1, 4),)],
    "wrap_rnn": [(rand(10, 3, 4),), (rand(3, 3, 4),), (rand(0, 3, 4),), (-rand(20, 3, 4),), (rand(2, 1, 4),)],
    "my_module": [(rand(20),), (-rand(20),), (-rand(10, 20),), (-rand(3, 1, 20),)],
    "script_calls_trace": [(rand(3),), (rand(5),), (rand(2, 3),), (torch.tensor(1.5),)],
    "trace_calls_script": [(rand(3), rand(3), rand(3)), (rand(3) + 1, rand(3), rand(3)), (rand(2, 5), 2 + rand(2, 5), rand(5))],
}


@pytest.fixture(scope="module")
def modules():
    return tutorial.build_all()


@pytest.fixture(scope="module")
def models(modules, compile_group):
    return compile_group(modules)


def test_every_model_has_inputs(modules):
    assert set(modules) == set(INPUTS)


@pytest.mark.parametrize("name", INPUTS)
def test_same_as_torch(name, modules, models, usable):
    model = usable(models[name])
    for inputs in INPUTS[name]:
        check(model, modules[name], *inputs)


@pytest.mark.parametrize("name", ["my_cell_traced", "my_cell_scripted"])
def test_other_ranks_and_dtypes(name, modules, models, usable):
    """An example is a hint, never a restriction."""
    model = usable(models[name])
    check(model, modules[name], rand(2, 3, 5), rand(5))
    check(model, modules[name], torch.tensor(0.5), torch.tensor(0.25))
    check(model, modules[name], rand(3, 4).double(), rand(3, 4).double())
    check(model, modules[name], torch.randint(-3, 4, (3, 4)), torch.randint(-3, 4, (3, 4)))


def test_zip_suffix(modules, compile_and_load):
    check(compile_and_load(modules["wrap_rnn"], "wrap_rnn", suffix=".zip"), modules["wrap_rnn"], rand(10, 3, 4))


def test_wrong_shapes_are_errors(models, usable):
    """As PyTorch's: the sizes do not match, at the line that says so; and the model is usable afterwards."""
    cell = usable(models["my_cell_traced"])
    with pytest.raises(tsc.Error, match="size") as caught:
        cell(rand(3, 4), rand(3, 5))
    assert caught.value.kind in ("shape_error", "runtime_error")
    assert caught.value.python_file.endswith("models.py") and caught.value.line
    linear = usable(models["my_linear_cell_scripted"])
    with pytest.raises(tsc.Error):
        linear(rand(3, 5), rand(3, 4))
    loop = usable(models["my_rnn_loop"])
    with pytest.raises(tsc.Error):
        loop(rand(2, 5, 4))  # 5 rows against the 3 of the zeros
    assert torch.from_dlpack(cell(rand(3, 4), rand(3, 4))[0]).shape == (3, 4)
    assert torch.from_dlpack(loop(rand(2, 3, 4))[0]).shape == (3, 4)


def test_unfused_is_the_same(modules, compile_group, usable):
    for name, model in compile_group({name: modules[name] for name in ("my_rnn_loop", "my_module")}, no_fuse=True).items():
        for inputs in INPUTS[name]:
            check(usable(model), modules[name], *inputs)
