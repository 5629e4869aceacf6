"""Emitted source of freestanding programs under the address and undefined-behaviour sanitizers, here."""

import os
import shutil

import pytest
import torch

from compare import compare_tensors, run_double
from firmware import BOARD, HERE, MACHINES, Program, decode, driver, execute, flatten, run, save, sequence_driver
from programs import PROGRAMS, input_options, quantised, trace
from programs_test import check
from state_test import MODULES, calls_and_results, steps_of

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def build(compiler, module, folder, *options):
    """The program as source, built; and the C++ compiler that did it."""
    found = [names for names in [("clang-19", "clang++-19"), ("clang", "clang++"), ("gcc", "g++")] if shutil.which(names[1])]
    if not found or shutil.which("cmake") is None:
        pytest.skip("there is no C++ compiler, or no cmake")
    cc, cxx = found[0]
    save(module, folder / "net.pt")
    source = folder / "source"
    run([compiler, folder / "net.pt", "--freestanding", "--emit=source", "--name", "net", "-o", source, *options])
    command = ["cmake", "-S", source, "-B", folder / "build", f"-DCMAKE_C_COMPILER={cc}", f"-DCMAKE_CXX_COMPILER={cxx}", "-DCMAKE_BUILD_TYPE=None"]
    run(command, env={**os.environ, "CXXFLAGS": " ".join(["-O1", "-gline-tables-only" if "clang" in cc else "-g1", *SANITIZERS])})
    run(["cmake", "--build", folder / "build"])
    program = Program.__new__(Program)
    program.folder, program.name, program.target = folder, "net", "native"
    program.header = (source / "net.h").read_text()
    program.object = next((folder / "build").glob("lib*.a"))
    return program, cc


def execute_checked(program, cc, text):
    """On the stack that the process has, and with nothing behind the arena, so that a write past its end is seen."""
    source, executable = program.folder / "main.c", program.folder / "main"
    source.write_text(text.replace("#define GUARD_WORDS 16", "#define GUARD_WORDS (" + ("ARENA_WORDS == 0" if "ARENA_WORDS" in text else "0") + ")"))
    include = ["-I", BOARD, "-I", program.folder / "source"]
    # The driver calls a function of another type, to compare the stack.
    run([cc, *SANITIZERS, *(["-fno-sanitize=function"] if "clang" in cc else []), "-DPLAIN_STACK", *include, source, HERE / "host_board.c", program.object, "-lm", "-lstdc++", "-o", executable])
    return execute(MACHINES["native"], executable, {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"})


# Each kernel and each kind of statement once.
NAMES = ["gate", "loops", "views", "integers", "vision", "attention", "reductions", "orders", "sorts", "writes", "fills", "scripted_recurrent"]


@pytest.mark.parametrize("name", NAMES)
def test_program(compiler, tmp_path, name):
    module, inputs = PROGRAMS[name]()
    theirs, exact = flatten([module(*inputs)]), flatten([run_double(module, inputs, "forward")])
    program, cc = build(compiler, trace(module, inputs), tmp_path, *input_options(module, inputs))
    ours = decode(execute_checked(program, cc, driver(program, flatten(inputs), theirs)), theirs)
    assert ours.status == 0
    for i, value in enumerate(ours.outputs):
        check(value, theirs[i], exact[i], f"output {i}")


def test_quantised(compiler, tmp_path):
    module, inputs = quantised()
    theirs = module(*inputs)
    program, cc = build(compiler, trace(module, inputs), tmp_path)
    ours = decode(execute_checked(program, cc, driver(program, flatten(inputs), flatten(theirs))), flatten(theirs))
    assert ours.status == 0 and torch.equal(ours.outputs[0], theirs)


@pytest.mark.parametrize("make", MODULES)
def test_state(compiler, tmp_path, make):
    module = torch.jit.script(make().eval())
    steps, options = steps_of(module)
    program, cc = build(compiler, module, tmp_path, *options)
    calls, theirs = calls_and_results(module, steps)
    ours = decode(execute_checked(program, cc, sequence_driver(program, calls)), theirs)
    assert ours.status == 0
    for i, (value, wanted) in enumerate(zip(ours.outputs, theirs, strict=True)):
        if isinstance(wanted, torch.Tensor):
            compare_tensors(value, wanted, wanted.double(), f"output {i}")


def test_a_small_arena_is_seen(compiler, tmp_path):
    module, inputs = PROGRAMS["mlp"]()
    program, cc = build(compiler, trace(module, inputs), tmp_path)
    text = driver(program, inputs, [module(*inputs)]).replace("_ARENA_BYTES) + 3) / 4)", "_ARENA_BYTES) + 3) / 4 - 32)")
    with pytest.raises(AssertionError, match="global-buffer-overflow"):
        execute_checked(program, cc, text)
