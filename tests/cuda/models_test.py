"""The models of samples/ compiled for a device, as large as the emulator runs them in seconds, against PyTorch in float64; each by
kernels that ran. suites_test.py runs their other methods. nvcc compiles the same source without a warning."""

import copy
import ctypes
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import pytest
import torch

import compare
import kernel_table
import nvcc_options
import tsc
from program_test import resident_bytes
from reduced import MODELS, sample, tutorial_models

HERE = Path(__file__).resolve().parent

# Sizes of reduced.py; programs whose control flow is theirs are small as they are.
SIZES = {
    "resnet18": "small", "resnet50": "small", "mobilenet_v2": "small", "vit_s16": "small", "bert_encoder": "small",
    "transformer_encoder": "small", "lstm": "small", "mlp": "whole", "gpt": "whole",
}  # fmt: skip
PROGRAMS = ["tagger", "detector", "speech", "translator", "cortex_m_gesture", "cortex_m_vision"]
TUTORIAL = list(tutorial_models())
HALVES = {"half": torch.float16, "bfloat": torch.bfloat16}
IN_HALVES = ["resnet18", "mobilenet_v2", "bert_encoder", "transformer_encoder"]

ANY_RANK = "it knows no weight, and so neither dtype nor rank of its inputs"
# What launches nothing, and why.
ON_HOST = {
    "transformer_encoder_half": "its layers, one op in inference, become ops of regions in float32 only",
    "transformer_encoder_bfloat": "its layers, one op in inference, become ops of regions in float32 only",
    "speech": "the samples that a call leaves for the next have a rank that is told at run time, and all else is made of them",
    "my_cell_scripted": ANY_RANK,
    "my_decision_gate": ANY_RANK,
    "my_high_decision_gate": ANY_RANK,
    "my_module": "its vector and its matrix meet the same weight, so that the input may be of either rank",
    "script_calls_trace": ANY_RANK,
    "trace_calls_script": ANY_RANK,
}


@dataclass(frozen=True)
class Model:
    module: Callable
    inputs: tuple
    traceable: bool = True


def in_dtype(model, dtype):
    inputs = tuple(x.to(dtype) if x.is_floating_point() else x for x in model.inputs)
    return Model(copy.deepcopy(model.module).to(dtype), inputs)


@pytest.fixture(scope="session")
def models():
    """By name."""
    result = {name: Model(*MODELS[name][size].build()) for name, size in SIZES.items()}
    for name in PROGRAMS:
        result[name] = Model(*sample(name).build(), getattr(sample(name), "TRACEABLE", True))
    for name, (module, inputs) in tutorial_models().items():
        result[name] = Model(module, inputs)
    for name in IN_HALVES:
        for kind, dtype in HALVES.items():
            result[f"{name}_{kind}"] = in_dtype(result[name], dtype)
    return result


@pytest.fixture(scope="session")
def files(models, tmp_path_factory):
    """Traced, where that can be."""
    folder = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        module = model.module
        if not isinstance(module, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
            module = torch.jit.trace(module, model.inputs, strict=False) if model.traceable else torch.jit.script(module)
        module.save(str(folder / f"{name}.pt"))
    return [folder / f"{name}.pt" for name in models]


@pytest.fixture(scope="session")
def path(compiler, files):
    """One library of all."""
    library = files[0].with_name("models.so")
    environment = {**os.environ, "EMULATED_TSC": str(Path(compiler).resolve())}
    subprocess.run([HERE / "emulated_tsc", *files, "-o", library], check=True, env=environment)
    return library


@pytest.fixture(scope="session")
def source(compiler, files):
    folder = files[0].with_name("source")
    subprocess.run([compiler, *files, "--target=sm_90", "--emit=source", "-o", folder], check=True)
    return folder


NAMES = [*SIZES, *PROGRAMS, *TUTORIAL, *(f"{name}_{kind}" for name in IN_HALVES for kind in HALVES)]


@pytest.mark.parametrize("name", NAMES)
def test_results(path, models, name):
    library, runtime = tsc.load(path), ctypes.CDLL(str(path))
    model = models[name]
    # Calls of copies, since some have a state.
    own = copy.deepcopy(model.module) if isinstance(model.module, torch.nn.Module) else model.module
    theirs = own(*copy.deepcopy(model.inputs))
    exact = compare.run_double(model.module, model.inputs, "forward")
    before = runtime.tsc_emulator_launches()
    ours = library[name](*copy.deepcopy(model.inputs))
    compare.compare(ours, theirs, exact, name)
    launches = runtime.tsc_emulator_launches() - before
    print(f"{name}: {launches} launches", f"since {ON_HOST[name]}" if name in ON_HOST else "")
    assert (launches == 0) == (name in ON_HOST)


def test_memory_stays_flat(path):
    """Kernels of small blocks after those of large ones take no new stacks in the emulator."""
    model = tsc.load(path)["translator"]
    for calls in (2, 4):
        before = resident_bytes()
        for _ in range(calls):
            model.translate("i see a red house")
    assert resident_bytes() - before < 8 << 20


def test_every_model_is_here(models):
    assert list(models) == NAMES
    assert {file.parent.name for file in (kernel_table.ROOT / "samples").glob("*/model.py")} <= models.keys()


@pytest.mark.parametrize("name", [name for name in [*SIZES, *PROGRAMS, *TUTORIAL, "bert_encoder_bfloat"] if name not in ON_HOST])
def test_nvcc(nvcc, source, tmp_path, name):
    """To PTX, without a warning. nvcc_test.py looks at what ptxas makes of the kernels."""
    subprocess.run(nvcc_options.to_ptx(f"{name}.cu", tmp_path / "code.ptx"), cwd=source, check=True)
    assert ".entry" in (tmp_path / "code.ptx").read_text()
