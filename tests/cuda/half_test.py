"""Models in float16 and bfloat16: products and convolutions on tensor cores, everything else of a region in float, rounded when it is
stored. Results are as near to those in float64 as PyTorch's. The emulator runs them with the address and the undefined-behaviour
sanitizer, in a process of their own: `half_test.py LIBRARY`."""

import subprocess
import sys
import warnings
from pathlib import Path

import conftest  # noqa: F401, which says where the modules of other tests are
import compare
import compilers
import nvcc_options
import pytest
import torch
import tsc
from torch import nn
from torch.nn import functional as F


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(40, 136), nn.GELU(), nn.LayerNorm(136), nn.Linear(136, 9), nn.Softmax(-1))
        self.bare = nn.Linear(9, 8, bias=False)

    def forward(self, x):
        y = self.layers(x)
        return torch.relu(self.bare(y)), y.sum(-1), y.mean(0), y.amax(-1), F.log_softmax(y, -1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.wide = nn.Conv2d(16, 72, 3, padding=1)
        self.same = nn.Conv2d(72, 72, 3, padding=1, bias=False)
        self.depthwise = nn.Conv2d(72, 72, 3, 2, 1, groups=72)
        self.grouped = nn.Conv2d(72, 40, 3, padding=2, dilation=2, groups=2)
        self.point = nn.Conv2d(40, 33, 1)
        self.head = nn.Linear(33, 10)

    def forward(self, x):
        x = torch.relu(self.wide(self.stem(x)))
        x = torch.relu(self.same(x) + x)
        x = self.point(torch.sigmoid(self.grouped(F.hardswish(self.depthwise(x)))))
        x = torch.cat([F.avg_pool2d(x, 2), -F.avg_pool2d(x, 2)], 2)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(30, 24)
        self.projection = nn.Linear(24, 72)

    def forward(self, ids, mask):
        x = self.projection(self.table(ids))
        q, k, v = x.view(ids.size(0), ids.size(1), 3, 3, 8).permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.matmul(q, k.transpose(-1, -2)) * 0.125 + mask
        return F.scaled_dot_product_attention(q, k, v, is_causal=True), torch.matmul(scores.softmax(-1), v)


class Rounding(nn.Module):
    """What the program makes a half of is one, also where the next op computes in float."""

    def forward(self, x):
        rounded = (x * 3.1).to(torch.float16)
        return rounded, rounded.float() - x, (x > 0.25).half() * rounded, rounded.bfloat16() + 1, torch.where(rounded > 0.5, rounded, -rounded)


DTYPES = {"half": torch.float16, "bfloat": torch.bfloat16}


def cases():
    """Name: module, inputs of the trace, other inputs."""
    torch.manual_seed(2)
    result = {"rounding": (Rounding(), (torch.rand(5, 7),), [(torch.rand(3, 2),)])}
    for name, dtype in DTYPES.items():
        net = Net().eval()
        net.stem[1].running_var.uniform_(0.5, 2)
        mask = lambda n: torch.zeros(n, n).masked_fill(torch.rand(n, n) > 0.8, -9.0).to(dtype)
        make = lambda *sizes: torch.randn(*sizes).to(dtype)
        result[name + "_mlp"] = (Mlp().eval().to(dtype), (make(70, 40),), [(make(1, 40),), (make(129, 40),)])
        result[name + "_net"] = (net.to(dtype), (make(1, 3, 40, 40),), [(make(2, 3, 33, 47),)])
        result[name + "_attention"] = (Attention().to(dtype), (torch.randint(30, (2, 9)), mask(9)), [(torch.randint(30, (1, 33)), mask(33))])
    return result


@pytest.fixture(scope="session")
def built():
    return cases()


@pytest.fixture(scope="session")
def emitted(emit, built):
    return emit({name: torch.jit.trace(module, inputs) for name, (module, inputs, _) in built.items()}, "--target=sm_90")


def check_library(path):
    library = tsc.load(path)
    for name, (module, inputs, others) in cases().items():
        for call in (inputs, *others):
            if name == "rounding":  # of which the rounded numbers are the truth
                for ours, theirs in zip(library[name](*call), module(*call)):
                    torch.testing.assert_close(torch.from_dlpack(ours), theirs, rtol=0, atol=0)
            else:
                compare.check(library[name], module, *call)
        print(name, flush=True)


def test_results(emitted, emulator, built):
    # Unoptimised, since a build takes most of the time.
    library = compilers.build_with_sanitizers(emitted.folder, "-O0", f"-DTSC_CUDA_EMULATOR={emulator}")
    command = [sys.executable, Path(__file__).resolve(), library]
    result = subprocess.run(command, capture_output=True, text=True, env=compilers.sanitizer_environment())
    assert result.returncode == 0, result.stdout + result.stderr[-6000:]
    assert result.stdout.splitlines() == list(built)


def test_report(emitted):
    """All of what was traced is in regions."""
    method = ""
    for line in emitted.report.splitlines():
        method = line.strip() if line.startswith("  ") and not line.startswith("   ") else method
        assert method.endswith(".general") or " generic " not in line, line


@pytest.mark.parametrize("architecture", nvcc_options.architectures())
def test_tensor_cores(nvcc, emitted, tmp_path, architecture):
    command = ["nvcc", *nvcc_options.options(architecture), "-I.", "-Iruntime/include", "-ptx", "-o"]
    for name, dtype in DTYPES.items():
        for model in ("mlp", "net"):
            ptx = tmp_path / "code.ptx"
            option = [o.replace("code=sm_", "code=compute_") for o in command]
            subprocess.run([*option, ptx, f"{name}_{model}.cu"], cwd=emitted.folder, check=True)
            assert f"mma.sync.aligned.m16n8k16.row.col.f32.{'f16.f16' if name == 'half' else 'bf16.bf16'}.f32" in ptx.read_text()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    check_library(sys.argv[1])
