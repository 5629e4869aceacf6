"""Each header of the runtime's ops stands alone: a program includes those of the ops that it calls, and no others."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "runtime" / "ops").glob("*.h"))


@pytest.mark.parametrize("header", HEADERS)
def test_header_alone(header):
    command = ["clang++-19", "-std=c++20", "-fsyntax-only", "-Wall", "-Werror", "-I", ROOT, "-x", "c++", "-"]
    result = subprocess.run(command, input=f'#include "{header}"\n', capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:3000]
