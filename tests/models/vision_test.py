"""Convolutional networks and the vision transformer, at the example's image and at others."""

import importlib

import pytest
import torch

import tsc
from compare import check

# Name -> shapes of further images. The vision transformer's position embedding allows one size of image.
IMAGES = {
    "resnet18": [(3, 3, 224, 224), (2, 3, 97, 131)],
    "resnet50": [(2, 3, 64, 96)],
    "mobilenet_v2": [(3, 3, 96, 129)],
    "vit_s16": [(2, 3, 224, 224)],
}


def build(name):
    return importlib.import_module(f"{name}.model").build()


@pytest.fixture(scope="module", params=["traced", "scripted"])
def models(request, compile_group):
    """All in one library, as traced or scripted, beside what PyTorch runs."""
    modules = {name: build(name) for name in IMAGES}
    if request.param == "traced":
        saved = {name: torch.jit.trace(module, example) for name, (module, example) in modules.items()}
    else:
        saved = {name: torch.jit.script(module) for name, (module, _) in modules.items()}
    return modules, compile_group(saved)


@pytest.mark.parametrize("name", IMAGES)
def test_same_as_torch(name, models, usable):
    modules, compiled = models
    module, example = modules[name]
    model = usable(compiled[name])
    check(model, module, *example)
    for shape in IMAGES[name]:
        check(model, module, torch.randn(shape))


def test_channels_last_images(models, usable):
    """An input's strides change nothing but speed."""
    modules, compiled = models
    image = torch.randn(1, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    check(usable(compiled["resnet18"]), modules["resnet18"][0], image)


def test_wrong_images_are_errors(models, usable):
    """Channels, rank, dtype: errors, and the model is usable afterwards."""
    modules, compiled = models
    model = usable(compiled["resnet18"])
    for image in (torch.randn(1, 4, 224, 224), torch.randn(224, 224), torch.randn(1, 3, 224, 224).double()):
        with pytest.raises(tsc.Error) as caught:
            model(image)
        assert caught.value.message
    with pytest.raises(tsc.Error):
        usable(compiled["vit_s16"])(torch.randn(1, 3, 192, 224))
    check(model, modules["resnet18"][0], torch.randn(1, 3, 64, 64))


def test_threads_change_no_bit(compile_and_load, tmp_path):
    module, example = build("resnet18")
    one = compile_and_load(torch.jit.trace(module, example), "resnet18", threads=1)
    four = compile_and_load(torch.jit.trace(module, example), "resnet18", threads=4)
    for image in (*example, torch.randn(2, 3, 65, 130)):
        assert torch.equal(torch.from_dlpack(one(image)), torch.from_dlpack(four(image)))
