"""Modules that are compiled freestanding: name -> (module, inputs)."""

import torch
from torch import Tensor, nn


def _seeded(make):
    def build():
        torch.manual_seed(0)
        module, inputs = make()
        return module.eval(), inputs

    build.__name__ = make.__name__
    return build


@_seeded
def sine():
    """What onnx2c and others measure themselves by."""
    layers = [nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)]
    return nn.Sequential(*layers), (torch.rand(1, 1),)


def mlp():
    from mlp.model import build

    return build()


PROGRAMS = {build.__name__: build for build in [sine, mlp]}


def trace(module, inputs):
    return module if isinstance(module, torch.jit.ScriptModule) else torch.jit.trace(module, inputs, strict=False)
