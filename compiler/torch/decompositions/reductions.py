# Reductions, norms and distances.


def var_mean__correction(
    self: Tensor, dim: Optional[List[int]], correction: Optional[number], keepdim: bool
) -> Tuple[Tensor, Tensor]:
    return torch.var(self, dim, correction=correction, keepdim=keepdim), torch.mean(self, dim, keepdim)


def std_mean__correction(
    self: Tensor, dim: Optional[List[int]], correction: Optional[number], keepdim: bool
) -> Tuple[Tensor, Tensor]:
    return torch.std(self, dim, correction=correction, keepdim=keepdim), torch.mean(self, dim, keepdim)


def var_mean__dim(self: Tensor, dim: Optional[List[int]], unbiased: bool, keepdim: bool) -> Tuple[Tensor, Tensor]:
    return torch.var(self, dim, unbiased, keepdim), torch.mean(self, dim, keepdim)


def std_mean__dim(self: Tensor, dim: Optional[List[int]], unbiased: bool, keepdim: bool) -> Tuple[Tensor, Tensor]:
    return torch.std(self, dim, unbiased, keepdim), torch.mean(self, dim, keepdim)


def var_mean(self: Tensor, unbiased: bool) -> Tuple[Tensor, Tensor]:
    return torch.var(self, unbiased), torch.mean(self)


def std_mean(self: Tensor, unbiased: bool) -> Tuple[Tensor, Tensor]:
    return torch.std(self, unbiased), torch.mean(self)


def aminmax(self: Tensor, dim: Optional[int], keepdim: bool) -> Tuple[Tensor, Tensor]:
    if dim is None:
        return torch.amin(self, [], keepdim), torch.amax(self, [], keepdim)
    return torch.amin(self, [dim], keepdim), torch.amax(self, [dim], keepdim)


def count_nonzero(self: Tensor, dim: Optional[int]) -> Tensor:
    if dim is None:
        return (self != 0).sum()
    return (self != 0).sum(dim)


def count_nonzero__dim_IntList(self: Tensor, dim: List[int]) -> Tensor:
    return (self != 0).sum(dim)


def frobenius_norm__dim(self: Tensor, dim: List[int], keepdim: bool) -> Tensor:
    return torch.linalg_vector_norm(self, 2, dim, keepdim)


def norm__ScalarOpt_dtype(self: Tensor, p: Optional[number], dtype: int) -> Tensor:
    if p is None:
        return torch.linalg_vector_norm(self.to(dtype), 2)
    return torch.linalg_vector_norm(self.to(dtype), p)


def trace(self: Tensor) -> Tensor:
    assert self.dim() == 2, "trace: expected a matrix"
    return self.diagonal().sum()


def dist(self: Tensor, other: Tensor, p: number) -> Tensor:
    return torch.linalg_vector_norm(self - other, p)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int, eps: float) -> Tensor:
    # The dim is that of the operands brought to one size.
    a, b = torch.broadcast_tensors([x1, x2])
    norm1 = torch.linalg_vector_norm(a, 2, [dim], True).clamp(min=eps)
    norm2 = torch.linalg_vector_norm(b, 2, [dim], True).clamp(min=eps)
    return ((a / norm1) * (b / norm2)).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float, eps: float, keepdim: bool) -> Tensor:
    return torch.linalg_vector_norm(x1 - x2 + eps, p, [-1], keepdim)


def cdist(x1: Tensor, x2: Tensor, p: float, compute_mode: Optional[int]) -> Tensor:
    assert x1.dim() >= 2 and x2.dim() >= 2, "cdist only supports at least 2D tensors"
    return torch.linalg_vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, [-1], False)


# The weight of a module under nn.utils.weight_norm: v scaled to the norms g along every dim but one.
def _weight_norm(v: Tensor, g: Tensor, dim: int) -> Tensor:
    others: List[int] = []
    for i in range(v.dim()):
        if i != dim:
            others.append(i)
    return v * (g / torch.linalg_vector_norm(v, 2, others, True))


# Dtype 6 is float32.
def _softmax(self: Tensor, dim: int, half_to_float: bool) -> Tensor:
    if half_to_float:
        return torch.softmax(self, dim, 6)
    return torch.softmax(self, dim)


def _log_softmax(self: Tensor, dim: int, half_to_float: bool) -> Tensor:
    if half_to_float:
        return torch.log_softmax(self, dim, 6)
    return torch.log_softmax(self, dim)


def nansum(self: Tensor, dim: Optional[List[int]], keepdim: bool, dtype: Optional[int]) -> Tensor:
    zero = torch.zeros_like(self)
    return torch.sum(torch.where(self.isnan(), zero, self), dim, keepdim, dtype=dtype)


def diff(self: Tensor, n: int, dim: int, prepend: Optional[Tensor], append: Optional[Tensor]) -> Tensor:
    assert n >= 0, "order must be non-negative"
    assert self.dim() > 0, "diff expects input to be at least one-dimensional"
    if n == 0:
        return self.clone()
    parts: List[Tensor] = []
    if prepend is not None:
        parts.append(prepend)
    parts.append(self)
    if append is not None:
        parts.append(append)
    result = torch.cat(parts, dim) if len(parts) > 1 else self
    for _ in range(min(n, result.size(dim))):
        count = result.size(dim) - 1
        after, before = result.narrow(dim, 1, count), result.narrow(dim, 0, count)
        if result.dtype == 11:  # bool
            result = torch.logical_xor(after, before)
        else:
            result = after - before
    return result


def sum_to_size(self: Tensor, size: List[int]) -> Tensor:
    if len(size) == 0:
        return self.sum()
    result = self
    for _ in range(self.dim() - len(size)):
        result = result.sum(0)
    for i in range(len(size)):
        if size[i] == 1 and result.size(i) != 1:
            result = result.sum([i], True)
    assert result.size() == size, "sum_to_size: the size is not expandable to the tensor's"
    return result


def nanmean(self: Tensor, dim: Optional[List[int]], keepdim: bool, dtype: Optional[int]) -> Tensor:
    assert self.is_floating_point(), "nanmean(): expected input to have floating point dtype"
    x = self if dtype is None else self.to(dtype)
    is_number = ~x.isnan()
    return x.masked_fill(~is_number, 0).sum(dim, keepdim) / is_number.sum(dim, keepdim)


# All but the first, and all but the last.
def _neighbours(y: Tensor, dim: int) -> Tuple[Tensor, Tensor]:
    size = y.size(dim)
    if size == 0:
        return y, y
    return y.narrow(dim, 1, size - 1), y.narrow(dim, 0, size - 1)


def _steps(y: Tensor, dx: number, dim: int) -> Tensor:
    after, before = _neighbours(y, dim)
    return (after + before) * (dx / 2.0)


# Of areas between neighbours; x is one row, or broadcast over all of y.
def _areas(y: Tensor, x: Tensor, dim: int) -> Tensor:
    place = dim + y.dim() if dim < 0 else dim
    size = y.size(place)
    widths = x
    if x.dim() == 1:
        assert x.size(0) == size, "trapezoid: There must be one `x` value for each sample point"
        sizes = [1] * y.dim()
        sizes[place] = size
        widths = x.view(sizes)
    else:
        while widths.dim() < y.dim():
            widths = widths.unsqueeze(0)
    count = widths.size(place)
    assert count == size or count == 1, "trapezoid: x and y do not broadcast along dim"
    after, before = _neighbours(y, place)
    further, nearer = _neighbours(widths, place)
    return (after + before) * (further - nearer) / 2.0


def trapezoid__x(y: Tensor, x: Tensor, dim: int) -> Tensor:
    assert y.dim() > 0 and x.dim() > 0, "trapezoid: `y` and `x` must not be 0-d"
    if y.size(dim) == 0:
        return torch.zeros_like(y.sum(dim))
    assert x.dtype != 11 and y.dtype != 11, "trapezoid: received a bool input for `x` or `y`, but bool is not supported"
    return _areas(y, x, dim).sum(dim)


def trapezoid__dx(y: Tensor, dx: number, dim: int) -> Tensor:
    if y.size(dim) == 0:
        return torch.zeros_like(y.sum(dim))
    assert y.dtype != 11, "trapezoid: received a bool input for `y`, but bool is not supported"
    return _steps(y, dx, dim).sum(dim)


def trapz__x(y: Tensor, x: Tensor, dim: int) -> Tensor:
    return trapezoid__x(y, x, dim)


def trapz__dx(y: Tensor, dx: float, dim: int) -> Tensor:
    return trapezoid__dx(y, dx, dim)


def cumulative_trapezoid__x(y: Tensor, x: Tensor, dim: int) -> Tensor:
    assert x.dtype != 11 and y.dtype != 11, "cumulative_trapezoid: received a bool input for `x` or `y`, but bool is not supported"
    return _areas(y, x, dim).cumsum(dim)


def cumulative_trapezoid__dx(y: Tensor, dx: number, dim: int) -> Tensor:
    assert y.dtype != 11, "cumulative_trapezoid: received a bool input for `y`, but bool is not supported"
    return _steps(y, dx, dim).cumsum(dim)


# The factor is PyTorch's, which keeps from a division by zero.
def renorm(self: Tensor, p: number, dim: int, maxnorm: number) -> Tensor:
    assert p > 0, "renorm: non-positive-norm not supported"
    assert self.dim() > 1, "renorm: input needs at least 2 dimensions, got " + str(self.dim()) + " dimensions"
    assert maxnorm >= 0, "renorm: expected maxnorm to be >= 0"
    place = dim + self.dim() if dim < 0 else dim
    others: List[int] = []
    for i in range(self.dim()):
        if i != place:
            others.append(i)
    norm = torch.linalg_vector_norm(self, p, others, True)
    factor = torch.where(norm > maxnorm, (norm + 1e-7).reciprocal() * maxnorm, torch.ones_like(norm))
    return self * factor


def pdist(self: Tensor, p: float) -> Tensor:
    assert self.dim() == 2, "pdist only supports 2D tensors"
    assert self.dtype == 6 or self.dtype == 7, "pdist only supports floating-point dtypes"
    assert p >= 0.0, "pdist only supports non-negative p values"
    count = self.size(0)
    places = torch.ones([count, count], dtype=11).triu(1).nonzero()
    return torch.linalg_vector_norm(self.index_select(0, places.select(1, 0)) - self.index_select(0, places.select(1, 1)), p, [-1])


def _softmax_backward_data(grad_output: Tensor, output: Tensor, dim: int, input_dtype: int) -> Tensor:
    assert grad_output.size() == output.size(), "softmax_backward: the gradient and the output differ in size"
    product = grad_output * output
    return (product - output * product.sum(dim, True)).to(input_dtype)


def _log_softmax_backward_data(grad_output: Tensor, output: Tensor, dim: int, input_dtype: int) -> Tensor:
    assert grad_output.size() == output.size(), "softmax_backward: the gradient and the output differ in size"
    return (grad_output - torch.exp(output) * grad_output.sum(dim, True)).to(input_dtype)


# Of a row without a finite number zeros.
def _safe_softmax(self: Tensor, dim: int, dtype: Optional[int]) -> Tensor:
    result = torch.softmax(self, dim, dtype)
    is_masked = (self == float("-inf")).all(dim, True)
    return result.masked_fill(is_masked, 0)


# Normalisation with the statistics that backward passes ask for.


def native_layer_norm(
    input: Tensor, normalized_shape: List[int], weight: Optional[Tensor], bias: Optional[Tensor], eps: float
) -> Tuple[Tensor, Tensor, Tensor]:
    result = torch.layer_norm(input, normalized_shape, weight, bias, eps)
    dims: List[int] = []
    for i in range(len(normalized_shape)):
        dims.append(-1 - i)
    variance, mean = torch.var_mean(input, dims, correction=0, keepdim=True)
    return result, mean, torch.rsqrt(variance + eps)


def native_group_norm(
    input: Tensor, weight: Optional[Tensor], bias: Optional[Tensor], N: int, C: int, HxW: int, group: int, eps: float
) -> Tuple[Tensor, Tensor, Tensor]:
    result = torch.group_norm(input.reshape([N, C, HxW]), group, weight, bias, eps).reshape(input.size())
    variance, mean = torch.var_mean(input.reshape([N, group, C * HxW // group]), [2], correction=0, keepdim=False)
    return result, mean, torch.rsqrt(variance + eps)


# The statistics of the batch that the result was made with: mean and 1/sqrt(variance + eps), nothing where the running ones were.
def _batch_statistics(input: Tensor, dtype: int, is_training: bool, eps: float) -> Tuple[Tensor, Tensor]:
    if not is_training:
        return torch.empty([0], dtype=dtype), torch.empty([0], dtype=dtype)
    rows = input.to(torch.float64 if input.dtype == torch.float64 else torch.float32).transpose(0, 1).flatten(1)
    variance, mean = torch.var_mean(rows, [1], correction=0, keepdim=False)
    return mean.to(dtype), torch.rsqrt(variance + eps).to(dtype)


def native_batch_norm(
    input: Tensor, weight: Optional[Tensor], bias: Optional[Tensor], running_mean: Optional[Tensor], running_var: Optional[Tensor],
    training: bool, momentum: float, eps: float
) -> Tuple[Tensor, Tensor, Tensor]:
    assert not training or input.numel() > 0, "input tensor must have at least one element"
    result = torch.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, False)
    # They have the parameters' dtype.
    dtype = input.dtype
    if running_mean is not None:
        dtype = running_mean.dtype
    elif weight is not None:
        dtype = weight.dtype
    mean, scale = _batch_statistics(input, dtype, training, eps)
    return result, mean, scale


def _native_batch_norm_legit(
    input: Tensor, weight: Optional[Tensor], bias: Optional[Tensor], running_mean: Tensor, running_var: Tensor,
    training: bool, momentum: float, eps: float
) -> Tuple[Tensor, Tensor, Tensor]:
    return torch.native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _native_batch_norm_legit__no_stats(
    input: Tensor, weight: Optional[Tensor], bias: Optional[Tensor], training: bool, momentum: float, eps: float
) -> Tuple[Tensor, Tensor, Tensor]:
    return torch.native_batch_norm(input, weight, bias, None, None, training, momentum, eps)


def _batch_norm_with_update(
    input: Tensor, weight: Optional[Tensor], bias: Optional[Tensor], running_mean: Tensor, running_var: Tensor, momentum: float, eps: float
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    result, mean, scale = torch.native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return result, mean, scale, torch.empty([0], dtype=torch.uint8)


# True for each dimension that is named, from 0 on: all of them where none is.
def _named_dims(dim: Optional[List[int]], rank: int) -> List[bool]:
    named = [dim is None] * rank
    if dim is not None:
        for d in dim:
            assert d >= -max(rank, 1) and d < max(rank, 1), "Dimension out of range"
            if rank > 0:
                assert not named[d], "a dim appears multiple times in the list of dims"
                named[d] = True
    return named


def all__dims(self: Tensor, dim: Optional[List[int]], keepdim: bool) -> Tensor:
    named = _named_dims(dim, self.dim())
    result = self.to(torch.bool)
    for i in range(self.dim()):
        d = self.dim() - 1 - i
        if named[d]:
            result = torch.all(result, d, keepdim)
    return result.to(self.dtype) if self.dtype == torch.uint8 else result


def any__dims(self: Tensor, dim: Optional[List[int]], keepdim: bool) -> Tensor:
    named = _named_dims(dim, self.dim())
    result = self.to(torch.bool)
    for i in range(self.dim()):
        d = self.dim() - 1 - i
        if named[d]:
            result = torch.any(result, d, keepdim)
    return result.to(self.dtype) if self.dtype == torch.uint8 else result


def norm__ScalarOpt_dim_dtype(self: Tensor, p: Optional[number], dim: List[int], keepdim: bool, dtype: int) -> Tensor:
    if p is None:
        return torch.linalg_vector_norm(self.to(dtype), 2, dim, keepdim)
    return torch.linalg_vector_norm(self.to(dtype), p, dim, keepdim)


# Of all that one index along `dim` has, in a shape that multiplies v.
def norm_except_dim(v: Tensor, pow: int, dim: int) -> Tensor:
    if dim == -1:
        return torch.linalg_vector_norm(v, pow)
    rows = v.transpose(0, dim)
    sizes = [1] * v.dim()
    sizes[dim] = v.size(dim)
    return torch.linalg_vector_norm(rows.reshape(rows.size(0), -1), pow, [1]).view(sizes)
