"""Fixtures of the tests of emitted source. TSC is the compiler; samples/ has the models that are shared with users."""

import os
import subprocess
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


class Emitted:
    """A folder of emitted source, and what --report says of it."""

    def __init__(self, compiler, files, folder, *options):
        command = [compiler, *map(str, files), "--emit=source", "-o", str(folder), "--report", *options]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        self.folder, self.report = folder, result.stdout


@pytest.fixture(scope="session")
def emit(compiler, tmp_path_factory):
    """emit({name: torch.jit module}, options...): the source of one library."""

    def run(modules, *options):
        work = tmp_path_factory.mktemp("emit")
        for name, module in modules.items():
            module.save(str(work / (name + ".pt")))
        return Emitted(compiler, [work / (name + ".pt") for name in modules], work / next(iter(modules)), *options)

    return run
