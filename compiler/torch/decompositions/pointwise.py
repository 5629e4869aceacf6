# Functions of each element.


def celu(self: Tensor, alpha: number) -> Tensor:
    return torch.elu(self, alpha, 1.0, 1.0 / float(alpha))


def logit(self: Tensor, eps: Optional[float]) -> Tensor:
    x = self if self.is_floating_point() else self * 1.0
    if eps is not None:
        x = x.clamp(eps, 1.0 - eps)
    return torch.log(x / (1 - x))


def sinc(self: Tensor) -> Tensor:
    x = self * 3.141592653589793
    return torch.where(x == 0, torch.ones_like(x), x.sin() / x)


def deg2rad(self: Tensor) -> Tensor:
    return self * 0.017453292519943295


def rad2deg(self: Tensor) -> Tensor:
    return self * 57.29577951308232


def positive(self: Tensor) -> Tensor:
    return self


def isposinf(self: Tensor) -> Tensor:
    return self == float("inf")


def isneginf(self: Tensor) -> Tensor:
    return self == -float("inf")


def heaviside(self: Tensor, values: Tensor) -> Tensor:
    return torch.where(self == 0, values, (self > 0).to(self.dtype))


# The weight is one number, or one for each channel of dim 1.
def prelu(self: Tensor, weight: Tensor) -> Tensor:
    assert self.dtype == weight.dtype, "prelu: Type promoting not supported."
    assert weight.dim() <= 1, "prelu: Expected `weight` to be a scalar or 1D tensor"
    slope = weight if self.dim() > 0 else weight.reshape([])
    if weight.numel() != 1:
        assert self.dim() > 1, "Mismatch of parameter numbers and input channel size."
        assert weight.numel() == self.size(1), "Mismatch of parameter numbers and input channel size."
        sizes = [1, weight.numel()]
        for _ in range(self.dim() - 2):
            sizes.append(1)
        slope = weight.reshape(sizes)
    return torch.where(self > 0, self, slope * self)


def glu(self: Tensor, dim: int) -> Tensor:
    assert self.size(dim) % 2 == 0, "Halving dimension must be even"
    half = self.size(dim) // 2
    return self.narrow(dim, 0, half) * self.narrow(dim, half, half).sigmoid()


# log(exp(a) + exp(b)); equal infinities have no difference.
def _logaddexp_complex(self: Tensor, other: Tensor) -> Tensor:
    is_less = torch.real(self) < torch.real(other)
    low, high = torch.where(is_less, self, other), torch.where(is_less, other, self)
    result = torch.log1p(torch.exp(low - high)) + high
    size = torch.real(low)
    is_infinite = (size == torch.real(high)) & size.isinf()
    result = torch.where(is_infinite, torch.where(size < 0, low, torch.log(torch.exp(low) + torch.exp(high))), result)
    return torch.where(self.isnan() | other.isnan(), torch.full_like(result, complex(float("nan"), float("nan"))), result)


def logaddexp(self: Tensor, other: Tensor) -> Tensor:
    if self.is_complex() or other.is_complex():
        return _logaddexp_complex(self, other)
    largest = torch.maximum(self, other)
    result = largest + torch.log1p(torch.exp(-(self - other).abs()))
    return torch.where((self == other) & self.isinf(), self, result)


def xlogy__Tensor(self: Tensor, other: Tensor) -> Tensor:
    product = self * other.log()
    return torch.where((self == 0) & ~other.isnan(), torch.zeros_like(product), product)


def clamp_min__Tensor(self: Tensor, min: Tensor) -> Tensor:
    return torch.maximum(self, min)


def clamp_max__Tensor(self: Tensor, max: Tensor) -> Tensor:
    return torch.minimum(self, max)


def isclose(self: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    assert self.dtype == other.dtype, "isclose: the tensors' dtypes did not match"
    assert rtol >= 0, "rtol must be greater than or equal to zero"
    assert atol >= 0, "atol must be greater than or equal to zero"
    close = self == other
    if self.dtype == 11:  # bools have no difference
        return close
    if equal_nan:
        close = close | (self.isnan() & other.isnan())
    difference = (self - other).abs()
    return close | (difference.isfinite() & (difference <= atol + rtol * other.abs()))


def allclose(self: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> bool:
    return bool(torch.isclose(self, other, rtol, atol, equal_nan).all())


def index_fill__int_Tensor(self: Tensor, dim: int, index: Tensor, value: Tensor) -> Tensor:
    return self.index_fill(dim, index, value.item())


# What torch.autocast inserts. The compiled model runs on the CPU. Dtypes are 5: float16, 6: float32, 15: bfloat16.
def _autocast_to_reduced_precision(
    self: Tensor, cuda_enabled: bool, cpu_enabled: bool, cuda_dtype: int, cpu_dtype: int
) -> Tensor:
    if cpu_enabled and self.dtype == 6:
        return self.to(cpu_dtype)
    return self


def _autocast_to_full_precision(self: Tensor, cuda_enabled: bool, cpu_enabled: bool) -> Tensor:
    if cpu_enabled and (self.dtype == 5 or self.dtype == 15):
        return self.to(6)
    return self


def fmax(self: Tensor, other: Tensor) -> Tensor:
    larger = torch.maximum(self, other)
    return torch.where(self.isnan(), other, torch.where(other.isnan(), self, larger))


def fmin(self: Tensor, other: Tensor) -> Tensor:
    smaller = torch.minimum(self, other)
    return torch.where(self.isnan(), other, torch.where(other.isnan(), self, smaller))


def ldexp__Tensor(self: Tensor, other: Tensor) -> Tensor:
    return self * torch.pow(2.0, other)


# Dtype 7 is float64.
def _widest(self: Tensor) -> Tensor:
    return self.to(torch.cdouble) if self.is_complex() else self.to(torch.double)


def float_power__Tensor_Tensor(self: Tensor, exponent: Tensor) -> Tensor:
    return torch.pow(_widest(self), _widest(exponent))


def float_power__Tensor_Scalar(self: Tensor, exponent: number) -> Tensor:
    return torch.pow(_widest(self), exponent)


def float_power__Scalar(self: number, exponent: Tensor) -> Tensor:
    return torch.pow(self, _widest(exponent))


# The largest numbers of dtypes 5, 6, 7 and 15: float16, float32, float64 and bfloat16.
def nan_to_num(self: Tensor, nan: Optional[float], posinf: Optional[float], neginf: Optional[float]) -> Tensor:
    if not self.is_floating_point():
        return self.clone()
    largest = 3.4028234663852886e38
    if self.dtype == 5:
        largest = 65504.0
    if self.dtype == 7:
        largest = 1.7976931348623157e308
    if self.dtype == 15:
        largest = 3.3895313892515355e38
    result = torch.where(self.isnan(), torch.full_like(self, 0.0 if nan is None else nan), self)
    result = torch.where(torch.isposinf(self), torch.full_like(self, largest if posinf is None else posinf), result)
    return torch.where(torch.isneginf(self), torch.full_like(self, -largest if neginf is None else neginf), result)


def round__decimals(self: Tensor, decimals: int) -> Tensor:
    if decimals == 0 or not self.is_floating_point():
        return self.round()
    if decimals < 0:
        power = 10.0 ** -decimals
        return (self / power).round() * power
    power = 10.0 ** decimals
    return (self * power).round() / power


def logaddexp2(self: Tensor, other: Tensor) -> Tensor:
    larger = torch.maximum(self, other)
    sum = larger + torch.log2(1 + torch.exp2(-(self - other).abs()))
    return torch.where(self.isinf() & (self == other), larger, sum)


def remainder__Scalar_Tensor(self: number, other: Tensor) -> Tensor:
    return torch.remainder(torch.scalar_tensor(self, dtype=(other + self).dtype), other)
