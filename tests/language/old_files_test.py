"""Files of older versions of PyTorch's format: ops mean what they meant then. LibTorch's upgraders say what that is."""

import os
import zipfile

import pytest
import torch
from torch import Tensor, nn

import tsc
from language import compare


class Division(nn.Module):
    """Before version 4 the quotient of integers was one, rounded to zero."""

    def forward(self, a: Tensor, b: Tensor):
        return torch.div(a, b), a / b, a.div(2), torch.true_divide(a, b)


class InPlace(nn.Module):
    def forward(self, a: Tensor, b: Tensor):
        c = a.clone()
        c.div_(b)
        return c


class Filled(nn.Module):
    """Before version 5 torch.full of an integer was in float."""

    def forward(self, n: int):
        return torch.full([n], 3), torch.full([n], 2.5)


class Steps(nn.Module):
    """Before version 8 linspace took 100 steps when it was not told otherwise; before 10 gelu had no approximation."""

    def forward(self, x: Tensor):
        return torch.linspace(0, 1, 5), torch.nn.functional.gelu(x)


INTS = (torch.tensor([7, -7, 9]), torch.tensor([2, 2, -4]))
FLOATS = (torch.tensor([7.0, -7.0, 9.0]), torch.tensor([2.0, 2.0, -4.0]))
CASES = [
    (Division, (1, 3, 4), [INTS, FLOATS]),
    (InPlace, (1, 3, 4), [FLOATS]),
    (Filled, (1, 4, 5), [(3,)]),
    (Steps, (3, 7, 8, 9, 10), [(torch.randn(4),)]),
]


def set_version(source, target, version):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            is_version = name.split("/")[-1] == "version"
            new.writestr(name, f"{version}\n" if is_version else old.read(name))


@pytest.mark.parametrize("module, versions, calls", CASES, ids=[case[0].__name__ for case in CASES])
def test_as_in_its_version(module, versions, calls, tmp_path):
    torch.jit.script(module()).save(str(tmp_path / "today.pt"))
    files = [tmp_path / f"v{version}.pt" for version in versions]
    for file, version in zip(files, versions):
        set_version(tmp_path / "today.pt", file, version)
    compiler = os.environ.get("TSC") or tsc.compiler.find_compiler()
    library = tsc.load(tsc.compile(files, tmp_path / "all.so", compiler=compiler), 1)
    for file in files:
        reference = torch.jit.load(str(file))
        for inputs in calls:
            compare(library[file.stem](*inputs), reference(*inputs), f"{file.stem}{inputs}", {})
