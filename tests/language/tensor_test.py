"""Tensors by reference: views, writes through them, aliases of inputs and outputs."""

from typing import Dict, List, Tuple

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((randn(3, 4),), (randn(1, 2),))
class WritesColumn(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[:, 0] += 1
        y[0] = 5
        y[..., -1] *= 2
        return y


@suite((randn(4, 6),), (randn(6, 8),))
class SlicesOfSlices(nn.Module):
    def forward(self, x):
        y = x * 1
        a = y[1:]
        b = a[:, 2:5]
        b.fill_(7)
        a[0, 0] = -1
        c = b[::2]
        c += 100
        return y, a, b, c


@suite((randn(3, 4),), (randn(2, 2),))
class ViewAliases(nn.Module):
    def forward(self, x):
        y = x + 0
        flat = y.view(-1)
        t = y.t()
        flat[0] = 100
        t[1, 0] = 50
        e = y.unsqueeze(0)
        e.mul_(2)
        return y, flat, t, e


@suite((randn(3, 4),), (randn(5),))
class WritesInput(nn.Module):
    """The caller's tensor is written."""

    def forward(self, x):
        x.mul_(2)
        x[0] = 1
        return x.sum()


NAN = float("nan")


@suite((torch.ones(4096), torch.tensor([1, NAN, 3, NAN, 2.0]), torch.tensor(3.5)), (torch.ones(300), torch.tensor([NAN, NAN]), torch.tensor(NAN)))
class Extremes(nn.Module):
    """Sums of halves, of which there are many; places of NaN; the first none of a number."""

    def forward(self, x, y, z):
        zeros = torch.zeros(x.size(0), dtype=torch.int64)
        sums = [torch.zeros(1, dtype=d).scatter_add(0, zeros, x.to(d)) for d in [torch.bfloat16, torch.float16]]
        means = [torch.zeros(1, dtype=d).scatter_reduce(0, zeros, x.to(d), "mean", include_self=False) for d in [torch.bfloat16, torch.float16]]
        return sums, means, y.cummax(0), y.cummin(0), z.topk(0)


@suite((0.1, 0.3 + 0.7j), (1e30 / 3, 2j))
class TensorsOfNumbers(nn.Module):
    """Which of them are rounded to the default dtype first."""

    def forward(self, x: float, z: complex):
        wide = [torch.tensor(x, dtype=torch.float64), torch.tensor([x, 0.1], dtype=torch.float64), torch.as_tensor(x, dtype=torch.float64)]
        exact = [torch.scalar_tensor(x, dtype=torch.float64), torch.full([1], x, dtype=torch.float64), torch.tensor(0.1, dtype=torch.float64)]
        return wide, exact, torch.tensor(z, dtype=torch.complex128), torch.tensor(x), torch.tensor([x])


@suite((randn(3), 2), (randn(3), 0))
class WritesInputSometimes(nn.Module):
    def forward(self, x, n: int):
        for i in range(n):
            x[i] += 10
        return x


@suite((randn(2, 3),))
class OutputsAlias(nn.Module):
    def forward(self, x) -> Tuple[torch.Tensor, torch.Tensor, List[torch.Tensor]]:
        y = x * 2
        return x, y, [y, y[0], x]


@suite(([randn(2), randn(3)],))
class ListOfViews(nn.Module):
    def forward(self, xs: List[torch.Tensor]):
        base = torch.zeros(2, 4)
        rows = [base[0], base[1]]
        for i, x in enumerate(xs):
            rows[i][: x.size(0)] = x
        for row in rows:
            row += 1
        a, b = base.unbind(0)
        a[3] = -9
        return base, rows


@suite((randn(4, 4), 3), (randn(2, 2), 1))
class WritesInLoop(nn.Module):
    def forward(self, x, n: int):
        out = torch.zeros(n, x.size(1))
        for i in range(n):
            out[i] = x[i % x.size(0)] * i
            if i > 0:
                out[i] += out[i - 1]
        return out


@suite((randn(5),), (randn(1),))
class Masks(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[y < 0] = 0.0
        mask = y > 0.5
        z = x.masked_fill(mask, -1.0)
        y.masked_fill_(mask, 9.0)
        picked = x[mask]
        index = torch.nonzero(mask).squeeze(1)
        z[index] = 3.0
        return y, z, picked, index


@suite((randn(3, 4), torch.tensor([2, 0])), (randn(4, 2), torch.tensor([1])))
class Indexing(nn.Module):
    def forward(self, x, index):
        y = x.clone()
        y[index] = 0.0
        y.index_add_(0, index, x[: index.size(0)])
        y[:, 1].copy_(x[:, 0])
        return y, x[index], x[index, 0], x[..., None], x[:, None, -1], x[None], x.index_select(0, index)


@suite((randn(3), True), (randn(3), False))
class AliasAtJoin(nn.Module):
    def forward(self, x, same: bool):
        y = x * 1
        if same:
            z = y
        else:
            z = y.clone()
        z += 1
        return y, z


@suite((randn(3),))
class DictAlias(nn.Module):
    def forward(self, x) -> Dict[str, torch.Tensor]:
        table = {"a": x * 1}
        table["b"] = table["a"]
        table["a"] += 1
        table["c"] = table["b"][1:]
        table["c"].zero_()
        return table


@suite((torch.arange(6),), (torch.arange(4, dtype=torch.int32),))
class InPlaceKeepsType(nn.Module):
    def forward(self, x):
        y = x.clone()
        y += 3
        y *= 2
        z = y * 1.5
        y[0] = 7
        return y, z, y.to(torch.float64), y.float().sum().item()


@suite((randn(2, 3),), (randn(3, 3),))
class Swaps(nn.Module):
    def forward(self, x):
        y = x.clone()
        first = y[0].clone()
        y[0] = y[1]
        y[1] = first
        y[0], y[1] = y[1], y[0] * 1
        return y


@suite((randn(2, 6),), (randn(4, 3),))
class Shapes(nn.Module):
    def forward(self, x):
        n = x.size(0)
        m = x.shape[1]
        out = x.reshape(m, n).view(n * m)
        parts = out.chunk(2)
        sizes = [p.numel() for p in parts]
        return out, parts, sizes, x.shape, x.dim(), x.numel(), len(x), list(x.stride())


@suite((randn(2, 3),), (randn(0, 3),))
class Lists(nn.Module):
    def forward(self, x):
        rows: List[List[float]] = x.tolist()
        signs: List[bool] = (x.flatten() > 0).tolist()
        total: float = x.sum().tolist()
        return rows, signs, total


@suite((randn(2, 2), randn(2, 2)), (randn(3, 3), randn(3, 3)), (randn(2, 3), randn(3, 3)), (randn(2, 2), randn(2, 3)),
       on("dtypes", randn(2), randn(2)), on("overlap", randn(2, 2), randn(2, 2)))  # fmt: skip
class Destinations(nn.Module):
    """`out=` writes a tensor that others hold, too, and gives it the result's sizes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("product", torch.zeros(3, 3))

    def forward(self, x, y):
        sum = torch.empty(0)
        same = sum
        result = torch.add(x, y, out=sum)
        values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)
        torch.max(x, 0, False, max=values, max_values=indices)
        doubles = torch.empty(3, dtype=torch.float64)
        torch.arange(3, out=doubles)
        totals = torch.zeros(1, dtype=torch.float64)
        torch.sum(x, [0], out=totals)
        torch.matmul(x, y, out=self.product)
        positive = torch.empty(0)
        torch.masked_select(x, y > 0, out=positive)
        return sum, same, result, values, indices, doubles, totals, positive

    @torch.jit.export
    def dtypes(self, x, y):
        torch.add(x, y, out=torch.empty(0, dtype=torch.int64))

    @torch.jit.export
    def overlap(self, x, y):
        rows = torch.cat([x, y])
        torch.mul(rows[1:3], 2.0, out=rows[1:3])
        return rows


@suite((randn(2, 2),), (randn(1, 4),), (randn(5),), on("part", randn(1)))
class Resizes(nn.Module):
    def forward(self, x):
        y = x.clone()
        held = [y]
        y.resize_(2)
        few = y.clone()
        y.resize_as_(x)
        y[0] = 3
        z = torch.zeros(0)
        z.resize_(2, 3).fill_(1)
        return few, y, held, z, z.shape

    @torch.jit.export
    def part(self, x):
        y = torch.arange(12.0).view(3, 4)
        row = y[1]
        row.resize_(2, 3)  # on to the end of the memory
        row += 1
        return y, row


@suite((randn(2, 3),), (randn(4, 1),), (torch.arange(6, dtype=torch.uint8).view(2, 3),), on("ambiguous", randn(2)), on("ambiguous", randn(0)))
class Queries(nn.Module):
    """What tensors and dtypes are."""

    def forward(self, x):
        first = 0
        if torch.is_nonzero(x.flatten()[0]):
            first = 1
        sizes = x.element_size(), x.itemsize, x.nbytes
        kinds = x.is_signed(), x.is_leaf, x.is_pinned(), x.get_device(), x.is_same_size(x[0])
        elsewhere = x.is_xpu, x.is_mps, x.is_vulkan, x.is_ipu
        wide = x.to(torch.promote_types(x.dtype, torch.float16))
        both = torch.result_type(x, x.double()[0, 0]), torch.result_type(x, 2.5), torch.result_type(1, x)
        return first, sizes, kinds, elsewhere, wide, both, torch.can_cast(x.dtype, torch.int64), x.data + 1

    @torch.jit.export
    def ambiguous(self, x):
        return torch.is_nonzero(x)


@suite((randn(2, 3),), (randn(4, 2),), on("sequences", randn(3, 2)))
class Tables(nn.Module):
    """Indices and steps of sizes that only the call tells."""

    def forward(self, x):
        below = torch.tril_indices(x.size(0), x.size(1), -1)
        above = torch.triu_indices(x.size(0), x.size(1), 1, dtype=torch.int32)
        steps = torch.range(0, x.size(0)), torch.range(1, 0, -0.25)
        counts = torch.repeat_interleave(torch.arange(x.size(0)))
        return x[below[0], below[1]].sum(), below, above, steps, counts, torch.remainder(7.5, x)

    @torch.jit.export
    def sequences(self, x):
        rows = [x[0], x[1, :1], x.flatten()]
        right = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1.0)
        return right, torch.nn.utils.rnn.pad_sequence(rows, padding_side="left")


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
