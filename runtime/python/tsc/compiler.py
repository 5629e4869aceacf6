"""Runs the compiler."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, List, Optional, Sequence, Union

from tsc.error import Error

PathLike = Union[str, os.PathLike]


def find_compiler() -> str:
    """The program in the package, in a build of the source tree that the package lies in, or on PATH."""
    package = Path(__file__).resolve().parent
    source_tree = package.parents[2]
    builds = [source_tree / "build" / name for name in ("release", "dev")]
    builds += sorted(source_tree.glob("build/*")) + sorted(source_tree.glob("build*"))
    for folder in [package, *builds]:
        program = folder / "bin" / "tsc"
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    program = shutil.which("tsc")
    # Other programs have that name, too.
    if program and subprocess.run([program, "--version"], capture_output=True, text=True).stdout.startswith("tsc "):
        return program
    raise Error("compile_error", "the compiler was not found in the package, in a build of the source tree, or on PATH")


def compile(model: Any, output: Optional[PathLike] = None, *, compiler: Optional[PathLike] = None, **options) -> str:
    """Compiles TorchScript to a library and returns its path.

    model: a .pt file, several of them, or a module with `save` (torch.jit's). output: by default the first file's name
    with .so. options: the compiler's, with underscores: ``threads=4``, ``static=True``, ``O=1``, ``input=["x: f32[1..8, 3]"]``.
    """
    with tempfile.TemporaryDirectory() as folder:
        if hasattr(model, "save"):
            if output is None:
                raise Error("compile_error", "a module in memory needs an output path")
            saved = os.path.join(folder, Path(output).stem + ".pt")
            model.save(saved)
            model = saved
        files: List[str] = [os.fspath(m) for m in (model if isinstance(model, (list, tuple)) else [model])]
        output = os.fspath(Path(files[0]).with_suffix(".so") if output is None else output)
        command = [os.fspath(compiler or find_compiler()), *files, "-o", output, *_flags(options)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            raise Error("compile_error", str(error)) from None
    if done.returncode != 0:
        raise Error("compile_error", done.stderr.strip() or f"the compiler ended with status {done.returncode}")
    return output


def _flags(options) -> Sequence[str]:
    flags = []
    for name, value in options.items():
        flag, equals = ("-" + name, "") if len(name) == 1 else ("--" + name.replace("_", "-"), "=")
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is True:
                flags.append(flag)
            elif item is not False and item is not None:
                flags.append(f"{flag}{equals}{item}")
    return flags
