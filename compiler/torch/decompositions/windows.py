# Resampled images, poolings and other windows.


# Resampling goes dimension by dimension. Places are computed in float32, of doubles and bytes in float64, as PyTorch does.


def _floats(input: Tensor) -> int:
    if input.dtype == torch.float64 or input.dtype == torch.uint8:
        return torch.float64
    return torch.float32


def _output_size(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]], dims: int
) -> List[int]:
    assert input.dim() == dims + 2, "an image of another number of dimensions is expected"
    if output_size is not None:
        assert scale_factors is None, "Must specify exactly one of output_size and scale_factors"
        return output_size
    assert scale_factors is not None, "Must specify exactly one of output_size and scale_factors"
    assert len(scale_factors) == dims, "the scale_factors must have an entry for each dimension of the image"
    sizes: List[int] = []
    for i in range(dims):
        sizes.append(int(float(input.size(i + 2)) * scale_factors[i]))
    return sizes


def _factor(scale_factors: Optional[List[float]], i: int) -> Optional[float]:
    if scale_factors is None:
        return None
    return scale_factors[i]


def _check_sizes(input: Tensor, output_size: List[int]) -> None:
    dims = len(output_size)
    assert input.dim() == dims + 2, "It is expected that output_size has an entry for each dimension of the image"
    assert input.size(1) > 0, "Non-empty data tensor expected, but the image has no channels"
    for i in range(dims):
        filled = input.size(i + 2) > 0 and output_size[i] > 0
        assert filled, "Input and output sizes should be greater than 0"


# Input steps for one output step.
def _step(size: int, count: int, factor: Optional[float], align_corners: bool, dtype: int) -> Tensor:
    if align_corners:
        return torch.scalar_tensor(max(size - 1, 0), dtype=dtype) / max(count - 1, 1) * float(count > 1)
    if factor is not None and factor > 0:
        return torch.scalar_tensor(1.0 / factor, dtype=dtype)
    return torch.scalar_tensor(size, dtype=dtype) / count


def _nearest(input: Tensor, dim: int, count: int, factor: Optional[float], half: float) -> Tensor:
    size = input.size(dim)
    at = (torch.arange(count, dtype=torch.float32) + half) * _step(size, count, factor, False, torch.float32)
    return input.index_select(dim, torch.clamp_max(at.floor().to(torch.int64), size - 1))


def _nearest_pixels(
    input: Tensor, output_size: List[int], factors: List[Optional[float]], half: float
) -> Tensor:
    dims = len(factors)
    assert len(output_size) == dims, "It is expected that output_size has an entry for each dimension of the image"
    _check_sizes(input, output_size)
    assert input.is_floating_point() or input.dtype == torch.uint8, "upsample_nearest is for floats and bytes"
    # PyTorch's kernel for small images and for channels that lie side by side doesn't look at the factor where the size is
    # the same or twice as large.
    is_other = False
    if dims == 2:
        is_other = output_size[0] + output_size[1] <= 128
    elif dims == 3:
        is_other = input.size(1) > 3 and input.is_contiguous(memory_format=3)  # torch.channels_last_3d
    known: List[Optional[float]] = []
    for i in range(dims):
        is_plain = output_size[i] == input.size(i + 2) or output_size[i] == 2 * input.size(i + 2)
        known.append(None if half == 0.0 and is_plain and is_other else factors[i])
    result = input
    for i in range(dims):  # what shrinks first, and the last dimension before the first of what grows: so least is moved
        if output_size[i] < input.size(i + 2):
            result = _nearest(result, i + 2, output_size[i], known[i], half)
    for k in range(dims):
        i = dims - 1 - k
        if output_size[i] >= input.size(i + 2):
            result = _nearest(result, i + 2, output_size[i], known[i], half)
    return result


# The places of outputs along a dimension, between its pixels.
def _places(size: int, count: int, factor: Optional[float], align_corners: bool, dtype: int) -> Tensor:
    step = _step(size, count, factor, align_corners, dtype)
    outputs = torch.arange(count, dtype=dtype)
    if align_corners:
        return outputs * step
    return (outputs + 0.5) * step - 0.5


def _resample_linear(input: Tensor, dim: int, count: int, factor: Optional[float], align_corners: bool) -> Tensor:
    size = input.size(dim)
    if size == count:  # also where the factor is not one
        return input
    at = torch.clamp_min(_places(size, count, factor, align_corners, _floats(input)), 0)
    low = torch.clamp_max(at.to(torch.int64), size - 1)
    part = torch.clamp(at - low, 0, 1)
    if input.dtype == torch.uint8:
        part = 1 - (1 - part)  # as PyTorch rounds it
    places = torch.stack([low, torch.clamp_max(low + 1, size - 1)], 1)
    return tsc.resample(input, dim, places, torch.stack([1 - part, part], 1))


# Keys' cubic at distances, with the slope a at 1.
def _cubic_weights(distance: Tensor, a: float) -> Tensor:
    x = distance.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def _cubic(input: Tensor, dim: int, count: int, factor: Optional[float], align_corners: bool) -> Tensor:
    size = input.size(dim)
    if size == count and input.dtype == torch.uint8:  # also where the factor is not one
        return input
    at = _places(size, count, factor, align_corners, _floats(input))
    below = torch.clamp_max(at.floor().to(torch.int64), size - 1).unsqueeze(1)
    part = torch.clamp(at.unsqueeze(1) - below, 0, 1)
    taps = torch.arange(4) - 1
    places = torch.clamp(below + taps, 0, size - 1)
    return tsc.resample(input, dim, places, _cubic_weights(part - taps, -0.75))


# Lanczos' window of three lobes.
def _lanczos_weights(distance: Tensor) -> Tensor:
    weights = torch.sinc(distance) * torch.sinc(distance / 3)
    return torch.where(distance.abs() < 3, weights, torch.zeros_like(distance))


# A filter that is stretched over the step. What it does not reach is not read: it may be infinite.
def _antialiased(
    input: Tensor, dim: int, count: int, factor: Optional[float], align_corners: bool, taps: int
) -> Tensor:
    size = input.size(dim)
    if size == count:  # also where the factor is not one
        return input
    step = _step(size, count, factor, align_corners, _floats(input))
    stretch = torch.clamp_min(step, 1)
    reach = stretch * (0.5 * taps)
    middle = (torch.arange(count, dtype=_floats(input)) + 0.5) * step
    first = torch.clamp_min((middle - reach + 0.5).to(torch.int64), 0)
    last = torch.clamp_max((middle + reach + 0.5).to(torch.int64), size)
    places = first.unsqueeze(1) + torch.arange(int((last - first).max()))
    distance = (places - middle.unsqueeze(1) + 0.5) * (1 / stretch)
    if taps == 2:
        weights = torch.clamp_min(1 - distance.abs(), 0)
    elif taps == 4:
        weights = _cubic_weights(distance, -0.5)
    else:
        weights = _lanczos_weights(distance)
    reached = places < last.unsqueeze(1)
    weights = torch.where(reached, weights, torch.zeros_like(weights))
    # Added up one by one, since a last bit may decide how a weight of bytes is rounded.
    weights = weights / weights.cumsum(1).narrow(1, weights.size(1) - 1, 1)
    return tsc.resample(input, dim, torch.where(reached, places, -1), weights)


def _filtered(
    input: Tensor, output_size: List[int], align_corners: bool, scales: List[Optional[float]], taps: int
) -> Tensor:
    _check_sizes(input, output_size)
    known = input.dtype == torch.float32 or input.dtype == torch.float64 or input.dtype == torch.uint8
    assert known, "an interpolation with antialias is for float32, float64 and bytes"
    if input.is_floating_point() and output_size[0] < input.size(2):  # what there is less of is made first
        columns = _antialiased(input, 2, output_size[0], scales[0], align_corners, taps)
        return _antialiased(columns, 3, output_size[1], scales[1], align_corners, taps)
    rows = _antialiased(input, 3, output_size[1], scales[1], align_corners, taps)
    return _antialiased(rows, 2, output_size[0], scales[0], align_corners, taps)


# From the last dimension to the first, by the cubic or the linear rule.
def _smooth(
    input: Tensor, output_size: List[int], factors: List[Optional[float]], align_corners: bool, is_cubic: bool
) -> Tensor:
    dims = len(factors)
    assert len(output_size) == dims, "It is expected that output_size has an entry for each dimension of the image"
    _check_sizes(input, output_size)
    is_bytes = dims == 2 and input.dtype == torch.uint8
    assert input.is_floating_point() or is_bytes, "this interpolation is for floats, and in two dimensions for bytes"
    result = input if is_bytes else input.to(_floats(input))
    for k in range(dims):
        i = dims - 1 - k
        if is_cubic:
            result = _cubic(result, i + 2, output_size[i], factors[i], align_corners)
        else:
            result = _resample_linear(result, i + 2, output_size[i], factors[i], align_corners)
    return result.to(input.dtype)


def upsample_nearest1d(self: Tensor, output_size: List[int], scales: Optional[float]) -> Tensor:
    return _nearest_pixels(self, output_size, [scales], 0.0)


def upsample_nearest1d__vec(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 1)
    return torch.upsample_nearest1d(input, sizes, _factor(scale_factors, 0))


def upsample_nearest2d(
    self: Tensor, output_size: List[int], scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _nearest_pixels(self, output_size, [scales_h, scales_w], 0.0)


def upsample_nearest3d(
    self: Tensor, output_size: List[int], scales_d: Optional[float], scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _nearest_pixels(self, output_size, [scales_d, scales_h, scales_w], 0.0)


def upsample_nearest3d__vec(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 3)
    return torch.upsample_nearest3d(
        input, sizes, _factor(scale_factors, 0), _factor(scale_factors, 1), _factor(scale_factors, 2)
    )


def _upsample_nearest_exact1d(self: Tensor, output_size: List[int], scales: Optional[float]) -> Tensor:
    return _nearest_pixels(self, output_size, [scales], 0.5)


def _upsample_nearest_exact1d__vec(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 1)
    return torch._upsample_nearest_exact1d(input, sizes, _factor(scale_factors, 0))


def _upsample_nearest_exact2d(
    self: Tensor, output_size: List[int], scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _nearest_pixels(self, output_size, [scales_h, scales_w], 0.5)


def _upsample_nearest_exact2d__vec(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 2)
    return torch._upsample_nearest_exact2d(input, sizes, _factor(scale_factors, 0), _factor(scale_factors, 1))


def _upsample_nearest_exact3d(
    self: Tensor, output_size: List[int], scales_d: Optional[float], scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _nearest_pixels(self, output_size, [scales_d, scales_h, scales_w], 0.5)


def _upsample_nearest_exact3d__vec(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 3)
    return torch._upsample_nearest_exact3d(
        input, sizes, _factor(scale_factors, 0), _factor(scale_factors, 1), _factor(scale_factors, 2)
    )


def upsample_linear1d(self: Tensor, output_size: List[int], align_corners: bool, scales: Optional[float]) -> Tensor:
    return _smooth(self, output_size, [scales], align_corners, False)


def upsample_linear1d__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 1)
    return torch.upsample_linear1d(input, sizes, align_corners, _factor(scale_factors, 0))


def upsample_bilinear2d(
    self: Tensor, output_size: List[int], align_corners: bool, scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _smooth(self, output_size, [scales_h, scales_w], align_corners, False)


def upsample_trilinear3d(
    self: Tensor, output_size: List[int], align_corners: bool, scales_d: Optional[float], scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _smooth(self, output_size, [scales_d, scales_h, scales_w], align_corners, False)


def upsample_trilinear3d__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 3)
    return torch.upsample_trilinear3d(
        input, sizes, align_corners, _factor(scale_factors, 0), _factor(scale_factors, 1), _factor(scale_factors, 2)
    )


def upsample_bicubic2d(
    self: Tensor, output_size: List[int], align_corners: bool, scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    return _smooth(self, output_size, [scales_h, scales_w], align_corners, True)


def upsample_bicubic2d__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 2)
    return torch.upsample_bicubic2d(input, sizes, align_corners, _factor(scale_factors, 0), _factor(scale_factors, 1))


def _upsample_bilinear2d_aa(
    self: Tensor, output_size: List[int], align_corners: bool, scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    assert len(output_size) == 2, "It is expected output_size equals to 2"
    return _filtered(self, output_size, align_corners, [scales_h, scales_w], 2)


def _upsample_bilinear2d_aa__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 2)
    return torch._upsample_bilinear2d_aa(
        input, sizes, align_corners, _factor(scale_factors, 0), _factor(scale_factors, 1)
    )


def _upsample_bicubic2d_aa(
    self: Tensor, output_size: List[int], align_corners: bool, scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    assert len(output_size) == 2, "It is expected output_size equals to 2"
    return _filtered(self, output_size, align_corners, [scales_h, scales_w], 4)


def _upsample_bicubic2d_aa__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 2)
    return torch._upsample_bicubic2d_aa(
        input, sizes, align_corners, _factor(scale_factors, 0), _factor(scale_factors, 1)
    )


def _upsample_lanczos2d_aa(
    self: Tensor, output_size: List[int], align_corners: bool, scales_h: Optional[float], scales_w: Optional[float]
) -> Tensor:
    assert len(output_size) == 2, "It is expected output_size equals to 2"
    return _filtered(self, output_size, align_corners, [scales_h, scales_w], 6)


def _upsample_lanczos2d_aa__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    sizes = _output_size(input, output_size, scale_factors, 2)
    return torch._upsample_lanczos2d_aa(
        input, sizes, align_corners, _factor(scale_factors, 0), _factor(scale_factors, 1)
    )


# Poolings of volumes: of each slice, then of the column of slices. Of the slices' maxima the first in a column is the
# first of the volume.


def _slices(self: Tensor) -> Tensor:
    assert self.dim() == 4 or self.dim() == 5, "a pooling of volumes expects an input of 4 dimensions, or 5 with a batch"
    channels, depth, height, width = self.size(-4), self.size(-3), self.size(-2), self.size(-1)
    assert channels * depth * height * width > 0, "a pooling of volumes expects an input with channels and elements"
    count = channels
    if self.dim() == 5:
        count = count * self.size(0)
    return self.reshape([count, depth, height, width])


def _triple(values: List[int]) -> List[int]:
    assert len(values) == 1 or len(values) == 3, "a pooling of volumes takes one int, or three"
    if len(values) == 1:
        return [values[0], values[0], values[0]]
    return values


def _volumes(self: Tensor, columns: Tensor, height: int, width: int) -> Tensor:
    return columns.reshape(self.size()[:-3] + [columns.size(2), height, width])


def max_pool3d_with_indices(
    self: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], ceil_mode: bool
) -> Tuple[Tensor, Tensor]:
    k, p, d = _triple(kernel_size), _triple(padding), _triple(dilation)
    s = k
    if len(stride) > 0:
        s = _triple(stride)
    small = p[0] <= k[0] // 2 and p[1] <= k[1] // 2 and p[2] <= k[2] // 2
    assert small, "pad should be smaller than or equal to half of kernel size"
    slices = _slices(self)
    values, places = torch.max_pool2d_with_indices(slices, k[1:], s[1:], p[1:], d[1:], ceil_mode)
    count, depth, height, width = values.size(0), values.size(1), values.size(2), values.size(3)
    plane = height * width
    values, rows = torch.max_pool2d_with_indices(
        values.reshape([count, 1, depth, plane]), [k[0], 1], [s[0], 1], [p[0], 0], [d[0], 1], ceil_mode
    )
    inner = places.reshape([count, depth * plane]).gather(1, rows.reshape([count, values.size(2) * plane]))
    places = inner.reshape(rows.size()) + rows // plane * (self.size(-2) * self.size(-1))
    return _volumes(self, values, height, width), _volumes(self, places, height, width)


def max_pool3d(
    self: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], ceil_mode: bool
) -> Tensor:
    k, p, d = _triple(kernel_size), _triple(padding), _triple(dilation)
    s = k
    if len(stride) > 0:
        s = _triple(stride)
    small = p[0] <= k[0] // 2 and p[1] <= k[1] // 2 and p[2] <= k[2] // 2
    assert small, "pad should be smaller than or equal to half of kernel size"
    values = torch.max_pool2d(_slices(self), k[1:], s[1:], p[1:], d[1:], ceil_mode)
    count, depth, height, width = values.size(0), values.size(1), values.size(2), values.size(3)
    columns = values.reshape([count, 1, depth, height * width])
    values = torch.max_pool2d(columns, [k[0], 1], [s[0], 1], [p[0], 0], [d[0], 1], ceil_mode)
    return _volumes(self, values, height, width)


# How many places each window of one dimension counts.
def _window_lengths(
    size: int, windows: int, kernel: int, stride: int, padding: int, count_include_pad: bool, like: Tensor
) -> Tensor:
    starts = torch.arange(windows, device=like.device) * stride - padding
    stops = torch.clamp_max(starts + kernel, size + padding)
    if not count_include_pad:
        starts, stops = torch.clamp_min(starts, 0), torch.clamp_max(stops, size)
    return stops - starts


def avg_pool3d(
    self: Tensor,
    kernel_size: List[int],
    stride: List[int],
    padding: List[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Optional[int],
) -> Tensor:
    k, p = _triple(kernel_size), _triple(padding)
    s = k
    if len(stride) > 0:
        s = _triple(stride)
    small = p[0] <= k[0] // 2 and p[1] <= k[1] // 2 and p[2] <= k[2] // 2
    assert small, "pad should be smaller than or equal to half of kernel size"
    assert divisor_override is None or divisor_override != 0, "divisor must be not zero"
    slices = _slices(self)
    known = self.dtype == torch.float32 or self.dtype == torch.float64 or self.dtype == torch.int64
    assert known, "avg_pool3d is for float32, float64 and int64"
    sums = torch.avg_pool2d(slices, k[1:], s[1:], p[1:], ceil_mode, True, 1)
    count, depth, height, width = sums.size(0), sums.size(1), sums.size(2), sums.size(3)
    columns = sums.reshape([count, 1, depth, height * width])
    sums = torch.avg_pool2d(columns, [k[0], 1], [s[0], 1], [p[0], 0], ceil_mode, True, 1)
    result = _volumes(self, sums, height, width)
    if divisor_override is not None:
        counts = torch.tensor(divisor_override)
    else:
        in_depth = _window_lengths(self.size(-3), result.size(-3), k[0], s[0], p[0], count_include_pad, self)
        in_height = _window_lengths(self.size(-2), height, k[1], s[1], p[1], count_include_pad, self)
        in_width = _window_lengths(self.size(-1), width, k[2], s[2], p[2], count_include_pad, self)
        counts = in_depth.view([-1, 1, 1]) * in_height.view([-1, 1]) * in_width
    if self.is_floating_point():
        return result / counts
    return torch.div(result, counts, rounding_mode="trunc")


def adaptive_avg_pool3d(self: Tensor, output_size: List[int]) -> Tensor:
    assert len(output_size) == 3, "adaptive_avg_pool3d: output_size must be 3"
    if output_size[0] == 1 and output_size[1] == 1 and output_size[2] == 1:
        return self.mean([-3, -2, -1], True)
    assert self.is_floating_point(), "adaptive_avg_pool3d is for floats"
    slices = _slices(self)
    if self.dtype == torch.float16 or self.dtype == torch.bfloat16:
        slices = slices.to(torch.float32)
    depth, height, width = output_size[0], output_size[1], output_size[2]
    if height * width == 0:
        return self.new_zeros(self.size()[:-3] + output_size)
    means = torch.adaptive_avg_pool2d(slices, [height, width])
    columns = means.reshape([means.size(0), 1, means.size(1), height * width])
    means = torch.adaptive_avg_pool2d(columns, [depth, height * width])
    return _volumes(self, means, height, width).to(self.dtype)


def _adaptive_avg_pool3d(self: Tensor, output_size: List[int]) -> Tensor:
    return torch.adaptive_avg_pool3d(self, output_size)


def adaptive_max_pool3d(self: Tensor, output_size: List[int]) -> Tuple[Tensor, Tensor]:
    assert len(output_size) == 3, "adaptive_max_pool3d: output_size must be 3"
    assert self.is_floating_point(), "adaptive_max_pool3d is for floats"
    slices = _slices(self)
    depth, height, width = output_size[0], output_size[1], output_size[2]
    sizes = self.size()[:-3] + output_size
    if height * width == 0:
        return self.new_zeros(sizes), self.new_zeros(sizes, dtype=torch.int64)
    plane = height * width
    values, places = torch.adaptive_max_pool2d(slices, [height, width])
    count = values.size(0)
    columns = values.reshape([count, 1, values.size(1), plane])
    inner = places.reshape([count, values.size(1) * plane])
    values, rows = torch.adaptive_max_pool2d(columns, [depth, plane])
    places = inner.gather(1, rows.reshape([count, depth * plane])).reshape(rows.size())
    places = places + rows // plane * (self.size(-2) * self.size(-1))
    return values.reshape(sizes), places.reshape(sizes)


def _unpooled(self: Tensor, indices: Tensor, output_size: List[int]) -> Tensor:
    dims = len(output_size)
    assert self.is_floating_point(), "max_unpool: only floating point numbers are supported"
    assert indices.dtype == torch.int64, "elements in indices should be type int64"
    batched = self.dim() == dims + 1 or self.dim() == dims + 2
    assert batched, "max_unpool expects an input of channels and the image's dimensions, with a batch or without"
    assert self.size() == indices.size(), "max_unpool: expected shape of indices to be same as that of the input"
    for d in range(self.dim() - dims - 1, self.dim()):
        assert self.size(d) > 0, "max_unpool: expected input to have non-zero size for non-batch dimensions"
    lead = self.size()[: self.dim() - dims]
    count, elements, places = 1, 1, 1
    for size in lead:
        count = count * size
    for size in self.size()[self.dim() - dims :]:
        elements = elements * size
    for size in output_size:
        places = places * size
    result = self.new_zeros([count, places])
    return result.scatter(1, indices.reshape([count, elements]), self.reshape([count, elements])).reshape(
        lead + output_size
    )


def max_unpool2d(self: Tensor, indices: Tensor, output_size: List[int]) -> Tensor:
    assert len(output_size) == 2, "There should be exactly two elements (height, width) in output_size"
    return _unpooled(self, indices, output_size)


def max_unpool3d(
    self: Tensor, indices: Tensor, output_size: List[int], stride: List[int], padding: List[int]
) -> Tensor:
    assert len(output_size) == 3, "There should be exactly three elements (depth, height, width) in output_size"
    assert len(stride) == 3, "There should be exactly three elements (depth, height, width) in stride"
    assert len(padding) == 3, "There should be exactly three elements (depth, height, width) in padding"
    assert stride[0] > 0 and stride[1] > 0 and stride[2] > 0, "strides should be greater than zero"
    return _unpooled(self, indices, output_size)


# The sliding blocks of a batch of images, one in a column.
def _columns(padded: Tensor, kernel_size: List[int], dilation: List[int], stride: List[int]) -> Tensor:
    height, width = dilation[0] * (kernel_size[0] - 1) + 1, dilation[1] * (kernel_size[1] - 1) + 1
    windows = padded.unfold(2, height, stride[0]).unfold(3, width, stride[1])
    taps = windows[:, :, :, :, :: dilation[0], :: dilation[1]]
    rows = padded.size(1) * kernel_size[0] * kernel_size[1]
    return taps.permute([0, 1, 4, 5, 2, 3]).reshape([padded.size(0), rows, windows.size(2) * windows.size(3)])


def im2col(
    self: Tensor, kernel_size: List[int], dilation: List[int], padding: List[int], stride: List[int]
) -> Tensor:
    for values in [kernel_size, dilation, padding, stride]:
        assert len(values) == 2, "im2col: kernel_size, dilation, padding and stride have an entry for height and width"
    positive = min(kernel_size) > 0 and min(dilation) > 0 and min(stride) > 0
    assert positive, "im2col: kernel size, dilation and stride should be greater than zero"
    assert min(padding) >= 0, "im2col: padding should be non-negative"
    assert self.dim() == 3 or self.dim() == 4, "im2col: expected 3D or 4D (batch mode) tensor"
    known = self.is_floating_point() or self.is_complex() or self.dtype == torch.bool
    assert known, "im2col is not for integers"
    filled = self.size(-3) > 0 and self.size(-2) > 0 and self.size(-1) > 0
    assert filled, "im2col: expected an input with non-zero dimensions but the batch"
    image = self
    if self.dim() == 3:
        image = self.unsqueeze(0)
    padded = torch.constant_pad_nd(image, [padding[1], padding[1], padding[0], padding[0]], 0)
    height, width = dilation[0] * (kernel_size[0] - 1) + 1, dilation[1] * (kernel_size[1] - 1) + 1
    fits = height <= padded.size(2) and width <= padded.size(3)
    assert fits, "im2col: the sliding blocks don't fit into the image"
    columns = _columns(padded, kernel_size, dilation, stride)
    if self.dim() == 3:
        return columns.squeeze(0)
    return columns


def col2im(
    self: Tensor,
    output_size: List[int],
    kernel_size: List[int],
    dilation: List[int],
    padding: List[int],
    stride: List[int],
) -> Tensor:
    for values in [output_size, kernel_size, dilation, padding, stride]:
        assert len(values) == 2, "col2im: sizes, dilation, padding and stride have an entry for height and width"
    positive = min(kernel_size) > 0 and min(dilation) > 0 and min(stride) > 0 and min(output_size) > 0
    assert positive, "col2im: sizes, dilation and stride should be greater than zero"
    assert min(padding) >= 0, "col2im: padding should be non-negative"
    assert self.dim() == 2 or self.dim() == 3, "col2im: expected 2D or 3D (batch mode) tensor"
    known = self.is_floating_point() or self.is_complex() or self.dtype == torch.bool
    assert known, "col2im is not for integers"
    assert self.size(-2) > 0 and self.size(-1) > 0, "col2im: expected an input with non-zero dimensions but the batch"
    columns = self
    if self.dim() == 2:
        columns = self.unsqueeze(0)
    taps = kernel_size[0] * kernel_size[1]
    assert self.size(-2) % taps == 0, "col2im: the input's rows must be divisible by the product of kernel_size"
    channels = self.size(-2) // taps
    height, width = output_size[0] + 2 * padding[0], output_size[1] + 2 * padding[1]
    down = (height - dilation[0] * (kernel_size[0] - 1) - 1) // stride[0] + 1
    across = (width - dilation[1] * (kernel_size[1] - 1) - 1) // stride[1] + 1
    fits = down > 0 and across > 0 and down * across == self.size(-1)
    assert fits, "col2im: the input's columns must be as many as the sliding blocks"
    places = torch.arange(height * width, device=self.device).reshape([1, 1, height, width])
    flat = _columns(places, kernel_size, dilation, stride).reshape([1, 1, taps * down * across])
    values = columns.reshape([columns.size(0), channels, taps * down * across])
    image = self.new_zeros([columns.size(0), channels, height * width])
    image = image.scatter_add(2, flat.expand(values.size()), values)
    image = image.reshape([columns.size(0), channels, height, width])
    image = image.narrow(2, padding[0], output_size[0]).narrow(3, padding[1], output_size[1]).contiguous()
    if self.dim() == 2:
        return image.squeeze(0)
    return image
