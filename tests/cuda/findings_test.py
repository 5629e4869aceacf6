"""The emulator finds faults of kernels, whatever the order of threads: findings.cu has one of each kind."""

import os
import subprocess

import compilers
import pytest

from conftest import ROOT

MESSAGES = {
    "read_race": "of shared memory",  # as a race, or where the reader came first as a read of nothing
    "write_race": "which thread",
    "write_after_read": "which thread",
    "unwritten": "is read before it is written",
    "outside": "element 64 of 64 in shared memory",
    "missed_barrier": "stand at a barrier",
    "missed_product": "the others wait for their warp",
    "missed_shuffle": "the others wait for their warp",
    "host_pointer": "which is not the device's",
    "device_copy": "which is not the host's",
    "host_read": "which is the device's memory",
    "host_write": "which is the device's memory",
    "past_the_end": "use-after-poison",
}


@pytest.fixture(scope="session")
def program(tmp_path_factory, emulator):
    path = tmp_path_factory.mktemp("findings") / "findings"
    flags = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
    folders = [f"-I{emulator}", f"-I{ROOT}", f"-I{ROOT}/runtime/include"]
    sources = ["-x", "c++", ROOT / "tests/cuda/findings.cu", emulator / "emulator.cpp"]
    subprocess.run([compilers.COMPILERS["clang"][0], *flags, *folders, *sources, "-o", path], check=True)
    return path


def run(program, name, seed):
    environment = {**os.environ, "TSC_EMULATOR_SEED": str(seed), "ASAN_OPTIONS": "detect_leaks=0"}
    return subprocess.run([program, name], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("name", MESSAGES)
def test_finds(program, name):
    for seed in range(5):
        result = run(program, name, seed)
        assert result.returncode != 0 and MESSAGES[name] in result.stderr, result.stdout + result.stderr


def test_finds_nothing_else(program):
    for seed in range(5):
        result = run(program, "right", seed)
        assert (result.returncode, result.stdout) == (0, "done 127\n"), result.stdout + result.stderr
