# New tensors whose elements follow from numbers.


def linspace__Tensor_Tensor(
    start: Tensor, end: Tensor, steps: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert start.dim() == 0 and end.dim() == 0, "linspace only supports 0-dimensional start and end tensors"
    return torch.linspace(start.item(), end.item(), steps, dtype=dtype)


def linspace__Tensor_Scalar(
    start: Tensor, end: number, steps: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert start.dim() == 0, "linspace only supports 0-dimensional start and end tensors"
    return torch.linspace(start.item(), end, steps, dtype=dtype)


def linspace__Scalar_Tensor(
    start: number, end: Tensor, steps: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert end.dim() == 0, "linspace only supports 0-dimensional start and end tensors"
    return torch.linspace(start, end.item(), steps, dtype=dtype)


# Powers of the base, to numbers that are counted from the nearer end.
def logspace(
    start: number, end: number, steps: int, base: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert steps >= 0, "number of steps must be non-negative"
    # Dtype 6 is float32, in which ints are counted, too; 7 is float64.
    result = 6 if dtype is None else dtype
    is_float = torch.zeros([0], dtype=result).is_floating_point()
    i = torch.arange(steps, dtype=7 if is_float else 6)
    first, last = (float(start), float(end)) if is_float else (float(int(start)), float(int(end)))
    step = torch.scalar_tensor(last - first, dtype=i.dtype) / max(steps - 1, 1)
    powers = torch.where(i < steps // 2, step * i + first, torch.full_like(i, last) - step * (steps - 1 - i))
    if steps == 1:
        powers = torch.full_like(i, first)
    return torch.pow(base, powers.to(torch.float64)).to(result)


def logspace__Tensor_Tensor(
    start: Tensor, end: Tensor, steps: int, base: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert start.dim() == 0 and end.dim() == 0, "logspace only supports 0-dimensional start and end tensors"
    return torch.logspace(start.item(), end.item(), steps, base, dtype=dtype)


def logspace__Tensor_Scalar(
    start: Tensor, end: number, steps: int, base: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert start.dim() == 0, "logspace only supports 0-dimensional start and end tensors"
    return torch.logspace(start.item(), end, steps, base, dtype=dtype)


def logspace__Scalar_Tensor(
    start: number, end: Tensor, steps: int, base: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert end.dim() == 0, "logspace only supports 0-dimensional start and end tensors"
    return torch.logspace(start, end.item(), steps, base, dtype=dtype)


def eye__m(
    n: int, m: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert n >= 0, "n must be greater or equal to 0"
    assert m >= 0, "m must be greater or equal to 0"
    result = torch.zeros([n, m], dtype=dtype)
    result.diagonal().fill_(1)
    return result


# Dense memory in which the dims lie in that order, outermost first.
def empty_permuted(
    size: List[int], physical_layout: List[int], dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    rank = len(size)
    assert len(physical_layout) == rank, "Number of dimensions in size does not match the length of the physical_layout"
    back = [-1] * rank
    sizes: List[int] = []
    for i in range(rank):
        d = physical_layout[i]
        assert d >= 0 and d < rank, "Dimension out of range"
        assert back[d] == -1, "Duplicate dim not allowed"
        back[d] = i
        sizes.append(size[d])
    return torch.empty(sizes, dtype=dtype).permute(back)


def empty_strided(
    size: List[int], stride: List[int], dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    assert len(size) == len(stride), "empty_strided: dimensionality of sizes must match dimensionality of strides"
    last = 0
    for i in range(len(size)):
        assert size[i] >= 0 and stride[i] >= 0, "as_strided: Negative strides are not supported at the moment"
        last = -1 if size[i] == 0 or last < 0 else last + (size[i] - 1) * stride[i]
    return torch.empty([last + 1], dtype=dtype).as_strided(size, stride, 0)


def new_empty_strided(
    self: Tensor, size: List[int], stride: List[int], dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    return torch.empty_strided(size, stride, dtype=self.dtype if dtype is None else dtype)


# Each tensor in as many chunks, padded with zeros, and the chunks of all next to each other.


# The places of a matrix on and below a diagonal, as rows of indices of rows and of columns; and those on and above it.
def tril_indices(
    row: int, col: int, offset: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    places = torch.ones([row, col], dtype=11).tril(offset).nonzero().t().contiguous()
    return places if dtype is None else places.to(dtype)


def triu_indices(
    row: int, col: int, offset: int, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    places = torch.ones([row, col], dtype=11).triu(offset).nonzero().t().contiguous()
    return places if dtype is None else places.to(dtype)


# With the end, unlike arange, and of floats unless a dtype is told.
def _range(start: float, end: float, step: float, dtype: Optional[int]) -> Tensor:
    assert step != 0.0, "step must be nonzero"
    count = int((end - start) / step + 1.0)
    assert count > 0, "upper bound and lower bound inconsistent with step sign"
    return (torch.arange(count, dtype=7) * step + start).to(6 if dtype is None else dtype)


def range__step(
    start: number,
    end: number,
    step: number,
    dtype: Optional[int],
    layout: Optional[int],
    device: Optional[Device],
    pin_memory: Optional[bool],
) -> Tensor:
    return _range(float(start), float(end), float(step), dtype)


def range(
    start: number, end: number, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]
) -> Tensor:
    return _range(float(start), float(end), 1.0, dtype)
