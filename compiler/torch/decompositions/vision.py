# Operators of torchvision, whose functions are named torchvision_<op>.


# Boxes are (x1, y1, x2, y2). Of those that overlap by more than the threshold, the one with the highest score is kept.
def torchvision_nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    assert dets.dim() == 2, "boxes should be a 2d tensor"
    assert dets.size(1) == 4, "boxes should have 4 elements in dimension 1"
    assert scores.dim() == 1, "scores should be a 1d tensor"
    assert dets.size(0) == scores.size(0), "boxes and scores should have same number of elements in dimension 0"
    assert dets.dtype == scores.dtype, "dets should have the same type as scores"
    assert dets.is_floating_point(), "nms expects boxes of floats"
    order = torch.argsort(scores, stable=True, dim=0, descending=True)
    boxes = dets.index_select(0, order)
    left, top, right, bottom = boxes.select(1, 0), boxes.select(1, 1), boxes.select(1, 2), boxes.select(1, 3)
    areas = (right - left) * (bottom - top)
    count = boxes.size(0)
    is_left_out = torch.zeros([count], dtype=torch.bool)
    kept: List[int] = []
    for i in range(count):
        if bool(is_left_out[i]):
            continue
        kept.append(i)
        rest = count - i - 1
        width = torch.minimum(right[i], right.narrow(0, i + 1, rest)) - torch.maximum(left[i], left.narrow(0, i + 1, rest))
        height = torch.minimum(bottom[i], bottom.narrow(0, i + 1, rest)) - torch.maximum(top[i], top.narrow(0, i + 1, rest))
        shared = width.clamp(min=0) * height.clamp(min=0)
        overlap = shared / (areas[i] + areas.narrow(0, i + 1, rest) - shared)
        is_left_out.narrow(0, i + 1, rest).logical_or_(overlap.to(torch.float64) > iou_threshold)
    return order.index_select(0, torch.tensor(kept, dtype=torch.int64))


# Along one side of an image: the elements below and above each sample's place, how far it is from the lower one, and
# whether it lies inside.
def _sampled_places(start: Tensor, step: Tensor, bins: int, samples: int, size: int) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    bin = torch.arange(bins, dtype=start.dtype).unsqueeze(1)
    sample = torch.arange(samples, dtype=start.dtype) + 0.5
    at = (start + bin * step + sample * step / samples).reshape([-1])
    inside = (at >= -1) & (at <= size)
    at = at.clamp(min=0)
    low = at.clamp(max=size - 1).to(torch.int64)
    high = (low + 1).clamp(max=size - 1)
    return low, high, torch.where(low >= size - 1, torch.zeros_like(at), at - low), inside


# The mean of each bin's samples, which lie between elements: rows first, then columns.
def _aligned_bins(image: Tensor, start: Tensor, step: Tensor, bins: List[int], samples: List[int]) -> Tensor:
    if samples[0] <= 0 or samples[1] <= 0:
        return torch.zeros([image.size(0)] + bins, dtype=image.dtype)
    low, high, part, inside = _sampled_places(start[0], step[0], bins[0], samples[0], image.size(1))
    weight = part.unsqueeze(1)
    rows = image.index_select(1, low) * (1 - weight) + image.index_select(1, high) * weight
    is_inside = inside.unsqueeze(1)
    low, high, part, inside = _sampled_places(start[1], step[1], bins[1], samples[1], image.size(2))
    values = rows.index_select(2, low) * (1 - part) + rows.index_select(2, high) * part
    values = torch.where(is_inside & inside, values, torch.zeros_like(values))
    shape = [image.size(0), bins[0], samples[0], bins[1], samples[1]]
    return values.reshape(shape).sum([2, 4]) / (samples[0] * samples[1])


# Regions are (image, x1, y1, x2, y2).
def torchvision_roi_align(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int, sampling_ratio: int, aligned: bool
) -> Tensor:
    assert input.dim() == 4, "roi_align expects a batch of images"
    assert rois.dim() == 2 and rois.size(1) == 5, "rois must have shape as Tensor[K, 5]"
    assert input.dtype == rois.dtype, "roi_align expects input and rois of the same dtype"
    assert pooled_height > 0 and pooled_width > 0, "roi_align expects at least one bin"
    places = rois.index_select(1, torch.tensor([2, 1, 4, 3])) * spatial_scale
    if aligned:
        places = places - 0.5
    starts = places.narrow(1, 0, 2)
    sizes = places.narrow(1, 2, 2) - starts
    if not aligned:
        sizes = sizes.clamp(min=1.0)
    bins = [pooled_height, pooled_width]
    steps = sizes / torch.tensor(bins, dtype=sizes.dtype)
    samples: List[List[int]] = steps.ceil().to(torch.int64).tolist()
    images: List[int] = rois.select(1, 0).to(torch.int64).tolist()
    parts: List[Tensor] = []
    for k in range(rois.size(0)):
        assert input.size(2) > 0 and input.size(3) > 0, "roi_align expects images with elements"
        counts = samples[k] if sampling_ratio <= 0 else [sampling_ratio, sampling_ratio]
        parts.append(_aligned_bins(input[images[k]], starts[k], steps[k], bins, counts))
    if len(parts) == 0:
        return torch.zeros([0, input.size(1)] + bins, dtype=input.dtype)
    return torch.stack(parts)


# Halves away from zero, as C's round().
def _nearest_whole(x: Tensor) -> Tensor:
    whole = x.trunc()
    return whole + (x - whole).ge(0.5).to(x.dtype) - (whole - x).ge(0.5).to(x.dtype)


# Where the bins of each region begin and end along one side of an image of `size` elements, as lists of [begin, end].
# Regions are at least one element long; `extra` elements belong to them after their last one.
def _pooled_places(first: Tensor, last: Tensor, bins: int, extra: int, size: int) -> List[List[List[int]]]:
    start = _nearest_whole(first).unsqueeze(1)
    step = (_nearest_whole(last).unsqueeze(1) - start + extra).clamp(min=1) / bins
    bin = torch.arange(bins, dtype=first.dtype)
    begins = ((bin * step).floor() + start).clamp(0, size)
    ends = (((bin + 1) * step).ceil() + start).clamp(0, size)
    places: List[List[List[int]]] = torch.stack([begins, ends], 2).to(torch.int64).tolist()
    return places


def _check_regions(input: Tensor, rois: Tensor) -> None:
    assert input.dim() == 4, "pooling of regions expects a batch of images"
    assert rois.dim() == 2 and rois.size(1) == 5, "Tensor rois should have shape as Tensor[K, 5]"
    assert input.dtype == rois.dtype, "input and rois must have the same dtype"


# The largest element of each bin, NaN aside, and its place in its image; 0 and -1 where a bin has none.
def torchvision_roi_pool(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int
) -> Tuple[Tensor, Tensor]:
    _check_regions(input, rois)
    channels, width = input.size(1), input.size(3)
    result = torch.zeros([rois.size(0), channels, pooled_height, pooled_width], dtype=input.dtype)
    places = torch.full([rois.size(0), channels, pooled_height, pooled_width], -1, dtype=torch.int32)
    scaled = rois * spatial_scale
    rows = _pooled_places(scaled.select(1, 2), scaled.select(1, 4), pooled_height, 1, input.size(2))
    columns = _pooled_places(scaled.select(1, 1), scaled.select(1, 3), pooled_width, 1, width)
    images: List[int] = rois.select(1, 0).to(torch.int64).tolist()
    least = torch.full([channels], -3.4028234663852886e38, dtype=input.dtype)
    for k in range(rois.size(0)):
        image = input[images[k]]
        for i, (top, bottom) in enumerate([(row[0], row[1]) for row in rows[k]]):
            for j, (left, right) in enumerate([(column[0], column[1]) for column in columns[k]]):
                if top >= bottom or left >= right:
                    continue
                bin = image[:, top:bottom, left:right].reshape([channels, (bottom - top) * (right - left)])
                value, at = torch.where(bin.isnan(), -float("inf"), bin).max(1)
                place = (top + at // (right - left)) * width + left + at % (right - left)
                is_found = value > least
                result[k, :, i, j] = torch.where(is_found, value, least)
                places[k, :, i, j] = torch.where(is_found, place, -1).to(torch.int32)
    return result, places


# The channel that each bin of each channel of the result reads.
def _read_channels(regions: int, channels: int, bins: List[int]) -> Tensor:
    assert channels % (bins[0] * bins[1]) == 0, "input channels must be a multiple of pooling height * pooling width"
    shape = [channels // (bins[0] * bins[1]), bins[0], bins[1]]
    return torch.arange(channels, dtype=torch.int32).reshape(shape).expand([regions] + shape).contiguous()


# Each bin reads channels of its own. The last row and column of an image belong to no bin.
def torchvision_ps_roi_pool(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int
) -> Tuple[Tensor, Tensor]:
    _check_regions(input, rois)
    bins = [pooled_height, pooled_width]
    channels = _read_channels(rois.size(0), input.size(1), bins)
    result = torch.zeros(channels.size(), dtype=input.dtype)
    scaled = rois * spatial_scale
    rows = _pooled_places(scaled.select(1, 2), scaled.select(1, 4), pooled_height, 0, input.size(2) - 1)
    columns = _pooled_places(scaled.select(1, 1), scaled.select(1, 3), pooled_width, 0, input.size(3) - 1)
    images: List[int] = rois.select(1, 0).to(torch.int64).tolist()
    for k in range(rois.size(0)):
        image = input[images[k]].reshape([channels.size(1)] + bins + [input.size(2), input.size(3)])
        for i, (top, bottom) in enumerate([(row[0], row[1]) for row in rows[k]]):
            for j, (left, right) in enumerate([(column[0], column[1]) for column in columns[k]]):
                if top < bottom and left < right:
                    result[k, :, i, j] = image[:, i, j, top:bottom, left:right].mean([1, 2])
    return result, channels


def torchvision_ps_roi_align(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int, sampling_ratio: int
) -> Tuple[Tensor, Tensor]:
    _check_regions(input, rois)
    bins = [pooled_height, pooled_width]
    channels = _read_channels(rois.size(0), input.size(1), bins)
    # All bins of all channels, of which each keeps its own.
    aligned = torchvision_roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, True)
    own = aligned.reshape([rois.size(0), channels.size(1), pooled_height * pooled_width, pooled_height * pooled_width])
    return own.diagonal(0, 2, 3).reshape(channels.size()), channels


# Elements at real places (y, x), each [N, groups, 1, places], of images [N, groups, channels, height * width]; 0 outside.
def _elements_between(image: Tensor, y: Tensor, x: Tensor, height: int, width: int) -> Tensor:
    top, left = y.floor(), x.floor()
    shape = list(image.size())
    result = torch.zeros([shape[0], shape[1], shape[2], y.size(3)], dtype=image.dtype)
    for row, row_weight in [(top, top + 1 - y), (top + 1, y - top)]:
        for column, column_weight in [(left, left + 1 - x), (left + 1, x - left)]:
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            at = torch.where(inside, row * width + column, torch.zeros_like(row)).to(torch.int64)
            values = image.gather(3, at.expand(result.size()))
            result = result + torch.where(inside, values * (row_weight * column_weight), torch.zeros_like(values))
    return result


# A convolution that reads each of its kernel's elements some offset (y, x) away, times a mask.
def torchvision_deform_conv2d(
    input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor, stride_h: int, stride_w: int, pad_h: int,
    pad_w: int, dilation_h: int, dilation_w: int, groups: int, offset_groups: int, use_mask: bool,
) -> Tensor:  # fmt: skip
    assert input.dim() == 4 and weight.dim() == 4 and offset.dim() == 4, "deform_conv2d expects tensors of four dimensions"
    assert groups > 0 and offset_groups > 0, "deform_conv2d expects at least one group"
    batch, channels, height, width = input.size(0), input.size(1), input.size(2), input.size(3)
    kernel_h, kernel_w = weight.size(2), weight.size(3)
    out_h = (height + 2 * pad_h - dilation_h * (kernel_h - 1) - 1) // stride_h + 1
    out_w = (width + 2 * pad_w - dilation_w * (kernel_w - 1) - 1) // stride_w + 1
    taps = kernel_h * kernel_w
    assert channels == weight.size(1) * groups, "the input's channels are not the weight's times the groups"
    assert weight.size(0) % groups == 0, "the weight's outputs are not a multiple of the groups"
    assert channels % offset_groups == 0, "the input's channels are not a multiple of the offsets' groups"
    assert out_h > 0 and out_w > 0, "the output would have no elements"
    assert list(offset.size()) == [batch, offset_groups * 2 * taps, out_h, out_w], "offset has the wrong shape"
    row = torch.arange(out_h).reshape([-1, 1]) * stride_h - pad_h
    column = torch.arange(out_w) * stride_w - pad_w
    tap = torch.arange(taps).reshape([-1, 1, 1])
    moved = offset.reshape([batch, offset_groups, taps, 2, out_h, out_w])
    places = [batch, offset_groups, 1, taps * out_h * out_w]
    y = ((row + tap // kernel_w * dilation_h).to(input.dtype) + moved.select(3, 0)).reshape(places)
    x = ((column + tap % kernel_w * dilation_w).to(input.dtype) + moved.select(3, 1)).reshape(places)
    images = input.reshape([batch, offset_groups, channels // offset_groups, height * width])
    taken = _elements_between(images, y, x, height, width)
    if use_mask:
        assert list(mask.size()) == [batch, offset_groups * taps, out_h, out_w], "mask has the wrong shape"
        taken = taken * mask.reshape(places)
    rows = taken.reshape([batch, groups, channels // groups * taps, out_h * out_w])
    result = torch.matmul(weight.reshape([groups, weight.size(0) // groups, channels // groups * taps]), rows)
    return result.reshape([batch, weight.size(0), out_h, out_w]) + bias.reshape([-1, 1, 1])
