"""Calls a method of the generated library as PyTorch calls the overload, and compares."""

import torch

import exceptions
import tsc

# Values that random or uninitialised tensors have are not compared, only sizes and dtypes.
NO_VALUES = ("rand", "uniform", "normal", "exponential", "multinomial", "bernoulli", "empty", "new_empty", "dropout", "feature_dropout", "alpha_dropout", "resize")
# Sorting that need not be stable: indices are compared by the values that they choose.
SORTS = ("aten::sort", "aten::argsort", "aten::topk", "aten::kthvalue", "aten::median", "aten::nanmedian", "aten::mode")
# Dtypes in which eager PyTorch itself rounds on the way, and those that are wide enough.
WIDER = {torch.float16: torch.float64, torch.bfloat16: torch.float64, torch.float32: torch.float64, torch.complex64: torch.complex128}


def to_ours(value):
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, (list, tuple)):
        return type(value)(to_ours(v) for v in value)
    if isinstance(value, dict):
        return {k: to_ours(v) for k, v in value.items()}
    return value


def kept(value):
    """A copy that in-place ops do not reach, with the same strides."""
    if isinstance(value, torch.Tensor):
        if value.numel() == 0:
            return value.detach().clone()
        storage = value.untyped_storage().clone()
        return torch.empty(0, dtype=value.dtype).set_(storage, value.storage_offset(), value.shape, value.stride())
    if isinstance(value, (list, tuple)):
        return type(value)(kept(v) for v in value)
    if isinstance(value, dict):
        return {k: kept(v) for k, v in value.items()}
    return value


def difference(expected, actual, values=True):
    """What differs, or None."""
    if isinstance(expected, torch.Tensor):
        actual = torch.from_dlpack(actual) if not isinstance(actual, torch.Tensor) else actual
        if tuple(expected.shape) != tuple(actual.shape):
            return f"shape {tuple(actual.shape)}, expected {tuple(expected.shape)}"
        if expected.dtype != actual.dtype:
            return f"{actual.dtype}, expected {expected.dtype}"
        if not values:
            return None
        try:
            torch.testing.assert_close(actual, expected.contiguous(), equal_nan=True)
        except AssertionError as error:
            return " ".join(str(error).split())[:200] + f" {actual.flatten()[:6].tolist()} {expected.flatten()[:6].tolist()}"
        return None
    if isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)) or len(expected) != len(actual):
            return f"{actual!r}, expected {expected!r}"
        for e, a in zip(expected, actual):
            found = difference(e, a, values)
            if found:
                return found
        return None
    if isinstance(expected, dict):
        if list(expected) != list(actual):
            return f"keys {list(actual)}, expected {list(expected)}"
        return difference(list(expected.values()), list(actual.values()), values)
    if isinstance(expected, (torch.device,)):
        return None if str(expected) == str(actual) else f"{actual!r}, expected {expected!r}"
    if isinstance(expected, (float, complex)) and expected != expected:
        return None if actual != actual else f"{actual!r}, expected {expected!r}"
    if isinstance(expected, (float, complex)) and isinstance(actual, (float, complex, int)):
        close = actual == expected or abs(actual - expected) <= 1e-6 * abs(expected)
        return None if close else f"{actual!r}, expected {expected!r}"
    if type(expected) is not type(actual) and not (isinstance(expected, int) and isinstance(actual, int)):
        return f"{actual!r} of {type(actual).__name__}, expected {expected!r}"
    return None if expected == actual else f"{actual!r}, expected {expected!r}"


def has_dropout(name, operands):
    return name == "aten::scaled_dot_product_attention" and operands[4] != 0


def widened(value):
    if isinstance(value, torch.Tensor):
        return value.to(WIDER.get(value.dtype, value.dtype))
    if isinstance(value, (list, tuple)):
        return type(value)(widened(v) for v in value)
    return value


def as_floats(operands):
    """Operands of which some are floats: ints as what ops that give floats make of them."""
    if any(t.dtype in WIDER or t.dtype is torch.float64 for t in tensors_of(operands)):
        return operands

    def converted(value):
        if isinstance(value, torch.Tensor):
            return value if value.dtype is torch.bool else value.to(torch.float32)
        return type(value)(converted(v) for v in value) if isinstance(value, (list, tuple)) else value

    return converted(operands)


def in_double(function, operands):
    """The result in double, and the dtype that it stands for; None when the overload has none in double."""
    dtypes = {t.dtype for t in tensors_of(operands) if t.dtype in WIDER}
    if len(dtypes) != 1:
        return None
    try:
        return function(*widened(kept(operands))), next(iter(dtypes))
    except Exception:
        return None


def narrowed(value, dtype):
    if isinstance(value, torch.Tensor):
        return value.to({torch.float64: dtype.to_real(), torch.complex128: dtype.to_complex()}.get(value.dtype, value.dtype))
    return type(value)(narrowed(v, dtype) for v in value) if isinstance(value, (list, tuple)) else value


def tensors_of(value):
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in tensors_of(item)]
    if hasattr(value, "__dlpack__"):
        return [value if isinstance(value, torch.Tensor) else torch.from_dlpack(value)]
    return []


def distances(result, exact):
    """Of each number of each tensor how far it lies from the exact one; infinite where one of them is no number."""
    for ours, true in zip(tensors_of(result), tensors_of(exact)):
        same = (ours == true) | ((ours != ours) & (true != true))
        wide = torch.complex128 if ours.is_complex() or true.is_complex() else torch.float64
        distance = torch.where(same, 0.0, (ours.to(wide) - true.to(wide)).abs())
        yield torch.where(distance != distance, float("inf"), distance)


def units(function, operands, actual):
    """The largest distance of a result from the exact one, in units in the last place of its dtype there; None when there
    is no exact one."""
    found = in_double(function, operands)
    if found is None:
        return None
    exact, dtype = found
    largest = 0.0
    for ours, true, distance in zip(tensors_of(actual), tensors_of(exact), distances(actual, exact)):
        if ours.dtype not in WIDER or not ours.numel():
            continue
        limits = torch.finfo(ours.dtype)
        place = torch.clamp(true.abs().double(), limits.tiny, limits.max).log2().floor().exp2() * limits.eps
        # Half a unit is what the exact number itself loses, and beyond the largest number lies infinity.
        is_beyond = (true.abs() > limits.max) & ours.abs().isinf()
        largest = max(largest, torch.where(is_beyond, 0.0, distance / place).max().item())
    return largest


# Units in the last place of the inputs that rounding on the way may amount to, and the draws that tell what one does.
UNITS, DRAWS = 4, 16


def is_rounding(function, operands, expected, actual, of_result):
    """Whether numbers that differ from PyTorch's lie as near to the exact ones as the last bits of the inputs allow: sums
    that cancel, and what is made of them."""
    if difference(expected, actual, values=False):
        return False
    if any(not t.is_floating_point() and not t.is_complex() for t in tensors_of(expected)):
        return False
    exact, dtype = in_double(function, operands)
    exact = of_result(exact)
    generator = torch.Generator().manual_seed(0)

    def moved(value):
        if not isinstance(value, torch.Tensor):
            return type(value)(moved(v) for v in value) if isinstance(value, (list, tuple)) else value
        wide = widened(value)
        if value.dtype not in WIDER:
            return wide
        return wide * (1 + torch.finfo(dtype).eps * torch.randint(-1, 2, value.shape, generator=generator))

    allowed = [torch.zeros_like(d) for d in distances(exact, exact)]
    for _ in range(DRAWS):
        found = distances(of_result(function(*moved(kept(operands)))), exact)
        allowed = [torch.maximum(a, d) for a, d in zip(allowed, found)]
    _, nothing = torch.testing._comparison.get_tolerances(dtype, rtol=None, atol=None)
    return all(bool((d <= UNITS * a + nothing).all()) for d, a in zip(distances(actual, exact), allowed))


def chosen(name, operands, result):
    """The result of a sort with its indices replaced by what they choose."""
    if not name.startswith(SORTS) or not isinstance(operands[0], torch.Tensor):
        return result
    if not isinstance(result, (list, tuple)) and "argsort" not in name:
        return result  # the median of all
    position = 2 if "topk" in name or "kthvalue" in name else 1
    dim = next((o for o in operands[position:] if isinstance(o, int) and not isinstance(o, bool)), -1)
    items = list(result) if isinstance(result, (list, tuple)) else [result]
    items = [torch.from_dlpack(i) if not isinstance(i, torch.Tensor) else i for i in items]

    def take(index):
        if operands[0].dim() == 0:
            return operands[0]
        if index.dim() < operands[0].dim():
            return operands[0].gather(dim, index.unsqueeze(dim)).squeeze(dim)
        return operands[0].gather(dim, index)

    return [take(i) if i.dtype == torch.int64 and k == len(items) - 1 else i for k, i in enumerate(items)]


def signless(op, result):
    """The result, or its parts' products where their signs are free."""
    of_parts = exceptions.FREE_SIGNS.get(op)
    if of_parts is None or not isinstance(result, (list, tuple)):
        return result
    return of_parts(*[torch.from_dlpack(i) if not isinstance(i, torch.Tensor) else i for i in result])


def check(method, name, function, operands, sort=None, factors=None, sums=False):
    """What differs between our method and PyTorch's overload, or None. `sort`: the name and the operands but the first of
    the sorting op that a program is; `factors`: the op of which a program gives the factors; `sums`: whether it adds
    numbers up, so that they may differ by what rounding on the way amounts to."""
    ours = kept(operands)
    theirs = kept(operands)
    expected = error = None
    try:
        with torch.no_grad():
            expected = function(*theirs)
    except Exception as e:
        error = e
    if expected is None and error is None and theirs:
        expected = theirs[0]  # of methods without a result, what they write
    try:
        actual = method(*to_ours(ours))
    except Exception as e:
        if error is not None and isinstance(e, (tsc.Error, TypeError)):
            return None
        return f"raised {type(e).__name__}: {str(e)[:160]}"
    # PyTorch's own failures are no behaviour to follow: internal assertions, and positions past a string's end.
    if error is not None and ("INTERNAL ASSERT" in str(error) or "basic_string" in str(error)):
        return None
    if error is not None:
        return f"gave {actual!r:.100}, expected {type(error).__name__}: {str(error)[:100]}"
    values = not name.split("::")[1].startswith(NO_VALUES) and not has_dropout(name, operands)
    sorting = (sort[0], [operands[0], *sort[1]]) if sort else (name, operands)
    parts = factors or name.partition(".")[0]

    def of_result(result):
        return signless(parts, chosen(*sorting, result))

    expected, actual = of_result(expected), of_result(actual)
    found = difference(expected, actual, values)
    if not found:
        return None
    operands = as_floats(operands)
    with torch.no_grad():
        exact = in_double(function, operands)
        if exact is not None and not difference(of_result(narrowed(*exact)), actual, values):
            return None
        if sums and exact is not None and values and is_rounding(function, operands, expected, actual, of_result):
            return None
    return found
