"""Each step of the compiler on every sample: tsc-verify runs the graph after it on LibTorch."""

import importlib
import os
import subprocess
from pathlib import Path

import pytest
import torch

import tsc

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
MODELS = sorted(path.parent.name for path in SAMPLES.glob("*/model.py"))
COMPILER = Path(os.environ.get("TSC") or tsc.compiler.find_compiler())


@pytest.mark.parametrize("script", [False, True], ids=["traced", "scripted"])
@pytest.mark.parametrize("name", MODELS)
def test_steps(name, script, tmp_path):
    sample = importlib.import_module(f"{name}.model")
    if not script and not getattr(sample, "TRACEABLE", True):
        pytest.skip("the program can't be traced")
    model, example = sample.build()
    saved = torch.jit.script(model) if script else torch.jit.trace(model, example, strict=False)
    path = tmp_path / f"{name}.pt"
    saved.save(str(path))
    torch.save([("forward", example if isinstance(example, tuple) else (example,))], f"{path}.calls")
    done = subprocess.run([COMPILER.with_name("tsc-verify"), path], capture_output=True, text=True)
    assert done.stdout == f"{path}: ok\n", done.stdout + done.stderr


class Random(torch.nn.Module):
    def forward(self, x):
        return x + torch.rand_like(x)


def test_a_wrong_result_is_found(tmp_path):
    """The graph can't give the same as LibTorch here, which tsc-verify must see."""
    path = tmp_path / "random.pt"
    torch.jit.script(Random()).save(str(path))
    torch.save([("forward", (torch.ones(5),))], f"{path}.calls")
    done = subprocess.run([COMPILER.with_name("tsc-verify"), path], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == f"{path}: after import: call 0 of forward: the result has other elements\n", done.stderr
