# Linear algebra said in factorisations. Matrices are the last two dims.


def _require_matrices(A: Tensor, name: str):
    if A.dim() < 2:
        raise AssertionError(name + ": The input tensor A must have at least 2 dimensions.")
    if A.dtype != torch.float32 and A.dtype != torch.float64 and not A.is_complex():
        raise AssertionError(name + ": Expected a tensor of dtype float, double or complex")


def _require_square(A: Tensor, name: str):
    _require_matrices(A, name)
    m, n = A.size(-2), A.size(-1)
    if m != n:
        message = ": A must be batches of square matrices, but they are {} by {} matrices"
        raise AssertionError(name + message.format(m, n))


# Raises for the first matrix that a factorisation failed for; the text has a place for its info.
def _require_success(info: Tensor, name: str, text: str):
    if bool((info != 0).any()):
        infos = info.reshape([-1])
        first = int(torch.argmax((infos != 0).to(torch.int32)))
        element = "" if info.dim() == 0 else "(Batch element {}): ".format(first)
        raise AssertionError(name + ": " + element + text.format(int(infos[first])))


# LU factorisation, determinants.


def _require_nonsingular_lu(info: Tensor, name: str):
    if bool((info != 0).any()):
        infos = info.reshape([-1])
        first = int(infos[int(torch.argmax((infos != 0).to(torch.int32)))])
        message = (
            ": U[{},{}] is zero and using it on lu_solve would result in a division by zero. If you still want to "
            "perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
        raise AssertionError(name + message.format(first, first))


def linalg_lu_factor(A: Tensor, pivot: bool) -> Tuple[Tensor, Tensor]:
    LU, pivots, info = torch.linalg_lu_factor_ex(A, pivot=pivot)
    _require_nonsingular_lu(info, "torch.linalg.lu_factor")
    return LU, pivots


def _lu_with_info(self: Tensor, pivot: bool, check_errors: bool) -> Tuple[Tensor, Tensor, Tensor]:
    LU, pivots, info = torch.linalg_lu_factor_ex(self, pivot=pivot)
    return LU, pivots, info


def linalg_lu(A: Tensor, pivot: bool) -> Tuple[Tensor, Tensor, Tensor]:
    LU, pivots, info = torch.linalg_lu_factor_ex(A, pivot=pivot)
    P, L, U = torch.lu_unpack(LU, pivots)
    return P, L, U


# A = P L U, and so A^-1 = U^-1 L^-1 P^T; the adjoint of A = L' U' P^T with L' = U^H and U' = L^H.
def _solve_by_lu(LU: Tensor, pivots: Tensor, B: Tensor, adjoint: bool) -> Tensor:
    P, L, U = torch.lu_unpack(LU, pivots)
    if adjoint:
        inner = torch.linalg_solve_triangular(torch.adjoint(U), B, upper=False)
        outer = torch.linalg_solve_triangular(torch.adjoint(L), inner, upper=True, unitriangular=True)
        return torch.matmul(P, outer)
    inner = torch.linalg_solve_triangular(L, torch.matmul(P.transpose(-2, -1), B), upper=False, unitriangular=True)
    return torch.linalg_solve_triangular(U, inner, upper=True)


# X A = B is A^H X^H = B^H.
def linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, left: bool, adjoint: bool) -> Tensor:
    _require_square(LU, "torch.linalg.lu_solve")
    if left:
        return _solve_by_lu(LU, pivots, B, adjoint)
    return torch.adjoint(_solve_by_lu(LU, pivots, torch.adjoint(B), not adjoint))


def lu_solve(self: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    return linalg_lu_solve(LU_data, LU_pivots, self, True, False)


# 1 or -1 for each permutation: every row that was swapped with another changes the sign.
def _sign_of_pivots(pivots: Tensor) -> Tensor:
    in_place = torch.arange(1, pivots.size(-1) + 1, dtype=torch.int32)
    return 1 - 2 * ((pivots != in_place).sum([-1]) % 2)


# A matrix in rows is factored as its transpose, whose determinant is the same: what PyTorch returns beside it.
def _factors_of(A: Tensor) -> Tuple[Tensor, Tensor]:
    LU, pivots, info = torch.linalg_lu_factor_ex(A.transpose(-2, -1) if A.is_contiguous() else A)
    return LU, pivots


def _linalg_det(A: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    _require_square(A, "linalg.det")
    LU, pivots = _factors_of(A)
    return LU.diagonal(0, -2, -1).prod(-1) * _sign_of_pivots(pivots), LU, pivots


def linalg_det(A: Tensor) -> Tensor:
    return _linalg_det(A)[0]


def det(self: Tensor) -> Tensor:
    return _linalg_det(self)[0]


def _linalg_slogdet(A: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    _require_square(A, "linalg.slogdet")
    LU, pivots = _factors_of(A)
    diagonal = LU.diagonal(0, -2, -1)
    return diagonal.sgn().prod(-1) * _sign_of_pivots(pivots), diagonal.abs().log().sum([-1]), LU, pivots


def linalg_slogdet(A: Tensor) -> Tuple[Tensor, Tensor]:
    sign, logarithm, LU, pivots = _linalg_slogdet(A)
    return sign, logarithm


def slogdet(self: Tensor) -> Tuple[Tensor, Tensor]:
    sign, logarithm, LU, pivots = _linalg_slogdet(self)
    return sign, logarithm


def logdet(self: Tensor) -> Tensor:
    sign, logarithm, LU, pivots = _linalg_slogdet(self)
    if self.is_complex():
        return logarithm + sign.log()
    return torch.where(sign < 0, torch.full_like(logarithm, float("nan")), logarithm)


# Inverses and systems of equations.


def _inverse(A: Tensor, name: str) -> Tuple[Tensor, Tensor]:
    _require_square(A, name)
    LU, pivots, info = torch.linalg_lu_factor_ex(A)
    identity = torch.eye(A.size(-1), dtype=A.dtype)
    return _solve_by_lu(LU, pivots, identity, False), info


def _checked_inverse(A: Tensor, name: str) -> Tensor:
    result, info = _inverse(A, name)
    text = "The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular."
    _require_success(info, name, text)
    return result


def linalg_inv_ex(A: Tensor, check_errors: bool) -> Tuple[Tensor, Tensor]:
    if check_errors:
        _checked_inverse(A, "linalg.inv_ex")
    result, info = _inverse(A, "linalg.inv_ex")
    return result, info


def linalg_inv(A: Tensor) -> Tensor:
    return _checked_inverse(A, "linalg.inv")


def inverse(self: Tensor) -> Tensor:
    return _checked_inverse(self, "linalg.inv")


# Whether B is a vector for each matrix of A.
def _is_vector(A: Tensor, B: Tensor) -> bool:
    return B.dim() == 1 or (A.dim() - 1 == B.dim() and B.size() == A.size()[:-1])


def _solve(A: Tensor, B: Tensor, left: bool, name: str) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    _require_square(A, "linalg.solve")
    if A.dtype != B.dtype:
        raise AssertionError("linalg.solve: Expected A and B to have the same dtype")
    is_vector = _is_vector(A, B)
    if is_vector and not left:
        raise AssertionError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case "
            "linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    right = B.unsqueeze(-1) if is_vector else B
    LU, pivots, info = torch.linalg_lu_factor_ex(A)
    if name != "":
        _require_success(info, name, "The solver failed because the input matrix is singular.")
    result = linalg_lu_solve(LU, pivots, right, left, False)
    if is_vector:
        result = result.squeeze(-1)
    return result, LU, pivots, info


def _linalg_solve_ex(A: Tensor, B: Tensor, left: bool, check_errors: bool) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    return _solve(A, B, left, "torch.linalg.solve_ex" if check_errors else "")


def linalg_solve_ex(A: Tensor, B: Tensor, left: bool, check_errors: bool) -> Tuple[Tensor, Tensor]:
    result, LU, pivots, info = _solve(A, B, left, "torch.linalg.solve_ex" if check_errors else "")
    return result, info


def linalg_solve(A: Tensor, B: Tensor, left: bool) -> Tensor:
    return _solve(A, B, left, "torch.linalg.solve")[0]


def triangular_solve(
    self: Tensor, A: Tensor, upper: bool, transpose: bool, unitriangular: bool
) -> Tuple[Tensor, Tensor]:
    triangle = A.transpose(-2, -1) if transpose else A
    solution = torch.linalg_solve_triangular(triangle, self, upper=upper != transpose, unitriangular=unitriangular)
    return solution, A.expand(solution.size()[:-2] + A.size()[-2:]).clone()


# Cholesky factorisation.


def _cholesky(self: Tensor, upper: bool, name: str) -> Tensor:
    _require_square(self, name)
    L, info = torch.linalg_cholesky_ex(self, upper=upper)
    text = (
        "The factorization could not be completed because the input is not positive-definite (the leading minor of "
        "order {} is not positive-definite)."
    )
    _require_success(info, name, text)
    return L


def linalg_cholesky(self: Tensor, upper: bool) -> Tensor:
    return _cholesky(self, upper, "linalg.cholesky")


def cholesky(self: Tensor, upper: bool) -> Tensor:
    if self.numel() == 0:
        return torch.empty_like(self)
    return _cholesky(self, upper, "cholesky")


def cholesky_solve(self: Tensor, input2: Tensor, upper: bool) -> Tensor:
    L = torch.adjoint(input2) if upper else input2
    inner = torch.linalg_solve_triangular(L, self, upper=False)
    return torch.linalg_solve_triangular(torch.adjoint(L), inner, upper=True)


def cholesky_inverse(self: Tensor, upper: bool) -> Tensor:
    _require_square(self, "cholesky_inverse")
    return cholesky_solve(torch.eye(self.size(-1), dtype=self.dtype), self, upper)


# QR factorisation by Householder's reflections.


def _widened(vectors: Tensor, columns: int) -> Tensor:
    missing = columns - vectors.size(-1)
    return vectors.narrow(-1, 0, columns) if missing <= 0 else torch.constant_pad_nd(vectors, [0, missing], 0)


def linalg_qr(A: Tensor, mode: str) -> Tuple[Tensor, Tensor]:
    _require_matrices(A, "linalg.qr")
    if mode != "reduced" and mode != "complete" and mode != "r":
        raise AssertionError("qr received unrecognized mode '" + mode + "' but expected one of 'reduced' (default), 'r', or 'complete'")
    vectors, tau = torch.geqrf(A)
    m, k = A.size(-2), tau.size(-1)
    if mode == "r":
        return torch.empty([0], dtype=A.dtype), vectors.narrow(-2, 0, k).triu()
    columns = m if mode == "complete" else k
    Q = torch.linalg_householder_product(_widened(vectors, columns), tau)
    return Q, vectors.narrow(-2, 0, columns).triu()


def qr(self: Tensor, some: bool) -> Tuple[Tensor, Tensor]:
    return linalg_qr(self, "reduced" if some else "complete")


def ormqr(self: Tensor, input2: Tensor, input3: Tensor, left: bool, transpose: bool) -> Tensor:
    assert self.dim() >= 2, "torch.ormqr: input must have at least 2 dimensions."
    assert input3.dim() >= 2, "torch.ormqr: other must have at least 2 dimensions."
    rows = input3.size(-2) if left else input3.size(-1)
    assert rows >= input2.size(-1), "torch.ormqr: other is smaller than the number of reflectors in tau"
    assert input2.size(-1) <= self.size(-1), "torch.ormqr: tau.shape[-1] must be less than or equal to input.shape[-1]"
    least = min(rows, self.size(-1))
    assert input2.size(-1) == least, "torch.ormqr: tau.shape[-1] must be equal to min(other.shape[-2], input.shape[-1])"
    assert rows == self.size(-2), "torch.ormqr: the sizes of other and input differ"
    assert self.dim() - input2.dim() == 1, "torch.ormqr: Expected tau to have one dimension less than input"
    assert self.dim() == input3.dim(), "torch.ormqr: Expected other to have the same number of dimensions as input"
    batch = self.size()[:-2]
    assert input2.size()[:-1] == batch and input3.size()[:-2] == batch, "torch.ormqr: Expected batch dimensions to be equal"
    Q = torch.linalg_householder_product(_widened(self, self.size(-2)), input2)
    if transpose:
        Q = torch.adjoint(Q)
    return torch.matmul(Q, input3) if left else torch.matmul(input3, Q)
