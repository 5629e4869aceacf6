# Singular values and eigenvalues of matrices, the last two dims, and what is said in them: ranks, inverses, norms.


def _singular_values(A: Tensor) -> Tensor:
    return torch._linalg_svd(A, full_matrices=False, compute_uv=False)[1]


def linalg_svd(A: Tensor, full_matrices: bool, driver: Optional[str]) -> Tuple[Tensor, Tensor, Tensor]:
    assert driver is None, "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs"
    U, S, Vh = torch._linalg_svd(A, full_matrices=full_matrices)
    return U, S, Vh


def linalg_svdvals(A: Tensor, driver: Optional[str]) -> Tensor:
    assert driver is None, "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs"
    return _singular_values(A)


def svd(self: Tensor, some: bool, compute_uv: bool) -> Tuple[Tensor, Tensor, Tensor]:
    if compute_uv:
        U, S, Vh = torch._linalg_svd(self, full_matrices=not some)
        return U, S, torch.adjoint(Vh)
    S = _singular_values(self)
    batch, m, n = self.size()[:-2], self.size(-2), self.size(-1)
    return torch.zeros(batch + [m, m], dtype=self.dtype), S, torch.zeros(batch + [n, n], dtype=self.dtype)


def linalg_eigh(self: Tensor, UPLO: str) -> Tuple[Tensor, Tensor]:
    eigenvalues, eigenvectors = torch._linalg_eigh(self, UPLO)
    return eigenvalues, eigenvectors


def linalg_eigvalsh(self: Tensor, UPLO: str) -> Tensor:
    return torch._linalg_eigh(self, UPLO, False)[0]


# What counts as zero beside the largest singular value, unless the caller says: eps times the longer side.
def _default_rtol(A: Tensor) -> float:
    is_double = A.dtype == torch.float64 or A.dtype == torch.complex128
    eps = 2.220446049250313e-16 if is_double else 1.1920928955078125e-07
    return eps * float(max(A.size(-2), A.size(-1)))


def _float_tolerances(A: Tensor, atol: Optional[float], rtol: Optional[float]) -> Tuple[Tensor, Tensor]:
    absolute = 0.0 if atol is None else atol
    relative = 0.0 if absolute > 0 else _default_rtol(A)
    if rtol is not None:
        relative = rtol
    return torch.scalar_tensor(absolute, dtype=torch.float64), torch.scalar_tensor(relative, dtype=torch.float64)


def _tensor_tolerances(A: Tensor, atol: Optional[Tensor], rtol: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    absolute, relative = _float_tolerances(A, None, None)
    if atol is not None:
        absolute = atol
        relative = torch.where(atol > 0, torch.zeros_like(relative), relative)
    if rtol is not None:
        relative = rtol
    return absolute, relative


# Tolerances are for each matrix, or one for all.
def _is_large(values: Tensor, atol: Tensor, rtol: Tensor) -> Tensor:
    largest = values.amax([-1])
    limit = torch.maximum(atol.to(values.dtype), rtol.to(values.dtype) * largest)
    return values > limit.unsqueeze(-1)


def _rank(A: Tensor, atol: Tensor, rtol: Tensor, hermitian: bool) -> Tensor:
    assert A.dim() >= 2, "torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions."
    if A.numel() == 0:
        return torch.zeros(A.size()[:-2], dtype=torch.int64)
    values = torch._linalg_eigh(A, "L", False)[0].abs() if hermitian else _singular_values(A)
    return _is_large(values, atol, rtol).sum([-1])


def linalg_matrix_rank__atol_rtol_tensor(
    input: Tensor, atol: Optional[Tensor], rtol: Optional[Tensor], hermitian: bool
) -> Tensor:
    absolute, relative = _tensor_tolerances(input, atol, rtol)
    return _rank(input, absolute, relative, hermitian)


def linalg_matrix_rank__atol_rtol_float(
    self: Tensor, atol: Optional[float], rtol: Optional[float], hermitian: bool
) -> Tensor:
    absolute, relative = _float_tolerances(self, atol, rtol)
    return _rank(self, absolute, relative, hermitian)


def linalg_matrix_rank__tol_tensor(input: Tensor, tol: Tensor, hermitian: bool) -> Tensor:
    return _rank(input, tol, torch.zeros_like(tol), hermitian)


def linalg_matrix_rank(self: Tensor, tol: float, hermitian: bool) -> Tensor:
    absolute, relative = _float_tolerances(self, tol, 0.0)
    return _rank(self, absolute, relative, hermitian)


def _pseudo_inverse(A: Tensor, atol: Tensor, rtol: Tensor, hermitian: bool) -> Tensor:
    assert A.dim() >= 2, "linalg.pinv: expected a tensor with 2 or more dimensions"
    if A.numel() == 0:
        return torch.empty(A.size()[:-2] + [A.size(-1), A.size(-2)], dtype=A.dtype)
    if hermitian:
        values, V = torch._linalg_eigh(A)
        inverses = torch.where(_is_large(values.abs(), atol, rtol), values.reciprocal(), torch.zeros_like(values))
        return torch.matmul(V * inverses.unsqueeze(-2), torch.adjoint(V))
    U, S, Vh = torch._linalg_svd(A)
    inverses = torch.where(_is_large(S, atol, rtol), S.reciprocal(), torch.zeros_like(S))
    return torch.matmul(torch.adjoint(Vh) * inverses.unsqueeze(-2), torch.adjoint(U))


def linalg_pinv__atol_rtol_float(
    self: Tensor, atol: Optional[float], rtol: Optional[float], hermitian: bool
) -> Tensor:
    absolute, relative = _float_tolerances(self, atol, rtol)
    return _pseudo_inverse(self, absolute, relative, hermitian)


def linalg_pinv__atol_rtol_tensor(
    self: Tensor, atol: Optional[Tensor], rtol: Optional[Tensor], hermitian: bool
) -> Tensor:
    absolute, relative = _tensor_tolerances(self, atol, rtol)
    return _pseudo_inverse(self, absolute, relative, hermitian)


def linalg_pinv__rcond_tensor(self: Tensor, rcond: Tensor, hermitian: bool) -> Tensor:
    return _pseudo_inverse(self, torch.zeros_like(rcond), rcond, hermitian)


def linalg_pinv(self: Tensor, rcond: float, hermitian: bool) -> Tensor:
    absolute, relative = _float_tolerances(self, 0.0, rcond)
    return _pseudo_inverse(self, absolute, relative, hermitian)


def pinverse(self: Tensor, rcond: float) -> Tensor:
    absolute, relative = _float_tolerances(self, 0.0, rcond)
    return _pseudo_inverse(self, absolute, relative, False)


# Norms of matrices along two dims.


def _converted(A: Tensor, dtype: Optional[int]) -> Tensor:
    return A if dtype is None else A.to(dtype)


def _values_along(A: Tensor, dim: List[int]) -> Tensor:
    return _singular_values(A.movedim([dim[0], dim[1]], [-2, -1]))


# Puts back the two dims that were reduced.
def _kept(x: Tensor, rank: int, dim: List[int], keepdim: bool) -> Tensor:
    if not keepdim:
        return x
    first, second = dim[0] % rank, dim[1] % rank
    return x.unsqueeze(min(first, second)).unsqueeze(max(first, second))


def _require_two_dims(A: Tensor, dim: List[int]):
    assert A.dim() >= 2, "linalg.matrix_norm: The input tensor A must have at least 2 dimensions."
    assert len(dim) == 2, "linalg.matrix_norm: dim must be a 2-tuple"
    in_range = min(dim) >= -A.dim() and max(dim) < A.dim()
    assert in_range, "linalg.matrix_norm: Dimension out of range"
    assert dim[0] % A.dim() != dim[1] % A.dim(), "linalg.matrix_norm: dims must be different"
    known = A.is_floating_point() or A.is_complex()
    assert known, "linalg.matrix_norm: Expected a floating point or complex tensor as input."


# The largest or the smallest along a dim; of nothing, the largest is 0.
def _extreme(x: Tensor, dim: int, largest: bool) -> Tensor:
    if largest:
        return x.sum([dim], True) if x.size(dim) == 0 else x.amax([dim], True)
    return x.amin([dim], True)


def _matrix_norm(A: Tensor, ord: float, dim: List[int], keepdim: bool) -> Tensor:
    _require_two_dims(A, dim)
    size = abs(ord)
    assert size == 1 or size == 2 or size == float("inf"), "linalg.matrix_norm: Order is not supported."
    if size == 2:
        values = _values_along(A, dim)
        return _kept(_extreme(values, -1, ord > 0).squeeze(-1), A.dim(), dim, keepdim)
    summed, compared = dim[0] % A.dim(), dim[1] % A.dim()
    if size != 1:
        summed, compared = compared, summed
    sums = A.abs().sum([summed], True)
    result = _extreme(sums, compared, ord > 0)
    return result if keepdim else result.squeeze(max(summed, compared)).squeeze(min(summed, compared))


def _matrix_norm_by_name(A: Tensor, ord: str, dim: List[int], keepdim: bool) -> Tensor:
    _require_two_dims(A, dim)
    assert ord == "fro" or ord == "nuc", "linalg.matrix_norm: Order is not supported."
    if ord == "fro":
        return torch.linalg_vector_norm(A, 2, dim, keepdim)
    return _kept(_values_along(A, dim).sum([-1]), A.dim(), dim, keepdim)


def linalg_matrix_norm(self: Tensor, ord: number, dim: List[int], keepdim: bool, dtype: Optional[int]) -> Tensor:
    return _matrix_norm(_converted(self, dtype), float(ord), dim, keepdim)


def linalg_matrix_norm__str_ord(self: Tensor, ord: str, dim: List[int], keepdim: bool, dtype: Optional[int]) -> Tensor:
    return _matrix_norm_by_name(_converted(self, dtype), ord, dim, keepdim)


def _dims_or_all(A: Tensor, dim: Optional[List[int]]) -> List[int]:
    if dim is not None:
        assert len(dim) == 1 or len(dim) == 2, "linalg.norm: If dim is specified, it must be of length 1 or 2."
        return dim
    assert A.dim() == 1 or A.dim() == 2, "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D."
    return [0] if A.dim() == 1 else [0, 1]


def linalg_norm(
    self: Tensor, ord: Optional[number], dim: Optional[List[int]], keepdim: bool, dtype: Optional[int]
) -> Tensor:
    if ord is None:
        if dim is not None:
            assert len(dim) == 1 or len(dim) == 2, "linalg.norm: If dim is specified, it must be of length 1 or 2."
        return torch.linalg_vector_norm(self, 2, dim, keepdim, dtype=dtype)
    dims = _dims_or_all(self, dim)
    if len(dims) == 2:
        return _matrix_norm(_converted(self, dtype), float(ord), dims, keepdim)
    return torch.linalg_vector_norm(self, ord, dims, keepdim, dtype=dtype)


def linalg_norm__ord_str(
    self: Tensor, ord: str, dim: Optional[List[int]], keepdim: bool, dtype: Optional[int]
) -> Tensor:
    dims = _dims_or_all(self, dim)
    assert len(dims) == 2, "linalg.matrix_norm: a named order is for matrices"
    return _matrix_norm_by_name(_converted(self, dtype), ord, dims, keepdim)


def nuclear_norm(self: Tensor, keepdim: bool) -> Tensor:
    return _matrix_norm_by_name(self, "nuc", [-2, -1], keepdim)


def nuclear_norm__dim(self: Tensor, dim: List[int], keepdim: bool) -> Tensor:
    return _matrix_norm_by_name(self, "nuc", dim, keepdim)


# Condition numbers: infinite for singular matrices.


def linalg_cond(self: Tensor, p: Optional[number]) -> Tensor:
    assert self.dim() >= 2, "linalg.cond: The input tensor must have at least 2 dimensions."
    order = 2.0 if p is None else float(p)
    if self.numel() == 0:
        return torch.zeros(self.size()[:-2], dtype=self.dtype)
    if abs(order) == 2:
        values = _singular_values(self)
        largest, smallest = values.select(-1, 0), values.select(-1, -1)
        return largest / smallest if order > 0 else smallest / largest
    inverse, info = torch.linalg_inv_ex(self)
    result = _matrix_norm(self, order, [-2, -1], False) * _matrix_norm(inverse, order, [-2, -1], False)
    return result.masked_fill(info != 0, float("inf"))


def linalg_cond__p_str(self: Tensor, p: str) -> Tensor:
    assert self.dim() >= 2, "linalg.cond: The input tensor must have at least 2 dimensions."
    if self.numel() == 0:
        return torch.zeros(self.size()[:-2], dtype=self.dtype)
    if p == "nuc":
        values = _singular_values(self)
        return values.sum([-1]) * values.reciprocal().sum([-1])
    inverse, info = torch.linalg_inv_ex(self)
    result = _matrix_norm_by_name(self, p, [-2, -1], False) * _matrix_norm_by_name(inverse, p, [-2, -1], False)
    return result.masked_fill(info != 0, float("inf"))


# The solution of the least norm. gels wants a full rank, gelsd and gelss tell the singular values, gelsy no residuals.
def linalg_lstsq(
    self: Tensor, b: Tensor, rcond: Optional[float], driver: Optional[str]
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    assert self.dim() >= 2, "torch.linalg.lstsq: input must have at least 2 dimensions."
    assert self.dtype == b.dtype, "torch.linalg.lstsq: Expected input and other to have the same dtype"
    name = "gelsy" if driver is None else driver
    is_known = name == "gels" or name == "gelsy" or name == "gelsd" or name == "gelss"
    assert is_known, "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
    ranks_fit = self.dim() >= b.dim() and self.dim() - b.dim() <= 1
    assert ranks_fit, "torch.linalg.lstsq: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
    is_vector = b.dim() == 1 or (self.dim() - 1 == b.dim() and b.size() == self.size()[:-1])
    B = b.unsqueeze(-1) if is_vector else b
    batches = self.dim() - 2  # a B of fewer dimensions is many matrices all the same
    B = B.expand(torch._infer_size(self.size()[:batches], B.size()[:batches]) + B.size()[-2:])
    assert B.size(-2) == self.size(-2), "torch.linalg.lstsq: input.size(-2) should match other.size(-2)"
    U, S, Vh = torch._linalg_svd(self)
    absolute, relative = _float_tolerances(self, 0.0, rcond)
    is_large = _is_large(S, absolute, relative) if S.size(-1) > 0 else S > 0
    rank = is_large.sum([-1])
    if name == "gels":
        is_full = bool((rank == S.size(-1)).all())
        assert is_full, "torch.linalg.lstsq: The least squares solution could not be computed because the input matrix does not have full rank"
    inverses = torch.where(is_large, S.reciprocal(), torch.zeros_like(S))
    solution = torch.matmul(torch.adjoint(Vh), torch.matmul(torch.adjoint(U), B) * inverses.unsqueeze(-1))
    residuals = torch.empty([0], dtype=S.dtype)
    if self.size(-2) > self.size(-1) and name != "gelsy" and bool((rank == self.size(-1)).all()):
        residuals = torch.square((torch.matmul(self, solution) - B).abs()).sum([-2])
        if name == "gels" and self.size(-1) == 0:
            residuals = torch.zeros_like(residuals)
    values = S if name == "gelsd" or name == "gelss" else torch.empty([0], dtype=S.dtype)
    ranks = torch.empty([0], dtype=torch.int64) if name == "gels" else rank
    return solution.squeeze(-1) if is_vector else solution, residuals, ranks, values
