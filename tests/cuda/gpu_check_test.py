"""tools/gpu-check in the emulator: what it packs, and that it tells right results from wrong ones. On a GPU it also gives the
programs device tensors, and takes times."""

import os
import subprocess
import sys

import pytest
import torch

import kernel_table


@pytest.fixture(scope="session")
def packed(compiler, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu_check") / "packed"
    command = [kernel_table.ROOT / "tools" / "gpu-check", "pack", folder, "--target", "emulator"]
    subprocess.run(command, check=True, env={**os.environ, "TSC": str(compiler)})
    return folder


def check(folder):
    result = subprocess.run([sys.executable, folder / "gpu-check", "check"], capture_output=True, text=True)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines, result.stderr
    return result.returncode, {(verdict, name) for verdict, name, *_ in lines}


def test_right(packed):
    status, verdicts = check(packed)
    assert status == 0
    names = torch.load(packed / "expected.pt", weights_only=False)
    assert len(names) > 12 and verdicts == {("right", name) for name in names}


def test_wrong(packed):
    """A result that is expected to be another."""
    path = packed / "expected.pt"
    expected = torch.load(path, weights_only=False)
    method, inputs, theirs, exact = expected["half_net"][0]
    try:
        torch.save({**expected, "half_net": [(method, inputs, theirs + 1, exact + 1)]}, path)
        status, verdicts = check(packed)
    finally:
        torch.save(expected, path)
    assert status == 1 and [name for verdict, name in verdicts if verdict == "WRONG"] == ["half_net"]
