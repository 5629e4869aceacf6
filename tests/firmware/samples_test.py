"""The samples for Cortex-M, by the commands of their READMEs, on each board."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from firmware import MACHINES, ROOT, machine

BOARDS = [found for found in MACHINES.values() if found.is_bare]


@pytest.mark.parametrize("where", BOARDS, ids=lambda where: where.target)
@pytest.mark.parametrize("sample", ["gesture", "vision"])
def test_sample(compiler, tmp_path, sample, where):
    machine(where.target)
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake")
    for name in (f"cortex_m_{sample}", "cortex_m"):
        shutil.copytree(ROOT / "samples" / name, tmp_path / name)
    folder = tmp_path / f"cortex_m_{sample}"
    lines = "\n".join(line[4:] for line in (folder / "README.md").read_text().splitlines() if line.startswith("    "))
    lines = lines.replace("../../.venv/bin/python", sys.executable).replace("../../build/release/bin/tsc", str(Path(compiler).resolve()))
    lines = lines.replace("cortex-m4", where.target).replace("mps2-an386", where.board)
    done = subprocess.run(["bash", "-ec", lines], cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}, timeout=600)
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "\nas PyTorch" in text, text[-4000:]
    header = (folder / "build" / "net.h").read_text()
    assert f"arena: {re.search('FORWARD_ARENA_BYTES (.*)', header).group(1)}\n" in text
