# Ops that move elements about or look at them in another shape.


def broadcast_to(self: Tensor, size: List[int]) -> Tensor:
    return self.expand(size)


def broadcast_tensors(tensors: List[Tensor]) -> List[Tensor]:
    rank = 0
    for tensor in tensors:
        rank = max(rank, tensor.dim())
    sizes: List[int] = []
    for axis in range(rank):
        size = 1
        for tensor in tensors:
            own_axis = axis - rank + tensor.dim()
            if own_axis >= 0 and tensor.size(own_axis) != 1:
                size = tensor.size(own_axis)
        sizes.append(size)
    results: List[Tensor] = []
    for tensor in tensors:
        results.append(tensor.expand(sizes))
    return results


def tile(self: Tensor, dims: List[int]) -> Tensor:
    repeats: List[int] = []
    for _ in range(self.dim() - len(dims)):
        repeats.append(1)
    return self.repeat(repeats + dims)


def unsafe_chunk(self: Tensor, chunks: int, dim: int) -> List[Tensor]:
    return torch.chunk(self, chunks, dim)


def unsafe_split__Tensor(self: Tensor, split_size: int, dim: int) -> List[Tensor]:
    return torch.split(self, split_size, dim)


def unsafe_split_with_sizes(self: Tensor, split_sizes: List[int], dim: int) -> List[Tensor]:
    return torch.split_with_sizes(self, split_sizes, dim)


def atleast_1d(self: Tensor) -> Tensor:
    if self.dim() == 0:
        return self.reshape([1])
    return self


def atleast_2d(self: Tensor) -> Tensor:
    if self.dim() == 0:
        return self.reshape([1, 1])
    if self.dim() == 1:
        return self.unsqueeze(0)
    return self


def atleast_3d(self: Tensor) -> Tensor:
    if self.dim() == 0:
        return self.reshape([1, 1, 1])
    if self.dim() == 1:
        return self.unsqueeze(0).unsqueeze(-1)
    if self.dim() == 2:
        return self.unsqueeze(-1)
    return self


def hstack(tensors: List[Tensor]) -> Tensor:
    parts: List[Tensor] = []
    for tensor in tensors:
        parts.append(torch.atleast_1d(tensor))
    if parts[0].dim() == 1:
        return torch.cat(parts, 0)
    return torch.cat(parts, 1)


def vstack(tensors: List[Tensor]) -> Tensor:
    parts: List[Tensor] = []
    for tensor in tensors:
        parts.append(torch.atleast_2d(tensor))
    return torch.cat(parts, 0)


def fliplr(self: Tensor) -> Tensor:
    return self.flip([1])


def flipud(self: Tensor) -> Tensor:
    assert self.dim() >= 1, "Input must be >= 1-d."
    return self.flip([0])


def pixel_unshuffle(self: Tensor, downscale_factor: int) -> Tensor:
    factor = downscale_factor
    sizes = self.size()
    batch = sizes[:-3]
    channels, height, width = sizes[-3], sizes[-2] // factor, sizes[-1] // factor
    count = 1
    for size in batch:
        count = count * size
    split = self.reshape([count, channels, height, factor, width, factor])
    return split.permute([0, 1, 3, 5, 2, 4]).reshape(batch + [channels * factor * factor, height, width])


def reflection_pad1d(self: Tensor, padding: List[int]) -> Tensor:
    return torch.pad(self, padding, "reflect")


def reflection_pad2d(self: Tensor, padding: List[int]) -> Tensor:
    return torch.pad(self, padding, "reflect")


def reflection_pad3d(self: Tensor, padding: List[int]) -> Tensor:
    return torch.pad(self, padding, "reflect")


def replication_pad1d(self: Tensor, padding: List[int]) -> Tensor:
    return torch.pad(self, padding, "replicate")


def replication_pad2d(self: Tensor, padding: List[int]) -> Tensor:
    return torch.pad(self, padding, "replicate")


def replication_pad3d(self: Tensor, padding: List[int]) -> Tensor:
    return torch.pad(self, padding, "replicate")


# A row of pixels is an image of height one.
def upsample_nearest1d__vec(
    input: Tensor, output_size: Optional[List[int]], scale_factors: Optional[List[float]]
) -> Tensor:
    image = input.unsqueeze(-2)
    if output_size is not None:
        return torch.upsample_nearest2d(image, [1, output_size[0]], None).squeeze(-2)
    assert scale_factors is not None
    return torch.upsample_nearest2d(image, None, [1.0, scale_factors[0]]).squeeze(-2)


def upsample_linear1d__vec(
    input: Tensor, output_size: Optional[List[int]], align_corners: bool, scale_factors: Optional[List[float]]
) -> Tensor:
    image = input.unsqueeze(-2)
    if output_size is not None:
        return torch.upsample_bilinear2d(image, [1, output_size[0]], align_corners, None).squeeze(-2)
    assert scale_factors is not None
    return torch.upsample_bilinear2d(image, None, align_corners, [1.0, scale_factors[0]]).squeeze(-2)


def take(self: Tensor, index: Tensor) -> Tensor:
    return self.reshape([-1])[index]


def nonzero_numpy(self: Tensor) -> List[Tensor]:
    return torch.atleast_1d(self).nonzero().unbind(1)


def argwhere(self: Tensor) -> Tensor:
    return self.nonzero()


def linalg_cross(self: Tensor, other: Tensor, dim: int) -> Tensor:
    assert self.dim() == other.dim(), "linalg.cross: inputs must have the same number of dimensions."
    assert self.size(dim) == 3 and other.size(dim) == 3, "linalg.cross: inputs dimension dim must have length 3."
    return self.roll(-1, dim) * other.roll(-2, dim) - self.roll(-2, dim) * other.roll(-1, dim)


# Without a dim, the first of size three.
def cross(self: Tensor, other: Tensor, dim: Optional[int]) -> Tensor:
    axis = 0
    if dim is not None:
        axis = dim
    else:
        while self.size(axis) != 3:
            axis = axis + 1
    assert self.dim() == other.dim(), "linalg.cross: inputs must have the same number of dimensions."
    assert self.size(axis) == 3 and other.size(axis) == 3, "linalg.cross: inputs dimension dim must have length 3."
    return self.roll(-1, axis) * other.roll(-2, axis) - self.roll(-2, axis) * other.roll(-1, axis)


def select_scatter(self: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    result = self.clone()
    part = result.select(dim, index)
    assert part.size() == src.size(), "expected src to have a size equal to the slice of self"
    part.copy_(src)
    return result


def slice_scatter(
    self: Tensor, src: Tensor, dim: int, start: Optional[int], end: Optional[int], step: int
) -> Tensor:
    result = self.clone()
    part = torch.slice(result, dim, start, end, step)
    assert part.size() == src.size(), "expected src to have a size equal to the slice of self"
    part.copy_(src)
    return result


def diag_embed(self: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    size = self.size(-1) + abs(offset)
    rank = self.dim() + 1
    first, second = dim1 % rank, dim2 % rank
    sizes: List[int] = []
    axis = 0
    for i in range(rank):
        if i == first or i == second:
            sizes.append(size)
        else:
            sizes.append(self.size(axis))
            axis = axis + 1
    result = self.new_zeros(sizes)
    result.diagonal(offset, first, second).copy_(self)
    return result


# Dtype 3 is int32.
def bucketize__Tensor(self: Tensor, boundaries: Tensor, out_int32: bool, right: bool) -> Tensor:
    assert boundaries.dim() == 1, "boundaries tensor must be 1 dimension"
    values = self.unsqueeze(-1)
    below = boundaries < values
    if right:
        below = boundaries <= values
    count = below.sum(-1)
    if out_int32:
        return count.to(3)
    return count


def _shape_as_tensor(self: Tensor) -> Tensor:
    return torch.tensor(self.size())


def _dim_arange(like: Tensor, dim: int) -> Tensor:
    return torch.arange(like.size(dim))


def meshgrid__indexing(tensors: List[Tensor], indexing: str) -> List[Tensor]:
    assert indexing == "xy" or indexing == "ij", 'torch.meshgrid: indexing must be one of "xy" or "ij", but received: ' + indexing
    if indexing == "ij" or len(tensors) < 2:
        return torch.meshgrid(tensors)
    swapped = tensors[:]
    swapped[0], swapped[1] = tensors[1], tensors[0]
    grids = torch.meshgrid(swapped)
    grids[0], grids[1] = grids[1], grids[0]
    return grids


# Sorting is stable, asked or not.
def sort__stable(self: Tensor, stable: Optional[bool], dim: int, descending: bool) -> Tuple[Tensor, Tensor]:
    return torch.sort(self, dim, descending)


def argsort__stable(self: Tensor, stable: bool, dim: int, descending: bool) -> Tensor:
    return torch.argsort(self, dim, descending)


def mT(self: Tensor) -> Tensor:
    if self.dim() == 0:
        return self
    assert self.dim() > 1, "tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor."
    return self.transpose(-2, -1)


def cpu(self: Tensor) -> Tensor:
    return self


def Size(sizes: List[int]) -> List[int]:
    return sizes
