# Complex numbers: their parts, as views of pairs.


def real(self: Tensor) -> Tensor:
    if self.is_complex():
        return torch.view_as_real(self).select(-1, 0)
    return self


def chalf(self: Tensor, memory_format: Optional[int]) -> Tensor:
    return self.to(8, memory_format=memory_format)  # complex32


def imag(self: Tensor) -> Tensor:
    assert self.is_complex(), "imag is not implemented for tensors with non-complex dtypes."
    return torch.view_as_real(self).select(-1, 1)


def complex(real: Tensor, imag: Tensor) -> Tensor:
    assert real.is_floating_point() and imag.is_floating_point(), "Expected both inputs to be Half, Float or Double tensors"
    assert real.dtype == imag.dtype, "Expected object of the same scalar type for both parts"
    return torch.view_as_complex(torch.stack(torch.broadcast_tensors([real, imag]), -1))


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    return torch.complex(abs * angle.cos(), abs * angle.sin())


# The angle of a real number is 0, pi where it is negative, or no number.
def angle(self: Tensor) -> Tensor:
    if self.is_complex():
        parts = torch.view_as_real(self)
        return torch.atan2(parts.select(-1, 1), parts.select(-1, 0))
    size = torch.where(self < 0, 3.141592653589793, 0.0)
    if self.is_floating_point():
        return torch.where(self.isnan(), self, size.to(self.dtype))
    return size


def sgn(self: Tensor) -> Tensor:
    if self.is_complex():
        size = self.abs()
        return torch.where(size == 0, torch.zeros_like(self), self / size)
    return self.sign()


def isreal(self: Tensor) -> Tensor:
    if self.is_complex():
        return torch.view_as_real(self).select(-1, 1) == 0
    return torch.ones_like(self, dtype=torch.bool)


# No tensor here waits for its conjugation or negation.
def resolve_conj(self: Tensor) -> Tensor:
    return self


def resolve_neg(self: Tensor) -> Tensor:
    return self


def mH(self: Tensor) -> Tensor:
    return self.transpose(-2, -1).conj() if self.dim() > 0 else self.conj()


def matrix_H(self: Tensor) -> Tensor:
    assert self.dim() == 2, "tensor.H is only supported on matrices (2-D tensors)"
    return self.transpose(0, 1).conj()


def adjoint(self: Tensor) -> Tensor:
    assert self.dim() != 1, "tensor.adjoint() is only supported on matrices or batches of matrices"
    return self.transpose(-2, -1).conj() if self.dim() > 0 else self.conj()


def vdot(self: Tensor, other: Tensor) -> Tensor:
    return torch.dot(self.conj_physical(), other)


def linalg_vecdot(x: Tensor, y: Tensor, dim: int) -> Tensor:
    return torch.sum(x.conj_physical() * y, [dim])
