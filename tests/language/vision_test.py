"""torchvision's operators, whose kernels here are written as its documentation has them: loops over boxes and samples."""

import itertools
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


def ps_roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio):
    """As roi_align, but each bin of each channel of the result reads a channel of its own."""
    aligned = roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, True)
    channels = own_channels(rois.size(0), input.size(1), pooled_height, pooled_width)
    result = torch.empty(channels.shape, dtype=input.dtype)
    for k, c, i, j in itertools.product(*map(range, channels.shape)):
        result[k, c, i, j] = aligned[k, channels[k, c, i, j], i, j]
    return result, channels


def own_channels(regions, channels, height, width):
    read = torch.arange(channels, dtype=torch.int32).reshape(1, channels // (height * width), height, width)
    return read.repeat(regions, 1, 1, 1)


def pooled_ends(first, last, bin, bins, extra, size):
    """Where a bin of a region begins and ends, in whole elements; regions are at least one element long."""

    def rounded(x):
        return math.copysign(math.floor(abs(x) + 0.5), x)

    first, length = rounded(first), max(rounded(last) - rounded(first) + extra, 1)
    ends = math.floor(bin * length / bins) + first, math.ceil((bin + 1) * length / bins) + first
    return [int(min(max(end, 0), size)) for end in ends]


def roi_pool(input, rois, spatial_scale, pooled_height, pooled_width):
    """The largest element of each bin and its place in its image; 0 and -1 where a bin is empty."""
    _, channels, height, width = input.shape
    result = torch.zeros(rois.size(0), channels, pooled_height, pooled_width, dtype=input.dtype)
    places = torch.full(result.shape, -1, dtype=torch.int32)
    for k, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        ends = [v * spatial_scale for v in (x1, y1, x2, y2)]
        for c, i, j in itertools.product(range(channels), range(pooled_height), range(pooled_width)):
            rows = range(*pooled_ends(ends[1], ends[3], i, pooled_height, 1, height))
            columns = range(*pooled_ends(ends[0], ends[2], j, pooled_width, 1, width))
            best = -torch.finfo(torch.float32).max if len(rows) and len(columns) else 0.0
            for y, x in itertools.product(rows, columns):
                if input[int(image), c, y, x] > best:
                    best, places[k, c, i, j] = input[int(image), c, y, x].item(), y * width + x
            result[k, c, i, j] = best
    return result, places


def ps_roi_pool(input, rois, spatial_scale, pooled_height, pooled_width):
    """The mean of each bin of a channel of its own; an image's last row and column are in none."""
    channels = own_channels(rois.size(0), input.size(1), pooled_height, pooled_width)
    result = torch.zeros(channels.shape, dtype=input.dtype)
    for k, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        ends = [v * spatial_scale for v in (x1, y1, x2, y2)]
        for c, i, j in itertools.product(*map(range, channels.shape[1:])):
            top, bottom = pooled_ends(ends[1], ends[3], i, pooled_height, 0, input.size(2) - 1)
            left, right = pooled_ends(ends[0], ends[2], j, pooled_width, 0, input.size(3) - 1)
            if top < bottom and left < right:
                result[k, c, i, j] = input[int(image), channels[k, c, i, j], top:bottom, left:right].mean()
    return result, channels


def deform_conv2d(
    input, weight, offset, mask, bias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups, offset_groups,
    use_mask,
):  # fmt: skip
    """A convolution whose taps are moved by offsets, between elements, with zeros around the image."""
    (batch, channels, height, width), (outputs, _, kernel_h, kernel_w) = input.shape, weight.shape
    out_h, out_w = offset.shape[2:]
    taken = torch.zeros(batch, channels, kernel_h, kernel_w, out_h, out_w, dtype=input.dtype)

    def element(image, y, x):
        return image[y, x].item() if 0 <= y < height and 0 <= x < width else 0.0

    for n, c, i, j, row, column in itertools.product(*map(range, taken.shape)):
        tap = (c // (channels // offset_groups) * kernel_h + i) * kernel_w + j
        y = row * stride_h - pad_h + i * dilation_h + offset[n, 2 * tap, row, column].item()
        x = column * stride_w - pad_w + j * dilation_w + offset[n, 2 * tap + 1, row, column].item()
        top, left = math.floor(y), math.floor(x)
        for at_y, at_x in itertools.product((top, top + 1), (left, left + 1)):
            part = (1 - abs(y - at_y)) * (1 - abs(x - at_x)) * (mask[n, tap, row, column].item() if use_mask else 1.0)
            taken[n, c, i, j, row, column] += part * element(input[n, c], at_y, at_x)
    result = torch.einsum(
        "ngcijyx,gocij->ngoyx",
        taken.reshape(batch, groups, -1, kernel_h, kernel_w, out_h, out_w),
        weight.reshape(groups, outputs // groups, -1, kernel_h, kernel_w),
    )
    return result.reshape(batch, outputs, out_h, out_w) + bias.reshape(-1, 1, 1)


REGIONS = "Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width"
SCHEMAS = [
    (nms, "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"),
    (roi_align, f"({REGIONS}, int sampling_ratio, bool aligned) -> Tensor"),
    (ps_roi_align, f"({REGIONS}, int sampling_ratio) -> (Tensor, Tensor)"),
    (roi_pool, f"({REGIONS}) -> (Tensor, Tensor)"),
    (ps_roi_pool, f"({REGIONS}) -> (Tensor, Tensor)"),
    (deform_conv2d, "(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, int stride_w, int pad_h, int pad_w, "
                    "int dilation_h, int dilation_w, int groups, int offset_groups, bool use_mask) -> Tensor"),
]  # fmt: skip
library = torch.library.Library("torchvision", "FRAGMENT")
if not hasattr(torch.ops.torchvision, "nms"):
    for kernel, schema in SCHEMAS:
        library.define(kernel.__name__ + schema)
        library.impl(kernel.__name__, kernel, "CPU")
    # The lot that training reaches in a scripted detector, and nothing else.
    library.define("box_iou_rotated(Tensor boxes1, Tensor boxes2) -> Tensor")


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


@suite(
    (torch.randn(2, 8, 12, 15), regions(7, 2), 1.0),
    (torch.randn(2, 4, 12, 15), regions(7, 2, 40.0), 0.5),
    (torch.randn(1, 4, 9, 11), regions(5, 1) - torch.tensor([0.0, 6, 6, 6, 6]), 0.7),
    (torch.randn(1, 4, 9, 11), torch.tensor([[0.0, 5, 5, 4, 4], [0.0, 2.5, 1.5, 6.5, 7.5]]), 1.0),
    (torch.randn(1, 4, 5, 5), regions(0, 1), 1.0),
)
class PoolsOtherwise(nn.Module):
    def forward(self, images, rois, scale: float):
        vision = torch.ops.torchvision
        largest, places = vision.roi_pool(images, rois, scale, 3, 2)
        mean, channels = vision.ps_roi_pool(images, rois, scale, 2, 2)
        sampled, _ = vision.ps_roi_align(images, rois, scale, 2, 2, 2)
        return largest, places, mean, channels, sampled


@suite(
    (torch.tensor([float("nan"), -float("inf"), 2.0, 1.0, 2.0, float("inf")]).reshape(1, 1, 2, 3), torch.tensor([[0.0, 0, 0, 2, 1]])),
    (torch.full((1, 1, 2, 3), float("nan")), torch.tensor([[0.0, 0, 0, 2, 1]])),
)
class PoolsSpecialValues(nn.Module):
    def forward(self, images, rois):
        return torch.ops.torchvision.roi_pool(images, rois, 1.0, 1, 3)


def deformed(groups, offset_groups, stride, padding, dilation, use_mask, spread=2.0):
    generator = torch.Generator().manual_seed(groups + stride)
    images, weight = torch.randn(2, 4, 7, 8, generator=generator), torch.randn(6, 4 // groups, 3, 2, generator=generator)
    height, width = (7 + 2 * padding - 2 * dilation - 1) // stride + 1, (8 + 2 * padding - dilation - 1) // stride + 1
    offset = torch.randn(2, offset_groups * 12, height, width, generator=generator) * spread
    mask = torch.rand(2, offset_groups * 6, height, width, generator=generator) if use_mask else torch.zeros(2, 1)
    bias = torch.randn(6, generator=generator)
    return images, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups, use_mask


@suite(
    deformed(1, 1, 1, 1, 1, True),
    deformed(2, 2, 2, 1, 1, False),
    deformed(2, 4, 1, 2, 2, True, spread=5.0),
    deformed(1, 2, 1, 0, 1, False, spread=0.0),  # zeros: the plain convolution
)
class Deforms(nn.Module):
    def forward(
        self, images, weight, offset, mask, bias, stride: int, padding: int, dilation: int, groups: int, offset_groups: int,
        use_mask: bool,
    ):  # fmt: skip
        return torch.ops.torchvision.deform_conv2d(
            images, weight, offset, mask, bias, stride, stride, padding, padding, dilation, dilation, groups, offset_groups, use_mask
        )  # fmt: skip


@suite((boxes(6),))
class TrainsOtherwise(nn.Module):
    """What only training reaches needs no kernel."""

    def __init__(self):
        super().__init__()
        self.eval()

    def forward(self, boxes):
        if self.training:
            return torch.ops.torchvision.box_iou_rotated(boxes, boxes)
        return boxes + 1


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
