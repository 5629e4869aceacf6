# Products and powers of matrices, and statistics of their rows.


# From the left, except where three matrices take fewer operations from the right.
def _product_of(matrices: List[Tensor]) -> Tensor:
    if len(matrices) == 3:
        a, b, c = matrices[0], matrices[1], matrices[2]
        left = a.size(0) * b.size(1) * (a.size(1) + c.size(1))
        right = a.size(1) * c.size(1) * (b.size(1) + a.size(0))
        if right < left:
            return torch.mm(a, torch.mm(b, c))
    result = matrices[0]
    for i in range(1, len(matrices)):
        result = torch.mm(result, matrices[i])
    return result


def chain_matmul(matrices: List[Tensor]) -> Tensor:
    assert len(matrices) > 0, "chain_matmul(): Expected one or more matrices"
    return _product_of(matrices)


# The first and the last may be vectors.
def linalg_multi_dot(tensors: List[Tensor]) -> Tensor:
    assert len(tensors) >= 2, "multi_dot(): expected at least 2 tensors"
    matrices: List[Tensor] = []
    for i in range(len(tensors)):
        t = tensors[i]
        is_end = i == 0 or i == len(tensors) - 1
        assert t.dim() == 2 or (is_end and t.dim() == 1), "multi_dot(): the tensors must be 2D, the first and last 1D or 2D"
        matrices.append(t.unsqueeze(0 if i == 0 else 1) if t.dim() == 1 else t)
    result = _product_of(matrices)
    if tensors[-1].dim() == 1:
        result = result.squeeze(1)
    if tensors[0].dim() == 1:
        result = result.squeeze(0)
    return result


def _power(A: Tensor, n: int) -> Tensor:
    assert A.dim() >= 2, "linalg.matrix_power: The input tensor A must have at least 2 dimensions."
    assert A.size(-2) == A.size(-1), "linalg.matrix_power: A must be batches of square matrices"
    result = torch.eye(A.size(-1), dtype=A.dtype).expand(A.size()).clone()
    factor = torch.linalg_inv(A) if n < 0 else A
    count = abs(n)
    while count > 0:
        if count % 2 == 1:
            result = torch.matmul(result, factor)
        count = count // 2
        if count > 0:
            factor = torch.matmul(factor, factor)
    return result


def linalg_matrix_power(self: Tensor, n: int) -> Tensor:
    return _power(self, n)


def matrix_power(self: Tensor, n: int) -> Tensor:
    return _power(self, n)


# exp(A) = exp(A / 2^s)^(2^s), where the scaled matrices have norms of at most 1/2 and a Taylor polynomial of degree 16 is
# exact in double.
def _exponential(A: Tensor) -> Tensor:
    assert A.dim() >= 2, "linalg.matrix_exp: The input tensor A must have at least 2 dimensions."
    assert A.size(-2) == A.size(-1), "linalg.matrix_exp: A must be batches of square matrices"
    known = A.is_floating_point() or A.is_complex()
    assert known, "linalg.matrix_exp: Expected a floating point or complex tensor as input."
    if A.numel() == 0:
        return A.clone()
    x = A.to(torch.complex128 if A.is_complex() else torch.float64)
    norm = float(x.abs().sum([-2]).max())
    squarings = 0
    while norm > 0.5 and squarings < 1024:
        norm *= 0.5
        squarings += 1
    x = x * (0.5 ** squarings)
    identity = torch.eye(A.size(-1), dtype=x.dtype)
    result = identity + x / 16
    for i in range(15):
        result = identity + torch.matmul(x, result) / (15 - i)
    for _ in range(squarings):
        result = torch.matmul(result, result)
    return result.to(A.dtype)


def linalg_matrix_exp(self: Tensor) -> Tensor:
    return _exponential(self)


def matrix_exp(self: Tensor) -> Tensor:
    return _exponential(self)


def _product(sizes: List[int]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


def linalg_tensorinv(self: Tensor, ind: int) -> Tensor:
    assert ind > 0, "Expected a strictly positive integer for 'ind'"
    assert self.dim() >= ind, "linalg.tensorinv: the tensor has fewer dimensions than 'ind'"
    rows, columns = self.size()[:ind], self.size()[ind:]
    assert _product(rows) == _product(columns), "Expected self to satisfy prod(self.shape[ind:]) == prod(self.shape[:ind])"
    return torch.linalg_inv(self.reshape([_product(rows), _product(columns)])).reshape(columns + rows)


def linalg_tensorsolve(self: Tensor, other: Tensor, dims: Optional[List[int]]) -> Tensor:
    A = self
    if dims is not None:
        last: List[int] = []
        for i in range(len(dims)):
            last.append(self.dim() - len(dims) + i)
        A = self.movedim(dims, last)
    sizes = A.size()[other.dim() :]
    assert _product(sizes) == other.numel(), "Expected self to be square for the sizes of other"
    return torch.linalg_solve(A.reshape([other.numel(), _product(sizes)]), other.reshape([-1])).reshape(sizes)


# Powers 0 to N - 1 of each element, along a new last dim.
def linalg_vander(x: Tensor, N: Optional[int]) -> Tensor:
    row = x.unsqueeze(0) if x.dim() == 0 else x
    count = row.size(-1) if N is None else N
    assert count > 1 or (N is None and x.dim() > 0), "N must be greater than 1."
    values = row.to(torch.int64) if x.dtype == torch.bool else row
    ones = torch.ones_like(values).unsqueeze(-1)
    repeated = values.unsqueeze(-1).expand(values.size() + [count - 1])
    return torch.cat([ones, repeated.cumprod(-1)], -1)


def vander(x: Tensor, N: Optional[int], increasing: bool) -> Tensor:
    assert x.dim() == 1, "x must be a one-dimensional tensor."
    count = x.size(0) if N is None else N
    assert count >= 0, "N must be non-negative."
    values = x if x.is_floating_point() else x.to(torch.int64)
    ones = torch.ones_like(values).unsqueeze(-1)
    repeated = values.unsqueeze(-1).expand([x.size(0), max(count - 1, 0)])
    powers = torch.cat([ones, repeated.cumprod(-1)], -1).narrow(-1, 0, count)
    return powers if increasing else powers.flip([-1])


def linalg_diagonal(A: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    return A.diagonal(offset, dim1, dim2)


# Variables are rows, observations columns.
def cov(self: Tensor, correction: int, fweights: Optional[Tensor], aweights: Optional[Tensor]) -> Tensor:
    assert self.dim() <= 2, "cov(): expected input to have two or fewer dimensions"
    assert self.dtype != torch.bool, "cov(): bool dtype is not supported for input"
    x = self.reshape([1, -1]) if self.dim() < 2 else self
    count = x.size(1)
    weights: Optional[Tensor] = None
    if fweights is not None:
        assert fweights.dim() <= 1 and fweights.numel() == count, "cov(): fweights must be a number for each observation"
        assert not fweights.is_floating_point() and fweights.dtype != torch.bool, "cov(): Expected fweights to have integral dtype"
        assert not bool((fweights < 0).any()), "cov(): fweights cannot be negative"
        weights = fweights
    if aweights is not None:
        assert aweights.dim() <= 1 and aweights.numel() == count, "cov(): aweights must be a number for each observation"
        assert aweights.is_floating_point(), "cov(): Expected aweights to have floating point dtype"
        assert not bool((aweights < 0).any()), "cov(): aweights cannot be negative"
        weights = aweights if fweights is None else fweights * aweights
    if weights is None:
        x = x - x.sum([1], True) / count
        normalisation = torch.scalar_tensor(max(count - correction, 0))
        return (torch.matmul(x, x.transpose(0, 1).conj()) / normalisation).squeeze()
    total = weights.sum()
    x = x - (x * weights).sum([1], True) / total
    used = total
    if aweights is not None and correction != 0:
        used = total - correction * (weights * aweights).sum() / total
    elif aweights is None:
        used = total - correction
    return (torch.matmul(x, (x * weights).transpose(0, 1).conj()) / used.clamp(min=0)).squeeze()


def corrcoef(self: Tensor) -> Tensor:
    c = torch.cov(self)
    if c.dim() == 0:
        return c / c
    deviations = torch.sqrt(c.diagonal(0, 0, 1))
    scaled = c / deviations.unsqueeze(1) / deviations.unsqueeze(0)
    if scaled.is_complex():
        return torch.complex(torch.real(scaled).clamp(-1, 1), torch.imag(scaled).clamp(-1, 1))
    return scaled.clamp(-1, 1)
