"""Images of bytes, resampled: to the same bytes as PyTorch's, at random sizes."""

import random

import pytest
import torch
from torch.nn.functional import interpolate

import harvest
import programs
import tsc

pytestmark = pytest.mark.filterwarnings("ignore")

CALLS = 150  # of each method


class Programs(torch.nn.Module):
    def forward(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="bilinear")

    @torch.jit.export
    def bilinear_corners(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="bilinear", align_corners=True)

    @torch.jit.export
    def bilinear_filtered(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="bilinear", antialias=True)

    @torch.jit.export
    def bicubic(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="bicubic")

    @torch.jit.export
    def bicubic_corners(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="bicubic", align_corners=True)

    @torch.jit.export
    def bicubic_filtered(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="bicubic", antialias=True)

    @torch.jit.export
    def lanczos(self, x, height: int, width: int):
        return interpolate(x, [height, width], mode="lanczos", antialias=True)

    @torch.jit.export
    def by_factors(self, x, height: float, width: float, mode: str, antialias: bool):
        return interpolate(x, scale_factor=[height, width], mode=mode, antialias=antialias)


METHODS = ["forward", "bilinear_corners", "bilinear_filtered", "bicubic", "bicubic_corners", "bicubic_filtered", "lanczos"]


@pytest.fixture(scope="module")
def methods(tmp_path_factory):
    file = tmp_path_factory.mktemp("bytes") / "programs.pt"
    torch.jit.script(Programs().eval()).save(str(file))
    answer = programs.run_tsc(file, "-o", file.with_suffix(".so"), "-O1")
    assert answer.returncode == 0, answer.stderr
    return tsc.load(str(file.with_suffix(".so"))).methods


def images():
    """(an image, a size): noise, extremes and ramps, few channels and many, in both memory formats."""
    harvest.seed()
    draw = random.Random(0)
    for call in range(CALLS):
        sizes = draw.choice([1, 1, 2]), draw.choice([1, 2, 3, 4, 5, 9]), draw.randint(1, 40), draw.randint(1, 90)
        image = torch.randint(0, 256, sizes, dtype=torch.uint8)
        if call % 3 == 1:
            image = torch.where(image > 127, 255, 0).byte()
        elif call % 3 == 2:
            image = torch.arange(image.numel()).reshape(sizes).byte()
        if draw.random() < 0.3:
            image = image.contiguous(memory_format=torch.channels_last)
        yield image, draw.choice([1, sizes[2], draw.randint(1, 90)]), draw.choice([sizes[3], draw.randint(1, 90)])


def expect_equal(method, theirs, image, *rest):
    """Of PyTorch's kernels the one for five channels and more repeats the first pixel where a result has one column; all of
    them see each channel by itself."""
    ours = torch.from_dlpack(method(image, *rest))
    expected = torch.cat([theirs(part, *rest) for part in image.split(4, 1)], 1) if ours.size(3) == 1 else theirs(image, *rest)
    assert torch.equal(ours, expected), f"{tuple(image.shape)} {rest}"


@pytest.mark.parametrize("name", METHODS)
def test_sizes(name, methods):
    for image, height, width in images():
        expect_equal(methods[name], getattr(Programs(), name), image, height, width)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_factors(mode, antialias, methods):
    draw = random.Random(1)
    for image, _, _ in images():
        factors = [max(draw.uniform(0.1, 2.5), 1 / size) for size in image.shape[2:]]
        expect_equal(methods["by_factors"], Programs().by_factors, image, *factors, mode, antialias)
