"""Emitted source of freestanding programs builds with GCC, for here and for a microcontroller, warnings as errors."""

import os
import shutil

import pytest
import torch

from firmware import BOARD, ROOT, machine, run, save
from programs import PROGRAMS, input_options, trace


@pytest.mark.parametrize("target", ["native", "cortex-m4"])
@pytest.mark.parametrize("name", ["sine", "loops", "gesture", "vision"])
def test_source(compiler, tmp_path, name, target):
    where = machine(target)
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake")
    module, inputs = PROGRAMS[name]()
    save(trace(module, inputs), tmp_path / "net.pt")
    folder = tmp_path / "net"
    run([compiler, tmp_path / "net.pt", "--freestanding", "--target", target, "--emit=source", "-o", folder, *input_options(module, inputs)])
    options = [f"-DCMAKE_TOOLCHAIN_FILE={BOARD}/arm-none-eabi.cmake", f"-DBOARD={where.board}"] if where.is_bare else ["-DCMAKE_CXX_COMPILER=g++"]
    run(["cmake", "-S", folder, "-B", tmp_path / "build", *options], env={**os.environ, "CXXFLAGS": "-Wall -Wextra -Werror"})
    run(["cmake", "--build", tmp_path / "build"])
    library = tmp_path / "build" / "libnet.a"
    if where.is_bare:  # floats in the processor's registers
        assert "__aeabi_fmul" not in run(["arm-none-eabi-nm", "-u", library])


# Names that CMake has targets of, and such as no target may have.
@pytest.mark.parametrize("name", ["all", "ALL_BUILD", "test", "help", "clean", "install", "a b", "v1.2", "-x", "2+2"])
@pytest.mark.parametrize("kind", ["firmware", "host", "device"])
def test_names_of_folders(compiler, tmp_path, kind, name):
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake")
    save(torch.jit.trace(torch.nn.Linear(2, 2), torch.rand(1, 2)), tmp_path / "net.pt")
    options = {"firmware": ["--freestanding"], "host": [], "device": ["--target=sm_80"]}[kind]
    folder = tmp_path / name
    run([compiler, tmp_path / "net.pt", "--emit=source", "-o", f"{folder}/", *options])
    emulator = [f"-DTSC_CUDA_EMULATOR={ROOT / 'cuda' / 'emulator'}"] if kind == "device" else []
    run(["cmake", "-S", folder, "-B", tmp_path / "build", *emulator])
    if (kind, name) != ("firmware", "all") and (kind, name) != ("firmware", "a b"):
        return  # the rest is the same for all names
    run(["cmake", "--build", tmp_path / "build"])
    assert (tmp_path / "build" / f"lib{name}.a").exists()
