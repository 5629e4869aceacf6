"""Writes what the C++ program reads: python export.py [folder]

resnet18.pt, an input as raw floats (input.bin), and LibTorch's result for it (expected.bin).
"""

import sys
from pathlib import Path

import torch

from model import build

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
folder.mkdir(parents=True, exist_ok=True)
model, example = build()
with torch.no_grad():
    traced = torch.jit.trace(model, example)
    traced.save(str(folder / "resnet18.pt"))
    expected = traced(*example)
(folder / "input.bin").write_bytes(example[0].numpy().tobytes())
(folder / "expected.bin").write_bytes(expected.numpy().tobytes())
