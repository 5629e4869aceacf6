# Products, convolutions, poolings and recurrent cells.


def _scaled(x: Tensor, factor: number) -> Tensor:
    # The factor takes the tensor's dtype.
    if x.dtype == 11:
        return x * bool(factor)
    if x.is_floating_point() or x.is_complex():
        return x * factor
    return x * int(factor)


def addbmm(self: Tensor, batch1: Tensor, batch2: Tensor, beta: number, alpha: number) -> Tensor:
    product = _scaled(torch.bmm(batch1, batch2).sum([0], dtype=batch1.dtype), alpha)
    if beta == 0:
        return product
    return _scaled(self.expand(product.size()), beta) + product


def addr(self: Tensor, vec1: Tensor, vec2: Tensor, beta: number, alpha: number) -> Tensor:
    product = _scaled(torch.outer(vec1, vec2), alpha)
    if beta == 0:
        return product
    return _scaled(self.expand(product.size()), beta) + product


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    assert input1.size()[:-1] == input2.size()[:-1], "bilinear(): input batch dimensions do not match"
    fits = input1.size(-1) == weight.size(1) and input2.size(-1) == weight.size(2)
    assert fits, "bilinear(): input sizes do not match weight sizes"
    result = torch.einsum("...i,kij,...j->...k", [input1, weight, input2])
    if bias is not None:
        assert bias.dim() == 1 and bias.size(0) == weight.size(0), "bilinear(): bias size does not match weight size"
        result = result + bias
    return result


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Optional[Tensor],
    stride: List[int],
    padding: List[int],
    dilation: List[int],
    transposed: bool,
    output_padding: List[int],
    groups: int,
) -> Tensor:
    return torch._convolution(
        input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, False, False, True, True
    )


def conv_transpose3d__input(
    input: Tensor,
    weight: Tensor,
    bias: Optional[Tensor],
    stride: List[int],
    padding: List[int],
    output_padding: List[int],
    groups: int,
    dilation: List[int],
) -> Tensor:
    is_batch = input.dim() == weight.dim()
    result = torch._convolution(
        input if is_batch else input.unsqueeze(0),
        weight, bias, stride, padding, dilation, True, output_padding, groups, False, False, True, True,
    )
    return result if is_batch else result.squeeze(0)


def _convolution_mode(
    input: Tensor,
    weight: Tensor,
    bias: Optional[Tensor],
    stride: List[int],
    padding: str,
    dilation: List[int],
    groups: int,
) -> Tensor:
    assert input.dim() == weight.dim(), "a convolution with padding by name expects an input with a batch dimension"
    if weight.dim() == 3:
        return torch.conv1d(input, weight, bias, stride, padding, dilation, groups)
    if weight.dim() == 4:
        return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return torch.conv3d(input, weight, bias, stride, padding, dilation, groups)


# A row of pixels is an image of height one.
def max_pool1d_with_indices(
    self: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], ceil_mode: bool
) -> Tuple[Tensor, Tensor]:
    strides = [1, kernel_size[0]]
    if len(stride) > 0:
        strides = [1, stride[0]]
    values, indices = torch.max_pool2d_with_indices(
        self.unsqueeze(-2), [1, kernel_size[0]], strides, [0, padding[0]], [1, dilation[0]], ceil_mode
    )
    return values.squeeze(-2), indices.squeeze(-2)


# Each gradient goes to the element that its window took.
def max_pool2d_with_indices_backward(
    grad_output: Tensor, self: Tensor, kernel_size: List[int], stride: List[int], padding: List[int], dilation: List[int], ceil_mode: bool, indices: Tensor
) -> Tensor:
    assert grad_output.dtype == self.dtype, "max_pool2d_backward: expected dtype of the input for grad_output"
    places = indices.flatten(-2)
    result = torch.zeros_like(self).flatten(-2).scatter_add(-1, places, grad_output.flatten(-2))
    return result.reshape(self.size())


def adaptive_max_pool1d(self: Tensor, output_size: List[int]) -> Tuple[Tensor, Tensor]:
    values, indices = torch.adaptive_max_pool2d(self.unsqueeze(-2), [1, output_size[0]])
    return values.squeeze(-2), indices.squeeze(-2)


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Optional[Tensor], b_hh: Optional[Tensor]
) -> Tensor:
    return torch.tanh(torch.linear(input, w_ih, b_ih) + torch.linear(hx, w_hh, b_hh))


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Optional[Tensor], b_hh: Optional[Tensor]
) -> Tensor:
    return torch.relu(torch.linear(input, w_ih, b_ih) + torch.linear(hx, w_hh, b_hh))


def tensordot(self: Tensor, other: Tensor, dims_self: List[int], dims_other: List[int]) -> Tensor:
    assert len(dims_self) == len(dims_other), "both dimension lists should have same length"
    rank, other_rank = self.dim(), other.dim()
    # Sizes of 1 are summed over where the other's is not, as in a broadcast.
    a, b = self, other
    inner = 1
    is_own, is_theirs = [False] * rank, [False] * other_rank
    own: List[int] = []
    theirs: List[int] = []
    for i in range(len(dims_self)):
        d = dims_self[i] + rank if dims_self[i] < 0 else dims_self[i]
        e = dims_other[i] + other_rank if dims_other[i] < 0 else dims_other[i]
        assert not is_own[d] and not is_theirs[e], "a dimension appears multiple times in the list of dims"
        is_own[d] = True
        is_theirs[e] = True
        own.append(d)
        theirs.append(e)
        if a.size(d) == 1:
            b = b.sum([e], True, dtype=b.dtype)
        elif b.size(e) == 1:
            a = a.sum([d], True, dtype=a.dtype)
        assert a.size(d) == b.size(e), "contracted dimensions need to match"
        inner = inner * a.size(d)
    rows: List[int] = []
    columns: List[int] = []
    sizes: List[int] = []
    row_count, column_count = 1, 1
    for d in range(rank):
        if not is_own[d]:
            rows.append(d)
            sizes.append(self.size(d))
            row_count = row_count * self.size(d)
    for e in range(other_rank):
        if not is_theirs[e]:
            columns.append(e)
            sizes.append(other.size(e))
            column_count = column_count * other.size(e)
    left = a.permute(rows + own).reshape([row_count, inner])
    right = b.permute(theirs + columns).reshape([inner, column_count])
    return torch.mm(left, right).reshape(sizes)


def inner(self: Tensor, other: Tensor) -> Tensor:
    if self.dim() == 0 or other.dim() == 0:
        return self * other
    assert self.size(-1) == other.size(-1), "inner() the last dimension must match on both input tensors"
    return tensordot(self, other, [-1], [-1])


def kron(self: Tensor, other: Tensor) -> Tensor:
    rank = max(self.dim(), other.dim())
    a, b = self, other
    while a.dim() < rank:
        a = a.unsqueeze(0)
    while b.dim() < rank:
        b = b.unsqueeze(0)
    sizes: List[int] = []
    for d in range(rank):
        sizes.append(a.size(2 * d) * b.size(2 * d))  # each a has a 1 behind it by now, and each b one before it
        a = a.unsqueeze(2 * d + 1)
        b = b.unsqueeze(2 * d)
    return (a * b).reshape(sizes)


# Products of groups, which lie one after the other along the dimension that has no batch; `offs` tells where each ends. Rows
# or columns behind the last group are 0 (PyTorch leaves them undefined).
def _grouped_mm(
    self: Tensor, mat2: Tensor, offs: Optional[Tensor], bias: Optional[Tensor], out_dtype: Optional[int]
) -> Tensor:
    assert self.dtype == torch.float32 or self.dtype == torch.bfloat16 or self.dtype == torch.float16, (
        "Expected mat_a to be Float32, BFloat16 or Float16 matrix"
    )
    assert self.dtype == mat2.dtype, "expected m1 and m2 to have the same dtype"
    assert 2 <= self.dim() <= 3 and 2 <= mat2.dim() <= 3, "mat_a and mat_b have to be 2 or 3d"
    assert self.size(-1) == mat2.size(-2), "contraction dimension of mat_a and mat_b must match"
    assert bias is None, "Bias not supported yet"
    assert out_dtype is None or out_dtype == self.dtype, "Grouped gemm output dtype must match `mat_a` dtype"
    is_batched = self.dim() == 3 and mat2.dim() == 3
    assert is_batched == (offs is None), "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
    if offs is None:
        assert self.size(0) == mat2.size(0), "batched dimension has to match"
        return torch.bmm(self, mat2)
    assert offs.dtype == torch.int32, "Offsets have to be int32"
    ends: List[int] = offs.to(torch.int64).tolist()
    begin = 0
    if mat2.dim() == 3:
        assert mat2.size(0) == len(ends), "matrix batch sizes have to match"
        result = torch.zeros([self.size(0), mat2.size(2)], dtype=self.dtype)
        for group in range(len(ends)):
            result[begin : ends[group]] = torch.mm(self[begin : ends[group]], mat2[group])
            begin = ends[group]
        return result
    if self.dim() == 3:
        assert self.size(0) == len(ends), "matrix batch sizes have to match"
        result = torch.zeros([self.size(1), mat2.size(1)], dtype=self.dtype)
        for group in range(len(ends)):
            result[:, begin : ends[group]] = torch.mm(self[group], mat2[:, begin : ends[group]])
            begin = ends[group]
        return result
    result = torch.zeros([len(ends), self.size(0), mat2.size(1)], dtype=self.dtype)
    for group in range(len(ends)):
        result[group] = torch.mm(self[:, begin : ends[group]], mat2[begin : ends[group]])
        begin = ends[group]
    return result


# A convolution of (time, batch, channels) with a weight of (taps, inputs, outputs).
def conv_tbc(self: Tensor, weight: Tensor, bias: Tensor, pad: int) -> Tensor:
    return torch.conv1d(self.permute(1, 2, 0), weight.permute(2, 1, 0), bias, [1], [pad]).permute(2, 0, 1)
