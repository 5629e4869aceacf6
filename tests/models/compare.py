"""Judges results by a truth in float64: ours may be as far from it as twice PyTorch's own, or within a tolerance."""

import copy

import torch

import tsc

TOLERANCE = {  # absolute, relative
    torch.float32: (1e-5, 1e-4),
    torch.float64: (1e-12, 1e-10),
    torch.float16: (1e-3, 1e-3),
    torch.bfloat16: (1e-2, 1e-2),
}


def to_double(value):
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value.clone()
    if isinstance(value, dict):
        return {key: to_double(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_double(item) for item in value)
    return value


def run_double(module, inputs, method):
    """The result in float64: of a module with its parameters so, or of a function."""
    if isinstance(module, torch.nn.Module):
        module = copy.deepcopy(module).double()
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return getattr(module, method)(*to_double(inputs)) if method != "forward" else module(*to_double(inputs))
    finally:
        torch.set_default_dtype(default)


def check(model, module, *inputs, truth=None, method="forward"):
    """Runs `method` of the compiled model and of the PyTorch module on the inputs, and compares every output.

    truth: the module that also runs in float64; by default `module`. None of the three sees another's writes.
    """
    function = getattr(module, method) if method != "forward" else module
    theirs = function(*copy.deepcopy(inputs))
    exact = run_double(truth if truth is not None else module, inputs, method)
    ours = model.methods[method](*copy.deepcopy(inputs))
    compare(ours, theirs, exact, "result")


def compare(ours, theirs, exact, place):
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, tsc.Tensor), f"{place} is {ours!r}, not a tensor"
        compare_tensors(torch.from_dlpack(ours), theirs, exact, place)
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs), f"{place} is {ours!r}, not a dict of {list(theirs)}"
        for key in theirs:
            compare(ours[key], theirs[key], exact[key], f"{place}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, list) == isinstance(theirs, list), f"{place} is a {type(ours).__name__}"
        assert len(ours) == len(theirs), f"{place} has {len(ours)} items, not {len(theirs)}"
        for index in range(len(theirs)):
            compare(ours[index], theirs[index], exact[index], f"{place}[{index}]")
    elif isinstance(theirs, float):  # made of elements in float32
        assert isinstance(ours, float), f"{place} is {ours!r}, not a float"
        compare_tensors(torch.tensor(ours), torch.tensor(theirs), torch.tensor(exact), place)
    else:
        assert type(ours) is type(theirs) and ours == theirs, f"{place} is {ours!r}, not {theirs!r}"


def compare_tensors(ours, theirs, exact, place):
    assert ours.dtype == theirs.dtype, f"{place} has dtype {ours.dtype}, not {theirs.dtype}"
    assert ours.shape == theirs.shape, f"{place} has shape {list(ours.shape)}, not {list(theirs.shape)}"
    if theirs.dtype not in TOLERANCE:
        assert torch.equal(ours, theirs), f"{place} differs in {int((ours != theirs).sum())} of {ours.numel()} elements"
        return
    assert exact.shape == theirs.shape, f"{place}: the truth has shape {list(exact.shape)}"
    finite = torch.isfinite(theirs)
    assert torch.equal(torch.isfinite(ours), finite), f"{place} is finite elsewhere than PyTorch's"
    special_ours, special_theirs = ours[~finite], theirs[~finite]
    assert torch.equal(torch.nan_to_num(special_ours), torch.nan_to_num(special_theirs)), f"{place}: infinities or NaNs differ"
    absolute, relative = TOLERANCE[theirs.dtype]
    exact = exact.double()[finite]
    our_error = (ours.double()[finite] - exact).abs()
    their_error = (theirs.double()[finite] - exact).abs()
    if our_error.numel() == 0:
        return
    allowed = torch.clamp(absolute + relative * exact.abs(), min=2 * their_error.max().item())
    wrong = our_error > allowed
    if wrong.any():
        worst = int((our_error - allowed).argmax())
        raise AssertionError(
            f"{place}, {list(theirs.shape)}: {int(wrong.sum())} of {wrong.numel()} elements are too far from the truth; "
            f"worst {ours[finite][worst].item():.9g}, PyTorch {theirs[finite][worst].item():.9g}, "
            f"truth {exact[worst].item():.9g}, allowed error {allowed[worst].item():.3g}"
        )
