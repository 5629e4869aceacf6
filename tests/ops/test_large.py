"""Ops that move, sort and scan, at sizes where they go in blocks, by digits and on several threads, against PyTorch; and
with every number of threads the same bits."""

import pytest
import torch
import torch.nn.functional as F

import tsc

torch.set_num_threads(1)  # whose index_put of one place twice keeps the last

N = 1 << 17
KEYWORDS = {"index_add": [1], "repeat_interleave.self_int": [None], "repeat_interleave.self_Tensor": [None], "pad": [None], "cumsum": [None], "cumprod": [None], "gather": [False], "clone": [0]}
pytestmark = pytest.mark.filterwarnings("ignore")


def special(*shape):
    """Floats with ties, NaN, infinities and zeros of both signs."""
    x = (torch.randn(*shape) * 50).round() / 16
    pick = torch.rand(*shape)
    for k, value in enumerate((float("nan"), float("inf"), float("-inf"), -0.0, 0.0)):
        x[(pick >= k * 0.01) & (pick < (k + 1) * 0.01)] = value
    return x


def indices(below, *shape):
    return torch.randint(0, below, shape)


def cases():
    torch.manual_seed(0)
    rows, wide, line = special(300, 1000), torch.randn(5, 70, 900), special(N)
    ints = torch.randint(-(1 << 62), 1 << 62, (N,))
    for tensor in (line, rows, line.double(), ints, ints.to(torch.int32), ints.to(torch.int16), ints.to(torch.uint8), line.half(), line.bfloat16()):
        for descending in (False, True):
            yield f"sort {tensor.dtype}", "sort", [tensor, -1, descending]
    for bits in (0, 13, 40, 47):
        yield f"sort of {bits} bits", "sort", [ints >> (62 - bits), -1, bits == 40]
    yield "sort columns", "sort", [rows, 0, False]
    for k in (1, 10, 100, 5000, N // 3, N):
        for largest in (False, True):
            yield f"topk {k}", "topk", [line, k, -1, largest, True]
    yield "topk columns", "topk", [rows, 7, 0, True, True]
    for dim in (0, 1, 2):
        yield "cumsum", "cumsum", [wide, dim]
        yield "cumprod", "cumprod", [wide, dim]
        yield "cumsum", "cumsum", [(wide * 100).long(), dim]
        yield "cummax", "cummax", [wide, dim]
    for dim in (0, 1):
        at = indices(300 if dim == 0 else 1000, 300, 1000)
        yield "gather", "gather", [rows, dim, at]
        yield "gather of a transposed one", "gather", [rows.t(), 1 - dim, at.t()]
        yield "scatter", "scatter.src", [rows, dim, at.sort(dim)[0][:, :900], torch.randn(300, 1000)]
        yield "scatter_add", "scatter_add", [torch.zeros(300, 1000), dim, at, torch.randn(300, 1000)]
        yield "scatter_add", "scatter_add", [torch.zeros(300, 1000, dtype=torch.int32), dim, at, torch.arange(300000).view(300, 1000).int()]
        yield "index_select", "index_select", [rows, dim, indices(300, 700)]
        yield "index_select of runs", "index_select", [rows, dim, torch.arange(300).roll(37)]
    yield "index", "index.Tensor", [rows, [indices(300, N), indices(1000, N)]]
    yield "index of rows", "index.Tensor", [wide, [None, indices(70, 500)]]
    yield "index of columns", "index.Tensor", [wide, [None, None, indices(900, 500) - 900]]
    yield "index, apart", "index.Tensor", [wide, [indices(5, 60), None, indices(900, 60)]]
    yield "index by mask", "index.Tensor", [wide, [torch.rand(5, 70) > 0.5]]
    yield "index_put", "index_put", [torch.zeros(300, 1000), [torch.randperm(300)], rows, False]
    yield "index_put, the last wins", "index_put", [torch.zeros(1000), [indices(1000, N)], line, False]
    yield "index_put accumulates", "index_put", [torch.zeros(1000).long(), [indices(1000, N)], ints, True]
    yield "index_put here and there", "index_put", [rows.t().clone().t(), [indices(300, N), indices(1000, N)], line, False]
    for dim in (0, 1, 2):
        yield "index_add", "index_add", [wide.double(), dim, indices(wide.size(dim), 90), torch.randn(*wide.shape[:dim], 90, *wide.shape[dim + 1:]).double()]
        yield "cat", "cat", [[wide, wide.narrow(dim, 0, 3), wide], dim]
        yield "cat of columns", "cat", [[wide.transpose(1, 2).narrow(dim, 0, 2), wide.transpose(1, 2)], dim]
        yield "repeat_interleave", "repeat_interleave.self_int", [wide, 3, dim]
        yield "repeat_interleave", "repeat_interleave.self_Tensor", [wide, indices(4, wide.size(dim)), dim]
        yield "roll", "roll", [wide, [700], [dim]]
    yield "roll", "roll", [wide.transpose(0, 2), [-3, 44, 1], [1, 0, 1]]
    for mode in ("reflect", "replicate", "circular"):
        yield f"pad {mode}", "pad", [torch.randn(2, 5, 140, 130).transpose(2, 3), [3, 2, 4, 0], mode]
    yield "nonzero", "nonzero", [wide > 0.3]
    yield "nonzero", "nonzero", [line]
    yield "masked_select", "masked_select", [rows, torch.rand(300, 1000) > 0.4]
    for dims in ([0], [1], [2], [0, 2], [0, 1, 2]):
        yield "flip", "flip", [wide, dims]
        yield "flip of a transposed one", "flip", [wide.transpose(1, 2), dims]
    for dtype in (torch.bool, torch.int8, torch.float16, torch.float32, torch.float64, torch.complex128):
        yield "transposed", "clone", [(wide * 10).to(dtype).transpose(0, 2)]
        yield "transposed", "clone", [(wide * 10).to(dtype).transpose(1, 2)]
    image = torch.randn(2, 3, 67, 129)
    for scales in ([2.0, 2.0], [0.5, 0.7], [1.01, 1.005], [3.0, 0.25]):
        yield "bilinear", "upsample_bilinear2d.vec", [image, None, False, scales]
        yield "nearest", "upsample_nearest2d.vec", [image, None, scales]
    yield "bilinear corners", "upsample_bilinear2d.vec", [image.double(), [100, 40], True, None]


def torch_result(name, operands):
    if name == "sort":
        return torch.sort(operands[0], stable=True, dim=operands[1], descending=operands[2])
    op, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, op), overload or "default")(*operands)


def flat(result):
    tensors = result if isinstance(result, (tuple, list)) else [result]
    return [t if isinstance(t, torch.Tensor) else torch.from_dlpack(t) for t in tensors]


def differs(a, b, **tolerance):
    try:
        torch.testing.assert_close(a, b, equal_nan=True, **tolerance)
    except AssertionError as error:
        return " ".join(str(error).split())[:200]
    return None


def test_equals_pytorch_with_any_number_of_threads(ops_library):
    models = {threads: tsc.load(str(ops_library[0]), threads) for threads in (1, 2, 5)}
    failures = []
    for label, name, operands in cases():
        method = "aten_" + name.replace(".", "_")
        # What PyTorch has as keywords the library has in the end.
        given = [*operands, *KEYWORDS.get(name, [])]
        ours = {threads: flat(getattr(model, method)(*given)) for threads, model in models.items()}
        theirs = flat(torch_result(name, operands))
        if name == "topk":  # the places of equal elements are free
            theirs = theirs[:1]
        for k, expected in enumerate(theirs):
            found = [differs(ours[1][k], expected.contiguous())]
            found += [differs(ours[threads][k], ours[1][k], rtol=0, atol=0) for threads in (2, 5)]
            failures += [f"{label}: {what}" for what in found if what]
    assert not failures, "\n".join(failures)
