"""The address and the undefined-behaviour sanitizer find nothing in emitted source, at the example's sizes and at others,
with one thread and with three."""

import os
import subprocess
import sys
from pathlib import Path

import compilers
import programs

FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -shared-libasan -O1 -gline-tables-only"


def test_no_findings(emit, compiler):
    built = programs.build()
    emitted = emit({name: scripted for name, (scripted, _, _) in built.items()})
    library = compilers.build(emitted.folder, "clang", FLAGS, "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_SHARED_LINKER_FLAGS=-fsanitize=address,undefined -shared-libasan")  # fmt: skip
    runtime = subprocess.run([compilers.COMPILERS["clang"][0], "-print-file-name=libclang_rt.asan-x86_64.so"], capture_output=True, text=True)  # fmt: skip
    # PyTorch, in the same process, keeps memory to its end and frees with `free` what it made with `new`.
    options = {"LD_PRELOAD": runtime.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0:alloc_dealloc_mismatch=0", "UBSAN_OPTIONS": "print_stacktrace=1"}  # fmt: skip
    for threads in ("1", "3"):
        command = [sys.executable, Path(programs.__file__), library, threads]
        result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **options})
        assert result.returncode == 0, result.stdout + result.stderr
        assert len(result.stdout.splitlines()) == len(built)
