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
