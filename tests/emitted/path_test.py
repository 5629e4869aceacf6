"""No path of the machine that built tsc, or of the one that compiles a model, is in the compiler or in a library."""

import subprocess
from pathlib import Path

import torch
from torch import nn

from conftest import ROOT


class Failing(nn.Module):
    """With what libraries say when they fail."""

    def forward(self, x, index: int):
        if index > 3:
            raise ValueError("too large")
        return nn.functional.softmax(x, -1)[index]


def test_compiler(compiler):
    data = Path(compiler).read_bytes()
    found = [folder for folder in ("codegen", "compiler", "passes", "runtime") if f"{ROOT}/{folder}/".encode() in data]
    assert not found


def test_library(compiler, tmp_path):
    torch.jit.script(Failing()).save(str(tmp_path / "failing.pt"))
    torch.jit.trace(nn.Conv2d(3, 8, 3), torch.rand(1, 3, 8, 8)).save(str(tmp_path / "conv.pt"))
    library = tmp_path / "both.so"
    subprocess.run([compiler, tmp_path / "failing.pt", tmp_path / "conv.pt", "-o", library], check=True)
    data = library.read_bytes()
    assert b"too large" in data
    for path in (ROOT, tmp_path, Path.cwd(), Path(torch.__file__).parent):
        assert str(path).encode() not in data
