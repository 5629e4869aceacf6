"""The options that tsc gives nvcc, for tests and tools: nvcc.options, and the architecture's row of codegen/targets.def."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def architectures():
    """The names of the rows: "sm_80", ..., each with nvcc's option for it."""
    rows = re.findall(r'^TSC_DEVICE\("(\w+)", "[^"]+", "nvcc", "([^"]+)"', (ROOT / "codegen/targets.def").read_text(), re.M)
    return dict(rows)


WARNINGS = ["-Werror=all-warnings", "-Xcompiler=-Wall,-Wextra"]


def to_ptx(file, output, architecture="sm_90"):
    """Compiles a file of a source folder, in which it runs, to PTX. What ptxas makes of the kernels takes most of nvcc's time."""
    to_virtual = [option.replace("code=sm_", "code=compute_") for option in options(architecture)]
    return ["nvcc", *to_virtual, "-O3", *WARNINGS, "-I.", "-Iruntime/include", "-ptx", file, "-o", output]


def options(architecture):
    lines = (ROOT / "cuda/cmake/nvcc.options").read_text().splitlines()
    return [architectures()[architecture], *(line for line in lines if line.startswith("-"))]
