"""Programs, not only nets: search, caches that grow, results of any length, streams. Scripted, against PyTorch."""

import copy
import importlib
import os
from pathlib import Path
from typing import List, Tuple

import pytest
import torch
from torch import Tensor, nn

import tsc
from compare import check
from detector.model import example as images
from gpt.model import example as ids
from speech.model import example as samples
from translator.model import example as sentence

NAMES = ["detector", "gpt", "speech", "translator"]
CALLS = int(os.environ.get("CALLS", 2000))  # of test_memory_stays_flat


@pytest.fixture(scope="module")
def modules():
    return {name: importlib.import_module(f"{name}.model").build()[0] for name in NAMES}


@pytest.fixture(scope="module")
def models(modules, compile_group):
    return compile_group({name: torch.jit.script(module) for name, module in modules.items()})


def test_beam_search(models, modules, usable):
    model, module = usable(models["translator"]), modules["translator"]
    torch.manual_seed(1)
    for length in (7, 1, 12, 3):
        check(model, module, *sentence(length))
    for text in ("I see the red house.", "cat, dog", "zebra", "  We EAT bread .  "):
        assert model.translate(text) == module.translate(text)
    with pytest.raises(tsc.Error, match="nothing to translate") as caught:
        model.translate("   ")
    assert caught.value.class_name == "ValueError"
    assert model.translate("the tree") == module.translate("the tree")


def test_key_value_cache(models, modules, usable):
    model, module = usable(models["gpt"]), copy.deepcopy(modules["gpt"])
    for batch, length in ((1, 12), (3, 5), (1, 1)):
        prompt = ids(batch, length)[0]
        check(model, module, prompt)
        generated = torch.from_dlpack(model.generate(prompt, 20))
        assert torch.equal(generated, module.generate(prompt, 20))
        # Over calls, the cache being the instance's.
        model.reset()
        token = torch.from_dlpack(model.step(prompt))
        for position in range(length, length + 20):
            assert torch.equal(generated[:, position], token)
            token = torch.from_dlpack(model.step(token[:, None]))
    with pytest.raises(tsc.Error, match="129 tokens, but the context has 128"):
        model.generate(ids(1, 120)[0], 10)
    model.reset()
    assert torch.equal(torch.from_dlpack(model.step(prompt)), generated[:, prompt.size(1)])


def test_number_of_boxes_depends_on_the_image(models, modules, usable):
    model, module = usable(models["detector"]), modules["detector"]
    torch.manual_seed(2)
    counts = set()
    for size in ((1, 128, 160), (2, 96, 96), (1, 256, 64), (1, 16, 16)):
        check(model, module, *images(*size))
        counts.update(found["labels"].shape[0] for found in model(*images(*size)))
    assert len(counts) > 2
    check(model, module, torch.zeros(1, 3, 64, 64) - 50)


def test_stream_is_the_same_however_it_is_cut(models, modules, usable):
    model, module = usable(models["speech"]), copy.deepcopy(modules["speech"])
    torch.manual_seed(3)
    stream = samples(8000)[0]
    stream[3000:5000] *= 20
    whole, expected_scores = module(stream)
    assert len(whole) > 3
    for cut in (8000, 100, 333, 160, 4001):
        model.reset()
        heard = [model(chunk) for chunk in stream.split(cut)]
        assert "".join(letters for letters, _ in heard) == whole
        scores = torch.cat([torch.from_dlpack(scores) for _, scores in heard])
        torch.testing.assert_close(scores, expected_scores, rtol=1e-4, atol=1e-5)
        assert model.seconds() == module.seconds()
    with pytest.raises(tsc.Error, match="a chunk has one dimension, not 2"):
        model(torch.zeros(1, 5))


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def fails(call):
    with pytest.raises(tsc.Error):
        call()


CALLED = {
    "translator": lambda model: lambda: (model.translate("i see a red house"), fails(lambda: model.translate(""))),
    "gpt": lambda model: lambda: (model.step(ids(1, 2)[0]), model.step(ids(1, 1)[0]), model.clone(), model.reset()),
    "detector": lambda model: lambda: model(*images(1, 64, 64)),
    "speech": lambda model: lambda: (model(*samples(1000)), model.state(), fails(lambda: model(torch.zeros(1, 5)))),
}


@pytest.mark.parametrize("name", CALLED)
def test_memory_stays_flat(name, models, usable):
    """Where lists grow, calls fail, and state is copied, too. CALLS=100000 pytest -k flat: for more calls by hand."""
    call = CALLED[name](usable(models[name]))
    for _ in range(CALLS // 10):
        call()
    before = resident_bytes()
    for _ in range(CALLS):
        call()
    grown = resident_bytes() - before
    assert grown < 2 << 20, f"{grown} bytes more after {CALLS} calls"


class Cells(nn.Module):
    """A network written as a loop over cells: of LSTM, GRU and tanh, one on the other."""

    def __init__(self, inputs: int, hidden: int, bias: bool):
        super().__init__()
        self.hidden = hidden
        self.first = nn.LSTMCell(inputs, hidden, bias)
        self.second = nn.GRUCell(hidden, hidden, bias)
        self.third = nn.RNNCell(hidden, hidden, bias)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """x: [time, batch, inputs]."""
        return self.resume(x, torch.zeros(4, x.size(1), self.hidden, dtype=x.dtype))

    @torch.jit.export
    def resume(self, x: Tensor, start: Tensor) -> Tuple[Tensor, Tensor]:
        """start: the states, [4, batch, hidden]."""
        h, c, g, r = start.unbind(0)
        outputs: List[Tensor] = []
        for step in range(x.size(0)):
            h, c = self.first(x[step], (h, c))
            g = self.second(h, g)
            r = self.third(g, r)
            outputs.append(r)
        return torch.stack(outputs), torch.stack([h, c, g, r])


@pytest.mark.parametrize("bias", [True, False])
def test_loops_over_cells(bias, compile_and_load, usable):
    module = Cells(20, 37, bias).eval()
    model = usable(compile_and_load(torch.jit.script(module), "cells"))
    for time, batch in ((9, 1), (4, 3), (1, 17)):
        check(model, module, torch.randn(time, batch, 20))
        check(model, module, torch.randn(time, batch, 20), torch.randn(4, batch, 37), method="resume")
    for method, wrong in (
        ("forward", (torch.randn(3, 2, 19),)),
        ("resume", (torch.randn(3, 2, 20), torch.randn(4, 3, 37))),
        ("resume", (torch.randn(3, 2, 20), torch.randn(4, 2, 36))),
    ):
        with pytest.raises(RuntimeError):
            getattr(module, method)(*wrong)
        with pytest.raises(tsc.Error):
            model.methods[method](*wrong)
    check(model, module, torch.randn(5, 2, 20))
