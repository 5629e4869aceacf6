# Images read at the places that a grid tells. Modes: 0 is linear, 1 nearest, 2 cubic; paddings: 0 is zeros, 1 border,
# 2 reflection.


# Back and forth between the two, which are given twice as large so that halves are whole.
def _reflected(x: Tensor, twice_low: int, twice_high: int) -> Tensor:
    if twice_low == twice_high:
        return torch.zeros_like(x)
    low, span = twice_low / 2.0, (twice_high - twice_low) / 2.0
    distance = (x - low).abs()
    rest, turns = torch.fmod(distance, span), torch.floor(distance / span)
    return torch.where(torch.fmod(turns, 2) == 0, rest + low, span - rest + low)


# Which pixel lies outside is told by the padding; NaN reads the pixel that PyTorch's kernels for so many dims do.
def _inside(x: Tensor, size: int, padding: int, align_corners: bool, dims: int) -> Tensor:
    if padding == 0:
        return x
    if padding == 2:
        x = _reflected(x, 0, 2 * (size - 1)) if align_corners else _reflected(x, -1, 2 * size - 1)
    return x.masked_fill(x.isnan(), 0 if dims == 2 else size - 1).clamp(0, size - 1)


# From -1 .. 1 to pixels.
def _from_unit(x: Tensor, size: int, align_corners: bool) -> Tensor:
    if align_corners:
        return (x + 1) / 2 * (size - 1)
    return ((x + 1) * size - 1) / 2


# Elements [N, C, places...] at whole coordinates, of which each dimension has its own, and which of them lie inside.
def _elements(input: Tensor, at: List[Tensor]) -> Tuple[Tensor, Tensor]:
    index = torch.zeros_like(at[0], dtype=torch.int64)
    is_inside = torch.ones_like(at[0], dtype=torch.bool)
    for i in range(len(at)):
        size = input.size(i + 2)
        is_inside = is_inside & (at[i] >= 0) & (at[i] <= size - 1)
        index = index * size + at[i].nan_to_num().clamp(0, size - 1).to(torch.int64)
    places = index.flatten(1).unsqueeze(1).expand([-1, input.size(1), -1])
    result = input.flatten(2).gather(2, places).reshape([input.size(0), input.size(1)] + index.size()[1:])
    return result, is_inside.unsqueeze(1)


# The sum over the 2 or 8 corners around each place, in the order of PyTorch's kernels.
def _between_corners(input: Tensor, at: List[Tensor]) -> Tensor:
    dims = len(at)
    low: List[Tensor] = []
    for x in at:
        low.append(torch.floor(x))
    corners = 1
    for i in range(dims):
        corners = corners * 2
    result = torch.zeros([input.size(0), input.size(1)] + at[0].size()[1:], dtype=input.dtype)
    for corner in range(corners):
        weight = torch.ones_like(at[0])
        places: List[Tensor] = []
        bit = 1
        for k in range(dims):
            i = dims - 1 - k
            is_high = corner // bit % 2 == 1
            bit = bit * 2
            places.append(low[i] + 1 if is_high else low[i])
            weight = weight * (at[i] - low[i] if is_high else low[i] + 1 - at[i])
        places.reverse()
        elements, is_inside = _elements(input, places)
        part = torch.where(is_inside, elements, torch.zeros_like(elements)) * weight.unsqueeze(1)
        if dims == 3:
            part = torch.where(is_inside, part, torch.zeros_like(part))
        result = result + part
    return result


# Weights of the four pixels around x by Keys' cubic convolution with a = -0.75; t is x's distance from the second.
def _taps(t: Tensor) -> List[Tensor]:
    a = -0.75
    far, near = t + 1, 1 - t
    return [
        ((a * far - 5 * a) * far + 8 * a) * far - 4 * a,
        ((a + 2) * t - (a + 3)) * t * t + 1,
        ((a + 2) * near - (a + 3)) * near * near + 1,
        ((a * (near + 1) - 5 * a) * (near + 1) + 8 * a) * (near + 1) - 4 * a,
    ]


def _cubic_places(input: Tensor, y: Tensor, x: Tensor, padding: int, align_corners: bool) -> Tensor:
    top, left = torch.floor(y), torch.floor(x)
    vertical, horizontal = _taps(y - top), _taps(x - left)
    result = torch.zeros([input.size(0), input.size(1)] + x.size()[1:], dtype=input.dtype)
    for i in range(4):
        row = torch.zeros_like(result)
        for j in range(4):
            at = [
                _inside(top + (i - 1), input.size(2), padding, align_corners, 2),
                _inside(left + (j - 1), input.size(3), padding, align_corners, 2),
            ]
            elements, is_inside = _elements(input, at)
            row = row + torch.where(is_inside, elements, torch.zeros_like(elements)) * horizontal[j].unsqueeze(1)
        result = result + row * vertical[i].unsqueeze(1)
    return result


def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    dims = input.dim() - 2
    assert dims == 2 or dims == 3, "grid_sampler(): expected 4D or 5D input"
    assert grid.dim() == input.dim(), "grid_sampler(): expected grid to have as many dimensions as input"
    assert input.size(0) == grid.size(0), "grid_sampler(): expected grid and input to have same batch size"
    assert grid.size(-1) == dims, "grid_sampler(): expected grid to have a coordinate for each dimension of the images"
    assert input.dtype == grid.dtype, "grid_sampler(): expected input and grid to have same dtype"
    assert min(input.size()[2:]) > 0, "grid_sampler(): expected input to have non-empty spatial dimensions"
    assert dims == 2 or interpolation_mode != 2, "grid_sampler(): bicubic interpolation only supports 4D input"
    if input.dtype == torch.float32 or input.dtype == torch.float64:
        return tsc.sample_grid(input, grid, interpolation_mode, padding_mode, align_corners)
    at: List[Tensor] = []
    for i in range(dims):
        size = input.size(i + 2)
        x = _from_unit(grid.select(-1, dims - 1 - i), size, align_corners)
        at.append(x if interpolation_mode == 2 else _inside(x, size, padding_mode, align_corners, dims))
    if interpolation_mode == 2:
        return _cubic_places(input, at[0], at[1], padding_mode, align_corners)
    if interpolation_mode == 0:
        return _between_corners(input, at)
    nearest: List[Tensor] = []
    for x in at:
        nearest.append(torch.round(x))
    elements, is_inside = _elements(input, nearest)
    return torch.where(is_inside, elements, torch.zeros_like(elements))


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    return torch.grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    return torch.grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


# A coordinate along each dimension, from -1 to 1, at the corners or the middles of the pixels.
def affine_grid_generator(theta: Tensor, size: List[int], align_corners: bool) -> Tensor:
    dims = len(size) - 2
    assert dims == 2 or dims == 3, "AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs."
    is_matrix = theta.dim() == 3 and theta.size(0) == size[0] and theta.size(1) == dims and theta.size(2) == dims + 1
    assert is_matrix, "affine_grid: expected a matrix of an affine map for each image"
    columns: List[Tensor] = []
    for k in range(dims):
        i = dims - 1 - k
        count = size[i + 2]
        line = torch.linspace(-1, 1, count, dtype=theta.dtype) if count > 1 else torch.zeros([count], dtype=theta.dtype)
        if not align_corners:
            line = line * (count - 1) / count
        shape = [1] * dims
        shape[i] = count
        columns.append(line.reshape(shape).expand(size[2:]))
    columns.append(torch.ones(size[2:], dtype=theta.dtype))
    base = torch.stack(columns, -1).reshape([1, -1, dims + 1]).expand([size[0], -1, -1])
    return torch.matmul(base, theta.transpose(1, 2)).reshape([size[0]] + size[2:] + [dims])


# Windows whose places along a dimension a random sample tells: Graham, "Fractional Max-Pooling" (2014).
def _fractional_starts(samples: Tensor, size: int, pool: int, count: int) -> Tensor:
    last = torch.full(samples.size() + [1], size - pool, dtype=torch.int64)
    if count == 1:
        return last
    alpha = float(size - pool) / float(count - 1)
    places = (torch.arange(count - 1).to(samples.dtype) + samples.unsqueeze(-1)) * alpha
    return torch.cat([places.to(torch.int64) - (samples * alpha).to(torch.int64).unsqueeze(-1), last], -1)


def _fractional_max_pool(
    self: Tensor, kernel_size: List[int], output_size: List[int], random_samples: Tensor
) -> Tuple[Tensor, Tensor]:
    dims = len(kernel_size)
    assert len(output_size) == dims, "fractional_max_pool: output_size must have a number for each dimension"
    assert self.dim() == dims + 1 or self.dim() == dims + 2, "fractional_max_pool: input has too many or too few dimensions"
    assert random_samples.dtype == self.dtype, "Expect _random_samples to have the same dtype as input"
    is_batch = self.dim() == dims + 2
    input = self if is_batch else self.unsqueeze(0)
    fits = random_samples.dim() == 3 and random_samples.size(0) >= input.size(0) and random_samples.size(1) >= input.size(1)
    assert fits and random_samples.size(2) == dims, "Expect _random_samples to have a number for each window's dimension"
    samples = random_samples[: input.size(0), : input.size(1)]
    index = torch.zeros([1], dtype=torch.int64)
    for i in range(dims):
        size, pool, count = input.size(i + 2), kernel_size[i], output_size[i]
        assert count + pool - 1 <= size, "fractional_max_pool: pool is too large relative to the input"
        # PyTorch numbers the samples of images from the last dimension, those of volumes from the first.
        starts = _fractional_starts(samples.select(2, 1 - i if dims == 2 else i), size, pool, count)
        shape = [input.size(0), input.size(1)] + [1] * (2 * dims)
        shape[2 + i] = count
        window = [1] * (2 * dims + 2)
        window[2 + dims + i] = pool
        index = index * size + (starts.reshape(shape) + torch.arange(pool).reshape(window))
    places = index.flatten(-dims)
    flat = input.flatten(2)
    elements = flat.gather(2, places.flatten(2)).reshape(places.size())
    values, chosen = elements.max(-1)
    indices = places.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    if not is_batch:
        return values.squeeze(0), indices.squeeze(0)
    return values, indices


def fractional_max_pool2d(
    self: Tensor, kernel_size: List[int], output_size: List[int], random_samples: Tensor
) -> Tuple[Tensor, Tensor]:
    return _fractional_max_pool(self, kernel_size, output_size, random_samples)


def fractional_max_pool3d(
    self: Tensor, kernel_size: List[int], output_size: List[int], random_samples: Tensor
) -> Tuple[Tensor, Tensor]:
    return _fractional_max_pool(self, kernel_size, output_size, random_samples)
