"""Addresses against kernels: constants of all shapes beside images, views that each anchor reads, odd sizes."""

import torch
from torch import nn

from conftest import Case, case_tests

R = torch.randn
F = nn.functional


class Apply(nn.Module):
    """f(modules..., inputs...)"""

    def __init__(self, f, *modules):
        super().__init__()
        self.f = f
        self.m = nn.ModuleList(modules)

    def forward(self, *x):
        return self.f(*self.m, *x)


class Grid(nn.Module):
    """Constants that do and do not fit the layout of images."""

    def __init__(self):
        super().__init__()
        self.register_buffer("whole", R(1, 17, 8, 8))
        self.register_buffer("one", R(1, 1, 1, 1))
        self.register_buffer("channel", R(1, 17, 1, 1))
        self.register_buffer("vector", R(17))
        self.c = nn.Conv2d(5, 17, 3, padding=1)
        self.d = nn.Conv2d(17, 5, 3, padding=1)

    def forward(self, x):
        y = self.c(x)
        return (
            self.d(y + self.whole),
            self.d(y * self.one + self.channel),
            self.d(y * self.vector.view(1, -1, 1, 1)),
            self.d(self.vector[:, None, None] * y),
            self.d(y * self.vector[None, :, None, None] + self.whole[:, :, :1, :1]),
        )


CASES = [
    Case("grid", Grid(), R(2, 5, 8, 8), R(1, 5, 8, 8), R(3, 5, 8, 8), R(1, 5, 1, 1), R(2, 5, 1, 8), R(1, 5, 4, 4)),
    Case("expanded_result", Apply(lambda p, x: p(x).expand(3, -1, -1, -1), nn.Conv2d(5, 17, 1)), R(1, 5, 4, 4)),
    Case("unsqueezed_one", lambda x: (x.unsqueeze(0)*2)[0] + x[None].expand(2, -1, -1).sum(0), R(3, 4), R(1, 1)),
    Case("slice_empty", lambda x: (x[:, 3:2]+1, torch.cat([x[:, :0], x], 1)*2, x[5:].sum(0)), R(3, 4), R(1, 4), R(7, 4)),
    Case("linear_empty_depth", lambda x: (x.sum(-1), x.softmax(-1), x.mean(-1)), R(3, 4), R(3, 0)),
    Case("matmul_expand", lambda a, b: a.unsqueeze(1) @ b.unsqueeze(0), (R(2, 4, 5), R(3, 5, 6)), (R(1, 4, 5), R(3, 5, 6)), (R(2, 1, 1), R(1, 1, 1))),
    Case("matmul_select", lambda a, b: (a[:, 0] @ b[0], a[..., ::2] @ b[:, ::2], a[:, 1:] @ b), (R(2, 4, 6), R(2, 6, 3)), (R(1, 4, 2), R(1, 2, 1))),
    Case("matmul_expanded", lambda a, b: a @ b.expand(a.shape[0], -1, -1), (R(2, 4, 5), R(1, 5, 6)), (R(3, 4, 5), R(1, 5, 6)), (R(1, 4, 5), R(1, 5, 6)), (R(3, 4, 5), R(3, 5, 6))),
    Case("attend_expand", lambda q, k: F.scaled_dot_product_attention(q, k.expand(-1, q.shape[1], -1, -1), k.expand(-1, q.shape[1], -1, -1)), (R(2, 4, 5, 8), R(2, 1, 7, 8)), (R(1, 3, 1, 4), R(1, 1, 1, 4)), (R(1, 3, 1, 4), R(1, 3, 1, 4))),
    Case("attend_transposed", lambda q, k, v: F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2).flatten(2)+1, (R(2, 5, 3, 8), R(2, 7, 3, 8), R(2, 7, 3, 8)), (R(1, 1, 1, 3), R(1, 1, 1, 3), R(1, 1, 1, 3))),
    Case("attend_odd_strides", lambda q: F.scaled_dot_product_attention(q[..., ::2], q[..., ::2], q.transpose(2, 3)[..., :4]), R(2, 3, 4, 4), R(1, 1, 4, 4)),
    Case("int_embed_chain", Apply(lambda e, i: e((i*2+1).clamp(0, 9)).transpose(1, 2).softmax(-1), nn.Embedding(10, 6)), torch.arange(6).view(2, 3), torch.arange(5).view(1, 5)),
    Case("reduce_views", lambda x: (x[:, 1:].sum(1), x[:, ::2].mean(-1), x.t()[1:].amax(0), x.expand(2, *x.shape).sum(0), x[None].mean(0)), R(3, 4), R(1, 2), R(5, 17)),
    Case("negative_dims", lambda x: (x.sum(-2), x.mean((-1, -2)), x.unsqueeze(-3)+1, x.flatten(-2)+1, x.transpose(-1, -3)*2, x.select(-2, 1)+1, x.squeeze(-1)*1), R(2, 3, 4), R(1, 2, 1), R(2, 2, 7)),
    Case("pool_views", Apply(lambda p, x: (F.max_pool2d(p(x)[:, ::2], 2), F.avg_pool2d(p(x).transpose(2, 3), 2), F.adaptive_avg_pool2d(p(x)[:, :, 1:], 2)), nn.Conv2d(5, 20, 3, padding=1)), R(1, 5, 8, 9), R(2, 5, 6, 6)),
    Case("conv_functional", Apply(lambda p, x: F.conv2d(x, torch.ones(6, 5, 3, 3), torch.arange(6.0), 1, 1).relu()+F.conv2d(x, torch.ones(6, 5, 1, 1)), nn.Identity()), R(1, 5, 8, 9), R(2, 5, 6, 6)),
    Case("dynamic_weight", lambda x, w: F.conv2d(x, w, padding=1).relu()*2, (R(1, 5, 8, 8), R(7, 5, 3, 3)), (R(2, 5, 4, 4), R(3, 5, 3, 3))),
    Case("dynamic_linear", lambda x, w, b: F.linear(x, w, b).relu()*2, (R(4, 5), R(7, 5), R(7)), (R(1, 5), R(1, 5), R(1))),
    Case("batch_norms", Apply(lambda a, b, c, x: (a(x.flatten(2)), b(x), c(x.flatten(1))), nn.BatchNorm1d(5), nn.BatchNorm2d(5), nn.BatchNorm1d(20)), R(3, 5, 2, 2), R(1, 5, 2, 2), R(1, 5, 1, 4)),
]

bundles, test = case_tests(CASES)
