"""Outputs that can't be written, and what survives a failure."""

import os
import stat
import subprocess

import pytest


def test_no_output(refused, model):
    refused("no_output", "model.pt")


def test_unknown_suffix(refused, model):
    refused("unknown_output_kind", "model.pt", "-o", "model.dll")
    refused("unknown_output_kind", "model.pt", "-o", "model")


def test_missing_folder(refused, model):
    refused("output_folder_missing", "model.pt", "-o", "no/such/model.so")


def test_output_is_a_folder(refused, model, tmp_path):
    (tmp_path / "model.so").mkdir()
    refused("output_is_directory", "model.pt", "-o", "model.so")


def test_output_is_a_pipe(refused, model, tmp_path):
    os.mkfifo(tmp_path / "pipe.so")
    refused("output_not_a_file", "model.pt", "-o", "pipe.so")


def test_unwritable_folder(refused, model):
    # Nobody, root included, can make files there.
    assert "can't write '/proc/model.so'" in refused("output_not_writable", "model.pt", "-o", "/proc/model.so")


def test_output_is_the_input(refused, model, tmp_path):
    os.link(model, tmp_path / "model.so")
    refused("same_file", "model.pt", "-o", "model.so")


def test_source_folder_is_a_file(refused, model, tmp_path):
    (tmp_path / "sources").write_text("mine")
    refused("output_not_a_directory", "model.pt", "--emit=source", "-o", "sources")


def test_output_survives_failure(tsc, model, tmp_path):
    (tmp_path / "model.so").write_text("what was there")
    model.write_bytes(model.read_bytes()[:500])
    assert tsc("model.pt", "-o", "model.so").returncode == 1
    assert (tmp_path / "model.so").read_text() == "what was there"
    assert sorted(os.listdir(tmp_path)) == ["model.pt", "model.so"]


def test_models_with_names_of_emitted_files(tsc, model):
    process = tsc("library=model.pt", "entry_point=model.pt", "unit_0=model.pt", "-O0", "-o", "m.so")
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("name", ["m.so", "m.a", "m.o", "m.ir", "m.s"])
def test_output_appears_alone(tsc, model, tmp_path, name):
    process = tsc("model.pt", "-o", name)
    assert process.returncode == 0, process.stderr
    assert sorted(os.listdir(tmp_path)) == sorted([name, "model.pt"])
    mode = stat.S_IMODE((tmp_path / name).stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert mode == (0o777 if name == "m.so" else 0o666) & ~umask


def test_quiet_without_a_terminal(tsc, model):
    process = tsc("model.pt", "-o", "m.so")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_link_is_followed(tsc, model, tmp_path):
    (tmp_path / "real.so").write_text("old")
    os.symlink("real.so", tmp_path / "link.so")
    assert tsc("model.pt", "-o", "link.so").returncode == 0
    assert (tmp_path / "link.so").is_symlink()
    assert (tmp_path / "real.so").read_bytes().startswith(b"\x7fELF")


def test_equal_input_gives_equal_bytes(tsc, model, tmp_path):
    (tmp_path / "other").mkdir()
    assert tsc("model.pt", "-o", "m.so").returncode == 0
    assert tsc("model.pt", "-o", "other/m.so", "-j", "1", env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"}).returncode == 0
    assert (tmp_path / "m.so").read_bytes() == (tmp_path / "other" / "m.so").read_bytes()


def test_source_folder_builds(tsc, model, tmp_path):
    process = tsc("model.pt", "--emit=source", "-o", "sources")
    assert process.returncode == 0, process.stderr
    build = subprocess.run(
        ["cmake", "-S", "sources", "-B", "build", "-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19"],
        cwd=tmp_path, capture_output=True, text=True,
    )
    assert build.returncode == 0, build.stderr
    build = subprocess.run(["cmake", "--build", "build"], cwd=tmp_path, capture_output=True, text=True)
    assert build.returncode == 0, build.stdout + build.stderr
    assert (tmp_path / "build" / "sources.so").exists()
    text = "".join(path.read_text(errors="replace") for path in (tmp_path / "sources").rglob("*") if path.is_file())
    assert str(tmp_path) not in text
