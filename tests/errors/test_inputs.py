"""Files that are no TorchScript models: one clear line each."""

import os

import torch


def test_missing_file(refused):
    assert "nowhere.pt: error: no such file" in refused("missing_file", "nowhere.pt", "-o", "x.so")


def test_folder(refused, tmp_path):
    (tmp_path / "folder.pt").mkdir()
    refused("not_a_file", "folder.pt", "-o", "x.so")


def test_not_a_zip(refused, tmp_path):
    (tmp_path / "text.pt").write_text("not a model\n" * 100)
    assert "torch.jit.save" in refused("not_an_archive", "text.pt", "-o", "x.so")


def test_empty_file(refused, tmp_path):
    (tmp_path / "empty.pt").touch()
    refused("not_an_archive", "empty.pt", "-o", "x.so")


def test_torch_save(refused, tmp_path):
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "weights.pt")
    assert "torch.jit" in refused("not_torchscript", "weights.pt", "-o", "x.so")


def test_torch_save_of_old_format(refused, tmp_path):
    torch.save({"a": torch.ones(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    refused("not_torchscript", "old.pt", "-o", "x.so")


def test_truncated(refused, model):
    data = model.read_bytes()
    for size in (len(data) - 1, len(data) // 2, 100):
        model.write_bytes(data[:size])
        refused("truncated_archive", "model.pt", "-o", "x.so")


def test_shortened_storage(refused, rezip):
    rezip(lambda name, data: data[:4] if name.endswith("data/0") else data)
    refused("truncated_archive", "broken.pt", "-o", "x.so")


def test_nested_code(tsc, rezip):
    def change(name, data):
        return data + b"\n#" + b"(" * 100 if name.endswith(".py") else data

    rezip(change)
    nested = b"def forward(self, x):\n  return " + b"(" * 100000 + b"x" + b")" * 100000
    rezip(lambda name, data: nested if name.endswith(".py") and "code" in name else data)
    process = tsc("broken.pt", "-o", "x.so")
    assert process.returncode == 1, process.stderr


def test_every_input_is_reported(tsc, tmp_path):
    (tmp_path / "text.pt").write_text("not a model")
    process = tsc("text.pt", "nowhere.pt", "-o", "x.so")
    assert process.returncode == 1
    assert "text.pt: error: " in process.stderr and "nowhere.pt: error: " in process.stderr


def test_names_that_look_like_options(refused, model, tmp_path):
    os.rename(model, tmp_path / "-o.pt")
    refused("no_output", "--", "-o.pt")
