"""What machines lack is an error with a name, when the library is called and when the compiler is: never a crash."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import compilers
import pytest
import torch
from torch import nn

CALL = """
import sys, tsc, torch
try:
    model = tsc.load(sys.argv[1])
except tsc.Error as error:
    sys.exit(print("at load:", type(error).__name__, error))
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
        ("no_driver", "at load: Error NotImplementedError: there is no CUDA driver, or it is older than this library's runtime 13.0"),
        ("no_device", "at load: Error NotImplementedError: there is no CUDA device"),
        ("no_image", "at load: Error NotImplementedError: this library has no code for device 0, whose architecture is sm_90"),
    ],
)
def test_missing(library, failure, message):
    assert message in call(library, TSC_EMULATOR_FAILURE=failure)


def test_out_of_memory(library):
    assert "MemoryError: out of device memory: the weights" in call(library, TSC_EMULATOR_MEMORY="100")
    message = call(library, str([[1] * 5000]), TSC_EMULATOR_MEMORY="10000")
    assert re.search(r"MemoryError: out of device memory: \d+ bytes were asked for", message), message


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


def fake_nvcc(tmp_path, script):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "nvcc").write_text("#!/bin/sh\n" + script)
    (folder / "nvcc").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("script, how", [("echo 'no host compiler' >&2; exit 3", "exit code 3"), ("echo 'no host compiler'; kill -9 $$", "signal 9"), ("echo 'no host compiler'; exit 127", "exit code 127")])  # fmt: skip
def test_failing_compiler(compiler, traced, tmp_path, script, how):
    """What the device's compiler says, how it ended, and the source that it got: an error of its name, not tsc's own fault."""
    said = run_compiler(compiler, traced, tmp_path, PATH=fake_nvcc(tmp_path, script))
    assert f"nvcc ended with {how} on 'lookup.cu', for 'sm_90'" in said and "no host compiler" in said
    assert "[device_compiler_failed]" in said and "internal" not in said
    kept = re.search(r"kept in (\S+)", said)[1]
    assert (Path(kept) / "lookup.cu").exists()
    shutil.rmtree(kept)


def test_no_profile(compiler, traced, tmp_path):
    assert "[not_for_device]" in run_compiler(compiler, traced, tmp_path, "--profile")
