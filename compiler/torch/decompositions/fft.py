# Fourier transforms in terms of those of whole lines: _fft_c2c (complex to complex), _fft_r2c (from real numbers) and
# _fft_c2r (to real numbers).


# 0: sums stay as they are, 1: divided by the root of their number of terms, 2: by the number.
def _normalization(norm: Optional[str], forward: bool) -> int:
    mode = "backward" if norm is None else norm
    assert mode == "backward" or mode == "forward" or mode == "ortho", "Invalid normalization mode: \"" + mode + "\""
    if mode == "ortho":
        return 1
    return 2 if forward == (mode == "forward") else 0


def _signal(self: Tensor) -> Tensor:
    return self if self.is_floating_point() or self.is_complex() else self.to(torch.float)


def _as_complex(self: Tensor) -> Tensor:
    x = _signal(self)
    if x.is_complex():
        return x
    if x.dtype == torch.double:
        return x.to(torch.cdouble)
    assert x.dtype == torch.float, "Unsupported dtype"
    return x.to(torch.cfloat)


# Cut off, or continued by zeros.
def _resized(self: Tensor, dim: int, size: int) -> Tensor:
    assert size >= 1, "Invalid number of data points (" + str(size) + ") specified"
    old = self.size(dim)
    if size < old:
        return self.narrow(dim, 0, size)
    if size > old:
        return torch.constant_pad_nd(self.transpose(dim, -1), [0, size - old], 0).transpose(dim, -1)
    return self


def _axis(self: Tensor, dim: int) -> int:
    rank = max(self.dim(), 1)
    assert -rank <= dim and dim < rank, "Dimension out of range"
    return dim + rank if dim < 0 else dim


def _size_along(self: Tensor, n: Optional[int], dim: int) -> int:
    return self.size(dim) if n is None else n


def _one_dim(self: Tensor, n: Optional[int], dim: int, norm: Optional[str], forward: bool) -> Tensor:
    x = _resized(_signal(self), dim, _size_along(self, n, dim))
    normalization, axis = _normalization(norm, forward), _axis(self, dim)
    if x.is_complex():
        return torch._fft_c2c(x, [axis], normalization, forward)
    result = torch._fft_r2c(x, [axis], normalization, False)
    return result if forward else result.conj_physical()


def fft_fft(self: Tensor, n: Optional[int], dim: int, norm: Optional[str]) -> Tensor:
    return _one_dim(self, n, dim, norm, True)


def fft_ifft(self: Tensor, n: Optional[int], dim: int, norm: Optional[str]) -> Tensor:
    return _one_dim(self, n, dim, norm, False)


def fft_rfft(self: Tensor, n: Optional[int], dim: int, norm: Optional[str]) -> Tensor:
    assert not self.is_complex(), "rfft expects a real input tensor"
    x = _resized(_signal(self), dim, _size_along(self, n, dim))
    return torch._fft_r2c(x, [_axis(self, dim)], _normalization(norm, True), True)


def fft_ihfft(self: Tensor, n: Optional[int], dim: int, norm: Optional[str]) -> Tensor:
    assert not self.is_complex(), "ihfft expects a real input tensor"
    x = _resized(_signal(self), dim, _size_along(self, n, dim))
    return torch._fft_r2c(x, [_axis(self, dim)], _normalization(norm, False), True).conj_physical()


# `n` numbers that are real since their transform is symmetric: half of it, and one more, tells all.
def _to_real(self: Tensor, n: Optional[int], dim: int, normalization: int) -> Tensor:
    size = 2 * (self.size(dim) - 1) if n is None else n
    assert size >= 1, "Invalid number of data points (" + str(size) + ") specified"
    return torch._fft_c2r(_resized(self, dim, size // 2 + 1), [_axis(self, dim)], normalization, size)


def fft_irfft(self: Tensor, n: Optional[int], dim: int, norm: Optional[str]) -> Tensor:
    return _to_real(_as_complex(self), n, dim, _normalization(norm, False))


def fft_hfft(self: Tensor, n: Optional[int], dim: int, norm: Optional[str]) -> Tensor:
    return _to_real(_as_complex(self).conj_physical(), n, dim, _normalization(norm, True))


def _dims(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]]) -> List[int]:
    rank = self.dim()
    result: List[int] = []
    if dim is not None:
        for d in dim:
            axis = _axis(self, d)
            for other in result:
                assert other != axis, "FFT dims must be unique"
            result.append(axis)
        if s is not None:
            assert len(s) == len(dim), "When given, dim and shape arguments must have the same length"
    else:
        count = rank
        if s is not None:
            count = len(s)
            assert count <= rank, "Got shape with more values than the input has dimensions"
        for d in range(count):
            result.append(rank - count + d)
    return result


def _all_resized(self: Tensor, s: Optional[List[int]], dims: List[int]) -> Tensor:
    x = self
    for i in range(len(dims)):
        size = -1 if s is None else s[i]
        x = _resized(x, dims[i], x.size(dims[i]) if size == -1 else size)
    return x


def fft_fftn(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]], norm: Optional[str]) -> Tensor:
    dims = _dims(self, s, dim)
    return torch._fft_c2c(_all_resized(_as_complex(self), s, dims), dims, _normalization(norm, True), True)


def fft_ifftn(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]], norm: Optional[str]) -> Tensor:
    dims = _dims(self, s, dim)
    return torch._fft_c2c(_all_resized(_as_complex(self), s, dims), dims, _normalization(norm, False), False)


def fft_rfftn(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]], norm: Optional[str]) -> Tensor:
    assert not self.is_complex(), "rfftn expects a real-valued input tensor"
    dims = _dims(self, s, dim)
    assert len(dims) > 0, "rfftn must transform at least one axis"
    return torch._fft_r2c(_all_resized(_signal(self), s, dims), dims, _normalization(norm, True), True)


# The size of the last dim of real numbers, whose transform has half of it, and one more.
def _last_size(self: Tensor, s: Optional[List[int]], dims: List[int]) -> int:
    assert len(dims) > 0, "the transform must have at least one axis"
    size = -1
    if s is not None:
        size = s[-1]
    if size == -1:
        size = 2 * (self.size(dims[-1]) - 1)
    assert size >= 1, "Invalid number of data points (" + str(size) + ") specified"
    return size


def _half_resized(self: Tensor, s: Optional[List[int]], dims: List[int], last_size: int) -> Tensor:
    sizes: List[int] = []
    for i in range(len(dims)):
        sizes.append(-1 if s is None else s[i])
    sizes[-1] = last_size // 2 + 1
    return _all_resized(self, sizes, dims)


def fft_irfftn(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]], norm: Optional[str]) -> Tensor:
    dims = _dims(self, s, dim)
    size = _last_size(self, s, dims)
    return torch._fft_c2r(_half_resized(_as_complex(self), s, dims, size), dims, _normalization(norm, False), size)


def fft_hfftn(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]], norm: Optional[str]) -> Tensor:
    dims = _dims(self, s, dim)
    size = _last_size(self, s, dims)
    x = _half_resized(_as_complex(self), s, dims, size)
    return torch._fft_c2r(x.conj_physical(), dims, _normalization(norm, True), size)


def fft_ihfftn(self: Tensor, s: Optional[List[int]], dim: Optional[List[int]], norm: Optional[str]) -> Tensor:
    assert not self.is_complex(), "ihfftn expects a real-valued input tensor"
    dims = _dims(self, s, dim)
    assert len(dims) > 0, "ihfftn must transform at least one axis"
    x = _all_resized(_signal(self), s, dims)
    return torch._fft_r2c(x, dims, _normalization(norm, False), True).conj_physical()


def fft_fft2(self: Tensor, s: Optional[List[int]], dim: List[int], norm: Optional[str]) -> Tensor:
    return torch.fft_fftn(self, s, dim, norm)


def fft_ifft2(self: Tensor, s: Optional[List[int]], dim: List[int], norm: Optional[str]) -> Tensor:
    return torch.fft_ifftn(self, s, dim, norm)


def fft_rfft2(self: Tensor, s: Optional[List[int]], dim: List[int], norm: Optional[str]) -> Tensor:
    return torch.fft_rfftn(self, s, dim, norm)


def fft_irfft2(self: Tensor, s: Optional[List[int]], dim: List[int], norm: Optional[str]) -> Tensor:
    return torch.fft_irfftn(self, s, dim, norm)


def fft_hfft2(self: Tensor, s: Optional[List[int]], dim: List[int], norm: Optional[str]) -> Tensor:
    return torch.fft_hfftn(self, s, dim, norm)


def fft_ihfft2(self: Tensor, s: Optional[List[int]], dim: List[int], norm: Optional[str]) -> Tensor:
    return torch.fft_ihfftn(self, s, dim, norm)


def _shifted(self: Tensor, dim: Optional[List[int]], plus: int) -> Tensor:
    dims: List[int] = []
    if dim is not None:
        dims = dim
    else:
        for d in range(self.dim()):
            dims.append(d)
    shifts: List[int] = []
    for d in dims:
        shifts.append((self.size(d) + plus) // 2)
    return torch.roll(self, shifts, dims)


def fft_fftshift(self: Tensor, dim: Optional[List[int]]) -> Tensor:
    return _shifted(self, dim, 0)


def fft_ifftshift(self: Tensor, dim: Optional[List[int]]) -> Tensor:
    return _shifted(self, dim, 1)


def fft_fftfreq(n: int, d: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    own = torch.float if dtype is None else dtype
    positive = torch.arange(0, (n + 1) // 2, dtype=own, device=device)
    negative = torch.arange(-(n // 2), 0, dtype=own, device=device)
    return torch.cat([positive, negative]) * (1.0 / (n * d))


def fft_rfftfreq(n: int, d: float, dtype: Optional[int], layout: Optional[int], device: Optional[Device], pin_memory: Optional[bool]) -> Tensor:
    own = torch.float if dtype is None else dtype
    return torch.arange(n // 2 + 1, dtype=own, device=device) * (1.0 / (n * d))
