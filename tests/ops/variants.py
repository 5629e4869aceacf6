"""A call's operands in other forms: not contiguous, empty, without dimensions, broadcast, of another dtype.

PyTorch says what each form gives: a result, or an error, which the library must have too.
"""

import torch

import harvest


def mapped(function, value):
    if isinstance(value, torch.Tensor):
        return function(value)
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(function, item) for item in value)
    return value


def strided(t):
    """The same elements with gaps, from the last dimension outwards."""
    base = t.new_zeros([*reversed(t.shape), 2])[..., 1]
    return base.permute(list(reversed(range(t.dim())))).copy_(t)


def reversed_dims(t):
    """The same elements without gaps, the first dimension innermost."""
    back = list(reversed(range(t.dim())))
    return t.permute(back).contiguous().permute(back)


def transposed(t):
    return t.mT.contiguous().mT if t.dim() > 1 else t


def channels_last(t):
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return t.contiguous(memory_format=formats[t.dim()]) if t.dim() in formats else t


def stretched(t):
    return t[:1].expand_as(t) if t.dim() and t.size(0) > 1 else t


def empty(t):
    return t.narrow(0, 0, 0) if t.dim() else t


def empty_last(t):
    return t.narrow(-1, 0, 0) if t.dim() else t


def zero_dim(t):
    return t.reshape(-1)[0].clone() if t.numel() else t


def one_row(t):
    return t.narrow(0, 0, 1).clone() if t.dim() and t.size(0) else t


def first_row(t):
    return t.select(0, 0).clone() if t.dim() and t.size(0) else t


def repeated(t):
    return t.unsqueeze(0).expand(2, *t.shape)


def of(dtype):
    return lambda t: t.to(dtype)


SIZES = {f.__name__: f for f in (empty, empty_last, zero_dim, one_row, first_row, repeated)}
DTYPES = {str(d)[6:]: of(d) for d in (torch.bool, torch.uint8, torch.int32, torch.int64, torch.bfloat16, torch.float32, torch.float64, torch.complex64)}  # fmt: skip


# Orders of the elements in memory, with gaps and elements that are many, too.
ORDERS = {f.__name__: f for f in (reversed_dims, transposed, channels_last, stretched, strided)}


def sizes_of(classes):
    """Other strides and sizes for calls of ops of these classes."""
    # PyTorch does not look at the sizes of weights of recurrent networks and attention, and reads beyond them.
    trusting = {"Recurrent", "Attention"} & set(classes)
    return {"strided": strided} | ({} if trusting else SIZES)


def forms_of(classes):
    return sizes_of(classes) | DTYPES


def tensor_operands(operands):
    return [i for i, o in enumerate(operands) if harvest.tensors_in(o)]


def of_call(operands, forms):
    """(name, operands) of every form that differs: of the first tensor operand, the last, all but the first, and all."""
    operands = list(operands)
    places = tensor_operands(operands)
    chosen = {tuple(places[:1]): "first", tuple(places[-1:]): "last", tuple(places[1:]): "rest", tuple(places): "all"}
    for form, function in forms.items():
        for where, name in chosen.items():
            if not where:
                continue
            changed = [mapped(function, o) if i in where else o for i, o in enumerate(operands)]
            pairs = zip(harvest.tensors_in(changed), harvest.tensors_in(operands))
            if any((a.shape, a.dtype, a.stride()) != (b.shape, b.dtype, b.stride()) for a, b in pairs):
                yield f"{form} {name}", changed
