"""Tests of freestanding programs. TSC is the compiler; samples/ and tests/models/ have the models and the tolerances."""

import os
import sys
from pathlib import Path

import pytest
import torch

import tsc

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "samples"), str(ROOT / "tests" / "models")]


def pytest_configure(config):
    """PyTorch warns that torch.jit is deprecated, and tracing that it follows one branch."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore::torch.jit.TracerWarning")


@pytest.fixture(autouse=True, scope="session")
def torch_settings():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def compiler():
    return os.environ.get("TSC") or tsc.compiler.find_compiler()
