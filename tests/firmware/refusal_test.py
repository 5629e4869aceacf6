"""What freestanding programs can't have is refused by name, all at once, and nothing is written."""

import subprocess
from typing import Dict, List, Optional

import pytest
import torch
from torch import Tensor, nn


def refuse(compiler, folder, module, *options):
    module.save(str(folder / "net.pt"))
    command = [compiler, "net.pt", "-o", "net.o", "--target=cortex-m4", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert sorted(file.name for file in folder.iterdir()) == ["net.pt"]
    assert done.stderr.count("[not_freestanding]") >= 1
    return done.stderr


class Sizes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]


class Grows(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        parts: List[Tensor] = []
        i = 0
        while x.sum([0, 1]).item() > float(i):
            parts.append(x + 1)
            i += 1
        return parts


class Words(nn.Module):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        return {"x": x + 1}


class Many(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y, _ = torch.unique(x, return_inverse=True)
        z = torch.linalg.inv(x)
        return y.sum() + z


class Followers(nn.Module):
    """What follows something refused is looked at, too: where its sizes are known, and where they are not."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.lgamma(x)
        z = torch.linalg.cholesky(y + 1)
        return z.sum() + torch.erfinv(x[x > 0]).sum()


class Chosen(nn.Module):
    """Which memory is written is told at run time, or it is the caller's."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = torch.relu(x), torch.neg(x)
        y = a
        if x.sum().item() > 0.0:
            y = b
        y[0] = 1.0
        x[1] = 2.0
        return a + b


class Begins(nn.Module):
    """Attributes whose memory nobody knows yet; LibTorch forgets the lines of their reads and writes."""

    last: Optional[Tensor]
    counts: List[int]

    def __init__(self):
        super().__init__()
        self.last = None
        self.counts = [0, 0]

    def forward(self, x: Tensor) -> Tensor:
        last = self.last
        if last is None:
            last = torch.zeros(3)
        self.last = x
        self.counts = [len(x), 3]
        return x + last + self.counts[0]


@pytest.mark.parametrize("module, words", [
    (Begins, ["the attribute 'last'", "if last is None", "the attribute 'counts'", "self.counts = [", "  and /", "self.counts[0]"]),
    (Chosen, ["op 'copy'", "it writes its operand", "2 times", "refusal_test.py", "y[0] = 1.0",
              "\n  and ", "x[1] = 2.0"]),
    (Sizes, ["op 'index'", "refusal_test.py"]),
    (Grows, ["op 'list_append'", "refusal_test.py"]),
    (Words, ["a result of forward", "dict"]),
    (Many, ["op 'nonzero'", "op 'linalg_lu_factor_ex'", "refusal_test.py:"]),
    (Followers, ["op 'index'", "op 'lgamma'", "op 'linalg_cholesky", "op 'erfinv'"]),
])  # fmt: skip
def test_program(compiler, tmp_path, module, words):
    text = refuse(compiler, tmp_path, torch.jit.script(module()), "--input=f32[3, 3]")
    assert [word for word in words if word not in text] == [], text
    assert "op 'format'" not in text, "texts of errors are not kept, and no reason"


def test_unknown_sizes(compiler, tmp_path):
    module = torch.jit.script(nn.Linear(3, 3))
    assert "not fixed" in refuse(compiler, tmp_path, module)


def test_ranges(compiler, tmp_path):
    module = torch.jit.trace(nn.Linear(3, 3), torch.rand(2, 3))
    assert "its sizes are not fixed" in refuse(compiler, tmp_path, module, "--input=f32[1..8, 3]")
