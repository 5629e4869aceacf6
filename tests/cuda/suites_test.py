"""Suites of the language through the emulator: each of their libraries is compiled for sm_90 (emulated_tsc), and must do what
it does on the CPU. These are files whose programs have tensors and whose kernels the emulator runs in seconds; any other runs by hand:

    cd tests/language; EMULATED_TSC=<tsc> TSC=../cuda/emulated_tsc PYTHONPATH=../../runtime/python python -m pytest recurrence_test.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

SUITES = ["tensor_test.py", "mixed_test.py", "module_test.py", "vision_test.py"]


@pytest.mark.parametrize("file", SUITES)
def test_suite(compiler, file):
    environment = {**os.environ, "EMULATED_TSC": str(Path(compiler).resolve()), "TSC": str(HERE / "emulated_tsc")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
    result = subprocess.run(command, cwd=HERE.parent / "language", capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
