"""Kernels that one inference launches, fused beside unfused; of emitted source, in the emulator, which counts and does not run them."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import tsc

HERE = Path(__file__).resolve().parent
MOST = {"resnet50": 70, "bert_base": 130}

CALL = """
import sys, torch, tsc
tsc.load(sys.argv[1])(*torch.load(sys.argv[2]))
"""


def build(name):
    if name == "bert_base":
        bert = importlib.import_module("bert_encoder.model")
        return bert.BertEncoder(layers=12, hidden=768, heads=12).eval(), bert.example(1, 128)
    return importlib.import_module(f"{name}.model").build()


def count(compiler, folder, name, *options):
    environment = {**os.environ, "EMULATED_TSC": str(Path(compiler).resolve())}
    library = folder / f"{name}.so"
    subprocess.run([HERE / "emulated_tsc", folder / f"{name}.pt", "-o", library, *options], check=True, env=environment)
    environment = {**os.environ, "TSC_EMULATOR_LAUNCHES": "1"}
    result = subprocess.run([sys.executable, "-c", CALL, library, folder / "inputs"], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr[-4000:]
    library.unlink()
    return sum(line.startswith("launch ") for line in result.stderr.splitlines())


@pytest.mark.parametrize("name", MOST)
def test_launches(compiler, tmp_path, name):
    module, inputs = build(name)
    torch.jit.trace(module, inputs, strict=False).save(str(tmp_path / f"{name}.pt"))
    torch.save(inputs, tmp_path / "inputs")
    fused, unfused = count(compiler, tmp_path, name), count(compiler, tmp_path, name, "--no-fuse")
    print(f"{name}: {fused} launches, unfused {unfused}")
    assert fused <= MOST[name] and fused < unfused
