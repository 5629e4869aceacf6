"""Regions inside branches and loops, regions between host ops, and states beside them."""

from typing import List, Optional, Tuple, Union

import torch
from torch import nn

from conftest import Case, case_tests

R = torch.randn
F = nn.functional


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 7), nn.Linear(5, 7)

    def forward(self, x, n: int):
        if n > 2:
            y = torch.relu(self.a(x)) * 2
        elif n > 0:
            y = self.b(x) + 1
        else:
            y = x.sum() + self.a(x)
        return y * n


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(5, 5)

    def forward(self, x, n: int):
        outs: List[torch.Tensor] = []
        for i in range(n):
            x = torch.tanh(self.a(x)) + i
            outs.append(x)
        return x, outs


class While(nn.Module):
    def forward(self, x):
        n = 0
        while bool(x.abs().max() > 1.0):
            x = x / 2 + 0.01
            n += 1
        return x, n


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Conv2d(5, 5, 3, padding=1), nn.ReLU()) for _ in range(3)])

    def forward(self, x, last: int):
        i = 0
        for block in self.blocks:
            if i < last:
                x = block(x) + x
            i += 1
        return x


class ListBetween(nn.Module):
    def forward(self, x, y):
        parts = [x * 2, y * 3]
        n = int((x + y).sum().abs().item())
        return torch.cat(parts, 1) * n, torch.stack(parts)


class ListTwice(nn.Module):
    def forward(self, x, y, wide: bool):
        parts = [x * 2, y * 3]
        if wide:
            z = torch.cat(parts, 1).sum(1)
        else:
            z = torch.cat([x, y.exp()], 0).sum(1)
        return torch.cat(parts, 0), torch.cat(parts, 1) + 1, z


class Writes(nn.Module):
    def forward(self, x):
        y = x * 2
        y[:, 0] = 1.0
        z = y.view(-1)
        z.add_(1)
        y[0] *= 3
        return y, z.exp()


class WritesWhatStridesShare(nn.Module):
    """Results have their operands' order of dimensions: `flatten` copies some and shares others."""

    def forward(self, x):
        y = x.t() + 1
        z = y * 2
        y.flatten().mul_(3)
        z.t().reshape(-1)[0] = 7.0
        z.contiguous().zero_()
        w = x.exp()
        w.reshape(-1)[1:].neg_()
        return y, z, w, torch.relu(y) - 1


class Optionals(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(5, 7)

    def forward(self, x, mask: Optional[torch.Tensor] = None) -> Tuple[torch.Tensor, int]:
        y = self.a(x)
        if mask is not None:
            y = y.masked_fill(mask, 0.0)
        return y.softmax(-1), y.size(0)


@torch.jit.script
def halved(x):
    if x.size(0) > 2:
        return x[: x.size(0) // 2] * 2
    return x + 1


class TracedWithScript(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(5, 7)

    def forward(self, x):
        return self.a(halved(x)).relu()


class HostBetween(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 7), nn.Linear(7, 3)

    def forward(self, x):
        y = F.relu(self.a(x))
        z, index = y.sort(1)
        keep = torch.nonzero(y.sum(1) > 0)
        return self.b(z * 2 + y), index + 1, keep * 2, y[keep.squeeze(1)] + 1


class GrowingLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x, n: int):
        for i in range(n):
            x = torch.cat([x, self.a(x[-1:])], 0)
        return x * 2


class NestedLoop(nn.Module):
    def forward(self, x, n: int):
        total = torch.zeros_like(x)
        for i in range(n):
            for j in range(i):
                total = total + x * i - j
            total = total * 0.5
        return total, total.sum(0)


class Early(nn.Module):
    def forward(self, x):
        y = x.exp() + 1
        if bool(y.sum() > 100):
            return y * 2
        z = y.t() * 3
        return z


class LayersNamedLikeKernels(nn.Module):
    """Layers, whose groups are functions, called like what the functions of other groups use."""

    def __init__(self):
        super().__init__()
        self.out, self.load, self.splat, self.fma, self.convert = [nn.Linear(4, 4) for _ in range(5)]
        self.select, self.store, self.largest, self.permute = [nn.Linear(4, 4) for _ in range(4)]

    def forward(self, x):
        for layer in (self.out, self.load, self.splat, self.fma, self.convert, self.select, self.store, self.largest, self.permute):
            x = layer(x)
        y = torch.cat([x, x * 2])
        return torch.sigmoid(y) * torch.exp(y), x.sum(-1) + 1, y.softmax(-1)


class BoxesBesideReductions(nn.Module):
    """Boxed values in a program with kernels of reductions: their types are the runtime's."""

    def forward(self, x):
        boxes: List[Union[int, str]] = [1, "a"]
        boxes.append(x.size(0))
        return x.sum(-1) * len(boxes)


class NamesOfTheRuntime(nn.Module):
    """Variables that are called like what emitted functions use."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.LSTM(4, 4)

    def forward(self, p):
        scratch = self.a(p) * 2
        blocks = torch.matmul(scratch, scratch.transpose(-1, -2)).softmax(-1)
        step = blocks.sum(-1)
        begin = scratch.exp()
        end = begin + 1
        out = end.amax(0).sum()
        count = self.b(p)[0] * out
        linear = self.a(p)
        matmul = torch.matmul(linear, linear.transpose(-1, -2))
        softmax = (matmul * 2).softmax(-1)
        attention = softmax @ linear
        pointwise = self.b(attention)[0] * 2 + 1
        reduce = pointwise.sum(-1)
        layer_norm = F.layer_norm(pointwise, (4,))
        splat = torch.matmul(self.a(layer_norm), attention.transpose(-1, -2)) + 1
        weights = self.a(splat[..., :1].expand(-1, -1, 4))
        max = weights.amax(-1)
        dense = max.sort(-1)[0] * 2
        min = dense + max
        arena = self.a(weights * min.unsqueeze(-1))
        block = torch.cat([arena, weights], 0).softmax(0)
        sizes = torch.nonzero(block > 0)[:, 0]
        is_empty = block.index_select(0, sizes[:2]) + 1
        floor_div = is_empty.t() if is_empty.dim() == 2 else is_empty.sum(0)
        load = self.a(is_empty[:1]).relu() * floor_div.mean()
        return scratch, blocks, step, begin, end, count, softmax, reduce, layer_norm, splat, min, arena, block, is_empty, load


class PickList(nn.Module):
    """Elements of a container have sizes of their own, though they have one type."""

    def forward(self, x, y, i: int, j: int):
        l = [x, y]
        return l[i] * 2 + l[j], l[j].exp() - l[i]


class PickDict(nn.Module):
    def forward(self, x, y, i: int, j: int):
        d, keys = {"a": x, "b": y}, ["a", "b"]
        return d[keys[i]] * 2 + d[keys[j]], d[keys[j]].exp()


class PickTuple(nn.Module):
    def forward(self, x, y, i: int, j: int):
        l = [(x, 1), (y, 2)]
        l.append((y * 2, 3))
        return l[i][0] * 2 + l[j][0] + l[i][1], l[j][0].exp()


class PickNested(nn.Module):
    def forward(self, x, y, i: int, j: int):
        l, d = [[x, y], [y]], {0: [x], 1: [y]}
        for k in range(2):
            l[k].append(l[k][0][:, : k + 1] + 1)
        return l[i][j] * 2 + l[j][-1], d[i][0].exp() + l[i][0]


class PickJoined(nn.Module):
    def forward(self, x, y, i: int, j: int):
        l = [x, y]
        if i == j:
            l = [y, x, x * 2]
        a, b = l[0], l[1]
        for k in range(i + 1):
            a = l[k] * a
            l = l[k:] + l
        return l[i] * 2 + l[j] + b, a + l[-1]


class GrownInLoop(nn.Module):
    """What iterations put into a list differs in size."""

    def forward(self, x, y, i: int, j: int):
        kept = [x]
        for k in range(3):
            part = y.flatten()[torch.nonzero(y.flatten() > k - 1).squeeze(1)]
            kept.append((part * 2).unsqueeze(0)[:, :1] + kept[-1])
            kept.append(part.exp().unsqueeze(1))
        return kept[i] + kept[j], kept[2].sum(0) * 2 + kept[4].t() * 0, kept[6].exp(), kept[4] * 2 + kept[5]


class DividesBySize(nn.Module):
    """By a size that may be zero, before the program finds out, or where it doesn't get."""

    def forward(self, x):
        y = x.exp() + 1
        if x.size(0) > 0:
            y = y + 7 // x.size(0) + 7 % x.size(0)
        if x.size(1) > 3:
            y = y.repeat(12 // x.size(0), 1)[: 12 % x.size(1) + 1] * 2
        return y


PICKS = [(R(1, 5), R(3, 1), 0, 1), (R(3, 1), R(1, 5), 1, 0), (R(2, 3), R(2, 3), 0, 0), (R(1, 1), R(2, 4), 1, 1)]

CASES = [
    *[Case(f"picks_{module.__name__}", module(), *PICKS, script=True) for module in (PickList, PickDict, PickTuple, PickNested, PickJoined, GrownInLoop)],
    Case("names_of_the_runtime", NamesOfTheRuntime(), R(3, 5, 4), R(1, 2, 4)),
    Case("names_of_the_runtime_scripted", NamesOfTheRuntime(), R(3, 5, 4), R(1, 2, 4), script=True),
    Case("layers_named_like_kernels", LayersNamedLikeKernels(), R(2, 4), R(1, 4), R(5, 4)),
    Case("boxes_beside_reductions", BoxesBesideReductions(), R(3, 5), R(1, 1), R(4, 0), script=True),
    Case("branch", Branch(), (R(3, 5), 3), (R(1, 5), 1), (R(2, 5), 0), (R(0, 5), 3), script=True),
    Case("loop", Loop(), (R(3, 5), 3), (R(1, 5), 0), (R(2, 5), 1), script=True),
    Case("while", While(), R(3, 5) * 9, R(1, 1), script=True),
    Case("blocks", Blocks(), (R(1, 5, 6, 6), 3), (R(2, 5, 7, 5), 1), (R(2, 5, 7, 5), 0), script=True),
    Case("list_between", ListBetween(), (R(2, 3), R(2, 3)), (R(1, 1), R(1, 1)), script=True),
    Case("list_twice", ListTwice(), (R(2, 3), R(2, 3), True), (R(1, 1), R(1, 1), False), script=True),
    Case("list_between_traced", lambda x, y: (lambda p: (torch.cat([p, y * 3], 1) * p.sum().round().long(), torch.nonzero(p > 0)))(x * 2), (R(2, 3), R(2, 3)), (R(1, 1), R(1, 1))),
    Case("writes", Writes(), R(3, 4), R(1, 1), script=True),
    Case("writes_what_strides_share", WritesWhatStridesShare(), R(3, 5), R(1, 1), R(2, 7), R(5, 3).t()),
    Case("writes_traced", Writes(), R(3, 4), R(1, 1), R(5, 2)),
    Case("optionals", Optionals(), (R(3, 5), R(3, 7) > 0), (R(3, 5),), (R(1, 5), R(1, 7) > 0), (R(3, 5), R(1, 7) > 0), script=True),
    Case("traced_with_script", TracedWithScript(), R(4, 5), R(1, 5), R(3, 5), R(2, 5)),
    Case("host_between", HostBetween(), R(4, 5), R(1, 5), R(9, 5), R(0, 5)),
    Case("growing_loop", GrowingLoop(), (R(1, 4), 3), (R(2, 4), 0), (R(3, 4), 2), script=True),
    Case("nested_loop", NestedLoop(), (R(2, 4), 3), (R(1, 1), 0), (R(3, 4), 5), script=True),
    Case("divides_by_size", DividesBySize(), R(3, 5), R(0, 3), R(0, 5), R(2, 4), script=True),
    Case("early", Early(), R(3, 4), R(1, 1), R(2, 4) + 4, script=True),
]

TYPES = {
    "boxes_beside_reductions": ["x: f32[n, m]"],
    "branch": ["x: f32[n, 5]"],
    "loop": ["x: f32[n, 5]"],
    "while": ["x: f32[n, m]"],
    "blocks": ["x: f32[n, 5, h, w]"],
    "list_between": ["x: f32[n, m]", "y: f32[n, m]"],
    "list_twice": ["x: f32[n, m]", "y: f32[n, m]"],
    "writes": ["x: f32[n, m]"],
    "optionals": ["x: f32[n, 5]"],
    "growing_loop": ["x: f32[n, 4]"],
    "nested_loop": ["x: f32[n, m]"],
    "early": ["x: f32[n, m]"],
    "divides_by_size": ["x: f32[n, m]"],
}
TYPES.update({case.name: ["x: f32[n, m]", "y: f32[k, l]"] for case in CASES if case.name.startswith("picks_")})
CASES += [
    Case("typed_" + case.name, case.module, *case.inputs, script=True, types=TYPES[case.name])
    for case in CASES
    if case.name in TYPES
]

bundles, test = case_tests(CASES)
