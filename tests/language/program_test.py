"""The six programs that other exporters get wrong: control flow, containers and state in small."""

import copy
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest
import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((randn(5, 8),), (randn(1, 8),), (randn(2, 3, 8),), (randn(8),))
class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, x):
        return self.layers(x)


@suite((randn(3, 4).abs(),), (-randn(3, 4).abs(),), (randn(7),), (torch.tensor(2.0),))
class DataDependentIf(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            y = x * 2
        else:
            y = -x
        return y


@suite((randn(3, 4), 3), (randn(3, 4), 0), (randn(10) * 1e-3, 100), (randn(2, 2, 2), 7))
class WhileOnNorm(nn.Module):
    def forward(self, x, limit: int):
        count = 0
        while x.norm() < 10.0 and count < limit:
            x = x * 1.5
            count += 1
        return x, count


@suite(
    ({"a": randn(3, 4), "b": randn(3, 4)},),
    ({"b": randn(2), "a": randn(2), "c": randn(2)},),
    ({},),
)
class DictInOut(nn.Module):
    def forward(self, features: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        out: Dict[str, torch.Tensor] = {}
        for name, x in features.items():
            out[name + "_scaled"] = x * 2
        if "a" in features:
            out["total"] = features["a"].sum()
        return out


@suite((randn(3, 4), 3), (randn(4), 1), (randn(2, 0), 5), (torch.tensor(1.5), 2))
class AppendThenStack(nn.Module):
    def forward(self, x, steps: int):
        outputs: List[torch.Tensor] = []
        for i in range(steps):
            x = torch.tanh(x) + i
            outputs.append(x)
        return torch.stack(outputs)


@suite(
    (randn(4),), (randn(4),), on("reset"), (randn(4),), on("peek"), (randn(1),), on("reset"), on("reset"), on("peek")
)
class Accumulator(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(4))
        self.count = 0

    def forward(self, x):
        self.total = self.total * 0.5 + x
        self.count += 1
        return self.total, self.count

    @torch.jit.export
    def reset(self):
        self.total.zero_()
        self.count = 0

    @torch.jit.export
    def peek(self):
        return self.total + self.count


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)


def words(value):
    """A value as `call.c` reads it."""
    if isinstance(value, torch.Tensor):
        return ["t", value.dim(), *value.shape, *(x.hex() for x in value.flatten().tolist())]
    if isinstance(value, dict):
        return ["d", 2 * len(value), *(word for item in value.items() for part in item for word in words(part))]
    return ["s" if isinstance(value, str) else "i", value]


def parsed(text):
    """What it prints."""
    kind = next(text)
    if kind == "t":
        shape = [int(next(text)) for _ in range(int(next(text)))]
        return torch.tensor([float.fromhex(next(text)) for _ in range(torch.Size(shape).numel())]).view(shape)
    if kind in "lud":
        items = [parsed(text) for _ in range(int(next(text)))]
        return dict(zip(items[::2], items[1::2])) if kind == "d" else tuple(items) if kind == "u" else items
    return None if kind == "n" else int(next(text)) if kind == "i" else next(text)


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """A C99 program that knows a library only by tsc.h."""
    here = Path(__file__).parent
    program = tmp_path_factory.mktemp("call") / "call"
    compiler = shutil.which("cc") or "clang-19"
    include = here.parents[1] / "runtime" / "include"
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", include]
    subprocess.run([compiler, *flags, here / "call.c", "-o", program, "-ldl"], check=True)
    return program


def test_same_from_c(compiled, call):
    """The same calls of the same library, from C."""
    lines, expected = [], []
    for name in suite.cases:
        reference = torch.jit.load(str(compiled[name][1]))
        for each in suite.options[name][0]:
            lines.append(" ".join(map(str, [name, each.method, *(word for value in each.arguments for word in words(value))])))
            # PyTorch's results share memory with the state, which later calls write.
            expected.append(copy.deepcopy(getattr(reference, each.method)(*each.arguments)))
    library = compiled[suite.cases[0]][1].parent / "all.so"
    output = subprocess.run([call, library], input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    assert len(output.splitlines()) == len(lines)
    for line, result, theirs in zip(lines, output.splitlines(), expected):
        check(parsed(iter(result.split())), theirs, line[:60])


def check(ours, theirs, place):
    if isinstance(theirs, torch.Tensor):
        assert ours.shape == theirs.shape and torch.allclose(ours, theirs, 1e-4, 1e-5), f"{place}: {ours}, not {theirs}"
    elif isinstance(theirs, (dict, tuple)):
        assert type(ours) is type(theirs) and len(ours) == len(theirs), f"{place}: {ours}, not {theirs}"
        keys = list(theirs) if isinstance(theirs, dict) else range(len(theirs))
        assert not isinstance(theirs, dict) or list(ours) == keys, f"{place}: {ours}, not {theirs}"
        for key in keys:
            check(ours[key], theirs[key], place)
    else:
        assert ours == theirs, f"{place}: {ours}, not {theirs}"
