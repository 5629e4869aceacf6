"""Helpers of the tests of refusals: run the compiler, and make the files that it must refuse."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
import torch

TSC = os.environ.get("TSC", str(Path(__file__).parents[2] / "build" / "release" / "bin" / "tsc"))


@pytest.fixture
def tsc(tmp_path):
    """tsc(*arguments) runs in an empty folder and returns the finished process."""

    def run(*arguments, **keywords):
        return subprocess.run(
            [TSC, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, timeout=120, **keywords
        )

    return run


@pytest.fixture
def model(tmp_path):
    """A small traced model, as a file."""
    path = tmp_path / "model.pt"
    torch.manual_seed(0)
    torch.jit.save(torch.jit.trace(torch.nn.Linear(3, 2).eval(), torch.ones(1, 3)), path)
    return path


@pytest.fixture
def refused(tsc, tmp_path):
    """refused(code, *arguments): one error of that code, exit code 1, nothing left in the folder, no word of a bug."""

    def check(code, *arguments):
        before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        process = tsc(*arguments)
        assert process.returncode == 1, process.stderr
        assert process.stdout == ""
        errors = [line for line in process.stderr.splitlines() if ": error: " in line]
        assert len(errors) == 1, process.stderr
        assert errors[0].endswith(f"[{code}]"), process.stderr
        assert "internal" not in process.stderr
        assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
        return process.stderr

    return check


@pytest.fixture
def rezip(model, tmp_path):
    """rezip(change) writes broken.pt: the model's records after `change(name, bytes)`, which may return None to drop."""

    def write(change):
        path = tmp_path / "broken.pt"
        with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
            for name in source.namelist():
                data = change(name, source.read(name))
                if data is not None:
                    target.writestr(name, data)
        return path

    return write
