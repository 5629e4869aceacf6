"""The address and the undefined-behaviour sanitizer find nothing in emitted source, at the example's sizes and at others,
with one thread and with three."""

import subprocess
import sys
from pathlib import Path

import compilers
import programs


def test_no_findings(emit, compiler):
    built = programs.build()
    emitted = emit({name: scripted for name, (scripted, _, _) in built.items()})
    library = compilers.build_with_sanitizers(emitted.folder, "-O1")
    for threads in ("1", "3"):
        command = [sys.executable, Path(programs.__file__), library, threads]
        result = subprocess.run(command, capture_output=True, text=True, env=compilers.sanitizer_environment())
        assert result.returncode == 0, result.stdout + result.stderr
        assert len(result.stdout.splitlines()) == len(built)
