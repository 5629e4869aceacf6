"""torchvision's operators, whose kernels here are written as its documentation has them: loops over boxes and samples."""

import math

import torch
from torch import nn

from language import Suite

suite = Suite()


def nms(dets, scores, iou_threshold):
    """Each box in order of falling scores, unless it overlaps one before it by more than the threshold."""
    if dets.size(0) != scores.size(0):
        raise RuntimeError("boxes and scores should have same number of elements in dimension 0")
    boxes, kept = dets.tolist(), []

    def overlap(a, b):
        shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
        return shared / both if both else math.nan

    for i in torch.sort(scores, descending=True, stable=True)[1].tolist():
        if not any(overlap(boxes[k], boxes[i]) > iou_threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned):
    """The mean of bilinear samples at the centres of a grid in each bin."""
    (_, channels, height, width), bins = input.shape, (pooled_height, pooled_width)
    result = input.new_zeros(rois.size(0), channels, *bins)

    def sample(image, y, x):
        if y < -1 or y > height or x < -1 or x > width:
            return image.new_zeros(channels)
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        top, left = int(y), int(x)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        upper = image[:, top, left] * (left + 1 - x) + image[:, top, right] * (x - left)
        lower = image[:, bottom, left] * (left + 1 - x) + image[:, bottom, right] * (x - left)
        return upper * (top + 1 - y) + lower * (y - top)

    for k, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        start = [v * spatial_scale - (0.5 if aligned else 0) for v in (y1, x1)]
        size = [v * spatial_scale - (0.5 if aligned else 0) - s for v, s in zip((y2, x2), start)]
        if not aligned:
            size = [max(s, 1.0) for s in size]
        step = [s / count for s, count in zip(size, bins)]
        counts = [sampling_ratio if sampling_ratio > 0 else math.ceil(s) for s in step]
        if min(counts) <= 0:
            continue
        for py in range(bins[0]):
            for px in range(bins[1]):
                for iy in range(counts[0]):
                    for ix in range(counts[1]):
                        y = start[0] + py * step[0] + (iy + 0.5) * step[0] / counts[0]
                        x = start[1] + px * step[1] + (ix + 0.5) * step[1] / counts[1]
                        result[k, :, py, px] += sample(input[int(image)], y, x)
        result[k] /= counts[0] * counts[1]
    return result


REGIONS = "Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, int sampling_ratio, bool aligned"
library = torch.library.Library("torchvision", "FRAGMENT")
if not hasattr(torch.ops.torchvision, "nms"):
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", nms, "CPU")
    library.define(f"roi_align({REGIONS}) -> Tensor")
    library.impl("roi_align", roi_align, "CPU")


def boxes(count, size=20.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * size
    return torch.cat([corners, corners + torch.rand(count, 2, generator=generator) * size / 2 + 0.1], 1)


def scores(count, seed=1):
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


def regions(count, images, size=20.0, seed=2):
    index = torch.arange(count) % images
    return torch.cat([index.float().unsqueeze(1), boxes(count, size, seed)], 1)


@suite(
    (boxes(60), scores(60), 0.5),
    (boxes(60), scores(60), 0.0),
    (boxes(40, 5.0), (scores(40) * 4).round(), 0.3),  # equal scores keep their order
    (boxes(9), scores(9), 1.0),
    (boxes(1), scores(1), 0.5),
    (boxes(0), scores(0), 0.5),
    (boxes(30).double(), scores(30).double(), 0.4),
    (torch.tensor([[0.0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [2, 2, 1, 1]]), scores(4), 0.5),  # without an area
    (boxes(5), scores(4), 0.5),
    message=None,
    line=False,
)
class KeepsBest(nn.Module):
    def forward(self, dets, scores, threshold: float):
        return torch.ops.torchvision.nms(dets, scores, threshold)


@suite(
    (torch.randn(2, 3, 24, 30), regions(7, 2), 1.0, 2, True),
    (torch.randn(2, 3, 24, 30), regions(7, 2, 40.0), 0.5, -1, True),
    (torch.randn(1, 2, 9, 11), regions(5, 1), 1.0, 3, False),
    (torch.randn(1, 2, 9, 11), regions(5, 1) - torch.tensor([0.0, 6, 6, 6, 6]), 0.7, 0, False),
    (torch.randn(1, 2, 9, 11), torch.tensor([[0.0, 5, 5, 4, 4]]), 1.0, 0, True),  # nothing between its corners
    (torch.randn(1, 4, 5, 5), regions(0, 1), 1.0, 2, False),
    (torch.randn(1, 1, 1, 1), regions(2, 1, 1.0), 1.0, 2, True),
)
class PoolsRegions(nn.Module):
    def forward(self, images, rois, scale: float, ratio: int, aligned: bool):
        return torch.ops.torchvision.roi_align(images, rois, scale, 3, 4, ratio, aligned)


@suite((torch.randn(1, 8, 16, 16), boxes(50, 12.0), scores(50)), (torch.randn(1, 8, 10, 12), boxes(5, 8.0), scores(5)))
class DetectorHead(nn.Module):
    """The best of the likely boxes, and what the image has there."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.classes = nn.Linear(8 * 2 * 2, 3)

    def forward(self, features, boxes, scores):
        likely = torch.where(scores > 0.2)[0]
        kept = torch.ops.torchvision.nms(boxes[likely], scores[likely], 0.3)
        best = boxes[likely][kept][:4]
        rois = torch.cat([torch.zeros(best.size(0), 1), best], 1)
        pooled = torch.ops.torchvision.roi_align(features, rois, 1.0, 2, 2, 2, True)
        return best, torch.softmax(self.classes(pooled.flatten(1)), 1)


def test_program(case, compiled):
    suite.check(case, compiled)
