# Special functions said in others.


def _floating(x: Tensor) -> Tensor:
    return x if x.is_floating_point() else x.to(torch.float32)


# (-1)^(n + 1) n! zeta(n + 1, x). Half precision is computed in float.
def polygamma(n: int, self: Tensor) -> Tensor:
    assert n >= 0, "polygamma(n, x) does not support negative n."
    if n == 0:
        return torch.digamma(self)
    factor = -1.0 if n % 2 == 0 else 1.0
    for i in range(2, n + 1):
        factor *= float(i)
    if self.dtype == torch.float16 or self.dtype == torch.bfloat16:
        return (torch.special_zeta(float(n + 1), self.to(torch.float32)) * factor).to(self.dtype)
    return torch.special_zeta(float(n + 1), self) * factor


def polygamma_(self: Tensor, n: int) -> Tensor:
    return self.copy_(tsc.in_place_result(polygamma(n, self), self))


# The logarithm of pi^(p (p - 1) / 4) times the product of gamma(x - j / 2).
def mvlgamma(self: Tensor, p: int) -> Tensor:
    assert p >= 1, "p has to be greater than or equal to 1"
    x = _floating(self)
    halves = torch.arange(0, p, dtype=x.dtype) * 0.5
    return torch.lgamma(x.unsqueeze(-1) - halves).sum([-1]) + 0.25 * 1.1447298858494002 * float(p * (p - 1))


def special_ndtr(self: Tensor) -> Tensor:
    x = _floating(self)
    if x.dtype == torch.float16 or x.dtype == torch.bfloat16:
        return (torch.erfc(x.to(torch.float32) * -0.7071067811865476) * 0.5).to(x.dtype)
    return torch.erfc(x * -0.7071067811865476) * 0.5


def special_log_ndtr(self: Tensor) -> Tensor:
    x = _floating(self) * 0.7071067811865476
    tail = torch.log(torch.special_erfcx(-x) * 0.5) - x * x
    return torch.where(x < -0.7071067811865476, tail, torch.log1p(torch.erfc(x) * -0.5))


def special_entr(self: Tensor) -> Tensor:
    x = _floating(self)
    inside = torch.where(x > 0, -x * torch.log(x), torch.zeros_like(x))
    return torch.where(x.isnan(), x, torch.where(x < 0, torch.full_like(x, -float("inf")), inside))


def special_spherical_bessel_j0(self: Tensor) -> Tensor:
    x = _floating(self)
    return torch.where(x == 0, torch.ones_like(x), torch.where(x.isinf(), torch.zeros_like(x), torch.sin(x) / x))


# 0 where the factor is 0, unless the other operand is NaN.
def _times_log(factor: Tensor, operand: Tensor, logarithm: Tensor) -> Tensor:
    product = factor * logarithm
    return torch.where((factor == 0) & ~operand.isnan(), torch.zeros_like(product), product)


def special_xlog1py(self: Tensor, other: Tensor) -> Tensor:
    return _times_log(self, other, torch.log1p(other))


def special_xlog1py__self_scalar(self: number, other: Tensor) -> Tensor:
    return _times_log(torch.scalar_tensor(self, dtype=_floating(other).dtype), other, torch.log1p(other))


def special_xlog1py__other_scalar(self: Tensor, other: number) -> Tensor:
    operand = torch.scalar_tensor(other, dtype=_floating(self).dtype)
    return _times_log(self, operand, torch.log1p(operand))


def xlogy__Scalar_Self(self: number, other: Tensor) -> Tensor:
    return _times_log(torch.scalar_tensor(self, dtype=_floating(other).dtype), other, torch.log(other))


def xlogy__Scalar_Other(self: Tensor, other: number) -> Tensor:
    operand = torch.scalar_tensor(other, dtype=_floating(self).dtype)
    return _times_log(self, operand, torch.log(operand))
