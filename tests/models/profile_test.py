"""Libraries made with --profile, and tools/tsc-bench, which tells where time goes by group."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import tsc
from tsc.profile import describe_ops

ROOT = Path(__file__).resolve().parents[2]


class Chain(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        for _ in range(10):
            x = torch.relu(x + y) * 0.9
        return x


class Mixed(nn.Module):
    """A region in a loop, an op whose result's size is told at run time, a result that is a view, and a method with a
    name that emitted code would like to have."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor, steps: int) -> Tensor:
        for _ in range(steps):
            x = torch.relu(self.fc(x))
        return torch.nonzero(x)

    @torch.jit.export
    def profile(self, x: Tensor) -> Tensor:
        return (torch.sigmoid(x) * 2).t()


@pytest.fixture(scope="module")
def chain_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("chain") / "chain.pt"
    torch.jit.trace(Chain(), (torch.randn(300, 300), torch.randn(300, 300))).save(str(file))
    return file


def op_ids(profile):
    return [op.id for row in profile for op in row.ops]


def profile_of_calls(model, inputs, count):
    """The rows of some calls, and the time that these took in all. The general version, for other inputs, does not run."""
    model(*inputs)
    model.profile(reset=True)
    begin = time.perf_counter()
    for _ in range(count):
        model(*inputs)
    seconds = time.perf_counter() - begin
    return [row for row in model.profile() if row.calls], seconds


def test_resnet18(compile_and_load):
    from resnet18.model import build

    module, example = build()
    inputs = example if isinstance(example, tuple) else (example,)
    traced = torch.jit.trace(module, inputs)
    fused, unfused = (compile_and_load(traced, "resnet18", profile=True, no_fuse=no_fuse) for no_fuse in (False, True))
    profile, seconds = profile_of_calls(fused, inputs, 5)
    assert 0.5 * seconds < sum(row.seconds for row in profile) < seconds
    assert all(row.calls == 5 and row.bytes > 0 for row in profile)
    assert all(op.source.startswith("model.py:") for row in profile for op in row.ops)
    alone, _ = profile_of_calls(unfused, inputs, 1)
    assert all(len(row.ops) == 1 for row in alone)
    assert len(alone) > len(profile)
    # Each op is in one row, here and there.
    assert sorted(op_ids(profile)) == sorted(op_ids(alone)) == sorted(set(op_ids(alone)))
    convolutions = {row.ops[0].id: row.operations for row in alone if row.kind == "conv2d"}
    assert len(convolutions) == 20 and sum(convolutions.values()) == pytest.approx(3.63e9, rel=0.01)


def test_chain(chain_file, compiler):
    model = tsc.load(tsc.compile(chain_file, compiler=compiler, profile=True))
    inputs = (torch.randn(300, 300), torch.randn(300, 300))
    profile, seconds = profile_of_calls(model, inputs, 3)
    (row,) = profile  # beside the tensors, it reads the number 0.9
    assert (row.method, row.kind, row.calls, len(row.ops)) == ("forward", "pointwise", 3, 30)
    assert row.bytes == pytest.approx(3 * 3 * 4 * 300 * 300, rel=1e-3) and row.operations == 3 * 30 * 300 * 300
    assert 0 < row.seconds < seconds
    line = next(i for i, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "x = torch.relu(x + y) * 0.9" in text)
    assert describe_ops(row) == f"10 x (add + relu + mul) (profile_test.py:{line})"
    assert describe_ops(row) in str(model.profile())
    # Bytes are those of the call, not of the example.
    profile, _ = profile_of_calls(model, (torch.randn(10, 10), torch.randn(10, 10)), 1)
    assert profile[0].bytes == pytest.approx(3 * 4 * 100, rel=1e-2)


def test_rows_outside_groups(compile_and_load):
    model = compile_and_load(torch.jit.script(Mixed()), "mixed", profile=True, input=["x: f32[3, 4]"])
    model(torch.randn(3, 4), 7)
    model.methods["profile"](torch.randn(3, 4))
    rows = {(row.method, row.kind): row for row in model.profile() if row.calls}
    assert rows["forward", "generic"].ops[0].name == "nonzero" and rows["forward", "generic"].calls == 1
    assert any(row.calls == 7 for row in rows.values())
    assert rows["profile", "copy"].ops == () and rows["profile", "copy"].bytes == 2 * 4 * 12
    model.profile(reset=True)
    assert not any(row.calls or row.seconds or row.bytes for row in model.profile())


def test_models_of_one_library(compile_group):
    models = compile_group({"one": torch.jit.trace(nn.Linear(4, 4), torch.randn(1, 4)), "two": torch.jit.script(Chain())}, profile=True)
    models["one"](torch.randn(1, 4))
    assert sum(row.calls for row in models["one"].profile()) == 1
    assert not any(row.calls for row in models["two"].profile())


def test_only_with_the_option(chain_file, compiler, tmp_path):
    path = tsc.compile(chain_file, tmp_path / "plain.so", compiler=compiler)
    symbols = subprocess.run(["nm", "-D", path], capture_output=True, text=True, check=True).stdout
    assert "profile" not in symbols and "clock_gettime" not in symbols
    with pytest.raises(tsc.Error, match="without --profile"):
        tsc.load(path).profile()


def run_bench(file, compiler, *options):
    command = [sys.executable, str(ROOT / "tools" / "tsc-bench"), str(file), "--compiler", str(compiler),
               "--keep", str(file.parent), "--seconds", "0.5", *options]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bench(chain_file, compiler):
    (run,) = json.loads(run_bench(chain_file, compiler, "--json"))["runs"]
    assert set(run["rows"]) == {"fused", "unfused", "LibTorch", "LibTorch optimized"}
    (row,) = run["groups"]["rows"]
    assert len(row["ops"]) == 30 and row["ops"][0]["name"] == "add" and row["ops"][0]["source"].startswith("profile_test.py:")
    assert 0 < row["fused"] < row["unfused"]
    assert row["bytes"] == pytest.approx(3 * 4 * 300 * 300, rel=1e-3) and row["bytes_unfused"] > 10 * row["bytes"]
    text = run_bench(chain_file, compiler)
    assert "10 x (add + relu + mul) (profile_test.py:" in text and "sum of 1 group\n" in text and "in no row" in text


def test_bench_warns_of_noise(capsys):
    loader = importlib.machinery.SourceFileLoader("tsc_bench", str(ROOT / "tools" / "tsc-bench"))
    bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("tsc_bench", loader))
    loader.exec_module(bench)
    result = {
        "threads": 1, "rows": {}, "error": {},
        "groups": {"rows": [], "sum": {"fused": 1, "unfused": 1}, "rest": {"fused": 0, "unfused": 0}},
    }  # fmt: skip
    for probe, warns in (([1.0] * 19 + [2.0], False), ([1.0] * 10 + [2.0] * 10, True)):
        bench.show({**result, "noise": bench.noise_of(probe)})
        assert ("the machine is noisy: a fixed piece of work took up to 2.00 times" in capsys.readouterr().out) == warns
