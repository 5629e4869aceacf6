"""What nvcc makes of the kernels, for every architecture: no warning, no register spilled. A library that tsc links with it
needs only the system's, and says what is missing on a machine without a GPU."""

import re
import subprocess

import pytest
import torch
from torch import nn

import tsc

from conftest import ROOT

# As codegen/emit_launch.cpp gives them.
OPTIONS = ["-std=c++20", "-fmad=false", "--expt-relaxed-constexpr", "-Werror=all-warnings", "-Xcompiler=-Wall,-Wextra,-fno-exceptions,-fno-rtti"]

# Bytes of the largest tile of float32 products, on an architecture for which no tile has been measured.
SPILLED = {120: 40}


@pytest.mark.parametrize("architecture", [80, 90, 120])
def test_kernels(nvcc, tmp_path, architecture):
    option = f"-gencode=arch=compute_{architecture},code=sm_{architecture}"
    folders = [f"-I{ROOT}", f"-I{ROOT}/runtime/include"]
    command = [nvcc, *OPTIONS, option, *folders, "-Xptxas=-v", "-c", ROOT / "tests/cuda/kernels.cu", "-o", tmp_path / "kernels.o"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    kernels = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads\n.*Used (\d+) registers", result.stderr)
    assert len(kernels) > 40
    for stores, loads, registers in kernels:
        assert max(int(stores), int(loads)) <= SPILLED.get(architecture, 0) and int(registers) <= 255, result.stderr


def test_library(nvcc, compiler, tmp_path):
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16)).eval()
    x = torch.rand(2, 8)
    torch.jit.trace(model, x).save(str(tmp_path / "net.pt"))
    library = tmp_path / "net.so"
    subprocess.run([compiler, tmp_path / "net.pt", "--target=sm_90", "-o", library], check=True)
    needed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"NEEDED.*\[(\w[\w-]*)", needed)) <= {"libc", "libm", "ld-linux-x86-64"}
    if torch.cuda.is_available():
        torch.testing.assert_close(torch.from_dlpack(tsc.load(library)(x)), model(x))
    else:
        with pytest.raises(tsc.Error, match="there is no CUDA"):
            tsc.load(library)(x)
