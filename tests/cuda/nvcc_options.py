"""The options that tsc gives nvcc, for tests and tools: nvcc.options, and the architecture's row of codegen/targets.def."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def architectures():
    """The names of the rows: "sm_80", ..., each with nvcc's option for it."""
    rows = re.findall(r'^TSC_DEVICE\("(\w+)", "[^"]+", "nvcc", "([^"]+)"', (ROOT / "codegen/targets.def").read_text(), re.M)
    return dict(rows)


def options(architecture):
    lines = (ROOT / "cuda/cmake/nvcc.options").read_text().splitlines()
    return [architectures()[architecture], *(line for line in lines if line.startswith("-"))]
