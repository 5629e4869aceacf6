"""Convolutions, pools and what stands around them: layouts, halos, channels that fill no vector, broadcasts per image."""

import torch
from torch import nn

from conftest import Case, case_tests

R = torch.randn
F = nn.functional


def conv(c, k, size=3, **options):
    return nn.Conv2d(c, k, size, **options)


def conv_bn(c, k, size, act=None, **options):
    bn = nn.BatchNorm2d(k)
    nn.init.normal_(bn.running_mean)
    nn.init.uniform_(bn.running_var, 0.5, 2)
    nn.init.normal_(bn.weight)
    nn.init.normal_(bn.bias)
    return nn.Sequential(conv(c, k, size, bias=False, **options), bn, *([act] if act else []))


class Apply(nn.Module):
    """f(modules..., inputs...)"""

    def __init__(self, f, *modules):
        super().__init__()
        self.f = f
        self.m = nn.ModuleList(modules)

    def forward(self, *x):
        return self.f(*self.m, *x)


def positive(c, k):
    """A convolution whose results are far above 0, so that its root has no pole but in channels that do not exist."""
    made = conv(c, k, padding=1)
    nn.init.constant_(made.bias, 20.0)
    return made


def gate(c, r):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(c, r, 1), nn.ReLU(), conv(r, c, 1), nn.Sigmoid())


def sized(c, *sizes):
    return [R(n, c, h, w) for n, h, w in sizes]


SIZES = [(1, 9, 9), (2, 8, 11), (1, 5, 5), (5, 7, 6), (1, 20, 33), (0, 9, 9)]
ODD = [(3, 5), (5, 17), (17, 3), (20, 24), (24, 20), (1, 1), (16, 32), (33, 16), (64, 64), (2, 48)]

CASES = [
    *[Case(f"conv_{c}_{k}", conv(c, k, padding=1), *sized(c, *SIZES)) for c, k in ODD],
    *[Case(f"point_{c}_{k}", conv_bn(c, k, 1, nn.ReLU()), *sized(c, *SIZES, (1, 1, 1))) for c, k in ODD],
    *[Case(f"pad_{p}", conv(17, 20, 3, padding=p, stride=s, dilation=d), *sized(17, *SIZES)) for p, s, d in [(0, 1, 1), (2, 2, 1), (3, 1, 2), (4, 3, 1), (1, 2, 2)]],
    *[Case(f"kernel_{h}_{w}", conv(20, 17, (h, w), padding=(h // 2, w // 2), stride=s), *sized(20, *SIZES)) for h, w, s in [(1, 3, 1), (3, 1, 2), (5, 3, 1), (1, 7, (1, 2)), (2, 2, 2), (5, 5, 1), (7, 7, 2), (4, 4, 4)]],
    Case("pad_asymmetric", conv(5, 17, (3, 5), padding=(0, 4)), *sized(5, *SIZES)),
    Case("pad_same", conv(20, 17, 3, padding="same"), *sized(20, *SIZES)),
    Case("pad_same_even", conv(20, 17, 4, padding="same"), *sized(20, *SIZES)),
    Case("pad_reflect", conv(20, 17, 3, padding=1, padding_mode="reflect"), *sized(20, *SIZES)),
    *[Case(f"depthwise_{c}_{s}", conv_bn(c, c, k, a, padding=k // 2, groups=c, stride=s), *sized(c, *SIZES)) for c, s, k, a in [(5, 1, 3, nn.ReLU6()), (17, 2, 3, nn.Hardswish()), (24, 1, 5, nn.SiLU()), (32, 2, 5, None)]],
    Case("depthwise_dilated", conv(20, 20, 3, padding=2, dilation=2, groups=20), *sized(20, *SIZES)),
    Case("depthwise_multiplied", conv(6, 12, 3, padding=1, groups=6), *sized(6, *SIZES)),
    *[Case(f"groups_{g}_{c}", conv(c, k, 3, padding=1, groups=g), *sized(c, *SIZES)) for g, c, k in [(2, 6, 10), (4, 16, 32), (2, 32, 64), (3, 48, 24), (5, 20, 20)]],
    Case("groups_pointwise", conv(24, 48, 1, groups=3), *sized(24, *SIZES)),
    *[Case(f"block_{type(a).__name__}", Apply(lambda p, q, x: q(p(x)), conv_bn(5, 20, 3, a, padding=1), conv_bn(20, 17, 3, a, padding=1)), *sized(5, *SIZES)) for a in [nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.Hardswish(), nn.GELU(), nn.LeakyReLU(0.1), nn.Sigmoid(), nn.ELU(), nn.Hardsigmoid(), nn.Mish(), nn.Softplus()]],
    Case("padding_zeros_kept", Apply(lambda p, q, r, x: r((q((p(x) + 1).exp()) + 2).cos()), conv(5, 17, padding=1), conv(17, 20, padding=1), conv(20, 3, padding=2)), *sized(5, *SIZES)),
    Case("padding_infinite", Apply(lambda p, q, r, x: r(torch.log(torch.rsqrt(q(torch.rsqrt(p(x))) + x[:, :1] * 0).relu() + 1e-30)), positive(5, 17), positive(17, 20), conv(20, 3, padding=1)), *sized(5, *SIZES)),
    Case("padding_infinite_pool", Apply(lambda p, q, x: q(F.avg_pool2d(torch.rsqrt(p(x)), 3, 1, 1)), positive(5, 20), conv(20, 3, padding=1)), *sized(5, *SIZES)),
    Case("residual", Apply(lambda p, q, x: torch.relu(q(torch.relu(p(x))) + x), conv_bn(20, 20, 3, padding=1), conv_bn(20, 20, 3, padding=1)), *sized(20, *SIZES)),
    Case("residual_swapped", Apply(lambda p, q, x: torch.relu(x + q(torch.relu(p(x)))), conv_bn(20, 20, 3, padding=1), conv_bn(20, 20, 3, padding=1)), *sized(20, *SIZES)),
    Case("residual_projected", Apply(lambda p, q, r, x: torch.relu(q(F.relu(p(x))) + r(x)), conv_bn(5, 20, 3, stride=2, padding=1), conv_bn(20, 20, 3, padding=1), conv_bn(5, 20, 1, stride=2)), *sized(5, *SIZES)),
    Case("residual_scaled", Apply(lambda p, x: x - 0.5 * p(x) * x + p(x), conv(20, 20, padding=1)), *sized(20, *SIZES)),
    Case("inverted", Apply(lambda p, q, r, x: x + r(q(p(x))), conv_bn(17, 51, 1, nn.ReLU6()), conv_bn(51, 51, 3, nn.ReLU6(), padding=1, groups=51), conv_bn(51, 17, 1)), *sized(17, *SIZES)),
    Case("gate", Apply(lambda p, g, q, x: (lambda y: q(y * g(y)))(F.silu(p(x))), conv(5, 20, padding=1), gate(20, 5), conv(20, 17, 1)), *sized(5, *SIZES)),
    Case("gate_swapped", Apply(lambda p, g, x: (lambda y: g(y) * y + x)(p(x)), conv(24, 24, padding=1), gate(24, 3)), *sized(24, *SIZES)),
    Case("gate_linear", Apply(lambda p, l, x: (lambda y: y * torch.sigmoid(l(y.mean((2, 3))))[:, :, None, None])(p(x)), conv(5, 20, padding=1), nn.Linear(20, 20)), *sized(5, *SIZES)),
    Case("gate_keepdim", Apply(lambda p, q, x: (lambda y: q(y * y.mean((2, 3), keepdim=True)))(p(x)), conv(5, 20, padding=1), conv(20, 5, padding=1)), *sized(5, *SIZES)),
    Case("gate_spatial", Apply(lambda p, q, x: (lambda y: y * torch.sigmoid(q(torch.cat([y.mean(1, keepdim=True), y.amax(1, keepdim=True)], 1))))(p(x)), conv(5, 20, padding=1), conv(2, 1, 7, padding=3)), *sized(5, *SIZES)),
    Case("gate_one_image", Apply(lambda p, x: p(x) * p(x)[:1], conv(5, 20, padding=1)), *sized(5, (1, 8, 8), (3, 7, 9))),
    Case("per_image", Apply(lambda p, x, s: p(x) * s + s, conv(5, 20, padding=1)), (R(2, 5, 8, 8), R(2, 20, 1, 1)), (R(1, 5, 7, 9), R(1, 20, 1, 1)), (R(3, 5, 7, 9), R(1, 20, 1, 1)), (R(3, 5, 1, 1), R(3, 20, 1, 1))),
    Case("per_image_traced_one", Apply(lambda p, x, s: torch.relu(p(x) * s), conv(5, 20, padding=1)), (R(1, 5, 8, 8), R(1, 20, 8, 8)), (R(3, 5, 7, 9), R(1, 20, 1, 1)), (R(3, 5, 7, 9), R(3, 20, 7, 9)), (R(1, 5, 7, 9), R(3, 20, 7, 9))),
    Case("maybe_one", Apply(lambda p, x, y: p(x) + y, conv(5, 20, padding=1)), (R(2, 5, 8, 8), R(2, 20, 8, 8)), (R(2, 5, 8, 8), R(1, 20, 8, 8)), (R(2, 5, 8, 8), R(2, 20, 1, 8)), (R(2, 5, 8, 8), R(2, 1, 8, 8))),
    Case("grid", Apply(lambda p, q, x: q(p(x) + torch.ones(1, 1, 8, 8).cumsum(3)), conv(5, 20, padding=1), conv(20, 5, padding=1)), *sized(5, (2, 8, 8), (1, 8, 8), (1, 1, 1))),
    Case("scalars", Apply(lambda p, x, s: p(x) * s + 2, conv(5, 20, padding=1)), (R(2, 5, 8, 8), torch.tensor(2.0)), (R(1, 5, 7, 9), torch.tensor(3.0))),
    Case("compared", Apply(lambda p, x: (p(x) > 0, (p(x).double() * 2).float(), p(x).masked_fill(p(x) < 0, 1.0), torch.where(p(x) > 0, p(x), x[:, :1])), conv(5, 20, padding=1)), *sized(5, *SIZES)),
    Case("cats", Apply(lambda p, q, r, x: r(torch.cat([p(x), x, F.relu(q(x))], 1)), conv(5, 17, padding=1), conv(5, 3, 1), conv(25, 20, padding=1)), *sized(5, *SIZES)),
    Case("dense", Apply(lambda p, q, r, x: (lambda a: (lambda b: r(torch.cat([x, a, b], 1)))(q(torch.cat([x, a], 1))))(F.relu(p(x))), conv(17, 12, padding=1), conv(29, 12, padding=1), conv(41, 5, 1)), *sized(17, *SIZES)),
    Case("cat_alone", Apply(lambda p, q, x: torch.cat([p(x), q(x)], 1), conv(16, 16, padding=1), conv(16, 32, 1)), *sized(16, *SIZES)),
    Case("unet", Apply(lambda p, q, r, x: r(torch.cat([F.interpolate(q(F.max_pool2d(p(x), 2)), scale_factor=2), p(x)], 1)), conv(5, 16, padding=1), conv(16, 20, padding=1), conv(36, 3, padding=1)), *sized(5, (1, 8, 8), (2, 4, 6), (3, 2, 2), (1, 7, 8))),
    Case("upsampled", Apply(lambda p, q, x: q(F.interpolate(p(x), scale_factor=2.0, mode="bilinear")), conv(5, 17, padding=1), conv(17, 3, padding=1)), *sized(5, *SIZES)),
    Case("transposed_conv", Apply(lambda p, t, q, x: q(F.relu(t(p(x)))), conv(5, 17, padding=1), nn.ConvTranspose2d(17, 20, 2, 2), conv(20, 3, padding=1)), *sized(5, *SIZES)),
    Case("shuffled", Apply(lambda p, q, x: q(p(x).view(x.shape[0], 2, 10, x.shape[2], x.shape[3]).transpose(1, 2).reshape(x.shape[0], 20, x.shape[2], x.shape[3])), conv(5, 20, padding=1), conv(20, 6, padding=1)), *sized(5, *SIZES)),
    Case("split_channels", Apply(lambda p, q, r, x: torch.cat([q(p(x).chunk(2, 1)[0]), p(x).chunk(2, 1)[1]], 1) + r(x)[:, ::2], conv(5, 20, padding=1), conv(10, 10, padding=1), conv(5, 40, 1)), *sized(5, *SIZES)),
    Case("pixel_shuffled", Apply(lambda p, q, x: q(F.pixel_shuffle(p(x), 2)), conv(5, 20, padding=1), conv(5, 3, padding=1)), *sized(5, *SIZES)),
    Case("padded", Apply(lambda p, q, x: q(F.pad(p(x), (1, 2, 0, 1))), conv(5, 20), conv(20, 3)), *sized(5, *SIZES)),
    Case("cropped", Apply(lambda p, q, x: q(p(x)[:, :, 1:-1, 1:]), conv(5, 20, padding=1), conv(20, 3, padding=1)), *sized(5, *SIZES)),
    Case("two_paddings", Apply(lambda p, q, r, x: (q(p(x)), r(p(x)), p(x)), conv(5, 20, padding=1), conv(20, 17, padding=1), conv(20, 17, 5, padding=2)), *sized(5, *SIZES)),
    Case("inception", Apply(lambda p, a, b, c, x: (lambda y: torch.cat([a(y), b(y), c(F.max_pool2d(y, 3, 1, 1)), F.avg_pool2d(y, 3, 1, 1)], 1))(p(x)), conv(3, 20, padding=1), conv(20, 16, 1), conv(20, 17, 5, padding=2), conv(20, 8, 1)), *sized(3, *SIZES)),
    Case("spp", Apply(lambda p, q, x: (lambda y: q(torch.cat([y, F.max_pool2d(y, 5, 1, 2), F.max_pool2d(y, 9, 1, 4)], 1)))(p(x)), conv(3, 20, padding=1), conv(60, 16, 1)), *sized(3, *SIZES)),
    *[Case(f"max_pool_{i}", Apply(lambda p, q, x, o=o: (lambda y: (q(F.max_pool2d(y, **o)), F.max_pool2d(y, **o), F.max_pool2d(x, **o)))(p(x)), conv(5, 20, padding=1), conv(20, 3, padding=1)), *sized(5, *SIZES)) for i, o in enumerate([dict(kernel_size=2), dict(kernel_size=3, stride=2, padding=1), dict(kernel_size=3, stride=2, ceil_mode=True), dict(kernel_size=(2, 3), stride=(1, 2), padding=(1, 1), ceil_mode=True), dict(kernel_size=2, stride=1, dilation=2), dict(kernel_size=3, stride=3, padding=1, ceil_mode=True)])],
    *[Case(f"avg_pool_{i}", Apply(lambda p, q, x, o=o: (lambda y: (q(F.avg_pool2d(y, **o)), F.avg_pool2d(y, **o), F.avg_pool2d(x, **o)))(p(x)), conv(5, 20, padding=1), conv(20, 3, padding=1)), *sized(5, *SIZES)) for i, o in enumerate([dict(kernel_size=2), dict(kernel_size=3, stride=2, padding=1), dict(kernel_size=3, stride=2, padding=1, ceil_mode=True), dict(kernel_size=3, stride=2, padding=1, count_include_pad=False), dict(kernel_size=(2, 3), stride=(1, 2), ceil_mode=True, count_include_pad=False, padding=1), dict(kernel_size=2, divisor_override=3)])],
    *[Case(f"adaptive_{s}", Apply(lambda p, l, x, s=s: (l(F.adaptive_avg_pool2d(p(x), s).flatten(1)), F.adaptive_avg_pool2d(x, s)), conv(5, 20, padding=1), nn.Linear(20 * s * s, 7)), *sized(5, *SIZES, (1, 1, 1))) for s in [1, 2, 7]],
    Case("adaptive_max", Apply(lambda p, x: (F.adaptive_max_pool2d(p(x), 1), F.adaptive_avg_pool2d(p(x), (3, None)), F.adaptive_avg_pool2d(p(x), (1, 5))), conv(5, 20, padding=1)), *sized(5, *SIZES)),
    Case("means", Apply(lambda p, x: (p(x).mean((2, 3)), p(x).mean(1), p(x).sum((1, 2, 3)), p(x).amax(3), p(x).mean((0, 2, 3)), p(x).std(1)), conv(5, 20, padding=1)), *sized(5, *SIZES)),
    Case("flattened", Apply(lambda p, l, x: l(F.relu(p(x)).flatten(1)), conv(5, 3, padding=1), nn.Linear(3 * 8 * 8, 7)), *sized(5, (1, 8, 8), (3, 8, 8), (1, 16, 4), (1, 8, 7))),
    Case("to_tokens", Apply(lambda p, n, x: n(p(x).flatten(2).transpose(1, 2)), conv(3, 20, 4, stride=4), nn.LayerNorm(20)), *sized(3, *SIZES)),
    Case("channels_last", Apply(lambda p, n, l, q, x: q(l(n(p(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2) + p(x)), conv(5, 20, padding=1), nn.LayerNorm(20), nn.Linear(20, 20), conv(20, 3, padding=1)), *sized(5, *SIZES)),
    Case("batch_norm_first", Apply(lambda b, p, x: p(F.relu(b(x))), nn.BatchNorm2d(17), conv(17, 20, padding=1)), *sized(17, *SIZES)),
    Case("norms", Apply(lambda p, g, i, q, x: q(i(g(p(x)))), conv(5, 20, padding=1), nn.GroupNorm(4, 20), nn.InstanceNorm2d(20, affine=True), conv(20, 3, padding=1)), *sized(5, (1, 9, 9), (2, 8, 11))),
    Case("softmax_channels", Apply(lambda p, x: (p(x).softmax(1), p(x).log_softmax(1), p(x).argmax(1), p(x).softmax(-1)), conv(5, 20, padding=1)), *sized(5, *SIZES)),
    Case("prelu", nn.Sequential(conv(5, 20, padding=1), nn.PReLU(20), conv(20, 3, padding=1), nn.PReLU()), *sized(5, *SIZES)),
    Case("conv_of_views", Apply(lambda p, x: (p(x.transpose(2, 3)), p(x[:, :, ::2, 1:]), p(x.flip(3))), conv(5, 20, padding=1)), *sized(5, *SIZES)),
    Case("two_inputs", Apply(lambda p, q, x, y: F.relu(p(x) + q(y)), conv(5, 20, padding=1), conv(17, 20, padding=1)), (R(2, 5, 8, 8), R(2, 17, 8, 8)), (R(2, 5, 8, 8), R(1, 17, 8, 8)), (R(1, 5, 8, 8), R(2, 17, 1, 8)), (R(1, 5, 7, 7), R(1, 17, 7, 7)), (R(2, 5, 8, 8), R(2, 17, 7, 7))),
    Case("same_weight_twice", Apply(lambda p, x: p(F.relu(p(x))) + p(x), conv(20, 20, padding=1)), *sized(20, *SIZES)),
    Case("rgb", nn.Sequential(conv_bn(3, 20, 7, nn.ReLU(), stride=2, padding=3), nn.MaxPool2d(3, 2, 1), conv_bn(20, 20, 3, padding=1)), *sized(3, (1, 32, 32), (2, 33, 40), (1, 7, 7), (1, 1, 1))),
    Case("one_channel", nn.Sequential(conv(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2), conv(6, 16, 5, padding=2), nn.ReLU(), conv(16, 1, 1)), *sized(1, (1, 28, 28), (3, 9, 9))),
    Case("double_images", conv(5, 7, padding=1).double(), R(1, 5, 8, 8).double(), R(2, 5, 7, 9).double()),
    Case("unbatched", conv(5, 7, padding=1), R(5, 8, 8), R(5, 7, 9)),
    Case("conv1d", nn.Sequential(nn.Conv1d(5, 20, 3, padding=1), nn.ReLU(), nn.Conv1d(20, 17, 3, stride=2, dilation=2)), R(2, 5, 16), R(1, 5, 9)),
    Case("wrong_channels", conv(5, 17, padding=1), *sized(5, (1, 8, 8)), R(1, 6, 8, 8)),
    Case("too_small", Apply(lambda p, x: (F.relu(p(x)), F.max_pool2d(x, 2)), conv(5, 17)), *sized(5, (1, 8, 8), (1, 2, 2), (1, 3, 1), (1, 1, 5), (1, 3, 3))),
    Case("deep", Apply(lambda a, b, c, d, x: d(F.relu(c(F.relu(b(F.relu(a(x))))) + a(x))), conv(16, 64, padding=1), conv(64, 64, padding=1), conv(64, 64, padding=1), conv(64, 17, 1)), *sized(16, (1, 16, 16), (2, 40, 24))),
]

bundles, test = case_tests(CASES)
