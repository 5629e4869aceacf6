"""Builds a folder of emitted source with its CMakeLists.txt."""

import os
import shutil
import subprocess

import pytest

COMPILERS = {"clang": ("clang++-19", "clang-19"), "gcc": ("g++", "gcc")}


def build(folder, compiler, flags, *options):
    """The library's path. Skips the test where there is no such compiler."""
    cxx, cc = COMPILERS[compiler]
    for tool in ("cmake", cxx, cc):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    place = folder / ("build_" + compiler)
    configure = ["cmake", "-S", folder, "-B", place, f"-DCMAKE_CXX_COMPILER={cxx}", f"-DCMAKE_C_COMPILER={cc}", f"-DCMAKE_CXX_FLAGS={flags}", *options]  # fmt: skip
    for command in (configure, ["cmake", "--build", place, "--parallel", "2"]):
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert result.returncode == 0, (result.stdout + result.stderr)[-6000:]
    return place / (folder.name + ".so")


def build_with_sanitizers(folder, flags, *options):
    """The library's path, built with the address and the undefined-behaviour sanitizer by Clang."""
    flags = f"-fsanitize=address,undefined -fno-sanitize-recover=all -shared-libasan -gline-tables-only {flags}"
    link = "-DCMAKE_SHARED_LINKER_FLAGS=-fsanitize=address,undefined -shared-libasan"
    return build(folder, "clang", flags, "-DCMAKE_BUILD_TYPE=None", link, *options)


def sanitizer_environment():
    """Of a process that loads such a library."""
    command = [COMPILERS["clang"][0], "-print-file-name=libclang_rt.asan-x86_64.so"]
    runtime = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    # PyTorch, in the same process, keeps memory to its end and frees with `free` what it made with `new`.
    options = {"ASAN_OPTIONS": "detect_leaks=0:alloc_dealloc_mismatch=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    return {**os.environ, "LD_PRELOAD": runtime, **options}
