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


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
