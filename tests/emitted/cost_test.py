"""The cost of groups, in --report and in the comments of emitted source: counted by hand, and by PyTorch's own counter."""

import re

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "bytes": 1, "KB": 1 << 10, "MB": 1 << 20}


class Ops(nn.Module):
    """One op of each class, on sizes that are easy to count with."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.norm = nn.LayerNorm(4)
        self.embedding = nn.Embedding(50, 4)

    def forward(self, x, ids):
        return (
            torch.relu(self.linear(x)),
            self.norm(x),
            self.embedding(ids),
            x @ x.transpose(0, 1),
            torch.softmax(x, -1),
            x.sum(-1),
            torch.cat([x, x * 2]),
        )


def costs(report):
    """{name of the group: (operations, bytes)}"""
    found = {}
    for line in report.splitlines():
        match = re.match(r"\s+(\S+)  .*?(?:([\d.]+) (.?)FLOP, )?([\d.]+) (bytes|KB|MB)(  |$)", line)
        if match and "arena" not in line:
            name, operations, prefix, bytes_, unit = match.group(1, 2, 3, 4, 5)
            found[name] = (float(operations or 0) * UNITS[prefix or ""], float(bytes_) * UNITS[unit])
    return found


def test_counted_by_hand(emit):
    emitted = emit({"small": torch.jit.trace(Ops(), (torch.rand(2, 4), torch.tensor([1, 7, 7])), check_trace=False)})
    assert costs(emitted.report) == {
        # 2 * 3 results of 4 products, bias, relu; x, weight, bias, result of floats
        "linear": (2 * 6 * 4 + 6 + 6, 4 * (8 + 12 + 3 + 6)),
        "norm": (7 * 8, 4 * (8 + 4 + 4 + 8)),
        "embedding": (0, 4 * (12 + 12) + 8 * 3),  # the rows that are picked, not the table
        "matmul": (2 * 4 * 4, 4 * (8 + 8 + 4)),
        "softmax": (5 * 8, 4 * (8 + 8)),
        "sum": (8, 4 * (8 + 2)),
        "mul": (8, 4 * (8 + 8)),
        "cat": (0, 4 * (8 + 8 + 16)),
    }
    source = (emitted.folder / "small.cpp").read_text()
    assert re.search(r"^// linear: linear \+ relu, f32\[2, 3\]; 60 FLOP, 116 bytes; cost_test.py:\d+$", source, re.M)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_agrees_with_pytorch(emit, name):
    """PyTorch counts products only; what it leaves out is little in a convolutional net."""
    import importlib

    model, example = importlib.import_module(f"{name}.model").build()
    with FlopCounterMode(display=False) as counter:
        model(*example)
    ours = sum(operations for operations, _ in costs(emit({name: torch.jit.trace(model, example)}).report).values())
    assert counter.get_total_flops() < ours < 1.06 * counter.get_total_flops()
