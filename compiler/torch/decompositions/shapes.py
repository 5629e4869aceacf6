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


def atleast_1d__Sequence(tensors: List[Tensor]) -> List[Tensor]:
    return [torch.atleast_1d(t) for t in tensors]


def atleast_2d(self: Tensor) -> Tensor:
    if self.dim() == 0:
        return self.reshape([1, 1])
    if self.dim() == 1:
        return self.unsqueeze(0)
    return self


def atleast_2d__Sequence(tensors: List[Tensor]) -> List[Tensor]:
    return [torch.atleast_2d(t) for t in tensors]


def atleast_3d(self: Tensor) -> Tensor:
    if self.dim() == 0:
        return self.reshape([1, 1, 1])
    if self.dim() == 1:
        return self.unsqueeze(0).unsqueeze(-1)
    if self.dim() == 2:
        return self.unsqueeze(-1)
    return self


def atleast_3d__Sequence(tensors: List[Tensor]) -> List[Tensor]:
    return [torch.atleast_3d(t) for t in tensors]


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


def take(self: Tensor, index: Tensor) -> Tensor:
    return self.reshape([-1])[index]


def nonzero_numpy(self: Tensor) -> List[Tensor]:
    return torch.atleast_1d(self).nonzero().unbind(1)


def where(condition: Tensor) -> List[Tensor]:
    return torch.nonzero_numpy(condition)


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
    assert min(dim1, dim2) >= -rank and max(dim1, dim2) < rank, "diag_embed(): Dimension out of range"
    first, second = dim1 % rank, dim2 % rank
    assert first != second, "diag_embed(): dim1 and dim2 cannot be identical"
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


# Copies of views, which functional programs have in their place.


def alias_copy(self: Tensor) -> Tensor:
    return self.clone()


def detach_copy(self: Tensor) -> Tensor:
    return self.clone()


def as_strided_copy(self: Tensor, size: List[int], stride: List[int], storage_offset: Optional[int]) -> Tensor:
    return torch.as_strided(self, size, stride, storage_offset).clone()


def diagonal_copy(self: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    return torch.diagonal(self, offset, dim1, dim2).clone()


def expand_copy(self: Tensor, size: List[int], implicit: bool) -> Tensor:
    return self.expand(size).clone()


def narrow_copy(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    return self.narrow(dim, start, length).clone()


def permute_copy(self: Tensor, dims: List[int]) -> Tensor:
    return self.permute(dims).clone()


def select_copy__int(self: Tensor, dim: int, index: int) -> Tensor:
    return self.select(dim, index).clone()


def slice_copy__Tensor(self: Tensor, dim: int, start: Optional[int], end: Optional[int], step: int) -> Tensor:
    return torch.slice(self, dim, start, end, step).clone()


def squeeze_copy(self: Tensor) -> Tensor:
    return self.squeeze().clone()


def squeeze_copy__dim(self: Tensor, dim: int) -> Tensor:
    return self.squeeze(dim).clone()


def squeeze_copy__dims(self: Tensor, dim: List[int]) -> Tensor:
    return torch.squeeze(self, dim).clone()


def t_copy(self: Tensor) -> Tensor:
    return self.t().clone()


def transpose_copy__int(self: Tensor, dim0: int, dim1: int) -> Tensor:
    return self.transpose(dim0, dim1).clone()


def unfold_copy(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    return self.unfold(dimension, size, step).clone()


def unsqueeze_copy(self: Tensor, dim: int) -> Tensor:
    return self.unsqueeze(dim).clone()


def view_copy(self: Tensor, size: List[int]) -> Tensor:
    return self.reshape(size).clone()


def _copies(tensors: List[Tensor]) -> List[Tensor]:
    return [tensor.clone() for tensor in tensors]


def split_copy__Tensor(self: Tensor, split_size: int, dim: int) -> List[Tensor]:
    return _copies(torch.split(self, split_size, dim))


def split_with_sizes_copy(self: Tensor, split_sizes: List[int], dim: int) -> List[Tensor]:
    return _copies(torch.split_with_sizes(self, split_sizes, dim))


def unbind_copy__int(self: Tensor, dim: int) -> List[Tensor]:
    return _copies(torch.unbind(self, dim))


# Tensors with a part replaced.


def as_strided_scatter(
    self: Tensor, src: Tensor, size: List[int], stride: List[int], storage_offset: Optional[int]
) -> Tensor:
    result = self.clone()
    window = torch.as_strided(result, size, stride, storage_offset)
    assert window.size() == src.size(), "as_strided_scatter: the source has another size than the window"
    window.copy_(src)
    return result


def diagonal_scatter(self: Tensor, src: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    result = self.clone()
    diagonal = torch.diagonal(result, offset, dim1, dim2)
    assert diagonal.size() == src.size(), "diagonal_scatter: the source has another size than the diagonal"
    diagonal.copy_(src)
    return result


def masked_scatter(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    assert self.dtype == source.dtype, "masked_scatter: expected self and source to have same dtypes"
    assert mask.dtype == torch.bool, "masked_scatter: only supports boolean masks"
    tensors = torch.broadcast_tensors([self, mask])
    count = int(tensors[1].sum())
    assert count <= source.numel(), "masked_scatter: expected the source to have an element for each one of the mask"
    indices: List[Optional[Tensor]] = [tensors[1].reshape([-1])]
    flat = tensors[0].reshape([-1])
    return torch.index_put(flat, indices, source.reshape([-1])[:count]).reshape(tensors[0].size())


def put(self: Tensor, index: Tensor, source: Tensor, accumulate: bool) -> Tensor:
    assert index.numel() == source.numel(), "put_(): source and index must have the same number of elements"
    indices: List[Optional[Tensor]] = [index.reshape([-1])]
    flat = self.reshape([-1])
    return torch.index_put(flat, indices, source.reshape([-1]), accumulate).reshape(self.size())


def index_copy(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    assert self.dtype == source.dtype, "index_copy_(): self and source expected to have the same dtype"
    assert index.dim() < 2, "index_copy_(): index should have dimension 1 or 0"
    assert index.numel() == 0 or int(index.min()) >= 0, "index_copy_(): index out of range"  # none counts from the end
    indices: List[Optional[Tensor]] = [index.reshape([-1])]
    whole = self if self.dim() > 0 else self.reshape([1])
    rows = source if source.dim() > 0 else source.reshape([1])
    assert rows.dim() == whole.dim(), "index_copy_(): the dimensionality of source and destination must match"
    whole, rows = whole.movedim(dim, 0), rows.movedim(dim, 0)
    fits = rows.size(0) == index.numel() and rows.size()[1:] == whole.size()[1:]
    assert fits, "index_copy_(): the source's slices must be as many as the indices, and of the destination's sizes"
    result = torch.index_put(whole, indices, rows)
    return result.movedim(0, dim) if self.dim() > 0 else result.reshape([])


def _reduction_named(reduce: str) -> str:
    assert reduce == "add" or reduce == "multiply", "reduce argument must be either add or multiply."
    return "sum" if reduce == "add" else "prod"


def scatter__reduce(self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str) -> Tensor:
    return torch.scatter_reduce(self, dim, index, src, _reduction_named(reduce), include_self=True)


def scatter__value_reduce(self: Tensor, dim: int, index: Tensor, value: number, reduce: str) -> Tensor:
    src = torch.full(index.size(), value, dtype=self.dtype)
    return torch.scatter_reduce(self, dim, index, src, _reduction_named(reduce), include_self=True)


def index_reduce(self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, include_self: bool) -> Tensor:
    assert reduce != "sum", "index_reduce(): Expected reduce to be one of prod, mean, amax or amin"
    assert index.dim() < 2, "index_reduce_(): Index should have dimension 1 or 0"
    assert self.dim() == source.dim(), "index_reduce_(): self and source must have as many dimensions"
    whole = self if self.dim() > 0 else self.reshape([1])
    slices = source if source.dim() > 0 else source.reshape([1])
    sizes, wanted = whole.size(), slices.size()
    sizes[dim] = index.numel()
    assert sizes == wanted, "index_reduce_(): the source's slices must be as many as the indices, and of the destination's sizes"
    shape = [1 for _ in range(whole.dim())]
    shape[dim] = index.numel()
    positions = index.reshape(shape).expand(sizes)
    return torch.scatter_reduce(whole, dim, positions, slices, reduce, include_self=include_self).reshape(self.size())


# Arrangements.


def diag(self: Tensor, diagonal: int) -> Tensor:
    assert self.dim() == 1 or self.dim() == 2, "diag(): Supports 1D or 2D tensors"
    if self.dim() == 1:
        return torch.diag_embed(self, diagonal)
    return torch.diagonal(self, diagonal).clone()


def diagflat(self: Tensor, offset: int) -> Tensor:
    return torch.diag_embed(self.reshape([-1]), offset)


def rot90(self: Tensor, k: int, dims: List[int]) -> Tensor:
    assert len(dims) == 2, "expected total rotation dims == 2"
    assert self.dim() >= 2, "expected total dims >= 2"
    in_range = min(dims) >= -self.dim() and max(dims) < self.dim()
    assert in_range, "rot90: Dimension out of range"
    assert dims[0] % self.dim() != dims[1] % self.dim(), "expected rotation dims to be different"
    turns = k % 4
    if turns == 1:
        return self.flip([dims[1]]).transpose(dims[0], dims[1])
    if turns == 2:
        return self.flip(dims)
    if turns == 3:
        return self.flip([dims[0]]).transpose(dims[0], dims[1])
    return self.clone()


def ravel(self: Tensor) -> Tensor:
    return self.reshape([-1])


def column_stack(tensors: List[Tensor]) -> Tensor:
    columns: List[Tensor] = []
    for tensor in tensors:
        columns.append(tensor if tensor.dim() > 1 else tensor.reshape([tensor.numel(), 1]))
    return torch.cat(columns, 1)


def block_diag(tensors: List[Tensor]) -> Tensor:
    columns = 0
    blocks: List[Tensor] = []
    for tensor in tensors:
        assert tensor.dim() <= 2, "torch.block_diag: Input tensors must have 2 or fewer dimensions"
        block = tensor if tensor.dim() == 2 else tensor.reshape([1, -1])
        blocks.append(block)
        columns += block.size(1)
    rows: List[Tensor] = []
    before = 0
    for block in blocks:
        rows.append(torch.constant_pad_nd(block, [before, columns - before - block.size(1)], 0))
        before += block.size(1)
    return torch.cat(rows, 0)


def cartesian_prod(tensors: List[Tensor]) -> Tensor:
    for tensor in tensors:
        assert tensor.dim() == 1, "Expect a 1D vector"
    if len(tensors) == 1:
        return tensors[0]
    columns = [grid.reshape([-1]) for grid in torch.meshgrid(tensors)]
    return torch.stack(columns, 1)


def combinations(self: Tensor, r: int, with_replacement: bool) -> Tensor:
    assert self.dim() == 1, "Expect a 1D vector"
    assert r >= 0, "Expect a non-negative number"
    if r == 0:
        return torch.empty([0], dtype=self.dtype)
    numbers = torch.arange(self.numel())
    grids = torch.meshgrid([numbers for _ in range(r)])
    mask = torch.ones_like(grids[0], dtype=11)  # bool
    for i in range(r - 1):
        mask = mask & (grids[i] <= grids[i + 1] if with_replacement else grids[i] < grids[i + 1])
    values = torch.meshgrid([self for _ in range(r)])
    return torch.stack([value.masked_select(mask) for value in values], 1)


def tensor_split__indices(self: Tensor, indices: List[int], dim: int) -> List[Tensor]:
    parts: List[Tensor] = []
    begin = 0
    for end in indices:
        parts.append(torch.slice(self, dim, begin, end, 1))
        begin = end
    parts.append(torch.slice(self, dim, begin, None, 1))
    return parts


def tensor_split__sections(self: Tensor, sections: int, dim: int) -> List[Tensor]:
    assert sections > 0, "tensor_split: number of sections must be larger than 0"
    size = self.size(dim)
    parts: List[Tensor] = []
    begin = 0
    for i in range(sections):
        length = size // sections + (1 if i < size % sections else 0)
        parts.append(self.narrow(dim, begin, length))
        begin += length
    return parts


def tensor_split__tensor_indices_or_sections(self: Tensor, tensor_indices_or_sections: Tensor, dim: int) -> List[Tensor]:
    if tensor_indices_or_sections.dim() == 0:
        return tensor_split__sections(self, int(tensor_indices_or_sections), dim)
    indices: List[int] = []
    for i in range(tensor_indices_or_sections.size(0)):
        indices.append(int(tensor_indices_or_sections[i]))
    return tensor_split__indices(self, indices, dim)


def dstack(tensors: List[Tensor]) -> Tensor:
    parts: List[Tensor] = []
    for each in tensors:
        parts.append(atleast_3d(each))
    return torch.cat(parts, 2)


def hsplit__int(self: Tensor, sections: int) -> List[Tensor]:
    assert self.dim() >= 1, "torch.hsplit requires a tensor with at least 1 dimension"
    dim = 0 if self.dim() == 1 else 1
    assert sections > 0 and self.size(dim) % sections == 0, "torch.hsplit: the dimension is not divisible by the split_size"
    return tensor_split__sections(self, sections, dim)


def hsplit__array(self: Tensor, indices: List[int]) -> List[Tensor]:
    assert self.dim() >= 1, "torch.hsplit requires a tensor with at least 1 dimension"
    return tensor_split__indices(self, indices, 0 if self.dim() == 1 else 1)


def vsplit__int(self: Tensor, sections: int) -> List[Tensor]:
    assert self.dim() >= 2, "torch.vsplit requires a tensor with at least 2 dimensions"
    assert sections > 0 and self.size(0) % sections == 0, "torch.vsplit: the dimension is not divisible by the split_size"
    return tensor_split__sections(self, sections, 0)


def vsplit__array(self: Tensor, indices: List[int]) -> List[Tensor]:
    assert self.dim() >= 2, "torch.vsplit requires a tensor with at least 2 dimensions"
    return tensor_split__indices(self, indices, 0)


def dsplit__int(self: Tensor, sections: int) -> List[Tensor]:
    assert self.dim() >= 3, "torch.dsplit requires a tensor with at least 3 dimensions"
    assert sections > 0 and self.size(2) % sections == 0, "torch.dsplit: the dimension is not divisible by the split_size"
    return tensor_split__sections(self, sections, 2)


def dsplit__array(self: Tensor, indices: List[int]) -> List[Tensor]:
    assert self.dim() >= 3, "torch.dsplit requires a tensor with at least 3 dimensions"
    return tensor_split__indices(self, indices, 2)


def narrow__Tensor(self: Tensor, dim: int, start: Tensor, length: int) -> Tensor:
    assert start.dim() == 0 and not start.is_floating_point() and start.dtype != 11, "start must be an 0-dim integral Tensor."
    return self.narrow(dim, int(start), length)


# Of the dimensions that `dim` names, the last one first.
def _squeezed(self: Tensor, dim: List[int]) -> List[int]:
    rank = max(self.dim(), 1)
    gone = [False] * rank
    for d in dim:
        assert d >= -rank and d < rank, "Dimension out of range"
        place = d + rank if d < 0 else d
        assert not gone[place], "dim " + str(place) + " appears multiple times in the list of dims"
        gone[place] = True
    places: List[int] = []
    for i in range(self.dim()):
        if gone[rank - 1 - i]:
            places.append(rank - 1 - i)
    return places


def squeeze__dims(self: Tensor, dim: List[int]) -> Tensor:
    result = self
    for place in _squeezed(self, dim):
        result = result.squeeze(place)
    return result


def squeeze___dims(self: Tensor, dim: List[int]) -> Tensor:
    for place in _squeezed(self, dim):
        self.squeeze_(place)
    return self


def fill_diagonal_(self: Tensor, fill_value: number, wrap: bool) -> Tensor:
    assert self.dim() >= 2, "dimensions must larger than 1"
    diagonal = self
    for d in range(1, self.dim()):
        assert self.dim() == 2 or self.size(d) == self.size(0), "all dimensions of input must be of equal length"
        diagonal = diagonal.diagonal(0, 0, -1)
    diagonal.fill_(fill_value)
    if wrap and self.dim() == 2:  # again, below what the last one has reached
        step = self.size(1) + 1
        for row in range(step, self.size(0), step):
            self.narrow(0, row, self.size(0) - row).diagonal().fill_(fill_value)
    return self


def take_along_dim(self: Tensor, indices: Tensor, dim: Optional[int]) -> Tensor:
    assert indices.dtype == 4, "torch.take_along_dim(): dtype of indices should be Long"
    # Indices wrap around.
    size = self.numel() if dim is None else self.size(dim)
    wrapped = indices if size == 0 else indices.remainder(size)
    if dim is None:
        return self.flatten().gather(0, wrapped.flatten())
    assert self.dim() == indices.dim(), "torch.take_along_dim(): input and indices should have the same number of dimensions"
    # All sizes but that of dim are broadcast.
    own, theirs = list(self.size()), list(indices.size())
    own[dim] = 1
    theirs[dim] = 1
    sizes = torch.broadcast_tensors([torch.zeros([1]).expand(own), torch.zeros([1]).expand(theirs)])[0].size()
    own = list(sizes)
    theirs = list(sizes)
    own[dim] = self.size(dim)
    theirs[dim] = indices.size(dim)
    return self.expand(own).gather(dim, wrapped.expand(theirs))


def nonzero_static(self: Tensor, size: int, fill_value: int) -> Tensor:
    assert size >= 0, "nonzero_static: 'size' must be an non-negative integer"
    places = self.nonzero()
    if places.size(0) >= size:
        return places.narrow(0, 0, size)
    return torch.cat([places, torch.full([size - places.size(0), places.size(1)], fill_value, dtype=4)])


# Indices that may lie outside, where a mask leaves out what they choose.
def _clamped_indices(self: Tensor, indices: List[Optional[Tensor]]) -> List[Optional[Tensor]]:
    inside: List[Optional[Tensor]] = []
    for i in range(len(indices)):
        index = indices[i]
        if index is None:
            inside.append(None)
        else:
            inside.append(index.clamp(-self.size(i), self.size(i) - 1))
    return inside


def _unsafe_masked_index(self: Tensor, mask: Tensor, indices: List[Optional[Tensor]], fill: number) -> Tensor:
    if self.numel() == 0:
        return torch.full(mask.size(), fill, dtype=self.dtype)
    return torch.index(self, _clamped_indices(self, indices)).masked_fill(~mask, fill)


def _unsafe_masked_index_put_accumulate(self: Tensor, mask: Tensor, indices: List[Optional[Tensor]], values: Tensor) -> Tensor:
    if self.numel() == 0:
        return self.clone()
    return torch.index_put(self, _clamped_indices(self, indices), values.masked_fill(~mask, 0), True)


def _chunk_cat(tensors: List[Tensor], dim: int, num_chunks: int) -> Tensor:
    assert num_chunks >= 1, "_chunk_cat expects positive num_chunks"
    assert len(tensors) > 0, "_chunk_cat expects a non-empty input tensor list"
    first = tensors[0]
    assert dim >= -first.dim() and dim < first.dim(), "Dimension out of range"
    if dim < 0:
        dim = dim + first.dim()
    parts: List[Tensor] = []
    for t in tensors:
        assert t.numel() > 0, "_chunk_cat expects non-empty tensor"
        assert t.dtype == first.dtype, "_chunk_cat expects all input tensors with the same dtype"
        assert dim < t.dim() and t.size()[:dim] == first.size()[:dim], "_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors"
        missing = (num_chunks - t.size(dim) % num_chunks) % num_chunks
        padding = [0] * (2 * (t.dim() - dim))
        padding[2 * (t.dim() - dim) - 1] = missing
        padded = torch.constant_pad_nd(t, padding, 0)
        parts.append(padded.reshape(t.size()[:dim] + [num_chunks, -1]))
    return torch.cat(parts, dim + 1)


def to__dtype_layout(self: Tensor, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool], non_blocking: bool, copy: bool, memory_format: Optional[int]) -> Tensor:
    assert layout is None or layout == 0, "to: only strided tensors can be made"
    return self.to(self.dtype if dtype is None else dtype, non_blocking, copy, memory_format)
