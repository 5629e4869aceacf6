# What sorting tells: order statistics, distinct values, places in a sorted row, counts by bins.


def msort(self: Tensor) -> Tensor:
    return torch.sort(self, 0)[0]


# Of the sorted elements along a dimension, one for each row: their ranks have the dimension with size 1.
def _pick_ranks(self: Tensor, rank: Tensor, dim: int, keepdim: bool) -> Tuple[Tensor, Tensor]:
    values, order = torch.sort(self, dim)
    if self.dim() == 0:
        return values, order
    picked, index = values.gather(dim, rank), order.gather(dim, rank)
    if keepdim:
        return picked, index
    return picked.squeeze(dim), index.squeeze(dim)


def kthvalue(self: Tensor, k: int, dim: int, keepdim: bool) -> Tuple[Tensor, Tensor]:
    assert self.dtype != 11, "kthvalue is not implemented for 'Bool'"
    size = self.size(dim) if self.dim() > 0 else 1
    assert k >= 1 and k <= size, "kthvalue(): selected number k out of range for dimension " + str(dim)
    rank = torch.full([], k - 1, dtype=4)
    if self.dim() > 0:
        rank = torch.full_like(self.narrow(dim, 0, 1), k - 1, dtype=4)
    return _pick_ranks(self, rank, dim, keepdim)


# The lower of the two in the middle. NaN is larger than everything: a row that has one gives the first of them.
def _middle(self: Tensor, dim: int, keepdim: bool, ignores_nan: bool) -> Tuple[Tensor, Tensor]:
    assert self.dtype != 11, "median is not implemented for 'Bool'"
    size = self.size(dim) if self.dim() > 0 else 1
    assert size > 0, "median(): Expected reduction dim to have non-zero size"
    numbers = (~self.isnan()).sum(dim, True)
    rank = torch.floor_divide(numbers - 1, 2).clamp(min=0)
    if not ignores_nan:
        rank = torch.where(numbers < size, numbers, rank)
    return _pick_ranks(self, rank, dim, keepdim)


def median__dim(self: Tensor, dim: int, keepdim: bool) -> Tuple[Tensor, Tensor]:
    return _middle(self, dim, keepdim, False)


def nanmedian__dim(self: Tensor, dim: int, keepdim: bool) -> Tuple[Tensor, Tensor]:
    return _middle(self, dim, keepdim, True)


def _middle_of_all(self: Tensor, ignores_nan: bool) -> Tensor:
    if self.numel() == 0:
        assert self.is_floating_point(), "median of no integers"
        return torch.full([], float("nan"), dtype=self.dtype)
    return _middle(self.flatten(), 0, False, ignores_nan)[0]


def median(self: Tensor) -> Tensor:
    return _middle_of_all(self, False)


def nanmedian(self: Tensor) -> Tensor:
    return _middle_of_all(self, True)


# The smallest of the most frequent values, and the place of its last element. Of a sorted row, the length of a run at its
# end is the distance from its beginning, which is the last place where the value changed.
def mode(self: Tensor, dim: int, keepdim: bool) -> Tuple[Tensor, Tensor]:
    values, order = torch.sort(self, dim)
    if self.dim() == 0:
        return values, order
    size = self.size(dim)
    assert size > 0, "mode(): Expected reduction dim " + str(dim) + " to have non-zero size"
    differs = values.narrow(dim, 1, size - 1) != values.narrow(dim, 0, size - 1)
    is_first = torch.cat([torch.ones_like(differs.narrow(dim, 0, 0).sum(dim, True), dtype=11), differs], dim)
    sizes = [1] * self.dim()
    sizes[dim] = size
    place = torch.arange(size).view(sizes).expand(self.size())
    begin = torch.cummax(torch.where(is_first, place, torch.zeros_like(place)), dim)[0]
    rank = torch.argmax(place - begin, dim, True)
    picked, index = values.gather(dim, rank), order.gather(dim, rank)
    if keepdim:
        return picked, index
    return picked.squeeze(dim), index.squeeze(dim)


# q: of the input's dtype, 0-d or a list. The result has the dimension of q first.
def _quantiles(
    self: Tensor, q: Tensor, dim: Optional[int], keepdim: bool, interpolation: str, ignores_nan: bool
) -> Tensor:
    assert self.numel() > 0, "quantile() input tensor must be non-empty"
    assert self.dtype == 6 or self.dtype == 7, "quantile() input tensor must be either float or double dtype"
    assert q.dim() < 2, "quantile() q must be a scalar or 1D tensor"
    assert q.dtype == self.dtype, "quantile() q tensor must be same dtype as the input tensor"
    assert bool(((q >= 0) & (q <= 1)).all()), "quantile() q values must be in the range [0, 1]"
    assert (
        interpolation == "linear"
        or interpolation == "lower"
        or interpolation == "higher"
        or interpolation == "midpoint"
        or interpolation == "nearest"
    ), "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got " + interpolation
    kept: List[int] = []
    if dim is None:
        rows = self.flatten()
        kept = [1] * self.dim()
    elif self.dim() == 0:
        rows = self.unsqueeze(0)
    else:
        rows = self.movedim(dim, -1)
        kept = list(self.size())
        kept[dim] = 1
    values = torch.sort(rows, -1)[0]
    numbers = (~values.isnan()).sum(-1, True)
    size = values.size(-1)
    # Ranks as numbers of the input's dtype: what a float can't tell from the next, PyTorch can't either.
    last = numbers - 1
    if not ignores_nan:
        last = torch.full_like(last, size - 1)
    rank = q.view(-1) * last.to(self.dtype)
    if ignores_nan:
        rank = rank.masked_fill(rank < 0, 0)
    else:
        rank = torch.where(numbers < size, torch.full_like(rank, float(size - 1)), rank)
    if interpolation == "lower":
        rank = rank.floor()
    elif interpolation == "higher":
        rank = rank.ceil()
    elif interpolation == "nearest":
        rank = rank.round()
    below = rank.to(4)
    result = values.gather(-1, below)
    if interpolation == "linear" or interpolation == "midpoint":
        weight = torch.full_like(rank, 0.5)
        if interpolation == "linear":
            weight = rank - below
        above = values.gather(-1, rank.ceil().to(4))
        result = torch.lerp(result, above, weight)
    if q.dim() == 0:
        result = result.squeeze(-1)
        return result.view(kept) if keepdim else result
    result = result.movedim(-1, 0)
    return result.reshape([q.size(0)] + kept) if keepdim else result


def quantile(self: Tensor, q: Tensor, dim: Optional[int], keepdim: bool, interpolation: str) -> Tensor:
    return _quantiles(self, q, dim, keepdim, interpolation, False)


def quantile__scalar(self: Tensor, q: float, dim: Optional[int], keepdim: bool, interpolation: str) -> Tensor:
    return _quantiles(self, torch.full([], q, dtype=self.dtype), dim, keepdim, interpolation, False)


def nanquantile(self: Tensor, q: Tensor, dim: Optional[int], keepdim: bool, interpolation: str) -> Tensor:
    return _quantiles(self, q, dim, keepdim, interpolation, True)


def nanquantile__scalar(self: Tensor, q: float, dim: Optional[int], keepdim: bool, interpolation: str) -> Tensor:
    return _quantiles(self, torch.full([], q, dtype=self.dtype), dim, keepdim, interpolation, True)


# Distinct values.


# Of rows in order, which differ from the one before; then the group of each, and the sizes of groups.
def _groups(is_first: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    starts = is_first.nonzero().view(-1)
    ends = torch.cat([starts.narrow(0, 1, starts.size(0) - 1), torch.full([1], is_first.size(0), dtype=4)])
    return starts, is_first.to(4).cumsum(0) - 1, ends - starts


def _differs_from_last(rows: Tensor) -> Tensor:
    size = rows.size(0)
    differs = rows.narrow(0, 1, size - 1) != rows.narrow(0, 0, size - 1)
    return torch.cat([torch.ones([1], dtype=11), differs if rows.dim() == 1 else differs.any(1)])


def _empty_unique(self: Tensor, sizes: List[int]) -> Tuple[Tensor, Tensor, Tensor]:
    return torch.zeros([0], dtype=self.dtype), torch.zeros(sizes, dtype=4), torch.zeros([0], dtype=4)


def _unique2(
    self: Tensor, sorted: bool, return_inverse: bool, return_counts: bool
) -> Tuple[Tensor, Tensor, Tensor]:
    sizes = list(self.size()) if return_inverse else [0]
    if self.numel() == 0:
        return _empty_unique(self, sizes)
    values, order = torch.sort(self.flatten(), 0)
    starts, groups, counts = _groups(_differs_from_last(values))
    inverse = torch.zeros([0], dtype=4)
    if return_inverse:
        inverse = torch.zeros_like(order).scatter(0, order, groups).view(sizes)
    return values.index_select(0, starts), inverse, counts if return_counts else torch.zeros([0], dtype=4)


# No slices: nothing is distinct.
def _unique_of_none(self: Tensor, dim: int) -> Tuple[Tensor, Tensor, Tensor]:
    assert self.size(dim) == 0, "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
    zeros = 0
    for size in self.size():
        zeros += 1 if size == 0 else 0
    assert zeros == 1, "Number of zero sized dimensions is more than one, so unique cannot be applied"
    return torch.zeros_like(self), torch.zeros([0], dtype=4), torch.zeros([0], dtype=4)


def unique_consecutive(
    self: Tensor, return_inverse: bool, return_counts: bool, dim: Optional[int]
) -> Tuple[Tensor, Tensor, Tensor]:
    none = torch.zeros([0], dtype=4)
    if dim is None:
        sizes = list(self.size()) if return_inverse else [0]
        if self.numel() == 0:
            return _empty_unique(self, sizes)
        values = self.flatten()
        starts, groups, counts = _groups(_differs_from_last(values))
        inverse = groups.view(sizes) if return_inverse else none
        return values.index_select(0, starts), inverse, counts if return_counts else none
    if self.numel() == 0:
        return _unique_of_none(self, dim)
    starts, groups, counts = _groups(_differs_from_last(self.movedim(dim, 0).reshape([self.size(dim), -1])))
    return (
        self.index_select(dim, starts),
        groups if return_inverse else none,
        counts if return_counts else none,
    )


# Slices in the order of their elements: sorted by the last column first, each sort keeping the order of equals.
def unique_dim(
    self: Tensor, dim: int, sorted: bool, return_inverse: bool, return_counts: bool
) -> Tuple[Tensor, Tensor, Tensor]:
    if self.numel() == 0:
        return _unique_of_none(self, dim)
    rows = self.movedim(dim, 0).reshape([self.size(dim), -1])
    order = torch.arange(rows.size(0))
    for i in range(rows.size(1)):
        column = rows.select(1, rows.size(1) - 1 - i).index_select(0, order)
        order = order.index_select(0, torch.sort(column, 0)[1])
    starts, groups, counts = _groups(_differs_from_last(rows.index_select(0, order)))
    none = torch.zeros([0], dtype=4)
    inverse = torch.zeros_like(order).scatter(0, order, groups) if return_inverse else none
    return self.index_select(dim, order.index_select(0, starts)), inverse, counts if return_counts else none


def unique_dim_consecutive(
    self: Tensor, dim: int, return_inverse: bool, return_counts: bool
) -> Tuple[Tensor, Tensor, Tensor]:
    return unique_consecutive(self, return_inverse, return_counts, dim)


# Places.


def bucketize__Tensor(self: Tensor, boundaries: Tensor, out_int32: bool, right: bool) -> Tensor:
    assert boundaries.dim() == 1, "boundaries tensor must be 1 dimension"
    # In the dtype of both.
    both = torch.cat([boundaries, self.flatten()])
    edges, values = both.narrow(0, 0, boundaries.size(0)), both.narrow(0, boundaries.size(0), self.numel())
    return torch.searchsorted(edges, values.view(self.size()), out_int32=out_int32, right=right)


def bucketize__Scalar(self: number, boundaries: Tensor, out_int32: bool, right: bool) -> Tensor:
    return bucketize__Tensor(torch.full([], self), boundaries, out_int32, right)


def searchsorted__Scalar(
    sorted_sequence: Tensor, self: number, out_int32: bool, right: bool, side: Optional[str], sorter: Optional[Tensor]
) -> Tensor:
    assert sorted_sequence.dim() == 1, "torch.searchsorted(): a number has no rows: the sequence must be 1 dimension"
    value = torch.full([], self, dtype=sorted_sequence.dtype)
    return torch.searchsorted(sorted_sequence, value, out_int32=out_int32, right=right, side=side, sorter=sorter)


def isin__Tensor_Tensor(elements: Tensor, test_elements: Tensor, assume_unique: bool, invert: bool) -> Tensor:
    both = torch.cat([elements.flatten(), test_elements.flatten()])
    values, tests = both.narrow(0, 0, elements.numel()), both.narrow(0, elements.numel(), test_elements.numel())
    found = torch.zeros(elements.size(), dtype=11)
    if tests.size(0) > 0:
        row = torch.sort(tests, 0)[0]
        place = torch.searchsorted(row, values).clamp(max=row.size(0) - 1)
        found = (row.index_select(0, place) == values).view(elements.size())
    return ~found if invert else found


def isin__Tensor_Scalar(elements: Tensor, test_element: number, assume_unique: bool, invert: bool) -> Tensor:
    return elements != test_element if invert else elements == test_element


def isin__Scalar_Tensor(element: number, test_elements: Tensor, assume_unique: bool, invert: bool) -> Tensor:
    found = (test_elements == element).any()
    return ~found if invert else found


# Counts by bins.


# How often each number occurs, or the sum of its weights: in float32 where they are, else in double.
def bincount(self: Tensor, weights: Optional[Tensor], minlength: int) -> Tensor:
    assert minlength >= 0, "minlength should be >= 0"
    is_whole = not self.is_floating_point() and not self.is_complex() and self.dtype != torch.bool
    assert is_whole and self.dim() == 1, "bincount only supports 1-d non-negative integral inputs."
    if self.numel() == 0:
        return torch.zeros([minlength], dtype=torch.int64)
    assert int(self.min()) >= 0, "bincount only supports 1-d non-negative integral inputs."
    index = self.to(torch.int64)
    values = torch.ones_like(index)
    if weights is not None:
        fits = weights.dim() == 1 and weights.numel() == self.numel()
        assert fits, "weights should be 1-d and have the same length as input"
        values = weights if weights.dtype == torch.float32 else weights.to(torch.float64)
    return torch.zeros([max(int(self.max()) + 1, minlength)], dtype=values.dtype).index_add(0, index, values)


def histc(self: Tensor, bins: int, min: number, max: number) -> Tensor:
    assert self.is_floating_point(), "histc is not implemented for integers"
    assert bins > 0, "torch.histc(): bins must be > 0"
    x = self.flatten()
    low, high = float(min), float(max)
    if low == high and x.size(0) > 0:
        low, high = float(x.amin()), float(x.amax())
    if low == high:
        low, high = low - 1.0, high + 1.0
    assert low - low == 0.0 and high - high == 0.0, "torch.histc: range of [min, max] is not finite"
    assert low < high, "torch.histc: max must be larger than min"
    left, right = torch.full([], low, dtype=self.dtype), torch.full([], high, dtype=self.dtype)
    is_inside = (x >= left) & (x <= right)
    place = ((x - left) * bins / (right - left)).masked_fill(~is_inside, 0.0).to(4).clamp(max=bins - 1)
    return torch.zeros([bins], dtype=self.dtype).index_add(0, place, is_inside.to(self.dtype))


# Histograms of points [..., D]: an element counts between two edges, at the last one too.


def _edges_between(x: Tensor, bins: int, low: float, high: float, has_range: bool) -> Tensor:
    assert bins > 0, "histogram: bins must be > 0"
    if not has_range and x.numel() > 0:
        low, high = float(x.min()), float(x.max())
    if not has_range and x.numel() == 0:
        low, high = 0.0, 1.0
    assert low - low == 0.0 and high - high == 0.0, "histogram: range is not finite"
    assert low <= high, "histogram: min should not exceed max"
    if low == high:
        low, high = low - 0.5, high + 0.5
    return torch.linspace(low, high, bins + 1, dtype=x.dtype)


def _histogram(points: Tensor, edges: List[Tensor], weight: Optional[Tensor], density: bool) -> Tensor:
    assert points.is_floating_point(), "histogram: not implemented for integers"
    sizes: List[int] = []
    index = torch.zeros([points.size(0)], dtype=torch.int64)
    is_inside = torch.ones([points.size(0)], dtype=torch.bool)
    count = 1
    for i in range(len(edges)):
        edge = edges[i]
        assert edge.dim() == 1 and edge.size(0) > 1, "histogram: bins tensor should have one dimension and two edges at least"
        assert edge.dtype == points.dtype, "histogram: input tensor and bins tensors should have the same dtype"
        bins = edge.size(0) - 1
        x = points.select(1, i).contiguous()
        is_inside = is_inside & (x >= edge[0]) & (x <= edge[-1])
        place = (torch.searchsorted(edge, x, right=True) - 1).clamp(0, max(bins - 1, 0))
        index = index * bins + place
        sizes.append(bins)
        count = count * bins
    weights = torch.ones([points.size(0)], dtype=points.dtype)
    if weight is not None:
        assert weight.dtype == points.dtype, "histogram: if weight tensor is provided, it should have the input's dtype"
        assert weight.numel() == points.size(0), "histogram: if weight tensor is provided, it should have the input's sizes"
        weights = weight.reshape([-1])
    kept = torch.where(is_inside, weights, torch.zeros_like(weights))
    result = torch.zeros([count], dtype=points.dtype)
    if count > 0:
        result = result.index_add(0, index.masked_fill(~is_inside, 0), kept)
    result = result.reshape(sizes)
    if density:
        result = result / result.sum()
        for i in range(len(edges)):
            shape = [1] * len(edges)
            shape[i] = -1
            result = result / (edges[i][1:] - edges[i][:-1]).reshape(shape)
    return result


def histogram__bins_tensor(self: Tensor, bins: Tensor, weight: Optional[Tensor], density: bool) -> Tuple[Tensor, Tensor]:
    return _histogram(self.reshape([-1, 1]), [bins], weight, density), bins.clone()


def histogram__bin_ct(
    self: Tensor, bins: int, range: Optional[List[float]], weight: Optional[Tensor], density: bool
) -> Tuple[Tensor, Tensor]:
    low, high = 0.0, 0.0
    if range is not None:
        assert len(range) == 2, "histogram: range should have two elements"
        low, high = range[0], range[1]
    edges = _edges_between(self, bins, low, high, range is not None)
    return _histogram(self.reshape([-1, 1]), [edges], weight, density), edges


def _points(self: Tensor) -> Tensor:
    assert self.dim() >= 2, "histogramdd: input tensor should have at least 2 dimensions"
    return self.reshape([-1, self.size(-1)])


def histogramdd(
    self: Tensor, bins: List[int], range: Optional[List[float]], weight: Optional[Tensor], density: bool
) -> Tuple[Tensor, List[Tensor]]:
    points = _points(self)
    assert len(bins) == points.size(1), "histogramdd: expected a sequence of bins for each innermost dimension"
    edges: List[Tensor] = []
    i = 0
    for count in bins:
        low, high = 0.0, 0.0
        if range is not None:
            assert len(range) == 2 * len(bins), "histogramdd: range should have two elements for each dimension"
            low, high = range[2 * i], range[2 * i + 1]
        edges.append(_edges_between(points.select(1, i), count, low, high, range is not None))
        i = i + 1
    return _histogram(points, edges, weight, density), edges


def histogramdd__int_bins(
    self: Tensor, bins: int, range: Optional[List[float]], weight: Optional[Tensor], density: bool
) -> Tuple[Tensor, List[Tensor]]:
    return torch.histogramdd(self, [bins] * self.size(-1), range, weight, density)


def histogramdd__TensorList_bins(
    self: Tensor, bins: List[Tensor], range: Optional[List[float]], weight: Optional[Tensor], density: bool
) -> Tuple[Tensor, List[Tensor]]:
    points = _points(self)
    assert len(bins) == points.size(1), "histogramdd: expected a sequence of bins for each innermost dimension"
    return _histogram(points, bins, weight, density), bins


def repeat_interleave__Tensor(repeats: Tensor, output_size: Optional[int]) -> Tensor:
    assert repeats.dim() == 1, "repeat_interleave only accept 1D vector as repeat"
    return torch.repeat_interleave(torch.arange(repeats.size(0)), repeats, 0).to(repeats.dtype)
