"""The suites of the language and of the models through the emulator: each of their libraries is compiled for sm_90 (emulated_tsc), and
must do what it does on the CPU. Left out are files whose programs have no tensors, and those of whole images, which the
emulator would take hours for: launches_test.py counts their kernels, and vision_test runs the nets on smaller ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# Folder, file, and what of it can't be: tests that look at the compiler's own output, or measure memory.
SUITES = [
    ("language", "tensor_test.py", ""),
    ("language", "mixed_test.py", ""),
    ("language", "recurrence_test.py", ""),
    ("language", "module_test.py", ""),
    ("language", "state_test.py", ""),
    ("language", "control_test.py", ""),
    ("language", "program_test.py", ""),
    ("models", "tutorial_test.py", "not unfused"),
    ("models", "sequence_test.py", "same_as_torch and traced"),
    ("models", "program_test.py", "not memory"),
]


@pytest.mark.parametrize("folder, file, chosen", SUITES, ids=[f"{folder}-{file}" for folder, file, _ in SUITES])
def test_suite(compiler, folder, file, chosen):
    environment = {**os.environ, "EMULATED_TSC": str(Path(compiler).resolve()), "TSC": str(HERE / "emulated_tsc")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, "-k", chosen]
    result = subprocess.run(command, cwd=HERE.parent / folder, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert " passed" in result.stdout
