# Numerical derivatives from the neighbours on both sides, and at the ends from as many as the edge's order and one.
def _gradient_along(self: Tensor, steps: Tensor, dim: int, edge_order: int) -> Tensor:
    size = self.size(dim)
    assert size >= edge_order + 1, "torch.gradient expected each dimension size to be at least edge_order+1"
    shape = [1] * self.dim()
    shape[dim] = -1
    h = steps.reshape(shape)
    before, after = h.narrow(dim, 0, size - 2), h.narrow(dim, 1, size - 2)
    left, middle, right = self.narrow(dim, 0, size - 2), self.narrow(dim, 1, size - 2), self.narrow(dim, 2, size - 2)
    center = left * (-after / (before * (before + after)))
    center = center + middle * ((after - before) / (before * after)) + right * (before / (after * (before + after)))
    if edge_order == 1:
        first = (self.narrow(dim, 1, 1) - self.narrow(dim, 0, 1)) / h.narrow(dim, 0, 1)
        last = (self.narrow(dim, size - 1, 1) - self.narrow(dim, size - 2, 1)) / h.narrow(dim, size - 2, 1)
        return torch.cat([first, center, last], dim)
    h1, h2 = h.narrow(dim, 0, 1), h.narrow(dim, 1, 1)
    first = self.narrow(dim, 0, 1) * (-(h1 * 2 + h2) / (h1 * (h1 + h2)))
    first = first + self.narrow(dim, 1, 1) * ((h1 + h2) / (h1 * h2)) + self.narrow(dim, 2, 1) * (-h1 / (h2 * (h1 + h2)))
    h1, h2 = h.narrow(dim, size - 3, 1), h.narrow(dim, size - 2, 1)
    last = self.narrow(dim, size - 3, 1) * (h2 / (h1 * (h1 + h2)))
    last = last + self.narrow(dim, size - 2, 1) * (-(h1 + h2) / (h1 * h2))
    last = last + self.narrow(dim, size - 1, 1) * ((h1 + h2 * 2) / (h2 * (h1 + h2)))
    return torch.cat([first, center, last], dim)


def _gradient_dims(self: Tensor, dims: Optional[List[int]], edge_order: int) -> List[int]:
    assert edge_order == 1 or edge_order == 2, "torch.gradient only supports edge_order=1 and edge_order=2."
    result: List[int] = []
    if dims is None:
        for i in range(self.dim()):
            result.append(i)
        return result
    for d in dims:
        assert d >= -self.dim() and d < self.dim(), "Dimension out of range"
        wrapped = d + self.dim() if d < 0 else d
        assert result.count(wrapped) == 0, "dim appears multiple times in the list of dims"
        result.append(wrapped)
    return result


def _gradient_of_steps(self: Tensor, spacing: List[float], dims: List[int], edge_order: int) -> List[Tensor]:
    assert len(spacing) == len(dims), "torch.gradient expected spacing to be unspecified, a scalar, or a number for each dim"
    result: List[Tensor] = []
    for i in range(len(dims)):
        size = self.size(dims[i])
        dtype = self.dtype if self.is_floating_point() or self.is_complex() else 6
        steps = torch.full([max(size - 1, 0)], spacing[i], dtype=dtype)
        result.append(_gradient_along(self, steps, dims[i], edge_order))
    return result


def _gradient_of_places(self: Tensor, spacing: List[Tensor], dims: List[int], edge_order: int) -> List[Tensor]:
    assert len(spacing) == len(dims), "torch.gradient expected spacing to be unspecified, a scalar, or a tensor for each dim"
    result: List[Tensor] = []
    for i in range(len(dims)):
        places = spacing[i]
        fits = places.dim() == 1 and places.size(0) == self.size(dims[i])
        assert fits, "torch.gradient expected each element of spacing to have one dimension, as long as the input's"
        result.append(_gradient_along(self, places[1:] - places[:-1], dims[i], edge_order))
    return result


def gradient__scalarint(self: Tensor, spacing: Optional[number], dim: Optional[int], edge_order: int) -> List[Tensor]:
    dims = _gradient_dims(self, None if dim is None else [dim], edge_order)
    return _gradient_of_steps(self, [1.0 if spacing is None else float(spacing)] * len(dims), dims, edge_order)


def gradient__scalararray(self: Tensor, spacing: number, dim: List[int], edge_order: int) -> List[Tensor]:
    return _gradient_of_steps(self, [float(spacing)] * len(dim), _gradient_dims(self, dim, edge_order), edge_order)


def gradient__array(self: Tensor, dim: List[int], edge_order: int) -> List[Tensor]:
    return _gradient_of_steps(self, [1.0] * len(dim), _gradient_dims(self, dim, edge_order), edge_order)


def gradient__scalarrayint(self: Tensor, spacing: List[number], dim: Optional[int], edge_order: int) -> List[Tensor]:
    steps: List[float] = []
    for s in spacing:
        steps.append(float(s))
    return _gradient_of_steps(self, steps, _gradient_dims(self, None if dim is None else [dim], edge_order), edge_order)


def gradient__scalarrayarray(self: Tensor, spacing: List[number], dim: List[int], edge_order: int) -> List[Tensor]:
    steps: List[float] = []
    for s in spacing:
        steps.append(float(s))
    return _gradient_of_steps(self, steps, _gradient_dims(self, dim, edge_order), edge_order)


def gradient__tensorarrayint(self: Tensor, spacing: List[Tensor], dim: Optional[int], edge_order: int) -> List[Tensor]:
    return _gradient_of_places(self, spacing, _gradient_dims(self, None if dim is None else [dim], edge_order), edge_order)


def gradient__tensorarray(self: Tensor, spacing: List[Tensor], dim: List[int], edge_order: int) -> List[Tensor]:
    return _gradient_of_places(self, spacing, _gradient_dims(self, dim, edge_order), edge_order)
