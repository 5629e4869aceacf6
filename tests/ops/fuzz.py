"""Random calls of the library's ops beside eager PyTorch's: shapes of all ranks, empty ones and numbers too, strides of views,
dtypes, special values, indices within range and beyond.

    fuzz.py --seeds 100:104 --calls 20000        what differs, with the operands' shapes

A call must have PyTorch's result, the same with one thread and with three, or be refused where PyTorch refuses it.
"""

import argparse
import random
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "runtime" / "python"), str(Path(__file__).resolve().parent)]

import harvest
import library
import torch

import tsc

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
NUMBERS = [*FLOATS, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
DTYPES = [*NUMBERS, torch.bool]
SPECIAL = [float("nan"), float("inf"), float("-inf"), 0.0, -0.0]
MOST_ELEMENTS = 20000
# Where results may differ in their last bits: sums in another order, functions of our own.
ROUNDED = {"adaptive_avg_pool2d", "index_add", "index_put", "scatter_add", "mul.Tensor", "atan2"}


class Operands:
    """Draws operands from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        torch.manual_seed(seed)

    def chance(self, p):
        return self.random.random() < p

    def choice(self, items):
        return self.random.choice(items)

    def integer(self, low, high):
        return self.random.randint(low, high)

    def shape(self, low=0, high=4, largest=7):
        sizes = []
        for _ in range(self.integer(low, high)):
            size = 0 if self.chance(0.06) else self.choice([1, 2, 3, 5, self.integer(1, largest)])
            sizes.append(size if torch.Size(sizes).numel() * size <= MOST_ELEMENTS else 2)
        return sizes

    def tensor(self, shape, dtype=None):
        dtype = dtype or self.choice(DTYPES)
        x = torch.randn(shape) * self.choice([1, 5, 50])
        if self.chance(0.4):
            x = x.round()
        if dtype.is_floating_point and self.chance(0.25) and x.numel():
            x.view(-1)[torch.randint(0, x.numel(), (max(1, x.numel() // 8),))] = self.choice(SPECIAL)
        return self.view(x > 0 if dtype is torch.bool else x.to(dtype))

    def view(self, x):
        """The same elements with other strides, sometimes."""
        kind, dims = self.random.random(), x.dim()
        if kind < 0.25 and dims > 1:
            order = self.random.sample(range(dims), dims)
            return x.permute(order).contiguous().permute([order.index(d) for d in range(dims)])
        if kind < 0.4 and dims and x.numel():
            wide = torch.zeros([2 * s + 1 for s in x.shape], dtype=x.dtype)
            view = wide[tuple(slice(1, 1 + 2 * s, 2) for s in x.shape)]
            view.copy_(x)
            return view
        if kind < 0.45 and dims and x.numel():
            return x.narrow(self.integer(0, dims - 1), 0, 1).expand(x.shape)
        return x

    def dim(self, x):
        rank = max(x if isinstance(x, int) else x.dim(), 1)
        return self.integer(-rank, rank - 1)

    def size(self, x, dim):
        return x.size(dim) if x.dim() else 1

    def index(self, size, shape, negative=False):
        low = -size if negative else 0
        if size == 0 or self.chance(0.05):
            low, size = low - 1, size + 1
        return torch.randint(low, size, shape)


# ---- calls: the name of an overload, and its operands ----
def sort(o):
    x = o.tensor(o.shape(largest=300))
    return "sort", [x, o.dim(x), o.chance(0.5)]


def topk(o):
    x = o.tensor(o.shape(1, 3, 200), o.choice(NUMBERS))
    d = o.dim(x)
    n = x.size(d)
    return "topk", [x, o.choice([0, 1, min(n, 3), n // 2, n, min(n, 17), n + 1]), d, o.chance(0.5), True]


def running_extreme(o):
    x = o.tensor(o.shape(largest=40), o.choice(NUMBERS))
    return o.choice(["cummax", "cummin"]), [x, o.dim(x)]


def gather(o):
    x = o.tensor(o.shape(0, 3))
    d = o.dim(x)
    sizes = [o.integer(0, 9) if i == d % max(x.dim(), 1) else o.integer(0, s) for i, s in enumerate(x.shape)]
    index = o.index(o.size(x, d), sizes)
    if index.dim() > 1 and o.chance(0.3):
        index = index.transpose(0, 1).contiguous().transpose(0, 1)
    kind = o.random.random()
    if kind < 0.4:
        return "gather", [x, d, index, False]
    if kind < 0.6 and x.dtype is not torch.bool:
        return "scatter_add", [x.contiguous(), d, index, o.tensor([s + o.integer(0, 2) for s in sizes], x.dtype)]
    return "scatter.value", [x.contiguous(), d, index, 2]


def indexing(o):
    x = o.tensor(o.shape(1, 4))
    common, indices = o.shape(0, 2, 5), []
    for size in x.shape[: o.integer(1, x.dim())]:
        kind = o.random.random()
        if kind < 0.3:
            indices.append(None)
        elif kind < 0.4:
            indices.append(torch.rand(size) > 0.5)
        else:
            indices.append(o.index(size, [1 if o.chance(0.2) else s for s in common], True))
    if all(index is None for index in indices):
        indices[0] = o.index(x.size(0), common, True)
    if o.chance(0.6):
        return "index.Tensor", [x, indices]
    # Which of several writes to one place wins is PyTorch's choice, unless they are one value or added up.
    if x.dtype not in (torch.int64, torch.int32, torch.float64) or o.chance(0.4):
        return "index_put", [x.contiguous(), indices, o.tensor([], x.dtype), False]
    try:
        shape = torch.ops.aten.index.Tensor(x, indices).shape
    except (IndexError, RuntimeError):
        shape = [2]
    return "index_put", [x.contiguous(), indices, o.tensor([1 if o.chance(0.2) else s for s in shape], x.dtype), True]


def index_add(o):
    x = o.tensor(o.shape(), o.choice([torch.float64, torch.float32, torch.int64, torch.int32, torch.uint8, torch.bool])).contiguous()
    d = o.dim(x)
    index = o.index(o.size(x, d), [o.integer(0, 6)] if x.dim() else [])
    sizes = list(x.shape)
    if sizes:
        sizes[d] = index.numel()
    return "index_add", [x, d, index, o.tensor(sizes, x.dtype), 1]


def index_select(o):
    x = o.tensor(o.shape())
    d = o.dim(x)
    return "index_select", [x, d, o.index(o.size(x, d), [o.integer(0, 9)])]


def repeat_interleave(o):
    x = o.tensor(o.shape())
    d = o.choice([None, o.dim(x)])
    if o.chance(0.5):
        return "repeat_interleave.self_int", [x, o.integer(0, 4), d, None]
    return "repeat_interleave.self_Tensor", [x, torch.randint(0, 4, (x.numel() if d is None else o.size(x, d),)), d, None]


def roll(o):
    x = o.tensor(o.shape())
    if o.chance(0.3):
        return "roll", [x, [o.integer(-9, 9)], []]
    count = o.integer(1, 3)
    return "roll", [x, [o.integer(-9, 9) for _ in range(count)], [o.dim(x) for _ in range(count)]]


def pad(o):
    # Circular padding that also crops leaves some of PyTorch's results unwritten.
    dims = o.integer(1, 3)
    sizes = [o.integer(1, 3) for _ in range(o.integer(1, 2))] + [o.integer(1, 7) for _ in range(dims)]
    mode = o.choice(["reflect", "replicate", "constant", "circular"])
    amounts = [o.integer(0 if mode == "circular" else -2, 4) for _ in range(2 * dims)]
    return "pad", [o.tensor(sizes, o.choice([torch.float32, torch.float64, torch.int64, torch.float16])), amounts, mode, None]


def cat(o):
    sizes, dtype, tensors = o.shape(1), o.choice(DTYPES), []
    d = o.dim(len(sizes))
    for _ in range(o.integer(1, 4)):
        sizes[d] = o.integer(0, 5)
        tensors.append(o.tensor(list(sizes), None if o.chance(0.15) else dtype))
        if o.chance(0.05):
            tensors.append(torch.zeros(0, dtype=dtype))
    return "cat", [tensors, d]


def convert(o):
    return "to.dtype", [o.tensor(o.shape(largest=50)), o.choice(DTYPES), False, True, None]


def pointwise(o):
    a = o.tensor(o.shape(largest=40))
    shape = list(a.shape) if o.chance(0.3) else [1 if o.chance(0.2) else s for s in a.shape][o.integer(0, a.dim()) :]
    name = o.choice(["mul.Tensor", "maximum", "eq.Tensor", "lt.Tensor", "atan2", "where.self"])
    return name, [*([o.tensor(shape, torch.bool)] if name == "where.self" else []), a, o.tensor(shape)]


def flip(o):
    x = o.tensor(o.shape())
    return "flip", [x, sorted({o.dim(x) % x.dim() for _ in range(o.integer(0, 3))}) if x.dim() else []]


def adaptive_pool(o):
    sizes = [o.integer(1, 3) for _ in range(o.integer(1, 2))] + [o.integer(1, 20), o.integer(1, 20)]
    name = o.choice(["adaptive_avg_pool2d", "adaptive_max_pool2d"])
    return name, [o.tensor(sizes, o.choice([torch.float32, torch.float64])), [o.integer(1, 22), o.integer(1, 22)]]


CALLS = [sort, topk, running_extreme, gather, indexing, index_add, index_select, repeat_interleave, roll, pad, cat, convert, pointwise,
         flip, adaptive_pool]  # fmt: skip


# ---- judging ----
def theirs(name, operands):
    if name == "sort":
        return torch.sort(operands[0], stable=True, dim=operands[1], descending=operands[2])
    if name.startswith("repeat_interleave"):
        return torch.repeat_interleave(*operands[:3])
    if name == "gather":
        return torch.gather(*operands[:3])
    if name == "index_add":
        return torch.index_add(*operands[:4])
    if name == "to.dtype":
        return operands[0].to(operands[1])
    op, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, op), overload or "default")(*operands)


def outcome(function):
    """The tensors of a result, or what it was refused with."""
    try:
        result = function()
    except (tsc.Error, RuntimeError, IndexError, TypeError, ValueError) as error:
        return str(error) or type(error).__name__
    return [torch.from_dlpack(t) for t in (result if isinstance(result, (tuple, list)) else [result])]


def difference(name, ours, expected):
    if isinstance(ours, str) or isinstance(expected, str):
        same = isinstance(ours, str) == isinstance(expected, str)
        return None if same else f"ours: {str(ours)[:150]}; PyTorch's: {str(expected)[:150]}"
    if name == "topk":  # the places of equal elements are free
        ours, expected = ours[:1], expected[:1]
    for a, b in zip(ours, expected):
        half = 1e-2 if b.dtype in (torch.float16, torch.bfloat16) else 1e-5
        tolerance = half if name in ROUNDED else 0
        try:
            torch.testing.assert_close(a, b, equal_nan=True, check_stride=False, rtol=tolerance, atol=tolerance)
        except AssertionError as error:
            return " ".join(str(error).split())[:300]
    return None


def told(operand):
    if isinstance(operand, torch.Tensor):
        return f"{str(operand.dtype)[6:]}{list(operand.shape)}" + ("" if operand.is_contiguous() else f" strides {operand.stride()}")
    if isinstance(operand, list):
        return "[" + ", ".join(map(told, operand)) + "]"
    return repr(operand)


def run(library_file, seed, calls):
    """What differs in so many calls, a line each; and a line where too few of them have a result to compare."""
    models = [tsc.load(str(library_file), threads) for threads in (1, 3)]
    operands, found, refused = Operands(seed), [], 0
    for number in range(calls):
        name, given = operands.choice(CALLS)(operands)
        expected = outcome(lambda: theirs(name, given))
        passed = [harvest.code(a) if isinstance(a, torch.dtype) else a for a in given]
        method = "aten_" + name.replace(".", "_")
        ours = [outcome(lambda model=model: getattr(model, method)(*passed)) for model in models]
        refused += isinstance(expected, str)
        why = difference(name, ours[0], expected) or difference("", ours[1], ours[0])
        if why:
            found.append(f"seed {seed}, call {number}: {name}({', '.join(map(told, given))}): {why}")
    if refused > calls // 5:
        found.append(f"seed {seed}: PyTorch refuses {refused} of {calls} calls")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:4", help="first and last, which is left out; default 0:4")
    parser.add_argument("--calls", type=int, default=20000, help="of each seed; default 20000")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        file, _ = library.build(folder)
        first, last = map(int, args.seeds.split(":"))
        failures = 0
        for seed in range(first, last):
            found = run(file, seed, args.calls)
            failures += len(found)
            print(f"seed {seed}: {args.calls} calls, {len(found)} differ", *found[:20], sep="\n  ", flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
