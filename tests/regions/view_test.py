"""Views of all kinds between computations, and results that are views."""

import torch
from torch import nn

from conftest import Case, case_tests

R = torch.randn
F = nn.functional


def heads(x):
    n, t, c = x.shape
    return (x.view(n, t, 3, c // 3).transpose(1, 2) * 2).transpose(1, 2).reshape(n, t, c) + x


def shuffle(x):
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w) + 1


def windows(x):
    b, h, w, c = x.shape
    x = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c) * 2
    return x.view(b, h // 2, w // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)


def patch_merge(x):
    return torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)


CASES = [
    Case("transposes", lambda x: (x.t() + 1, x.transpose(0, 1) * x.t(), x.T.exp()), R(3, 5), R(1, 1), R(17, 2), R(0, 3)),
    Case("permutes", lambda x: (x.permute(2, 0, 1) * 2, x.permute(0, 2, 1).contiguous() + 1, x.movedim(0, 2) - 1), R(2, 3, 5), R(1, 3, 1), R(4, 1, 7), R(2, 0, 3)),
    Case("add_transposed", lambda x: x + x.t(), R(4, 4), R(1, 1), R(1, 5), R(3, 4), R(9, 9)),
    Case("expands", lambda x: (x.expand(4, 5) * 2, x.expand(3, 4, 5) + 1), R(1, 5), R(4, 5), R(4, 1), R(1, 1), R(3, 5)),
    Case("expand_keeps", lambda x: x.unsqueeze(1).expand(-1, 3, -1) + x.unsqueeze(1), R(2, 5), R(1, 1), R(4, 7), R(0, 7)),
    Case("expand_as", lambda x, y: (x.expand_as(y) + 1, y.sum(0) + x.expand_as(y)), (R(1, 5), R(4, 5)), (R(4, 5), R(4, 5)), (R(1, 1), R(3, 7)), (R(4, 1), R(4, 5))),
    Case("expand_sizes", lambda x, y: x.expand(y.shape[0], -1, y.shape[1]) * y.unsqueeze(1), (R(1, 3, 1), R(4, 5)), (R(4, 2, 5), R(4, 5)), (R(1, 2, 5), R(4, 5))),
    Case("selects", lambda x: (x[0] * 2, x[-1] + 1, x[:, 2] + x[:, -2], x.select(2, -1) * x[0, 0, 0]), R(3, 4, 5), R(1, 4, 1), R(2, 3, 7), R(1, 2, 3)),
    Case("slices", lambda x: (x[1:] * 2, x[:, :-1] + 1, x[:, 1::2].exp(), x[..., -3:] - 1, x[:, 1:-1:2] * 1.5, x[:, 100:] + 1, x[:-100].exp(), x[-100:2].exp()), R(3, 6), R(1, 1), R(2, 7), R(4, 2), R(0, 5)),
    Case("slice_pairs", lambda x: x[:, 1:] - x[:, :-1], R(3, 6), R(1, 1), R(2, 17), R(2, 2)),
    Case("slice_steps", lambda x: (x[:, ::3] * 2, x[::2, 1::4].contiguous(), x[::2][1:].t() + 1), R(5, 9), R(1, 1), R(2, 10), R(7, 3)),
    Case("slice_by_size", lambda x, y: x[:, : y.shape[1]] + y, (R(3, 8), R(3, 5)), (R(1, 8), R(1, 8)), (R(2, 4), R(2, 7)), (R(2, 9), R(2, 0))),
    Case("slice_from_size", lambda x, y: (x[:, y.shape[0] :] + 1, x[:, -y.shape[0] :] * 2, x.narrow(1, 1, 2) + 1), (R(3, 8), R(3)), (R(1, 8), R(7)), (R(1, 8), R(8)), (R(2, 4), R(5))),
    Case("slice_from_difference", lambda x, y: (x[:, y.shape[0] - 2 :] + 1, x[:, : y.shape[0] - 2] * 2, x[:, y.shape[0] - 1] * 3), (R(3, 8), R(3)), (R(1, 8), R(1)), (R(1, 8), R(8)), (R(2, 4), R(5))),
    Case("narrowed", lambda x: (x.narrow(1, 1, 2) + 1, x.narrow(0, -1, 1) * 2), R(3, 8), R(1, 3), R(1, 2), R(2, 1)),
    Case("selected", lambda x: x[:, 3] * x[:, -4], R(3, 8), R(1, 4), R(1, 3)),
    Case("wrong_views", lambda x: x.view(2, -1) + 1, R(4, 3), R(1, 2), R(1, 3), R(3, 5)),
    Case("wrong_view_sizes", lambda x: x.view(2, 6) + 1, R(4, 3), R(1, 12), R(1, 13), R(3, 3)),
    Case("reshapes", lambda x: (x.view(-1) * 2, x.reshape(x.shape[0], -1) + 1, x.flatten(1) - 1, x.flatten() * 3, x.view(x.shape[0], x.shape[1], -1) + 1), R(2, 3, 4, 5), R(1, 1, 1, 1), R(3, 1, 2, 7)),
    Case("reshape_transposed", lambda x: (x.transpose(1, 2).reshape(x.shape[0], -1) * 2, x.permute(2, 0, 1).flatten(1) + 1, x.t() if x.dim() == 2 else x.transpose(0, 2).reshape(-1)), R(2, 3, 4), R(1, 1, 5), R(3, 4, 1), R(1, 4, 4)),
    Case("heads", heads, R(2, 5, 6), R(1, 1, 9), R(3, 4, 3), R(1, 7, 51)),
    Case("shuffle", shuffle, R(2, 6, 4, 5), R(1, 2, 1, 1), R(1, 20, 3, 3), R(3, 34, 2, 1)),
    Case("windows", windows, R(2, 4, 6, 5), R(1, 2, 2, 1), R(3, 8, 2, 17)),
    Case("patch_merge", patch_merge, R(2, 4, 6, 5), R(1, 2, 2, 3), R(1, 5, 4, 3)),
    Case("chunks", lambda x: (lambda a, b, c: a * b + c)(*x.chunk(3, 1)), R(2, 9), R(1, 3), R(4, 9), R(2, 6)),
    Case("chunk_last", lambda x: (lambda a, b: a * torch.sigmoid(b))(*x.chunk(2, -1)), R(2, 3, 8), R(1, 1, 2), R(2, 3, 34)),
    Case("splits", lambda x: [p * 2 for p in x.split(2, 1)] + [p + 1 for p in x.split([1, 2, 3], 1)], R(2, 6), R(1, 6), R(3, 6), R(3, 5)),
    Case("unbinds", lambda x: [p * 2 for p in x.unbind(1)] + [x.unbind(0)[0] + 1], R(2, 3), R(2, 3), R(5, 3), R(1, 3)),
    Case("qkv", lambda x: (lambda q, k, v: (q @ k.transpose(-2, -1)).softmax(-1) @ v)(*x.reshape(x.shape[0], x.shape[1], 3, 2, -1).permute(2, 0, 3, 1, 4).unbind(0)), R(2, 5, 24), R(1, 1, 6), R(3, 7, 30)),
    Case("squeezes", lambda x: (x.squeeze(1) * 2, x.unsqueeze(-1) + 1, x.unsqueeze(0).squeeze(0) * 3, x.squeeze(1).unsqueeze(2) + 1, x.squeeze(-1) * 1), R(3, 1, 5), R(1, 1, 1), R(7, 1, 2)),
    Case("squeeze_all", lambda x: x.squeeze() * 2, R(3, 1, 5), R(2, 1, 3), R(1, 1, 5)),
    Case("squeeze_symbol", lambda x: x.squeeze(0) * 2, R(3, 5), R(1, 5)),
    Case("inputs_as_views", lambda x: (x.t(), x[0], x.view(-1), x.expand(2, *x.shape), x), R(3, 5), R(1, 1), R(2, 7)),
    Case("results_alias", lambda x: (lambda y: (y, y.t(), y[0], y[1:], y.view(-1), y))(x * 2), R(3, 5), R(1, 1), R(2, 7)),
    Case("mean_of_transposed", lambda x: (x.transpose(1, 2).mean(1), x.permute(2, 0, 1).sum(0), x.t().amax(0) if x.dim() == 2 else x.transpose(0, 1).amax(0)), R(2, 3, 4), R(1, 1, 5), R(5, 17, 1)),
    Case("softmax_of_transposed", lambda x: (x.transpose(1, 2).softmax(-1), x.softmax(1), x[:, 1:].softmax(-1), x[..., ::2].softmax(-1), F.layer_norm(x.transpose(0, 1)[..., :3], (3,))), R(2, 3, 4), R(1, 2, 5), R(5, 17, 3)),
    Case("linear_of_views", nn.Sequential(nn.Flatten(1), nn.Linear(12, 5)), R(2, 3, 4), R(1, 4, 3), R(5, 2, 6), R(2, 3, 5)),
    Case("stacks", lambda x, y: (torch.stack([x, y]), torch.stack([x, y, x], 1), torch.stack([x * 2, y], -1) + 1, torch.cat([x, y, x.exp()], 1), torch.cat([x, y])), (R(3, 4), R(3, 4)), (R(1, 1), R(1, 1)), (R(2, 17), R(2, 17)), (R(0, 3), R(0, 3)), (R(2, 3), R(2, 4))),
    Case("cat_of_views", lambda x, y: torch.cat([x.transpose(1, 2), y[:, ::2], x.transpose(1, 2) * 2], 1), (R(2, 5, 3), R(2, 4, 5)), (R(1, 1, 3), R(1, 1, 1)), (R(2, 3, 4), R(2, 7, 3))),
    Case("cat_ints", lambda i, x: (torch.cat([i, i * 2], -1), torch.cat([x > 0, x < 0], 0), torch.cat([i.float(), x], 1)), (torch.arange(6).view(2, 3), R(2, 3)), (torch.arange(5).view(1, 5), R(1, 5))),
    Case("cat_empty", lambda x, y: torch.cat([x, y], 1) * 2, (R(2, 3), R(2, 4)), (R(2, 0), R(2, 4)), (R(2, 3), R(2, 0)), (R(2, 0), R(2, 0))),
    Case("rotate_half", lambda x: torch.cat([-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]], -1) * 2 + x, R(2, 3, 8), R(1, 1, 2), R(2, 5, 6), R(2, 3, 7)),
    Case("interleave", lambda x: torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2) + x, R(2, 3, 8), R(1, 1, 2), R(3, 4, 18)),
    Case("unflattened", lambda x: x.unflatten(1, (2, -1)).transpose(1, 2) * 2, R(3, 8), R(1, 2), R(5, 18), R(5, 7)),
    Case("pixel_shuffle", lambda x: (F.pixel_shuffle(x, 2) + 1, F.pixel_unshuffle(x, 2) * 2), R(2, 8, 4, 6), R(1, 4, 2, 2), R(3, 12, 6, 2)),
    Case("reshape_merges_batch", lambda x: x.reshape(-1, x.shape[-1]).matmul(torch.ones(5, 2)).view(x.shape[0], x.shape[1], 2), R(3, 4, 5), R(1, 1, 5), R(7, 2, 5), R(0, 2, 5)),
    Case("view_as", lambda x, y: (x.view_as(y) * y, x.reshape_as(y) + 1), (R(3, 4), R(4, 3)), (R(2, 6), R(12, 1)), (R(1, 4), R(4, 1))),
    Case("int_views", lambda i: (i.t() + 1, i[:, ::2] * 2, i.flatten() - 1, i.unsqueeze(1).expand(-1, 2, -1) // 2), torch.arange(12).view(3, 4), torch.arange(5).view(1, 5)),
    Case("double_views", lambda x: (x.t() * 2, x[:, 1:] + x[:, :-1], x.flatten().exp()), R(3, 4).double(), R(1, 5).double()),
    Case("masks_of_views", lambda m, x: (x.masked_fill(m[:, None], 0.0), ~m.t(), m.unsqueeze(-1) & m.unsqueeze(1)), (R(2, 3) > 0, R(2, 4, 3)), (R(1, 1) > 0, R(1, 1, 1)), (R(3, 17) > 0, R(3, 1, 17))),
    Case("zero_dims", lambda x: (x.sum() * 2, x.mean() + x, x.view(1, 1) + 1, (x + 1).expand(3, 2)), torch.tensor(2.0), torch.tensor(-1.0)),
    Case("repeats", lambda x: (x.repeat(2, 3) + 1, x.repeat_interleave(2, 1) * 2, x.flip(1) + x, x.roll(1, 0) - x, x.tile(2)), R(2, 3), R(1, 1), R(4, 7)),
]

bundles, test = case_tests(CASES)
