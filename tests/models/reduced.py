"""The models of samples/ for machines that are emulated, freestanding and with devices: name -> {size: (what is left, why, build)}.

Sizes are "whole", as the sample has it; "some", where a test has no time for all of it, since QEMU takes ten seconds and more
for a GFLOP; and "small", for controllers, whose boards have 16 MB for weights and memory.
"""

import importlib
from dataclasses import dataclass
from typing import Callable, Dict

import torch
from torch import nn

from torchscript_tutorial import models as tutorial


@dataclass(frozen=True)
class Variant:
    build: Callable  # -> (module, inputs)
    what: str = ""  # is left of the model; "" when all of it
    why: str = ""


def sample(name):
    return importlib.import_module(f"{name}.model")


def seeded(make):
    def build():
        torch.manual_seed(0)
        module, inputs = make()
        return module.eval() if isinstance(module, nn.Module) else module, inputs

    return build


def with_input(name, make):
    """The sample's model on another input."""
    return seeded(lambda: (sample(name).build()[0], make()))


def image(size):
    return lambda: (torch.randn(1, 3, size, size),)


SLOW = "all of it takes too long for a test"
LARGE = "the weights take more than 16 MB"


def stages(block, size):
    """The first three stages of a ResNet, of one block each."""

    def build():
        models = sample("resnet18")
        net = models.ResNet(getattr(models, block), [1, 1, 1, 1])
        net.layer4 = nn.Identity()
        net.fc = nn.Linear(256 * getattr(models, block).expansion, 1000)
        return models.spread_statistics(net), (torch.randn(1, 3, size, size),)

    return seeded(build)


def vit(layers, size, classes=1000):
    return seeded(lambda: (sample("vit_s16").VisionTransformer(image=size, layers=layers, classes=classes), (torch.randn(1, 3, size, size),)))


def bert(layers, vocabulary, length):
    def build():
        _, mask = sample("bert_encoder").example(1, length)
        net = sample("bert_encoder").BertEncoder(layers=layers, vocabulary=vocabulary, positions=max(length, 32))
        return net, (torch.randint(0, vocabulary, (1, length)), mask)

    return seeded(build)


def gpt():
    """Its `forward`: what generates keeps its words in lists that grow."""
    module, inputs = sample("gpt").build()
    return torch.jit.script(module), inputs


MODELS: Dict[str, Dict[str, Variant]] = {
    "resnet18": {
        "whole": Variant(sample("resnet18").build),
        "some": Variant(with_input("resnet18", image(64)), "at 64x64", SLOW),
        "small": Variant(stages("BasicBlock", 32), "three stages of one block, at 32x32", LARGE),
    },
    "resnet50": {
        "whole": Variant(sample("resnet50").build),
        "some": Variant(stages("Bottleneck", 64), "three stages of one block, at 64x64", SLOW),
        "small": Variant(stages("Bottleneck", 32), "three stages of one block, at 32x32", LARGE),
    },
    "mobilenet_v2": {
        "whole": Variant(sample("mobilenet_v2").build),
        "some": Variant(with_input("mobilenet_v2", image(96)), "at 96x96", SLOW),
        "small": Variant(with_input("mobilenet_v2", image(32)), "at 32x32", SLOW),
    },
    "vit_s16": {
        "whole": Variant(sample("vit_s16").build),
        "some": Variant(vit(4, 64), "4 of 12 layers, at 64x64", SLOW),
        "small": Variant(vit(1, 32, 10), "1 of 12 layers, at 32x32", LARGE),
    },
    "bert_encoder": {
        "whole": Variant(sample("bert_encoder").build),
        "some": Variant(bert(2, 2000, 16), "2 of 6 layers, 16 of 128 words", SLOW),
        "small": Variant(bert(1, 1000, 8), "1 of 6 layers, 8 of 128 words, a vocabulary of 1000", LARGE),
    },
    "transformer_encoder": {
        "whole": Variant(sample("transformer_encoder").build),
        "some": Variant(with_input("transformer_encoder", lambda: (torch.randn(1, 8, 256),)), "8 of 64 steps", SLOW),
        "small": Variant(with_input("transformer_encoder", lambda: (torch.randn(1, 4, 256),)), "4 of 64 steps", SLOW),
    },
    "lstm": {
        "whole": Variant(sample("lstm").build),
        "small": Variant(with_input("lstm", lambda: (torch.randn(1, 5, 256),)), "5 of 100 steps", SLOW),
    },
    "mlp": {"whole": Variant(sample("mlp").build)},
    "gpt": {"whole": Variant(gpt)},
}

TUTORIAL_INPUTS = {
    "my_cell": [(3, 4), (3, 4)], "my_linear_cell": [(3, 4), (3, 4)], "my_gated_cell": [(3, 4), (3, 4)], "my_decision_gate": [(3, 4)],
    "my_high_decision_gate": [(3, 4)], "my_rnn_loop": [(10, 3, 4)], "wrap_rnn": [(10, 3, 4)], "my_module": [(20,)], "script_calls_trace": [(3,)],
    "trace_calls_script": [(3,), (3,), (3,)],
}  # fmt: skip


def tutorial_models():
    """Name -> (module or function, inputs), some negative, so that both branches are taken."""
    torch.manual_seed(0)
    result = {}
    for index, (name, module) in enumerate(tutorial.build_all().items()):
        sizes = next(sizes for prefix, sizes in TUTORIAL_INPUTS.items() if name.startswith(prefix))
        result[name] = module, tuple(torch.rand(*size) - (0.7 if index % 2 else 0.0) for size in sizes)
    return result
