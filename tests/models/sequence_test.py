"""Text and recurrence: at the example's batch and length and at others, traced and scripted."""

import importlib

import pytest
import torch

import tsc
from bert_encoder.model import example as bert_inputs
from compare import check
from tagger.model import example as tagger_inputs

# Name -> further inputs.
INPUTS = {
    "mlp": lambda: [(torch.randn(5, 784),), (torch.randn(2, 3, 784),), (torch.randn(784),)],
    "bert_encoder": lambda: [bert_inputs(1, 17), bert_inputs(3, 40)],
    "transformer_encoder": lambda: [(torch.randn(1, 9, 256),), (torch.randn(3, 33, 256),)],
    "lstm": lambda: [(torch.randn(1, 7, 256),), (torch.randn(3, 21, 256),)],
    "tagger": lambda: [tagger_inputs(1, 5), tagger_inputs(4, 30)],
}


def build(name):
    return importlib.import_module(f"{name}.model").build()


@pytest.fixture(scope="module", params=["traced", "scripted"])
def models(request, compile_group):
    modules = {name: build(name) for name in INPUTS}
    if request.param == "traced":
        saved = {n: torch.jit.trace(module, example, strict=False) for n, (module, example) in modules.items()}
    else:
        saved = {name: torch.jit.script(module) for name, (module, _) in modules.items()}
    return request.param, modules, compile_group(saved)


@pytest.mark.parametrize("name", INPUTS)
def test_same_as_torch(name, models, usable):
    way, modules, compiled = models
    module, example = modules[name]
    model = usable(compiled[name])
    check(model, module, *example)
    for inputs in INPUTS[name]():
        check(model, module, *inputs)
    if way == "scripted" and name == "lstm":  # the optional state
        check(model, module, torch.randn(2, 6, 256), (torch.randn(2, 2, 256), torch.randn(2, 2, 256)))


def test_index_out_of_range(models, usable):
    _, modules, compiled = models
    model = usable(compiled["bert_encoder"])
    ids, mask = bert_inputs(1, 8)
    with pytest.raises(tsc.Error, match="out of range") as caught:
        model(ids + 30522, mask)
    assert caught.value.kind == "index_error"
    check(model, modules["bert_encoder"][0], ids, mask)


def test_missing_key(models, usable):
    _, modules, compiled = models
    model = usable(compiled["tagger"])
    with pytest.raises(tsc.Error, match="mask") as caught:
        model({"words": {"ids": torch.zeros(1, 3, dtype=torch.int64)}})
    assert caught.value.kind == "key_error"
    with pytest.raises(tsc.Error):
        model(torch.zeros(1, 3, dtype=torch.int64))
    check(model, modules["tagger"][0], *tagger_inputs(2, 4))


class Wide(torch.nn.Module):
    """Of more weights than a general version may keep twice."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(500, 1024)
        self.layers = torch.nn.Sequential(torch.nn.Linear(1024, 1300), torch.nn.ReLU(), torch.nn.Linear(1300, 1024), torch.nn.Tanh())
        self.out = torch.nn.Linear(1024, 70, bias=False)

    def forward(self, ids, x):
        return self.out(self.layers(self.embedding(ids) + x))


@pytest.mark.parametrize("script", [False, True], ids=["traced", "scripted"])
def test_other_ranks_and_dtypes_share_the_weights(script, compile_and_load, usable, tmp_path):
    torch.manual_seed(0)
    module = Wide().eval()
    saved = torch.jit.script(module) if script else torch.jit.trace(module, (torch.arange(8).view(2, 4), torch.randn(2, 4, 1024)))
    model = usable(compile_and_load(saved, "wide"))
    for sizes in ((2, 4), (3, 9), (7,), (), (2, 3, 2), (0, 4)):
        ids = torch.randint(0, 500, sizes)
        check(model, module, ids, torch.randn(*sizes, 1024))
        check(model, module, ids.int(), torch.randn(1024))
    check(model, module, torch.arange(6).view(2, 3).t(), torch.randn(1024, 2).t())
    for wrong in ((torch.arange(3), torch.randn(3, 5)), (torch.arange(3), torch.randn(3, 1024).double()), (torch.tensor([500]), torch.randn(1024))):
        with pytest.raises((RuntimeError, IndexError)):
            module(*wrong)
        with pytest.raises(tsc.Error):
            model(*wrong)
    once = sum(parameter.nbytes for parameter in module.parameters())
    assert once <= model.weight_bytes < 1.1 * once


class Masked(torch.nn.Module):
    """An encoder that is given a mask of the keys of each sequence, or of queries and keys."""

    def __init__(self, kind: str, **options):
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, **options)
        self.kind = kind
        self.encoder = torch.nn.TransformerEncoder(layer, 2)

    def forward(self, x, mask):
        if self.kind == "keys":
            return self.encoder(x, src_key_padding_mask=mask)
        return self.encoder(x, mask=mask)


def key_mask(lengths, longest):
    return torch.arange(longest) >= torch.tensor(lengths)[:, None]


MASKED = {
    "keys": (Masked("keys"), [key_mask([7, 5, 3], 7), key_mask([1, 9], 9), key_mask([4], 4)]),
    "keys_norm_first": (Masked("keys", norm_first=True), [key_mask([7, 5, 3], 7), key_mask([1, 9], 9)]),
    "causal": (Masked("scores", activation="gelu"), [torch.ones(7, 7).triu(1).bool(), torch.ones(2, 2).triu(1).bool()]),
    "added": (Masked("scores", norm_first=True), [torch.nn.Transformer.generate_square_subsequent_mask(7), torch.randn(5, 5)]),
}


@pytest.mark.parametrize("script", [False, True], ids=["traced", "scripted"])
@pytest.mark.parametrize("name", MASKED)
def test_masked_encoders(name, script, compile_and_load, usable):
    module, masks = MASKED[name]
    module.eval()
    inputs = [(torch.randn(mask.size(0) if module.kind == "keys" else 2, mask.size(1), 32), mask) for mask in masks]
    saved = torch.jit.script(module) if script else torch.jit.trace(module, inputs[0])
    model = usable(compile_and_load(saved, name))
    for x, mask in inputs:
        check(model, module, x, mask)
    if name == "keys" and not script:  # the trace takes the first words of each sequence, as many as the mask leaves
        x, mask = inputs[0]
        check(model, saved, x, mask.flip(1), truth=saved)
    for mask in (torch.zeros(4, 4, dtype=torch.bool), torch.zeros(3, 8, dtype=torch.bool)):
        with pytest.raises(RuntimeError):
            module(inputs[0][0], mask)
        with pytest.raises(tsc.Error):
            model(inputs[0][0], mask)
    check(model, module, *inputs[0])


class Looked(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(20, 8)

    def forward(self, ids: torch.Tensor, offset: torch.Tensor):
        return self.embedding(ids) + offset.exp()


def test_what_the_user_tells_of_an_input_is_checked_too(compile_and_load, usable):
    """One input is told, the type of the other is guessed: an input that is otherwise runs in the general version."""
    module = Looked().eval()
    model = usable(compile_and_load(torch.jit.script(module), "looked", input=["offset: f32[3, 8]"]))
    for ids in (torch.arange(3), torch.arange(3).int(), torch.arange(6).view(2, 3)):
        for offset in (torch.randn(3, 8), torch.randn(8), torch.randn(3, 1).double(), torch.tensor(1.5)):
            check(model, module, ids, offset)
