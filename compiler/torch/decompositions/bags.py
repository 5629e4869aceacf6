# Rows that are summed up, averaged or compared, bag by bag and segment by segment.


# Modes: 0 is sum, 1 mean, 2 max. What backward passes ask for besides is as PyTorch's CPU kernels leave it.
def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Optional[Tensor],
    include_last_offset: bool,
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    return _bags(weight, indices, offsets, mode, per_sample_weights, include_last_offset, -1)


def embedding_bag__padding_idx(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Optional[Tensor],
    include_last_offset: bool,
    padding_idx: Optional[int],
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    padding = -1
    if padding_idx is not None:
        rows = weight.size(0)
        assert padding_idx >= -rows and padding_idx < rows, "padding_idx must be within the number of embeddings"
        padding = padding_idx + rows if padding_idx < 0 else padding_idx
    return _bags(weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding)


def _bags(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    mode: int,
    per_sample_weights: Optional[Tensor],
    include_last_offset: bool,
    padding: int,
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    assert indices.dim() == 1, "input has to be a 1D Tensor"
    assert offsets.dim() == 1, "offsets has to be a 1D Tensor"
    assert weight.dim() == 2, "weight has to be a 2D Tensor"
    assert weight.is_floating_point(), "embedding_bag expects a weight of floats"
    has_ints = indices.dtype == torch.int32 or indices.dtype == torch.int64
    assert has_ints and (offsets.dtype == torch.int32 or offsets.dtype == torch.int64), "embedding_bag expects indices and offsets of ints"
    assert mode >= 0 and mode <= 2, "mode has to be one of sum, mean or max"
    count, rows = indices.size(0), offsets.size(0)
    if include_last_offset:
        assert rows >= 1, "include_last_offset: number of offset should be at least 1"
        rows = rows - 1
    begins: List[int] = offsets.to(torch.int64).tolist()
    if len(begins) > 0:
        assert begins[0] == 0, "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0."
        assert begins[-1] <= count, "offsets[-1] can not be greater than input's length"
    bag_of = torch.full([count], rows, dtype=torch.int64)  # what lies behind the last offset is of no bag
    for i in range(rows):
        end = begins[i + 1] if i + 1 < len(begins) else count
        assert end >= begins[i] and end <= count, "offsets must not decrease"
        bag_of[begins[i] : end] = i
    used = bag_of < rows
    if padding >= 0:
        used = used & (indices != padding)
    place = bag_of.clamp(max=max(rows - 1, 0))
    elements = torch.embedding(weight, indices)
    if per_sample_weights is not None:
        assert mode == 0, "embedding_bag: per_sample_weights only supported with mode='sum'"
        assert per_sample_weights.dtype == weight.dtype, "expected per_sample_weights to have the weight's dtype"
        assert per_sample_weights.size() == indices.size(), "expected per_sample_weights to have the same shape as the indices"
        elements = elements * per_sample_weights.unsqueeze(1)
    sizes = torch.zeros([rows], dtype=torch.int64).index_add(0, place, used.to(torch.int64)) if rows > 0 else torch.zeros([rows], dtype=torch.int64)
    if rows == 0:
        return torch.zeros([0, weight.size(1)], dtype=weight.dtype), bag_of, sizes, sizes
    if mode < 2:
        kept = torch.where(used.unsqueeze(1), elements, torch.zeros_like(elements))
        result = torch.zeros([rows, weight.size(1)], dtype=weight.dtype).index_add(0, place, kept)
        if mode == 0:
            return result, bag_of, torch.zeros_like(sizes), torch.zeros_like(sizes)
        return result / sizes.clamp(min=1).unsqueeze(1), bag_of, sizes, sizes
    result = torch.zeros([rows, weight.size(1)], dtype=weight.dtype)
    largest = torch.zeros([rows, weight.size(1)], dtype=torch.int64)
    for i in range(rows):
        chosen = torch.nonzero((bag_of == i) & used).squeeze(1)
        if chosen.size(0) > 0:
            values, places = elements.index_select(0, chosen).max(0)
            result[i] = values
            largest[i] = indices.index_select(0, chosen).to(torch.int64).index_select(0, places)
    return result, bag_of, sizes, largest


# A segment of rows [n, ...]; PyTorch keeps what it starts from where there are none.
def _reduced_rows(rows: Tensor, reduce: str, initial: Optional[number]) -> Tensor:
    sizes = rows.size()[1:]
    count = rows.size(0)
    if reduce == "max" or reduce == "min":
        start = float("-inf") if reduce == "max" else float("inf")
        if initial is not None:
            start = float(initial)
        all = torch.cat([torch.full([1] + sizes, start, dtype=rows.dtype), rows])
        return all.amax([0]) if reduce == "max" else all.amin([0])
    if reduce == "prod":
        product = rows.prod(0)
        return product if initial is None else product * float(initial)
    total = rows.sum([0])
    if initial is not None:
        total = total + float(initial)
    if reduce == "sum":
        return total
    if count == 0:
        return total if initial is not None else torch.full(sizes, float("nan"), dtype=rows.dtype)
    return total / count


# Of each segment the rows from its offset up to the next one's.
def _segments(data: Tensor, reduce: str, offsets: Tensor, initial: Optional[number]) -> Tensor:
    parts: List[Tensor] = []
    if offsets.dim() > 1:
        for i in range(offsets.size(0)):
            parts.append(_segments_of_rows(data[i], reduce, offsets[i], initial))
        return torch.stack(parts)
    return _segments_of_rows(data, reduce, offsets, initial)


def _segments_of_rows(data: Tensor, reduce: str, offsets: Tensor, initial: Optional[number]) -> Tensor:
    assert offsets.dim() == 1, "segment_reduce: lengths and offsets of at most two dimensions are supported"
    places: List[int] = offsets.to(torch.int64).tolist()
    parts: List[Tensor] = []
    for i in range(len(places) - 1):
        begin, end = places[i], places[i + 1]
        assert begin <= end, "lengths contains negative value!"
        assert begin >= 0 and end <= data.size(0), "segment_reduce(): Expected all rows of lengths along axis to lie in data"
        parts.append(_reduced_rows(data.narrow(0, begin, end - begin), reduce, initial))
    if len(parts) == 0:
        return torch.zeros([0] + data.size()[1:], dtype=data.dtype)
    return torch.stack(parts)


def segment_reduce(
    data: Tensor,
    reduce: str,
    lengths: Optional[Tensor],
    indices: Optional[Tensor],
    offsets: Optional[Tensor],
    axis: int,
    unsafe: bool,
    initial: Optional[number],
) -> Tensor:
    is_known = reduce == "max" or reduce == "mean" or reduce == "min" or reduce == "sum" or reduce == "prod"
    assert is_known, "segment_reduce: reduce must be max, mean, min, sum or prod"
    assert data.is_floating_point(), "segment_reduce(): data must be of floats"
    assert data.numel() > 0, "segment_reduce(): Expected data to be nonempty"
    assert indices is None, "segment_reduce(): indices based reduction is not supported yet."
    if offsets is not None:
        given = offsets
        assert axis == given.dim() - 1, "segment_reduce(): Expected axis to be the last dimension of offsets"
        return _segments(data, reduce, given, initial)
    assert lengths is not None, "segment_reduce(): Either lengths or offsets must be defined."
    counted = lengths
    if counted is None:
        return data
    assert axis == counted.dim() - 1, "segment_reduce(): Expected axis to be the last dimension of lengths"
    counts = counted.to(torch.int64)
    ends = counts.cumsum(-1)
    if not unsafe and ends.size(-1) > 0:
        assert bool((ends.select(-1, -1) == data.size(axis)).all()), "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(axis) when !unsafe."
    return _segments(data, reduce, torch.constant_pad_nd(ends, [1, 0], 0), initial)


# Rows that are used and longer than max_norm are made as long as that.
def embedding_renorm_(self: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    assert self.dim() == 2, "embedding_renorm_ expects a matrix"
    assert indices.dtype == torch.int32 or indices.dtype == torch.int64, "embedding_renorm_ expects indices of ints"
    used = torch.zeros([self.size(0)], dtype=torch.bool).index_fill(0, indices.reshape([-1]).to(torch.int64), True)
    norms = torch.linalg_vector_norm(self, norm_type, [1], True)
    is_long = used.unsqueeze(1) & (norms > max_norm)
    return self.copy_(torch.where(is_long, self * (torch.reciprocal(norms + 1e-7) * max_norm), self))
