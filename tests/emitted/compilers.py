"""Builds a folder of emitted source with its CMakeLists.txt."""

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
