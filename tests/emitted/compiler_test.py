"""Emitted source builds with one command, with Clang and with GCC, without a warning; each gives PyTorch's results, and both
the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import compilers
import programs

NAMES = ("conv_net", "my_rnn_loop", "scripted_tagger", "attention", "numbers")


def test_builds_and_agrees(emit):
    built = programs.build()
    emitted = emit({name: built[name][0] for name in NAMES})
    outputs = []
    for compiler in compilers.COMPILERS:
        library = compilers.build(emitted.folder, compiler, "-Wall -Wextra -Werror")
        command = [sys.executable, Path(programs.__file__), library, "2"]
        result = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        assert result.returncode == 0, result.stdout + result.stderr
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1]
    assert {line.split(":")[0] for line in outputs[0].splitlines()} == set(NAMES)
