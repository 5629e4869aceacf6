"""Kernels that one inference launches, fused beside unfused; of emitted source, in the emulator, which counts and does not run them."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

HERE = Path(__file__).resolve().parent
# bert_base asks for scaled_dot_product_attention; samples/bert_encoder spells attention out.
MOST = {"resnet50": 70, "bert_base": 130, "bert_base_spelled_out": 130}


def with_one_attention(bert):
    """The sample with its attention as one op, and the mask made of the tokens."""
    sample = importlib.import_module("bert_encoder.model")

    class Attention(sample.SelfAttention):
        def forward(self, x, mask):
            heads = (self.split_heads(part(x)) for part in (self.query, self.key, self.value))
            context = nn.functional.scaled_dot_product_attention(*heads, attn_mask=mask)
            return self.output(context.transpose(1, 2).reshape(x.shape))

    class Bert(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = bert

        def forward(self, ids):
            return self.bert(ids, (ids != 0).float())

    for module in bert.modules():
        if type(module) is sample.SelfAttention:
            module.__class__ = Attention
    return Bert()


CALL = """
import sys, torch, tsc
tsc.load(sys.argv[1])(*torch.load(sys.argv[2]))
"""


def build(name):
    if name.startswith("bert_base"):
        sample = importlib.import_module("bert_encoder.model")
        bert, inputs = sample.BertEncoder(layers=12, hidden=768, heads=12).eval(), sample.example(1, 128)
        return (bert, inputs) if name != "bert_base" else (with_one_attention(bert), inputs[:1])
    return importlib.import_module(f"{name}.model").build()


def count(compiler, folder, name, *options):
    environment = {**os.environ, "EMULATED_TSC": str(Path(compiler).resolve())}
    library = folder / f"{name}.so"
    subprocess.run([HERE / "emulated_tsc", folder / f"{name}.pt", "-o", library, *options], check=True, env=environment)
    environment = {**os.environ, "TSC_EMULATOR_LAUNCHES": "1"}
    result = subprocess.run([sys.executable, "-c", CALL, library, folder / "inputs"], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr[-4000:]
    library.unlink()
    return sum(line.startswith("launch ") for line in result.stderr.splitlines())


@pytest.mark.parametrize("name", MOST)
def test_launches(compiler, tmp_path, name):
    module, inputs = build(name)
    torch.jit.trace(module, inputs, strict=False).save(str(tmp_path / f"{name}.pt"))
    torch.save(inputs, tmp_path / "inputs")
    fused, unfused = count(compiler, tmp_path, name), count(compiler, tmp_path, name, "--no-fuse")
    print(f"{name}: {fused} launches, unfused {unfused}")
    assert fused <= MOST[name] and fused < unfused
