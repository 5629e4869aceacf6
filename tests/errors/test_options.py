"""Options that ask for what isn't there."""

import shutil
from pathlib import Path

import torch


def test_no_input(refused):
    refused("no_input", "-o", "x.so")


def test_unknown_target(refused, model):
    assert "x86-64-v3" in refused("unknown_target", "model.pt", "-o", "m.so", "--target=z80")


def test_unknown_pass(refused, model):
    assert "fuse_groups" in refused("unknown_pass", "model.pt", "-o", "m.so", "--print-after=vectorise")
    refused("unknown_pass", "model.pt", "-o", "m.ir", "--stop-after=vectorise")


def test_unknown_option(refused, model):
    refused("bad_option", "model.pt", "-o", "m.so", "--fast")


def test_bad_values(refused, model):
    refused("bad_option", "model.pt", "-o", "m.so", "--threads=0")
    refused("bad_option", "model.pt", "-o", "m.so", "--specialize=all")
    refused("bad_option", "model.pt", "-o", "m.so", "-O", "7")
    refused("bad_option", "model.pt", "-o", "m.so", "--emit=exe")


def test_bad_input_specification(refused, model):
    refused("bad_input_option", "model.pt", "-o", "m.so", "--input", "x: f33[1")
    refused("bad_input_option", "model.pt", "-o", "m.so", "--input", "nobody: f32[1, 3]")
    refused("bad_input_option", "model.pt", "-o", "m.so", "--input", "other/x: f32[1, 3]")


def test_all_that_is_wrong_is_told_at_once(tsc, model):
    process = tsc("model.pt", "-o", "m.dll", "--target=z80", "--print-after=vectorise")
    assert process.returncode == 1
    for code in ("unknown_output_kind", "unknown_target", "unknown_pass"):
        assert f"[{code}]" in process.stderr


def test_model_names(refused, model, tmp_path):
    shutil.copy(model, tmp_path / "model.zip")
    refused("duplicate_model_name", "model.pt", "model.zip", "-o", "m.so")
    refused("bad_model_name", "1st=model.pt", "-o", "m.so")


def test_cross_linking_without_libraries(refused, tsc, model):
    """Where the target's C library is installed, as for tests in emulators, it links."""
    if Path("/usr/aarch64-linux-gnu/lib/libm.so.6").exists():
        assert tsc("model.pt", "-o", "m.so", "--target=aarch64").returncode == 0
    else:
        refused("cannot_link_target", "model.pt", "-o", "m.so", "--target=aarch64")


def test_freestanding(refused, model):
    refused("not_for_freestanding", "model.pt", "-o", "m.so", "--target=cortex-m4")
    refused("not_for_freestanding", "model.pt", "-o", "m.o", "--freestanding", "--profile")
    refused("not_for_freestanding", "model.pt", "-o", "m.o", "--freestanding", "--threads=2")
    refused("not_for_freestanding", "model.pt", "-o", "m.o", "--freestanding", "--specialize=dynamic")
    refused("not_for_freestanding", "model.pt", "-o", "m.o", "--freestanding", "--target=sm_90")


def test_names(refused, model):
    refused("bad_model_name", "model.pt", "--name=1st", "-o", "m.so")
    refused("one_name_for_models", "a=model.pt", "b=model.pt", "--name=c", "-o", "m.so")


def test_information(tsc):
    assert tsc("--version").stdout.startswith("tsc ")
    for words in (["--help"], ["--print-targets"], ["--print-passes"], ["--list-ops"]):
        process = tsc(*words)
        assert process.returncode == 0 and process.stdout and not process.stderr


def test_reports(tsc, model):
    process = tsc("model.pt", "-o", "m.so", "--report", "--time-passes")
    assert process.returncode == 0
    assert "linear" in process.stdout and "weights" in process.stdout
    assert "import" in process.stderr and "link" in process.stderr


def test_stop_and_print(tsc, model):
    process = tsc("model.pt", "--stop-after=simplify", "--print-after=simplify")
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("func forward(") == 2


def test_strict_fusion(tsc, refused, model, tmp_path):
    """What the example's version leaves unfused is refused; the general version beside it is generic by nature."""
    assert tsc("model.pt", "-o", "m.so", "--strict-fusion").returncode == 0

    class Sorts(torch.nn.Module):
        def forward(self, x):
            return torch.sort(x)[0] + 1

    torch.jit.save(torch.jit.trace(Sorts(), torch.ones(3, 4)), tmp_path / "sorts.pt")
    assert "sort stays unfused" in refused("unfused", "sorts.pt", "-o", "s.so", "--strict-fusion")
