"""Sizes that are computed from others have names in emitted source: each is computed once, and none is written within
another."""

import re

import pytest
import torch
from torch import nn

import tsc

DERIVED = r"\b(?:floor_div|floor_mod|min<i64>|max<i64>|broadcast_size)\("


class Halving(nn.Module):
    """Each layer's size is a quotient of the one before; the last is not a whole multiple of any."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4, 4, 4, stride=3, padding=1) for _ in range(3))
        self.pool = nn.AvgPool2d(3, 2)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x)) * 2 + 1
            x = torch.cat([x, x[:, :, : x.size(2) // 2 + 1]], 2)
        return self.pool(x)


class Counted(nn.Module):
    """Sizes in the host's program, in branches and after them."""

    def forward(self, x, large: bool, n: int):
        rows = (x.size(0) // 3 + 1) // 2
        if large:
            y = torch.zeros([(rows + x.size(1)) // 5 + 1, 2])
            count = ((x.size(0) // 7) * 2 + 1) // 3
        else:
            y = torch.ones([(rows + 2) // 3, 3])
            count = ((x.size(0) // 7) * 2 + 1) // 5
        for i in range(n):
            if count > i:
                count = count + ((x.size(1) // 3) * 2 + i) // 4
        return y, count + ((x.size(0) // 7) * 2 + 1) // 3 + ((x.size(1) // 3) * 2 + 1) // 4


class Guarded(nn.Module):
    def forward(self, x):
        if x.size(1) > 0:
            return torch.ones([(x.size(0) // x.size(1) + 1) // 2 + 1, 2])
        return torch.zeros([x.size(0) // 2])


def nested(source):
    """Lines with a derived size within another."""
    found = []
    for line in source.splitlines():
        for start in re.finditer(DERIVED, line):
            depth, end = 1, start.end()
            while depth and end < len(line):
                depth += {"(": 1, ")": -1}.get(line[end], 0)
                end += 1
            if re.search(DERIVED, line[start.end() : end]):
                found.append(line.strip())
                break
    return found


def structs(source):
    return re.findall(r"^struct (\w+Sizes) \{\n(.*?)^\};", source, re.M | re.S)


@pytest.fixture(scope="module")
def halving():
    model = Halving().eval()
    return torch.jit.script(model), torch.jit.trace(model, torch.rand(1, 4, 200, 120))


@pytest.mark.parametrize("how", ["scripted", "traced"])
def test_computed_once(emit, halving, how):
    module = halving[how == "traced"]
    source = (emit({"halving": module}).folder / "halving.cpp").read_text()
    assert nested(source) == []
    assert structs(source)
    derived = 0
    for name, body in structs(source):
        formulae = re.findall(r"^  i64 (\w+) = (.*);", body, re.M)
        assert len({formula for _, formula in formulae}) == len(formulae), name
        derived += len(formulae)
    assert derived > 6
    # Functions of regions only read them.
    for function in re.findall(r"^template <class D>\nstatic void .*?^\}", source, re.M | re.S):
        assert not re.search(DERIVED, function), function


def test_constants_of_the_example(emit, halving):
    """What the specialised version reads is a number, for each size that the struct has."""
    source = (emit({"halving": halving[1]}).folder / "halving.cpp").read_text()
    examples = dict(re.findall(r"^struct (\w+Sizes)Example \{\n(.*?)^\};", source, re.M | re.S))
    assert examples  # a struct with a size that is told at run time has none
    for name, body in structs(source):
        if name in examples:
            fields = re.findall(r"^  i64 (\w+)", body, re.M)
            assert len(fields) > 3
            assert re.findall(r"^  static constexpr i64 (\w+) = -?\d+;", examples[name], re.M) == fields


def test_runs_on_other_sizes(halving, compiler, tmp_path):
    model = tsc.load(tsc.compile(halving[1], tmp_path / "halving.so", compiler=compiler))
    for height, width in ((200, 120), (201, 119), (97, 151)):
        x = torch.rand(2, 4, height, width)
        torch.testing.assert_close(torch.from_dlpack(model(x)), halving[0](x), rtol=1e-5, atol=1e-5)


def test_host_program(emit, compiler, tmp_path):
    module = torch.jit.script(Counted())
    assert nested((emit({"counted": module}).folder / "counted.cpp").read_text()) == []
    model = tsc.load(tsc.compile(module, tmp_path / "counted.so", compiler=compiler))
    for rows in (0, 6, 7, 50):
        for columns in (0, 3, 40):
            for large in (False, True):
                x = torch.zeros(rows, columns)
                y, count = model(x, large, 3)
                expected, expected_count = module(x, large, 3)
                assert torch.equal(torch.from_dlpack(y), expected) and count == expected_count


def test_guarded_division(compiler, tmp_path):
    """A divisor that may be 0 is divided by only where the program does."""
    module = torch.jit.script(Guarded())
    model = tsc.load(tsc.compile(module, tmp_path / "guarded.so", compiler=compiler))
    for shape in ((12, 0), (12, 5), (0, 3)):
        x = torch.rand(shape)
        assert torch.equal(torch.from_dlpack(model(x)), module(x))
