"""Tests of devices. TSC is the compiler; what tests/emitted has for emitted source serves here too. Without a device, emitted
source runs in the emulator."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "emitted"))

_spec = importlib.util.spec_from_file_location("emitted_conftest", ROOT / "tests" / "emitted" / "conftest.py")
_emitted = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_emitted)
compiler, emit, torch_settings, pytest_configure = _emitted.compiler, _emitted.emit, _emitted.torch_settings, _emitted.pytest_configure


@pytest.fixture(scope="session")
def emulator():
    return ROOT / "cuda" / "emulator"


@pytest.fixture(scope="session")
def nvcc():
    path = shutil.which("nvcc")
    if path is None:
        pytest.skip("there is no nvcc")
    return path
