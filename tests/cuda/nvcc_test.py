"""What nvcc makes of the kernels, for every architecture: no warning, no register spilled. A library that tsc links with it
needs only the system's, and says what is missing on a machine without a GPU."""

import re
import subprocess

import kernel_table
import nvcc_options
import pytest
import torch
from torch import nn

import tsc

@pytest.mark.parametrize("architecture", nvcc_options.architectures())
def test_kernels(nvcc, architecture):
    """docs/cuda-kernels.md says what the kernels take, and none spills. A formula that is mended moves some registers: the table is
    true within these."""
    uses = kernel_table.compile_kernels(architecture)
    assert len(uses) > 40
    assert not {name: use for name, use in uses.items() if use.spilled or use.registers > 255}
    text = kernel_table.TABLE.read_text()
    if f"as nvcc {kernel_table.version()} compiles" not in text:
        pytest.skip(f"nvcc is {kernel_table.version()}, and the table is another's")
    column = text.split("\n| kernel |")[1].split("\n")[0].strip(" |").split(" | ").index(architecture) + 1
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    documented = {row[0].strip("`"): tuple(map(int, row[column].split(", "))) for row in rows}
    ours = dict(zip(kernel_table.readable(list(uses)), uses.values()))
    anew = "tests/cuda/kernel_table.py --update writes it anew"
    assert len(ours) == len(uses) and ours.keys() == documented.keys(), anew
    some = 16
    for name, use in ours.items():
        registers, shared = documented[name]
        assert use.shared == shared and abs(use.registers - registers) <= some, f"{name}: {use}; {anew}"


PROGRAM = """
#include <stdio.h>
#include "net.h"
int main(void) {
  tsc_model *model;
  tsc_error error;
  const tsc_status status = net_library(TSC_ABI_VERSION)->model_create("net", NULL, &model, &error);
  printf("%d %s\\n", status, status == TSC_OK ? "" : error.message);
}
"""


@pytest.fixture(scope="session")
def net(tmp_path_factory):
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16)).eval()
    x = torch.rand(2, 8)
    path = tmp_path_factory.mktemp("net") / "net.pt"
    torch.jit.trace(model, x).save(str(path))
    return model, x, path


@pytest.mark.parametrize("suffix", ["o", "a"])
def test_link(nvcc, compiler, net, tmp_path, suffix):
    """As docs/gpu.md says: objects and archives need CUDA's static runtime where they are linked."""
    subprocess.run([compiler, net[2], "--target=sm_90", "-o", tmp_path / f"net.{suffix}"], check=True)
    subprocess.run([compiler, net[2], "--target=sm_90", "-o", tmp_path / "net.h"], check=True)
    (tmp_path / "main.c").write_text(PROGRAM)
    dryrun = subprocess.run(["nvcc", "-dryrun", "x.cu"], capture_output=True, text=True).stderr
    folders = re.findall(r'"(-L[^"]+)"', dryrun)
    command = ["g++", "-x", "c", tmp_path / "main.c", f"-I{kernel_table.ROOT}/runtime/include", "-x", "none", tmp_path / f"net.{suffix}", *folders, "-lcudart_static", "-o", tmp_path / "main"]  # fmt: skip
    subprocess.run(command, check=True)
    said = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("0 ") if torch.cuda.is_available() else "there is no CUDA" in said


def test_library(nvcc, compiler, net, tmp_path):
    model, x, path = net
    library = tmp_path / "net.so"
    subprocess.run([compiler, path, "--target=sm_90", "-o", library], check=True)
    needed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"NEEDED.*\[(\w[\w-]*)", needed)) <= {"libc", "libm", "ld-linux-x86-64"}
    if torch.cuda.is_available():
        torch.testing.assert_close(torch.from_dlpack(tsc.load(library)(x)), model(x))
    else:
        with pytest.raises(tsc.Error, match="there is no CUDA"):
            tsc.load(library)
