"""Ops that write their operand: in place, through views of it, into state, and of what they may not."""

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((randn(3, 4),), (randn(2, 5, 4),), (randn(4),), on("whole", randn(3, 4)), on("fractions_in_whole_numbers", randn(3)),
       on("more_elements", randn(3, 2)))  # fmt: skip
class Elements(nn.Module):
    """Forms that have no kernel of their own write what the functional op gives."""

    def forward(self, x):
        y = x.clone()
        same = y
        y.sigmoid_().logit_().nan_to_num_(0.5).celu_(0.7).sinc_()
        y.pow_(torch.tensor(2.0)).clamp_max_(torch.tensor(0.9)).clamp_min_(torch.tensor(0.1)).xlogy_(x.abs() + 1)
        y.deg2rad_().rad2deg_().round_(decimals=3)
        y.heaviside_(torch.tensor(0.5)).ldexp_(torch.tensor(2)).sgn_()
        z = x.abs() + 1.5
        z.mvlgamma_(2)
        z.polygamma_(1)
        return y, same, z

    @torch.jit.export
    def whole(self, x):
        n = (x * 10).long()
        n.floor_divide_(torch.tensor(3))
        n.remainder_(torch.tensor(5)).bitwise_xor_(3)
        return n

    @torch.jit.export
    def fractions_in_whole_numbers(self, x):
        n = x.long()
        n.logit_()
        return n

    @torch.jit.export
    def more_elements(self, x):
        n = x[0:1].clone()
        n.xlogy_(torch.stack([x, x]))
        return n


@suite((randn(4, 3),), (randn(5, 3),), on("views", randn(4, 3)), on("views", randn(3, 2)), on("wrong_rows", randn(2, 2)),
       class_name="IndexError", message=None)  # fmt: skip
class Places(nn.Module):
    def forward(self, x):
        y = x.clone()
        rows = torch.tensor([2, 0])
        y.index_copy_(0, rows, x[1:3])
        y.masked_scatter_(y > 0, x.abs().flatten())
        y.index_reduce_(0, rows, x[:2], "amax")
        y.put_(torch.tensor([0, -1]), torch.tensor([5.0, 6.0]))
        y.scatter_(1, x.argsort(1), x, reduce="multiply")
        y.renorm_(2, 0, 1.5)
        return y

    @torch.jit.export
    def views(self, x):
        """A part of a tensor, in a loop and a branch."""
        y = x.clone()
        for i in range(x.size(0)):
            row = y[i]
            if bool(row.sum() > 0):
                row.nan_to_num_(0.0).celu_(0.5)
            else:
                y[:, 1].sinc_()
        y.t().index_copy_(0, torch.tensor([1]), x.t()[:1])
        return y

    @torch.jit.export
    def wrong_rows(self, x):
        y = x.clone()
        y.index_copy_(0, torch.tensor([9]), x[:1])
        return y


@suite((randn(3, 2),), (randn(2, 2),), on("read"))
class State(nn.Module):
    """A buffer that is written by such an op, and one that isn't."""

    def __init__(self):
        super().__init__()
        self.register_buffer("ring", torch.zeros(4, 2))
        self.register_buffer("kept", torch.ones(4, 2))
        self.at = 0

    def forward(self, x):
        for i in range(x.size(0)):
            self.ring.index_copy_(0, torch.tensor([self.at % 4]), x[i : i + 1])
            self.at += 1
        self.ring[0].nan_to_num_()
        return (self.ring + self.kept).clone()

    @torch.jit.export
    def read(self):
        return self.ring.clone(), self.at


@suite((randn(3, 1, 2),), (randn(1, 1, 2),), on("diagonals", randn(1, 1, 1)))
class Shapes(nn.Module):
    """What changes is how the tensor is seen."""

    def forward(self, x):
        y = x.clone()
        same = y
        y.transpose_(0, 2)
        first = y.shape
        y.swapaxes_(0, 1).unsqueeze_(0)
        y.squeeze_([0, 1])
        y += 1
        return first, y, same

    @torch.jit.export
    def diagonals(self, x):
        y = torch.zeros(7, 3)
        y.fill_diagonal_(2.0)
        z = torch.zeros(7, 3)
        z.fill_diagonal_(x[0, 0, 0].item(), wrap=True)
        cube = torch.zeros(3, 3, 3)
        cube.fill_diagonal_(1)
        return y, z, cube


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
