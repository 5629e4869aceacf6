"""What ptxas says of every kernel of kernels.cu: registers, shared memory, spills. `kernel_table.py --update` writes it to
docs/cuda-kernels.md; nvcc_test.py holds the table to be true."""

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, NamedTuple

import nvcc_options

ROOT = nvcc_options.ROOT
TABLE = ROOT / "docs" / "cuda-kernels.md"
HEAD = """# Kernels for NVIDIA's GPUs

Registers of a thread, bytes of static shared memory of a block, and bytes that ptxas spills, of every kernel instance of
`tests/cuda/kernels.cu` (each kernel with each kind of operands, functors and tile), as nvcc {version} compiles them. Written by
`tests/cuda/kernel_table.py --update`; `tests/cuda/nvcc_test.py` checks it.

| kernel | {architectures} |
|---|{rules}
"""


class Use(NamedTuple):
    registers: int
    shared: int
    spilled: int  # the larger of stores and loads

    def __str__(self):
        text = f"{self.registers}, {self.shared}"
        return text + (f", **{self.spilled} spilled**" if self.spilled else "")


def version():
    return re.search(r"release (\S+),", subprocess.run(["nvcc", "--version"], capture_output=True, text=True).stdout)[1]


def compile_kernels(architecture) -> Dict[str, Use]:
    """By mangled name. Fails on any warning."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [f"-I{ROOT}", f"-I{ROOT}/runtime/include"]
        source = ROOT / "tests/cuda/kernels.cu"
        command = ["nvcc", *nvcc_options.options(architecture), "-O3", *nvcc_options.WARNINGS, *folders, "-Xptxas=-v", "-c", source, "-o", folder + "/kernels.o"]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found = re.findall(
        r"Compiling entry function '(\w+)'.*\n.*\n.* (\d+) bytes spill stores, (\d+) bytes spill loads\n.*Used (\d+) registers(.*)", result.stderr
    )
    assert len(found) == result.stderr.count("Compiling entry function")
    shared = [re.search(r"(\d+) bytes smem", rest) for *_, rest in found]
    return {
        name: Use(int(registers), int(smem[1]) if smem else 0, max(int(stores), int(loads)))
        for (name, stores, loads, registers, _), smem in zip(found, shared)
    }


def readable(names):
    """Kernels' names with their template's arguments, without parameters and our own namespaces."""
    lines = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        line = re.sub(r"tsc::(cuda|kernels|detail|math)::|\(anonymous namespace\)::|^void |detail::|_kernel\b", "", line.replace("tsc::cuda::detail", "detail"))
        line = line.replace("tsc::", "")
        depth, end = 0, len(line)
        for i, letter in enumerate(line):
            depth += (letter == "<") - (letter == ">")
            if letter == "(" and depth == 0:
                end = i
                break
        yield re.sub(r"\((?:\w|::)+\)(?=\d)", "", line[:end])


def table() -> str:
    architectures = list(nvcc_options.architectures())
    with ThreadPoolExecutor(2) as pool:
        uses = dict(zip(architectures, pool.map(compile_kernels, architectures)))
    text = HEAD.format(version=version(), architectures=" | ".join(architectures), rules="---|" * len(architectures))
    mangled = list(uses[architectures[0]])
    for name, label in sorted(zip(mangled, readable(mangled)), key=lambda row: row[1]):
        text += f"| `{label}` | " + " | ".join(str(uses[a][name]) for a in architectures) + " |\n"
    return text


if __name__ == "__main__":
    new = table()
    if "--update" in sys.argv:
        TABLE.write_text(new)
    else:
        print(new)
