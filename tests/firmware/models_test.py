"""The models of samples/ on each machine, whole or as much of them as it takes, against PyTorch in float64."""

import pytest

import torch

from compare import run_double
from firmware import MACHINES, Program, call, flatten, machine
from programs import input_options, trace
from programs_test import check
from reduced import MODELS, TUTORIAL_INPUTS, sample, tutorial_models
from refusal_test import refuse


# Here too: those that tests/models runs whole, and that take longest.
LONG = {"vit_s16", "resnet50", "bert_encoder"}


def variant_for(name, target):
    """The largest that the machine runs in time."""
    size = "small" if MACHINES[target].is_bare else "whole" if target == "native" and name not in LONG else "some"
    return MODELS[name].get(size, MODELS[name]["whole"])


def run_model(compiler, folder, module, inputs, target):
    theirs = flatten([module(*inputs)])
    exact = flatten([run_double(module, inputs, "forward")])
    program = Program(compiler, trace(module, inputs), folder, target, "--method=forward", *input_options(module, inputs))
    ours = call(program, inputs, theirs)
    assert ours.status == 0
    for i, output in enumerate(ours.outputs):
        check(output, theirs[i], exact[i], f"output {i}")


# A Cortex-M7 runs a Cortex-M4's instructions; programs_test.py has smaller programs for it.
CASES = [(name, target) for name in MODELS for target in MACHINES if target != "cortex-m7"]


@pytest.mark.parametrize("name, target", CASES)
def test_model(compiler, tmp_path, record_property, name, target):
    machine(target)
    variant = variant_for(name, target)
    if variant.what:
        print(f"{name} on {target}: {variant.what}, since {variant.why}")
        record_property("reduced", f"{variant.what}: {variant.why}")
    module, inputs = variant.build()
    run_model(compiler, tmp_path, module, inputs, target)


# What a freestanding program can't do, with a word of each reason that the compiler gives.
REFUSED = {
    "tagger": (("dict",), "words come in dicts"),
    "detector": (("op 'len'", "a list of run-time length"), "the number of boxes is told by the image"),
    "my_module": (("that 'if' gives",), "the sizes of its result are told by its input"),
    "speech": (("it begins as f32[0]", "it is a str"), "samples that fill no frame are kept, and letters come out"),
    "translator": (("op 'len'", "list_getitem"), "beams are lists that grow"),
}


@pytest.mark.parametrize("target", ["native", "riscv64", "cortex-m4"])
def test_tutorial(compiler, tmp_path, target):
    machine(target)
    for name, (module, inputs) in tutorial_models().items():
        if name not in REFUSED:
            run_model(compiler, tmp_path / name, module, inputs, target)


def refused_model(name):
    """A script and its inputs."""
    if name in TUTORIAL_INPUTS:
        return tutorial_models()[name]
    module, inputs = sample(name).build()
    return torch.jit.trace(module, inputs, strict=False) if name == "tagger" else torch.jit.script(module), inputs


@pytest.mark.parametrize("name", REFUSED)
def test_refused(compiler, tmp_path, name):
    words, why = REFUSED[name]
    print(f"{name}: refused, since {why}")
    script, inputs = refused_model(name)
    text = refuse(compiler, tmp_path, script, "--method=forward", *input_options(script, inputs))
    assert [word for word in words if word not in text] == [], text
