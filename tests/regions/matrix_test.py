"""Linear layers, products, normalisations, attention, embeddings, reductions."""

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


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(17, 24)
        self.gain = nn.Parameter(R(24))
        self.one = nn.Parameter(R(1))
        self.table = nn.Parameter(R(3, 24))

    def forward(self, x):
        return self.linear(x) * self.gain + self.one, self.gain * F.gelu(self.linear(x)), self.linear(x) + self.table


def block(q, k, v, mask=None, causal=False):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)


def qkv(n, h, t, s, d, e=None):
    return R(n, h, t, d), R(n, h, s, d), R(n, h, s, e or d)


class Attention(nn.Module):
    def __init__(self, c=20, h=4):
        super().__init__()
        self.h = h
        self.qkv, self.out, self.norm = nn.Linear(c, 3 * c), nn.Linear(c, c), nn.LayerNorm(c)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm(x)).view(n, t, 3, self.h, c // self.h).permute(2, 0, 3, 1, 4).unbind(0)
        return x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c))


PAIRS = [(17, 24), (5, 3), (1, 1), (64, 20), (33, 100)]

CASES = [
    *[Case(f"linear_{c}_{k}", nn.Linear(c, k), R(4, c), R(1, c), R(7, c), R(0, c), R(33, c)) for c, k in PAIRS],
    *[Case(f"linear_rank_{len(s)}", nn.Sequential(nn.Linear(17, 24), nn.ReLU(), nn.Linear(24, 5, bias=False)), R(*s, 17), *[R(*[n] * len(s), 17) for n in (1, 3)]) for s in [(), (4,), (2, 3), (2, 3, 4), (2, 1, 3, 2)]],
    *[Case(f"epilogue_{i}", nn.Sequential(nn.Linear(17, 20), a), R(4, 17), R(1, 17), R(2, 5, 17) if False else R(9, 17)) for i, a in enumerate([nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU(), nn.Tanh(), nn.ReLU6(), nn.Hardtanh(-0.3, 0.2), nn.Softmax(-1), nn.LogSoftmax(-1), nn.BatchNorm1d(20).eval(), nn.Sigmoid()])],
    Case("residual", Apply(lambda p, q, x: x + q(F.gelu(p(x))) * 0.5, nn.Linear(17, 40), nn.Linear(40, 17)), R(2, 3, 17), R(1, 1, 17), R(0, 3, 17)),
    Case("residual_swapped", Apply(lambda p, x, y: p(x) - y, nn.Linear(17, 5)), (R(4, 17), R(4, 5)), (R(4, 17), R(1, 5)), (R(1, 17), R(4, 5)), (R(4, 17), R(4, 1)), (R(4, 17), R(3, 5))),
    Case("residual_vector", Apply(lambda p, x, y: p(x) * y, nn.Linear(17, 5)), (R(4, 17), R(5)), (R(1, 17), R(5)), (R(4, 17), R(1)), (R(4, 17), R(4))),
    Case("residual_column", Apply(lambda p, x, y: p(x) * y + y, nn.Linear(17, 5)), (R(4, 17), R(4, 1)), (R(1, 17), R(1, 1)), (R(4, 17), R(1, 1)), (R(1, 17), R(4, 1))),
    Case("residual_transposed", Apply(lambda p, x, y: p(x) + y.t(), nn.Linear(17, 5)), (R(4, 17), R(5, 4)), (R(1, 17), R(5, 1))),
    Case("scaled", Scaled(), R(3, 17), R(3, 17), R(1, 17), R(2, 3, 17) if False else R(2, 17)),
    Case("linear_scalar", Apply(lambda p, x, s: p(x) * s + s, nn.Linear(17, 5)), (R(4, 17), torch.tensor(2.0)), (R(1, 17), torch.tensor(-1.0))),
    Case("linear_views", Apply(lambda p, x: (p(x.transpose(0, 1)), p(x[:, 1:]), p(x[:, 0]), p(x[:, ::2]), p(x.flatten(0, 1)), p(x[..., :17].contiguous())), nn.Linear(17, 5)), R(3, 4, 17), R(1, 1, 17), R(2, 5, 17)),
    Case("linear_column_slices", Apply(lambda p, x: (p(x[..., :17]), p(x[..., 2:]), p(x[..., 1:18])), nn.Linear(17, 5)), R(3, 19), R(1, 19)),
    Case("linear_of_transposed", Apply(lambda p, x: p(x.t()), nn.Linear(17, 5)), R(17, 4), R(17, 1)),
    Case("linear_double", nn.Linear(17, 5).double(), R(4, 17).double(), R(1, 17).double()),
    Case("linear_twice", Apply(lambda p, x: p(p(x)) + p(x), nn.Linear(17, 17)), R(4, 17), R(1, 17)),
    Case("wrong_depth", nn.Linear(17, 5), R(4, 17), R(4, 16), R(4, 17, 1)),
    Case("digits", nn.Sequential(nn.Sequential(nn.Linear(5, 7), nn.ReLU()), nn.Sequential(nn.Linear(7, 5), nn.ReLU())), R(4, 5), R(1, 5)),
    Case("products", lambda a, b: (a @ b, torch.mm(a, b), (a @ b).relu() * 2, b.t() @ a.t(), a @ a.t()), (R(4, 17), R(17, 5)), (R(1, 1), R(1, 1)), (R(33, 3), R(3, 40)), (R(3, 0), R(0, 4)), (R(0, 3), R(3, 4)), (R(3, 4), R(5, 4))),
    Case("batched", lambda a, b: (a @ b, torch.bmm(a, b), a @ b[0], a[0] @ b, b.transpose(1, 2) @ a.transpose(1, 2)), (R(3, 4, 17), R(3, 17, 5)), (R(1, 1, 1), R(1, 1, 1)), (R(2, 20, 3), R(2, 3, 33)), (R(0, 2, 3), R(0, 3, 4))),
    Case("batched_broadcast", lambda a, b: a @ b + 1, (R(2, 3, 4, 5), R(3, 5, 6)), (R(1, 1, 4, 5), R(1, 5, 6)), (R(1, 3, 4, 5), R(1, 5, 6)), (R(2, 1, 4, 5), R(3, 5, 6))),
    Case("batched_one", lambda a, b: a @ b, (R(1, 3, 4, 5), R(2, 3, 5, 6)), (R(2, 3, 4, 5), R(2, 3, 5, 6)), (R(2, 1, 4, 5), R(1, 3, 5, 6)), (R(2, 3, 4, 5), R(3, 3, 5, 6))),
    Case("batched_equal", lambda a, b: (a @ b) * 2, (R(2, 3, 4, 5), R(2, 3, 5, 6)), (R(2, 3, 4, 5), R(1, 3, 5, 6)), (R(2, 1, 4, 5), R(2, 3, 5, 6)), (R(1, 1, 1, 1), R(1, 1, 1, 1))),
    Case("vectors", lambda a, v: (a @ v, v @ a, v @ v, torch.outer(v, v), torch.mv(a, v)), (R(5, 5), R(5)), (R(1, 1), R(1)), (R(17, 17), R(17))),
    Case("product_epilogues", lambda a, b, c, v: ((a @ b) / 3 + c, (a @ b) * v, torch.addmm(c, a, b), torch.baddbmm(c[None], a[None], b[None]), c - a @ b), (R(4, 17), R(17, 5), R(4, 5), R(5)), (R(1, 3), R(3, 1), R(1, 1), R(1)), (R(4, 17), R(17, 5), R(1, 5), R(1)), (R(4, 17), R(17, 5), R(4, 1), R(5))),
    Case("product_constant", lambda x: (x @ torch.linspace(-1, 1, 85).view(17, 5), torch.linspace(-1, 1, 12).view(3, 4) @ x), R(4, 17), R(4, 17), R(1, 17)),
    Case("einsums", lambda a, b: (torch.einsum("bij,bjk->bik", a, b), torch.einsum("bij,bjk->bki", a, b)), (R(2, 3, 4), R(2, 4, 5)), (R(1, 1, 1), R(1, 1, 1)), (R(3, 17, 2), R(3, 2, 6))),
    Case("norms", Apply(lambda n, m, x: (n(x), m(n(x) + x) * 2, F.layer_norm(x, (17,)), F.layer_norm(x, (3, 17))), nn.LayerNorm(17), nn.LayerNorm(17, elementwise_affine=False)), R(2, 3, 17), R(1, 3, 17), R(0, 3, 17)),
    Case("norm_residual", Apply(lambda n, x, y: n(x + y) * y + x, nn.LayerNorm(20, eps=1e-6)), (R(4, 20), R(4, 20)), (R(1, 20), R(4, 20)), (R(4, 20), R(1, 20)), (R(1, 20), R(1, 20))),
    Case("norm_1d", nn.LayerNorm(20), R(20), R(20)),
    Case("norm_wrong", nn.LayerNorm(20), R(4, 20), R(4, 19)),
    Case("rms_norm", lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * 2, R(2, 3, 17), R(1, 1, 1), R(4, 1, 33), R(0, 1, 4)),
    Case("hand_norm", lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt(), R(2, 3, 17), R(1, 1, 2), R(4, 1, 33)),
    Case("softmaxes", lambda x: (x.softmax(-1), F.log_softmax(x, -1), (x / 2).softmax(-1) * 3, x.softmax(0), x.view(-1).softmax(0)), R(3, 5), R(1, 1), R(2, 17), R(4, 0), R(0, 4)),
    Case("softmax_infinite", lambda x: x.softmax(-1), R(3, 5), torch.tensor([[-float("inf"), 1.0], [-float("inf"), -float("inf")], [float("inf"), 0.0]])),
    Case("softmax_dtype", lambda x: (x.softmax(-1, dtype=torch.float32), x.softmax(-1)), R(3, 5).double(), R(1, 1).double()),
    Case("attend", block, qkv(2, 3, 5, 7, 8), qkv(1, 1, 1, 1, 4), qkv(2, 3, 17, 33, 20), qkv(1, 2, 3, 4, 5, 6), qkv(0, 2, 3, 4, 5), qkv(2, 3, 5, 0, 8)),
    Case("attend_values", block, qkv(2, 3, 5, 7, 8, 17), qkv(1, 1, 1, 1, 4, 3)),
    Case("attend_causal", lambda q, k, v: block(q, k, v, causal=True), qkv(2, 3, 5, 5, 8), qkv(1, 1, 1, 1, 4), qkv(1, 2, 4, 9, 16), qkv(1, 2, 9, 4, 16), qkv(1, 2, 70, 70, 16)),
    Case("attend_mask", lambda q, k, v, m: block(q, k, v, m), (*qkv(2, 3, 5, 7, 8), R(5, 7)), (*qkv(1, 1, 1, 1, 8), R(1, 1)), (*qkv(2, 3, 5, 7, 8), R(1, 7)), (*qkv(2, 3, 5, 7, 8), R(5, 1))),
    Case("attend_bool", lambda q, k, v, m: block(q, k, v, m), (*qkv(2, 3, 5, 7, 8), torch.rand(2, 1, 5, 7) > 0.3), (*qkv(1, 1, 1, 1, 8), torch.ones(1, 1, 1, 1) > 0), (*qkv(2, 3, 5, 7, 8), torch.rand(1, 1, 5, 7) > 0.3), (*qkv(2, 3, 5, 7, 8), torch.rand(2, 3, 5, 7) > 0.3)),
    Case("attend_keys", lambda q, k, v, m: block(q, k, v, m[:, None, None, :]), (*qkv(2, 3, 5, 7, 8), torch.rand(2, 7) > 0.3), (*qkv(1, 3, 5, 2, 8), torch.ones(1, 2) > 0), (*qkv(3, 1, 1, 4, 3), torch.ones(3, 4) > 0)),
    Case("attend_one", block, (R(1, 3, 5, 8), R(2, 3, 7, 8), R(2, 3, 7, 8)), qkv(2, 3, 4, 5, 6)),
    Case("attend_3d", block, (R(2, 5, 8), R(2, 7, 8), R(2, 7, 8)), (R(1, 1, 3), R(1, 1, 3), R(1, 1, 3))),
    Case("attend_scale", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3), qkv(2, 3, 5, 7, 8), qkv(1, 1, 2, 1, 4)),
    Case("attention", Attention(), R(2, 5, 20), R(1, 1, 20), R(3, 17, 20), R(0, 5, 20)),
    Case("attention_odd", Attention(15, 3), R(1, 5, 15), R(2, 9, 15)),
    Case("hand_attention", lambda q, k, v, m: ((q @ k.transpose(-2, -1)) / 3 + m).softmax(-1) @ v, (*qkv(2, 3, 5, 7, 8), R(5, 7)), (*qkv(1, 1, 1, 1, 8), R(1, 1)), (*qkv(2, 3, 5, 7, 8), R(1, 7)), (*qkv(2, 3, 5, 7, 8), R(2, 1, 1, 7)[0, 0])),
    Case("batch_of_mask", lambda q, k, v, m: ((q @ k.transpose(-2, -1)) / torch.tensor(3.0, dtype=torch.float64) + m[:, None, None]).softmax(-1) @ v, (*qkv(1, 3, 5, 7, 8), R(1, 7)), (*qkv(4, 3, 5, 7, 8), R(1, 7)), (*qkv(1, 3, 5, 7, 8), R(4, 7)), (*qkv(4, 3, 5, 7, 8), R(4, 7)), (*qkv(4, 3, 5, 7, 8), R(3, 7)), (*qkv(0, 3, 5, 7, 8), R(1, 7))),
    Case("causal_mask", lambda x: (x @ x.transpose(1, 2)).masked_fill(torch.triu(torch.ones(x.shape[1], x.shape[1]), 1) > 0, float("-inf")).softmax(-1) @ x, R(2, 5, 8), R(1, 1, 3), R(2, 17, 4)),
    Case("embedded", Apply(lambda e, p, i: (e(i), e(i) * 2 + p(torch.arange(i.shape[1])), e(i).sum(1)), nn.Embedding(10, 17), nn.Embedding(20, 17)), torch.randint(0, 10, (2, 5)), torch.randint(0, 10, (1, 1)), torch.randint(0, 10, (3, 20)), torch.randint(0, 10, (3, 21)), torch.randint(0, 10, (0, 5)), torch.full((2, 2), 10), torch.full((2, 2), -1)),
    Case("embedded_views", Apply(lambda e, i: (e(i.t()), e(i[:, ::2]), e(i[:, 0]), e(i + 1), e(i.int())), nn.Embedding(10, 3, padding_idx=0)), torch.randint(0, 9, (2, 5)), torch.randint(0, 9, (1, 1)), torch.full((2, 2), 9)),
    Case("embedded_double", nn.Embedding(10, 3).double(), torch.randint(0, 10, (2, 5))),
    Case("sums", lambda x: (x.sum(1), x.sum((1, 2)), x.mean((0, 1)), x.sum(-1, keepdim=True) * 2, x.mean(1, keepdim=True) + x, x.sum((0, 2)), x.sum(), x.mean(), x.sum([]) if False else x.sum((0, 1, 2))), R(2, 3, 4), R(1, 1, 1), R(3, 17, 33), R(2, 0, 4), R(0, 3, 4)),
    Case("extremes", lambda x: (x.amax(1), x.amin((1, 2)), x.amax((0, 1), keepdim=True), x.max(1)[0], x.min(2)[1], x.max(), x.argmax(-1), x.amin(-1)), R(2, 3, 4), R(1, 1, 1), R(3, 17, 33), R(0, 3, 4), R(2, 3, 0)),
    Case("nan_extremes", lambda x: (x.amax(-1), x.amin(-1), x.sum(-1), x.mean(-1)), R(2, 3), torch.tensor([[float("nan"), 1.0, 2.0, 3.0], [1.0, float("inf"), 0.0, float("nan")]])),
    Case("int_sums", lambda i: (i.sum(1), i.sum(), i.amax(0), (i > 2).sum(1), i.float().mean(0), i.sum(1, keepdim=True) + i), torch.arange(12).view(3, 4), torch.arange(5).view(1, 5)),
    Case("double_sums", lambda x: (x.sum(1), x.mean(), x.amax(0), x @ x.t(), x.softmax(-1)), R(3, 4).double(), R(1, 1).double()),
    Case("sum_dtype", lambda x, i: (x.sum(1, dtype=torch.float64), i.sum(1, dtype=torch.float32), i.mean(1, dtype=torch.float32)), (R(3, 4), torch.arange(12).view(3, 4)), (R(1, 1), torch.arange(5).view(1, 5))),
    Case("variances", lambda x: (x.var(1), x.std(0), x.norm(dim=1), F.normalize(x, dim=1), x.cumsum(1), x.prod(1), torch.logsumexp(x, 1)), R(3, 4), R(2, 17)),
    Case("large_linear", Apply(lambda p, q, x: q(F.relu(p(x))), nn.Linear(64, 256), nn.Linear(256, 33)), R(128, 64), R(129, 64), R(1, 64)),
]

bundles, test = case_tests(CASES)
