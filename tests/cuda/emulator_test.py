"""The emulator runs emitted source on the CPU, with the address and the undefined-behaviour sanitizer: every program gives
PyTorch's results, at the example's sizes and at others, in two orders of threads and blocks, fused and unfused."""

import subprocess
import sys
from pathlib import Path

import compilers
import pytest
import programs


# Whose kernels also run with threads and blocks in another order.
NETS = ("sizes", "conv_net", "mlp", "attention", "spelled_attention", "bert", "numbers")


@pytest.mark.parametrize("names, seed, options", [(None, 1, ()), (NETS, 2, ("--no-fuse",))], ids=["fused", "unfused"])
def test_programs(emit, emulator, names, seed, options):
    built = programs.build()
    built = {name: built[name] for name in names or built}
    emitted = emit({name: scripted for name, (scripted, _, _) in built.items()}, "--target=sm_90", *options)
    assert list(emitted.folder.glob("*.cu"))
    # Unoptimised, since a build takes most of the time.
    library = compilers.build_with_sanitizers(emitted.folder, "-O0", f"-DTSC_CUDA_EMULATOR={emulator}")
    command = [sys.executable, Path(programs.__file__), library, "1"]
    environment = {**compilers.sanitizer_environment(), "TSC_EMULATOR_SEED": str(seed)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(result.stdout.splitlines()) == len(built)
