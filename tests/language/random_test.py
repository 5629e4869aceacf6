"""Random numbers: with the same seed those of PyTorch's CPU generator, call after call."""

import os
from pathlib import Path
from typing import Tuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import tsc


class Uniform(nn.Module):
    def forward(self, n: int) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        a = torch.rand(n)
        b = torch.rand(2, n, dtype=torch.float64)
        c = torch.rand_like(torch.ones(3, n).t())
        d = torch.rand(50, n, dtype=torch.float16)
        return a, b, c, d, torch.empty(n, 3)[:, 1].uniform_(-2.0, 3.0)


class Normal(nn.Module):
    def forward(self, n: int) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        a = torch.randn(n)
        b = torch.randn(3, n, dtype=torch.float64)
        c = torch.randn_like(torch.ones(n, 5).t())
        d = torch.empty(n, 4).normal_(2.0, 0.5)
        return a, b, c, d, torch.randn(n, 2, dtype=torch.bfloat16)


class Made(nn.Module):
    def forward(self, n: int) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        means = torch.arange(float(n))
        a = torch.normal(0.0, 2.0, [n])
        b = torch.normal(means, 0.1)
        c = torch.normal(3.0, means)
        return a, b, c, torch.normal(means, means + 1.0)


class Integers(nn.Module):
    def forward(self, n: int) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        a = torch.randint(10, [n])
        b = torch.randint(-5, 6, [2, n])
        c = torch.randint(0, 1099511627776, [n])
        d = torch.randint_like(torch.ones(n, dtype=torch.int32), 100)
        e = torch.randint(0, 7, [n], dtype=torch.float32)
        return a, b, c, d, e, torch.randperm(n)


class Choices(nn.Module):
    def forward(self, weights: Tensor, n: int) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        a = torch.bernoulli(weights / (weights.sum() + 1.0))
        b = torch.bernoulli(weights, 0.3)
        c = torch.multinomial(weights, n, replacement=True)
        d = torch.multinomial(weights, 2)
        return a, b, c, d, torch.empty(n).exponential_(0.5)


class Gumbel(nn.Module):
    def forward(self, logits: Tensor) -> Tensor:
        return F.gumbel_softmax(logits, 0.7)


class Noisy(nn.Module):
    """In training: dropout of elements and of channels, and that between the layers of an LSTM."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 6, num_layers=2, dropout=0.5)
        self.drop = nn.Dropout(0.4)
        self.channels = nn.Dropout2d(0.5)
        self.alpha = nn.AlphaDropout(0.3)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.drop(x), self.channels(x.unsqueeze(0)), self.alpha(x), self.lstm(x)[0]


class Walk(nn.Module):
    """Draws by turns, in branches and loops, with state: the stream goes on over calls."""

    def __init__(self):
        super().__init__()
        self.register_buffer("place", torch.zeros(2))
        self.steps = 0

    def forward(self, n: int) -> Tensor:
        for _ in range(n):
            if bool(torch.rand(()) < 0.5):
                self.place += torch.randn(2)
            else:
                self.place += torch.randint(-1, 2, [2])
            self.steps += 1
        return self.place.clone()

    @torch.jit.export
    def pure(self, n: int) -> int:
        return n + 1


class Mixed(nn.Module):
    """A model without state of its own, one method of which draws."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2.0

    @torch.jit.export
    def noise(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


CASES = {
    "uniform": (Uniform(), [(5,), (16,), (40,)]),
    "normal": (Normal(), [(5,), (15,), (16,), (37,), (64,), (700,)]),
    "made": (Made(), [(3,), (20,), (333,)]),
    "integers": (Integers(), [(6,), (33,)]),
    "choices": (Choices(), [(torch.tensor([0.5, 1.5, 0.25, 0.75]), 9), (torch.tensor([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0]])[:, :2] + 0.5, 4)]),
    "gumbel": (Gumbel(), [(torch.arange(12.0).view(3, 4),)]),
    "noisy": (Noisy().train(), [(torch.ones(5, 3, 8),)]),
    "walk": (Walk(), [(7,), (1,), (30,)]),
    "mixed": (Mixed(), []),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    for name, (module, _) in CASES.items():
        torch.jit.script(module).save(str(folder / (name + ".pt")))
    files = [folder / (name + ".pt") for name in CASES]
    compiler = os.environ.get("TSC") or tsc.compiler.find_compiler()
    return tsc.compile(files, folder / "all.so", compiler=compiler)


@pytest.fixture(scope="module")
def library(path):
    return tsc.load(path, 1)


def follows_mkl(name) -> bool:
    """On Intel's processors PyTorch draws dropout, bernoulli_(p) and exponential_ from a stream of MKL's."""
    processor = Path("/proc/cpuinfo")
    return name in ("choices", "gumbel", "noisy") and processor.exists() and "GenuineIntel" in processor.read_text()


def expect_close(ours, theirs):
    if isinstance(theirs, tuple):
        for a, b in zip(ours, theirs, strict=True):
            expect_close(a, b)
        return
    ours = torch.from_dlpack(ours)
    assert ours.dtype == theirs.dtype
    # What goes through log and cos is right to the last digits; PyTorch's own kernels differ among processors.
    tolerance = {torch.float32: 3e-6, torch.float64: 1e-14, torch.float16: 1e-3, torch.bfloat16: 8e-3}.get(ours.dtype, 0)
    largest = float(theirs.abs().max()) if theirs.numel() else 0.0
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance * max(1.0, largest))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][1]])
def test_same_numbers_as_torch(name, library):
    if follows_mkl(name):
        pytest.skip("PyTorch draws from MKL here, whose stream isn't followed")
    module, inputs = CASES[name]
    model = library[name]
    scripted = torch.jit.script(module)
    for seed in (0, 5, 2**40 + 3):
        torch.manual_seed(seed)
        model.seed(seed)
        for call in inputs * 2:
            expect_close(model(*call), scripted(*call))


def test_default_seed(path):
    torch.manual_seed(torch.Generator().initial_seed())
    expect_close(tsc.load(path, 1)["uniform"](5), CASES["uniform"][0](5))


def test_the_stream_belongs_to_the_instance(library):
    model = library["mixed"].clone()
    x = torch.zeros(20)
    draw = lambda m: torch.from_dlpack(m.noise(x)).tolist()
    model.seed(1)
    first, second = draw(model), draw(model)
    assert first != second
    model.reset()
    assert draw(model) == first
    other = model.clone()  # goes on where the original is
    assert draw(other) == second == draw(model)
    model.seed(2)
    assert draw(model) != draw(other)
    assert torch.equal(torch.from_dlpack(model(x + 1)), x + 2)
    assert model.methods["noise"].uses_state and not model.methods["forward"].uses_state


def test_the_stream_can_be_saved(library):
    model = library["mixed"].clone()
    x = torch.zeros(7)
    model.noise(x)  # an odd number of normal values: one is spare
    saved = model.state()
    assert list(saved) == ["<rng_state>"]
    first = torch.from_dlpack(model.noise(x))
    other = library["mixed"].clone()
    other.seed(77)
    other.set_state(saved)
    assert torch.equal(torch.from_dlpack(other.noise(x)), first)
    words = torch.from_dlpack(saved["<rng_state>"])
    for bad in (words[:-1], words.float(), torch.full_like(words, -1), torch.full_like(words, 700)):
        with pytest.raises(tsc.Error, match="state_set: the tensor is not what state_get gave"):
            other.set_state({"<rng_state>": bad})
    other.set_state(saved)
    assert torch.equal(torch.from_dlpack(other.noise(x)), first)


def test_reset_and_clone_with_state(library):
    model = library["walk"].clone()
    model.reset()
    model.seed(3)
    first = torch.from_dlpack(model(5)).tolist()
    fork = model.clone()
    assert torch.from_dlpack(model(5)).tolist() == torch.from_dlpack(fork(5)).tolist()
    model.reset()
    assert torch.from_dlpack(model(5)).tolist() == first


@pytest.mark.parametrize(
    "weights, n, message",
    [
        (torch.tensor([-1.0, 2.0, 3.0]), 2, "bernoulli|p_in"),
        (torch.zeros(3), 2, "invalid multinomial distribution"),
        (torch.ones(3, dtype=torch.int64), 2, "floating"),
        (torch.tensor([0.5]), 2, "without replacement"),
    ],
)
def test_refusals(library, weights, n, message):
    with pytest.raises(RuntimeError):
        CASES["choices"][0](weights, n)
    with pytest.raises(tsc.Error, match=message):
        library["choices"](weights, n)
