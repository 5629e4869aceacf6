"""What machines lack is an error with a name, when the library is called and when the compiler is: never a crash."""

import os
import subprocess
import sys

import compilers
import pytest
import torch
from torch import nn

CALL = """
import sys, tsc, torch
model = tsc.load(sys.argv[1])
try:
    for ids in ([[1, 2]], eval(sys.argv[2])):
        print(torch.from_dlpack(model(torch.tensor(ids))).shape)
except tsc.Error as error:
    print(type(error).__name__, error)
"""


@pytest.fixture(scope="session")
def traced():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3)).eval()
    return torch.jit.trace(model, torch.tensor([[1, 2]]))


@pytest.fixture(scope="session")
def library(traced, emit, emulator):
    emitted = emit({"lookup": traced}, "--target=sm_90")
    return compilers.build(emitted.folder, "clang", "-O1", f"-DTSC_CUDA_EMULATOR={emulator}")


def call(library, ids="[[3, 4]]", **environment):
    result = subprocess.run([sys.executable, "-c", CALL, library, ids], capture_output=True, text=True, env={**os.environ, **environment})
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1]


def test_runs(library):
    assert call(library) == "torch.Size([1, 2, 3])"


@pytest.mark.parametrize(
    "failure, message",
    [
        ("no_driver", "NotImplementedError: there is no CUDA driver"),
        ("no_device", "NotImplementedError: there is no CUDA device"),
        ("no_image", "NotImplementedError: this library has no code for device 0, whose architecture is sm_90"),
    ],
)
def test_missing(library, failure, message):
    assert message in call(library, TSC_EMULATOR_FAILURE=failure)


def test_out_of_memory(library):
    assert "MemoryError: out of device memory: the weights" in call(library, TSC_EMULATOR_MEMORY="100")
    assert "MemoryError: out of device memory: 1" in call(library, str([[1] * 5000]), TSC_EMULATOR_MEMORY="10000")


def test_index_out_of_range(library):
    message = "IndexError: embedding(): index 10 at position 1 is out of range, the table has 10 rows"
    assert message in call(library, "[[9, 10, -1]]")


def run_compiler(compiler, traced, tmp_path, *options, **environment):
    traced.save(str(tmp_path / "lookup.pt"))
    command = [compiler, tmp_path / "lookup.pt", "--target=sm_90", "-o", tmp_path / "lookup.so", *options]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert result.returncode == 1
    assert not (tmp_path / "lookup.so").exists()
    return result.stderr


def test_no_compiler_for_the_device(compiler, traced, tmp_path):
    assert "without nvcc" in run_compiler(compiler, traced, tmp_path, PATH=str(tmp_path))


def test_no_profile(compiler, traced, tmp_path):
    assert "[not_for_device]" in run_compiler(compiler, traced, tmp_path, "--profile")
