"""Indices that lie in what an op writes. PyTorch refuses most of these calls; here the indices are those from before, and
nothing outside of the tensor is written."""

import pytest
import torch

import programs
import tsc

pytestmark = pytest.mark.filterwarnings("ignore")

LARGE = 10**12  # no index of anything


class Programs(torch.nn.Module):
    def forward(self, x):
        return x

    @torch.jit.export
    def scatter(self, x, values):
        return x.scatter_(0, x, values)

    @torch.jit.export
    def scatter_value(self, x):
        return x.scatter_(0, x, 1000000000000)

    @torch.jit.export
    def scatter_view(self, x, values):
        return x.view(-1, 1).scatter_(0, x.view(-1, 1), values.view(-1, 1))

    @torch.jit.export
    def index_fill(self, x):
        return x.index_fill_(0, x, 1000000000000)

    @torch.jit.export
    def index_add(self, x, values):
        return x.index_add_(0, x, values)

    @torch.jit.export
    def crop_all(self, x):
        return torch.nn.functional.pad(x, [-3, 3], mode="circular")


@pytest.fixture(scope="module")
def methods(tmp_path_factory):
    file = tmp_path_factory.mktemp("written") / "programs.pt"
    torch.jit.script(Programs().eval()).save(str(file))
    answer = programs.run_tsc(file, "-o", file.with_suffix(".so"), "-O1")
    assert answer.returncode == 0, answer.stderr
    return tsc.load(str(file.with_suffix(".so"))).methods


@pytest.mark.parametrize("name", ["scatter", "scatter_view", "scatter_value", "index_fill", "index_add"])
def test_indices_are_those_from_before(name, methods):
    x, values = torch.tensor([1, 0, 2]), torch.tensor([LARGE, LARGE + 1, LARGE + 2])
    index = x.clone()
    expected = {
        "scatter": lambda: x.clone().scatter_(0, index, values),
        "scatter_view": lambda: x.clone().scatter_(0, index, values).view(-1, 1),
        "scatter_value": lambda: x.clone().scatter_(0, index, LARGE),
        "index_fill": lambda: x.clone().index_fill_(0, index, LARGE),
        "index_add": lambda: x.clone().index_add_(0, index, values),
    }[name]()
    ours = methods[name](x, values) if name in ("scatter", "scatter_view", "index_add") else methods[name](x)
    assert torch.equal(torch.from_dlpack(ours), expected)


def test_nothing_is_left_to_repeat(methods):
    with pytest.raises(tsc.Error, match="Padding leaves nothing to repeat"):
        methods["crop_all"](torch.arange(6.0).reshape(1, 2, 3))
