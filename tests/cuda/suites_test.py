"""Suites of the language and of models through the emulator: each of their libraries is compiled for sm_90 (emulated_tsc), and must do what
it does on the CPU, by kernels that ran, and that nvcc compiles, where it is, without a warning. These are files whose programs have tensors
and whose kernels the emulator runs in seconds; docs/gpu.md says how any other runs by hand, and which were run."""

import shutil
import subprocess
import sys
from pathlib import Path

import compilers
import pytest

HERE = Path(__file__).resolve().parent

LANGUAGE = ["mixed", "module", "vision", "sample", "recurrence", "state", "random", "control", "complex"]
SUITES = [*(f"language/{name}_test.py" for name in LANGUAGE), "models/tutorial_test.py"]


@pytest.mark.parametrize("file", SUITES)
def test_suite(compiler, tmp_path, file):
    told = tmp_path / "launches"  # one line for each library that was loaded
    by_nvcc = {"EMULATED_NVCC": "1"} if shutil.which("nvcc") else {}
    environment = {**by_nvcc, **compilers.sanitizer_environment(), "EMULATED_SANITIZED": "1", "EMULATED_TSC": str(Path(compiler).resolve()), "TSC": str(HERE / "emulated_tsc"), "TSC_EMULATOR_COUNTS": str(told)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", Path(file).name]
    result = subprocess.run(command, cwd=(HERE.parent / file).parent, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
    launches = [int(line) for line in told.read_text().split()]
    print(f"{file}: {launches} launches, " + ("nvcc compiled them" if by_nvcc else "and no nvcc to compile them"))
    assert sum(launches) > 0, "the host did it all"
