"""What programs print, and modules traced with several methods."""

import warnings
from typing import Dict, List

import pytest
import torch
from torch import nn

import tsc
from language import compare, randn


class Prints(nn.Module):
    def forward(self, n: int, x: torch.Tensor, words: List[str]) -> Dict[str, int]:
        print("n", n, 0.5, True, None, words, (1, "a"), {"k": [1.5]})
        print()
        for i in range(n):
            print(f"{i}: {x.size(0)}")
        if n > 2:
            raise ValueError("after printing")
        print(x)
        return {"n": n}


class Warns(nn.Module):
    def forward(self, x: torch.Tensor, limit: float):
        if float(x.sum()) > limit:
            warnings.warn(f"the sum is over {limit}")
        return x * 2


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 2)
        self.decoder = nn.Linear(2, 4)
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters()):
                parameter.copy_(randn(*parameter.shape, seed=i))

    def forward(self, x):
        return self.decode(self.encode(x))

    def encode(self, x):
        return torch.tanh(self.encoder(x))

    def decode(self, z):
        return self.decoder(z)

    def distance(self, a, b):
        return (self.encode(a) - self.encode(b)).norm(dim=-1)


def compiled(module, folder):
    path = folder / "module.pt"
    module.save(str(path))
    return torch.jit.load(str(path)), tsc.load(tsc.compile(path, folder / "module.so"), 1)


@pytest.mark.parametrize("n", [0, 2, 3])
def test_print(n, tmp_path, capfd):
    theirs, ours = compiled(torch.jit.script(Prints()), tmp_path)
    arguments = (n, torch.arange(3.0), ["one", "t'wo"])
    printed = []
    for model in (theirs, ours):
        capfd.readouterr()
        if n > 2:
            with pytest.raises((tsc.Error, torch.jit.Error), match="after printing"):
                model(*arguments)
        else:
            assert model(*arguments) == {"n": n}
        printed.append(capfd.readouterr())
    assert printed[1].out == printed[0].out
    assert printed[1].err == ""
    assert printed[0].out.count("\n") >= 2 + n


def test_warnings_go_to_standard_error(tmp_path, capfd):
    theirs, ours = compiled(torch.jit.script(Warns()), tmp_path)
    x = torch.ones(4)
    with pytest.warns(UserWarning, match="the sum is over 1.5"):
        theirs(x, 1.5)
    capfd.readouterr()
    assert torch.equal(torch.from_dlpack(ours(x, 10.0)), x * 2)
    assert capfd.readouterr() == ("", "")
    assert torch.equal(torch.from_dlpack(ours(x, 1.5)), x * 2)
    printed = capfd.readouterr()
    assert printed.out == "" and printed.err == "Warning: the sum is over 1.5\n"


def test_trace_of_several_methods(tmp_path):
    x, z = randn(3, 4), randn(3, 2)
    inputs = {"forward": (x,), "encode": (x,), "decode": (z,), "distance": (x, x + 1)}
    theirs, ours = compiled(torch.jit.trace_module(Several().eval(), inputs), tmp_path)
    assert set(ours.methods) == set(inputs)
    for rows in (3, 1, 6):
        for name, example in inputs.items():
            arguments = tuple(randn(rows, t.size(1), seed=rows + i) for i, t in enumerate(example))
            compare(ours.methods[name](*arguments), getattr(theirs, name)(*arguments), f"{name} of {rows} rows", {})
