# What tensors are, and what dtypes become, told by other ops.


def is_nonzero(self: Tensor) -> bool:
    assert self.numel() != 0, "Boolean value of Tensor with no values is ambiguous"
    assert self.numel() == 1, "Boolean value of Tensor with more than one value is ambiguous"
    return bool(self)


def is_same_size(self: Tensor, other: Tensor) -> bool:
    return self.size() == other.size()


def is_signed(self: Tensor) -> bool:
    return self.dtype != 0 and self.dtype != 11  # uint8 and bool


def element_size(self: Tensor) -> int:
    sizes = [1, 1, 2, 4, 8, 2, 4, 8, 4, 8, 16, 1]  # from uint8 to bool
    return 2 if self.dtype == 15 else sizes[self.dtype]


def prim_itemsize(a: Tensor) -> int:
    return a.element_size()


def prim_nbytes(a: Tensor) -> int:
    return a.element_size() * a.numel()


def get_device(self: Tensor) -> int:
    index = self.device.index
    return -1 if index is None else index


# Nothing is differentiated: each tensor begins its own graph, and asking for gradients changes nothing.
def is_leaf(self: Tensor) -> bool:
    return True


def requires_grad_(self: Tensor, requires_grad: bool) -> Tensor:
    return self


def is_pinned(self: Tensor, device: Optional[Device]) -> bool:
    return False


def promote_types(type1: int, type2: int) -> int:
    return (torch.empty([0], dtype=type1) + torch.empty([0], dtype=type2)).dtype


# Tensors of no dimension count for less than those that have some.
def _like(tensor: Tensor) -> Tensor:
    sizes: List[int] = []
    if tensor.dim() > 0:
        sizes.append(0)
    return torch.empty(sizes, dtype=tensor.dtype)


def result_type__Tensor(tensor: Tensor, other: Tensor) -> int:
    return (_like(tensor) + _like(other)).dtype


def result_type__Scalar(tensor: Tensor, other: number) -> int:
    return (_like(tensor) + other).dtype


def result_type__Scalar_Tensor(scalar: number, tensor: Tensor) -> int:
    return (_like(tensor) + scalar).dtype


# Bool, whole numbers, real and complex ones.
def _category(dtype: int) -> int:
    if dtype >= 8 and dtype <= 10:
        return 3
    if dtype >= 5 and dtype <= 7 or dtype == 15:
        return 2
    return 0 if dtype == 11 else 1


def can_cast(from_: int, to: int) -> bool:
    if _category(from_) >= 2:
        return _category(to) >= _category(from_)
    return _category(to) > 0 or _category(from_) == 0


# Devices and layouts for which nothing is compiled.
def prim_is_sparse_csr(a: Tensor) -> bool:
    return False


def prim_is_xpu(a: Tensor) -> bool:
    return False


def prim_is_mps(a: Tensor) -> bool:
    return False


def prim_is_mtia(a: Tensor) -> bool:
    return False


def prim_is_maia(a: Tensor) -> bool:
    return False


def prim_is_ipu(a: Tensor) -> bool:
    return False


def prim_is_vulkan(a: Tensor) -> bool:
    return False
