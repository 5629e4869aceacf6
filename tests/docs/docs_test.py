"""What README.md and docs/ show is run, and what they quote is what comes out."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tsc

ROOT = Path(__file__).resolve().parents[2]
COMPILER = Path(os.environ.get("TSC") or tsc.compiler.find_compiler())
QUOTED_TARGET = "x86-64-v4"  # the CPU that docs/emitted-source.md was written on


def blocks(file, language):
    """The code blocks of a page: fenced ones of a language, or indented ones for None."""
    text = (ROOT / file).read_text()
    if language:
        return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n".join(line[4:] for line in block.split("\n")) for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)]


@pytest.fixture
def folder(tmp_path):
    """A folder from which the project's own paths can be used, as from its root."""
    for name in ("samples", "tools", "runtime"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(command, folder):
    path = f"{COMPILER.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TSC": str(COMPILER), "PYTHONPATH": str(ROOT / "runtime/python")}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def export(folder, sample, *names):
    run(f".venv/bin/python samples/export.py {sample} {names[0]}", folder)
    for name in names[1:]:
        shutil.copy(folder / names[0], folder / name)


def without_numbers(text):
    """Kernels, sizes and line numbers depend on the machine and on the samples."""
    return [" ".join(re.sub(r"[0-9.]+", "#", line).split()) for line in text.split("\n") if line.strip()]


def test_operators():
    """`tsc --list-ops > docs/operators.md` writes the page again."""
    listed = subprocess.run([COMPILER, "--list-ops"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs/operators.md").read_text() == listed


def test_readme_python(folder):
    (program,) = blocks("README.md", "python")
    (folder / "program.py").write_text(program)
    difference = run(f"{sys.executable} program.py", folder)
    numbers = [float(x) for x in re.findall(r"-?\d+\.\d*(?:e-?\d+)?", difference)]
    assert len(numbers) == 20 and max(map(abs, numbers)) < 1e-5


def test_coming_from_torchscript(folder):
    way, report = [block for block in blocks("docs/from-torchscript.md", None) if block.strip()][-2:]
    printed = [run(command.split("  #")[0], folder) for command in way.strip().split("\n")]
    quoted = [line for line in without_numbers(report) if line != "#"]  # "..."
    found = matches([re.compile(re.escape(line)) for line in quoted], without_numbers("\n".join(printed)))
    assert found == len(quoted), f"nothing prints '{quoted[found]}' there"


def commands_in(file):
    """Commands that a page names in its text and tables."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / file).read_text(), flags=re.MULTILINE | re.DOTALL)
    return sorted({c.replace("\\|", "|") for c in re.findall(r"`(tsc(?:-opt)? [^`]+)`", text)})


@pytest.mark.parametrize("command", commands_in("docs/from-torchscript.md") + commands_in("README.md"))
def test_commands(command, folder):
    export(folder, "mlp", "model.pt", "a.pt", "b.pt", "net.pt")
    run(command, folder)


def test_firmware(folder):
    export(folder, "mlp", "net.pt")
    run(blocks("docs/firmware.md", None)[0].split("  #")[0], folder)
    assert {"net.o", "net.h"} <= {file.name for file in folder.iterdir()}


def test_emitted_source(folder):
    """Each line that docs/emitted-source.md quotes is a line of what is emitted, in that order; `...` stands for more."""
    export(folder, "resnet18", "resnet18.pt")
    run(f"tsc resnet18.pt --target={QUOTED_TARGET} --emit=source -o resnet18", folder)
    files = list((folder / "resnet18").glob("*.cpp")) + list((folder / "resnet18").glob("*.h"))
    emitted = [[line.strip() for line in file.read_text().split("\n")] for file in files]
    excerpts = blocks("docs/emitted-source.md", "cpp")
    assert excerpts
    for excerpt in excerpts:
        lines = [line.strip() for line in excerpt.split("\n") if line.strip() not in ("", "...", "//")]
        patterns = [re.compile(re.escape(line).replace(r"\.\.\.", ".*")) for line in lines]
        found = max(matches(patterns, text) for text in emitted)
        assert found == len(patterns), f"nothing emits the line '{lines[found]}' there, in the excerpt\n{excerpt}"


def matches(patterns, text):
    """How many patterns match lines of the text, in order."""
    rest = iter(text)
    found = 0
    while found < len(patterns) and any(patterns[found].fullmatch(line) for line in rest):
        found += 1
    return found
