"""Each step of the compiler on every program of this folder: tsc-verify runs the graph after it on LibTorch."""

import importlib
import os
import subprocess
from pathlib import Path

import pytest
import torch

import tsc

# Of torchvision's ops LibTorch has no kernels.
LEFT_OUT = {"steps_test", "vision_test"}
FILES = sorted(path.stem for path in Path(__file__).parent.glob("*_test.py") if path.stem not in LEFT_OUT)
MODULES = {name: importlib.import_module(name) for name in FILES}
SUITES = {name: module.suite for name, module in MODULES.items() if hasattr(module, "suite")}
PROGRAMS = [(file, program) for file, suite in SUITES.items() for program in suite.cases]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    paths = {}
    for file, program in PROGRAMS:
        calls, _ = SUITES[file].options[program]
        paths[f"{file}_{program}.pt"] = path = folder / f"{file}_{program}.pt"
        torch.jit.script(SUITES[file].programs[program]().eval()).save(str(path))
        torch.save([(call.method, tuple(call.arguments)) for call in calls], f"{path}.calls")
    compiler = Path(os.environ.get("TSC") or tsc.compiler.find_compiler())
    done = subprocess.run([compiler.with_name("tsc-verify"), *paths.values()], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(str(folder))]
    assert len(lines) == len(paths), f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return {Path(path).name: verdict for path, verdict in (line.split(": ", 1) for line in lines)}


@pytest.mark.parametrize(("file", "program"), PROGRAMS)
def test_steps(file, program, verdicts):
    verdict = verdicts[f"{file}_{program}.pt"]
    if verdict.startswith("Unpickler found unknown"):
        pytest.skip(f"LibTorch doesn't read its arguments from a pickle: {verdict}")
    assert verdict == "ok"
