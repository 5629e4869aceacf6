"""tsc.compile: how it finds and runs the compiler, on a stand-in that records its arguments."""

import json
import os
import stat
import sys

import pytest

import tsc
from tsc import compiler


@pytest.fixture
def stand_in(tmp_path):
    program = tmp_path / "bin" / "tsc"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "if '--version' in sys.argv: print('tsc 0.0.0'); sys.exit()\n"
        "if 'bad.pt' in sys.argv: sys.exit('bad.pt: error: not TorchScript')\n"
        "open(sys.argv[sys.argv.index('-o') + 1], 'w').write(json.dumps(sys.argv[1:]))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_flags(stand_in, tmp_path):
    output = tsc.compile("m.pt", tmp_path / "m.so", compiler=stand_in, threads=4, no_fuse=True, static=False,
                         input=["x: f32[1..8]", "y: i64"])  # fmt: skip
    assert json.load(open(output)) == [
        "m.pt", "-o", output, "--threads=4", "--no-fuse", "--input=x: f32[1..8]", "--input=y: i64",
    ]  # fmt: skip


def test_several_files_and_default_output(stand_in, tmp_path):
    first = tmp_path / "a.pt"
    output = tsc.compile([first, "b.pt"], compiler=stand_in)
    assert output == str(tmp_path / "a.so")
    assert json.load(open(output))[:2] == [str(first), "b.pt"]


def test_modules_in_memory_are_saved(stand_in, tmp_path):
    class Module:
        def save(self, path):
            open(path, "w").close()

    saved = json.load(open(tsc.compile(Module(), tmp_path / "net.so", compiler=stand_in)))[0]
    assert os.path.basename(saved) == "net.pt" and not os.path.exists(saved)
    with pytest.raises(tsc.Error):
        tsc.compile(Module(), compiler=stand_in)


def test_refusals(stand_in, tmp_path):
    with pytest.raises(tsc.Error) as caught:
        tsc.compile("bad.pt", compiler=stand_in)
    assert caught.value.kind == "compile_error" and caught.value.message == "bad.pt: error: not TorchScript"
    with pytest.raises(tsc.Error):
        tsc.compile("m.pt", compiler=tmp_path / "none")


def test_search(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(compiler, "__file__", str(tmp_path / "x" / "y" / "tsc" / "compiler.py"))
    monkeypatch.setenv("PATH", str(stand_in.parent))
    assert compiler.find_compiler() == str(stand_in)
    stand_in.write_text(f"#!{sys.executable}\nprint('Version 5.4')\n")  # another program of that name
    with pytest.raises(tsc.Error):
        compiler.find_compiler()
