"""Pointwise work: broadcasting of all kinds, mixed dtypes, masks, and the ops' own corners."""

import torch
from torch import nn

from conftest import Case, case_tests

R = torch.randn


def integers(*sizes, low=-9, high=9, dtype=torch.int64):
    return torch.randint(low, high, sizes, dtype=dtype)


class Buffers(nn.Module):
    """Constants of the shapes that broadcast over [N, C, H, W]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("channel", R(5, 1, 1))
        self.register_buffer("row", R(1, 1, 7, 1))
        self.register_buffer("column", R(6))
        self.register_buffer("scalar", torch.tensor(1.5))
        self.register_buffer("whole", R(1, 5, 7, 6))
        self.register_buffer("tenth", torch.tensor(0.1, dtype=torch.float64))

    def forward(self, x):
        y = torch.relu(x * self.channel + self.row) - self.column
        return torch.sigmoid(y / self.scalar) * self.whole, (x > self.tenth).float() + x * self.tenth


class MaskOverflows(nn.Module):
    """A number that no element can be."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, x, m):
        return x.masked_fill(m, self.number)


Z = torch.tensor(0.1, dtype=torch.float64)  # meets float32 tensors in float32

CASES = [
    Case("chain", lambda x: torch.tanh(torch.exp(x * 0.5) - 1).abs().sqrt().neg() + x, R(3, 5), R(1, 1), R(7, 17), R(2, 0), R(300, 301)),
    Case("buffers", Buffers(), R(2, 5, 7, 6), R(1, 5, 7, 6), R(0, 5, 7, 6), R(3, 5, 7, 1), R(2, 5, 1, 6), R(2, 1, 7, 6), R(40, 5, 7, 6)),
    Case("per_row", lambda x, s: x * s + s, (R(4, 6), R(4, 1)), (R(1, 6), R(1, 1)), (R(5, 1), R(5, 1)), (R(5, 3), R(1, 1)), (R(0, 3), R(0, 1))),
    Case("outer", lambda a, b: (a + b).relu() * a, (R(4, 1), R(1, 6)), (R(1, 1), R(1, 1)), (R(5, 3), R(1, 3)), (R(5, 1), R(5, 4)), (R(0, 1), R(1, 3)), (R(300, 1), R(1, 333))),
    Case("same_then_one", lambda a, b: a * b + b, (R(4, 6), R(4, 6)), (R(4, 6), R(1, 6)), (R(1, 6), R(4, 6)), (R(4, 1), R(1, 6)), (R(4, 6), R(4, 5)), (R(1, 6), R(0, 6))),
    Case("one_then_many", lambda a, b: a - b * 2, (R(1, 6), R(4, 6)), (R(4, 6), R(4, 6)), (R(4, 6), R(1, 6)), (R(1, 1), R(4, 6))),
    Case("ranks", lambda a, b, c: a + b * c, (R(2, 3, 4), R(4), R(3, 1)), (R(2, 1, 4), R(4), R(3, 1)), (R(1, 3, 1), R(5), R(1, 1)), (R(2, 3, 4), R(1), R(1, 1))),
    Case("scalar_tensors", lambda x, s: x * s + s, (R(3, 4), torch.tensor(2.0)), (R(1, 1), torch.tensor(-1.0))),
    Case("scalar_only", lambda s, t: (s * t).exp(), (torch.tensor(2.0), torch.tensor(0.5))),
    Case("scalar_double", lambda x, s: (x * s, x > s, torch.where(x > s, x, s)), (R(3, 4), torch.tensor(0.1, dtype=torch.float64)), (torch.full((2, 2), 0.1), torch.tensor(0.1, dtype=torch.float64))),
    Case("int_float", lambda i, x: (i * x, i + 1.5, i / 2, x // 1.0, i > x, i * 2 + 3, i == 3), (integers(3, 4), R(3, 4)), (integers(1, 1), R(5, 1)), (integers(0, 4), R(1, 4))),
    Case("ints", lambda i, j: (i + j, i - j * 3, i * j, -i, i.abs(), i & j, i | j, i ^ j, ~i, torch.maximum(i, j), i ** 2, i.sign()), (integers(3, 4), integers(3, 4)), (integers(17, 1), integers(1, 5))),
    Case("int_divisions", lambda i: (i // 3, i % 3, i // -4, i % -4, torch.div(i, 3, rounding_mode="trunc"), torch.div(i, -3, rounding_mode="floor"), torch.fmod(i, 3), torch.remainder(i, -3)), integers(3, 4), integers(1, 19)),
    Case("int_division_tensors", lambda i, j: (i // j, i % j, i / j), (integers(3, 4), integers(3, 4, low=1)), (integers(3, 4), integers(3, 4, low=0, high=2))),
    Case("float_divisions", lambda x, y: (x / y, x // y, x % y, torch.div(x, y, rounding_mode="trunc"), torch.fmod(x, y), torch.div(x, y, rounding_mode="floor")), (R(3, 4), R(3, 4)), (R(1, 17), R(2, 1)), (torch.tensor([[1.0, -1.0, 0.0]]), torch.zeros(1, 3))),
    Case("bytes", lambda a, b: (a + b, a - b, a * b, a > b, a / 2, a + 1, a.float() * 0.5, (a * 0.5), a & b, ~a), (integers(3, 4, low=0, high=256, dtype=torch.uint8), integers(3, 4, low=0, high=256, dtype=torch.uint8)), (integers(5, 1, low=0, high=256, dtype=torch.uint8), integers(1, 19, low=0, high=256, dtype=torch.uint8))),
    Case("int32", lambda a, b: (a + b, a * b, a + 1, a * 1.5, a < b, a.long() + 1, a // 2), (integers(3, 4, dtype=torch.int32), integers(3, 4)), (integers(5, 1, dtype=torch.int32), integers(1, 19))),
    Case("bools", lambda a, b: (a & b, a | b, a ^ b, ~a, a + b, a * b, a == b, a.float() + 1, a * 2.5, a + 1, a.long() - b.long()), (R(3, 4) > 0, R(3, 4) > 0), (R(5, 1) > 0, R(1, 19) > 0)),
    Case("logic", lambda x, y: (torch.logical_and(x, y), torch.logical_or(x > 0, y), torch.logical_not(x), torch.logical_xor(x, y)), (R(3, 4), R(3, 4).relu()), (R(5, 1), R(1, 19))),
    Case("masks", lambda x, m: (x.masked_fill(m, -1e9), torch.where(m, x, torch.zeros_like(x)), x * m, x.masked_fill(~m, float("-inf")), torch.where(m, x, 2.0), x.masked_fill(x > 1, 0.0)), (R(3, 4), R(3, 4) > 0), (R(3, 4), R(1, 4) > 0), (R(1, 17), R(1, 17) > 0), (R(0, 4), R(0, 4) > 0)),
    Case("mask_broadcast", lambda x, m: x.masked_fill(m[:, None, None, :] == 0, -1e4).softmax(-1), (R(2, 3, 4, 5), integers(2, 5, low=0, high=2)), (R(1, 3, 7, 7), integers(1, 7, low=0, high=2)), (R(3, 1, 4, 1), integers(3, 1, low=0, high=2))),
    Case("mask_ints", lambda i, m: (i.masked_fill(m, 7), i.masked_fill(m, 2.7), torch.where(m, i, -1), torch.where(m, i, i * 2), torch.where(m, i, 0.5)), (integers(3, 4), R(3, 4) > 0), (integers(1, 9), R(1, 9) > 0)),
    *[Case(f"mask_overflows_{name}", MaskOverflows(number), (x, R(3, 4) > 0), script=True, types=[f"x: {name}[n, m]", "m: bool[n, m]"]) for name, number, x in [("u8", 300, integers(3, 4, low=0, dtype=torch.uint8)), ("i32", 3e9, integers(3, 4, dtype=torch.int32)), ("i64", float("inf"), integers(3, 4)), ("f32", -1e300, R(3, 4))]],
    Case("where_broadcast", lambda c, a, b: torch.where(c > 0, a, b) + 1, (R(4, 1), R(1, 5), R(4, 5)), (R(1, 1), R(1, 5), R(4, 1)), (R(3, 1), R(1, 1), R(3, 7))),
    Case("where_dtypes", lambda c, a, b: torch.where(c, a, b), (R(3, 4) > 0, R(3, 4), R(3, 4).double()), (R(1, 4) > 0, R(3, 1), R(3, 4).double())),
    Case("clamps", lambda x: (x.clamp(-0.5, 0.5), x.clamp(min=0.1), x.clamp(max=0.1), x.clamp(1, -1), torch.clamp(x, torch.tensor(-0.2), torch.tensor(0.3)), nn.functional.hardtanh(x), nn.functional.relu6(x * 9)), R(3, 17), torch.tensor([[float("nan"), float("inf"), -float("inf")]])),
    Case("clamp_ints", lambda i: (i.clamp(-3, 3), i.clamp(min=2), i.clamp(min=0.5)), integers(3, 4), integers(1, 17)),
    Case("powers", lambda x: (x ** 2, x ** 3, x.abs() ** 0.5, x.abs() ** -1, x.abs() ** 1.7, 2 ** x, x ** 0, x.abs() ** x, x ** -2, x ** 1), R(3, 5), R(1, 1)),
    Case("int_powers", lambda i: (i ** 3, i ** 0, 2.0 ** i, i ** 0.5, i ** 2.0, i.abs() ** i.abs()), integers(3, 5), integers(1, 1)),
    Case("comparisons", lambda x, y: (x < y, x <= y, x == y, x != y, x > 0.3, x >= y, (x < y) & (x > 0), x.isnan(), torch.isinf(x / 0.0)), (R(3, 5), R(3, 5)), (R(1, 5), R(3, 1)), (torch.tensor([[float("nan"), 1.0]]), torch.tensor([[1.0, float("nan")]]))),
    Case("extremes", lambda x, y: (torch.maximum(x, y), torch.minimum(x, y), torch.max(x, y)), (R(3, 5), R(3, 5)), (torch.tensor([[float("nan"), 1.0]]), torch.tensor([[1.0, float("nan")]]))),
    Case("doubles", lambda x, y: (x * y + 0.1, torch.exp(x), torch.tanh(x), torch.sigmoid(y), x / 3, torch.sqrt(x.abs()), torch.log(x.abs() + 1), torch.erf(x), x.float() * 2, torch.sin(x), nn.functional.gelu(x)), (R(3, 5).double(), R(3, 5).double()), (R(1, 1).double(), R(17, 3).double())),
    Case("double_float", lambda x, y: (x * y, x + y.double(), (x > y), y.double().exp().float()), (R(3, 5).double(), R(3, 5)), (R(1, 5).double(), R(3, 1))),
    Case("rounding", lambda x: (x.round(), x.floor(), x.ceil(), x.trunc(), x.frac(), x.long(), x.int(), x.to(torch.bool), x.sign(), (x * 3).to(torch.int64)), R(3, 5) * 5, R(1, 33) * 9),
    Case("activations", lambda x: (nn.functional.silu(x), nn.functional.gelu(x), nn.functional.gelu(x, approximate="tanh"), nn.functional.hardswish(x), nn.functional.leaky_relu(x, 0.1), nn.functional.elu(x), nn.functional.softplus(x), nn.functional.mish(x), nn.functional.selu(x), nn.functional.hardsigmoid(x), nn.functional.logsigmoid(x), nn.functional.softsign(x), torch.log1p(x.abs()), torch.expm1(x), torch.rsqrt(x.abs()), torch.reciprocal(x), torch.atan2(x, x + 1), torch.cos(x), torch.celu(x)), R(3, 5) * 3, R(1, 33) * 30),
    Case("sums_of_scaled", lambda x, y: (torch.add(x, y, alpha=2), torch.sub(x, y, alpha=0.5), torch.rsub(x, y), 1 - x, 3 / (x.abs() + 1), torch.addcmul(x, y, y, value=0.5), torch.addcdiv(x, y, y.abs() + 1, value=2), torch.lerp(x, y, 0.3)), (R(3, 5), R(3, 5)), (R(1, 5), R(3, 1))),
    Case("scaled_ints", lambda i, j: (torch.add(i, j, alpha=3), torch.sub(i, j, alpha=2), 1 - i, torch.addcmul(i, i, j, value=2)), (integers(3, 5), integers(3, 5)), (integers(1, 5), integers(3, 1))),
    Case("twice", lambda x: (x + x, (x * 2) * (x * 2), torch.relu(x) - torch.relu(x)), R(3, 5), R(1, 1)),
    Case("shared", lambda x: (lambda y: (y + 1, y * 2, y))(torch.exp(x)), R(3, 5), R(2, 1)),
    Case("same_result_twice", lambda x: (lambda y: (y, y, y.view(-1), y.t()))(torch.exp(x)), R(3, 5), R(1, 1)),
    Case("results_of_inputs", lambda x: (x, x.t(), x[0], x * 2, x.view(-1)[1:]), R(3, 5), R(1, 5)),
    Case("unused", lambda x, y: (x * 2, (y * 3, x.exp())[0]), (R(3, 5), R(2)), (R(1, 1), R(1))),
    Case("creation", lambda x: (torch.zeros(3, 4) + 1, x + torch.ones(1), torch.zeros_like(x), torch.ones(x.shape[0], 2) * 3, torch.full((2, 3), 1.5) * 2, torch.zeros(2, dtype=torch.long) + 3), R(3, 5), R(1, 2)),
    Case("large", lambda x, y: torch.relu(x * 2 + y).exp().clamp(max=3.0), (R(64, 513), R(513)), (R(257, 255), R(255)), (R(257, 255), R(1))),
    Case("sizes_as_numbers", lambda x: x / x.shape[0] + x.shape[1] * x, R(3, 5), R(1, 2), R(7, 1)),
    Case("int_sizes", lambda i: i * i.shape[0] + i.shape[1], integers(3, 5), integers(1, 2)),
    Case("five_dims", lambda x, y: x.permute(0, 2, 4, 1, 3) * y + y, (R(2, 3, 4, 5, 6), R(4, 1, 3, 1)), (R(1, 1, 4, 2, 1), R(4, 1, 1, 1)), (R(2, 3, 1, 5, 6), R(1, 6, 3, 5))),
    Case("many_ops", lambda x: sum(torch.sin(x * k) for k in range(45)), R(3, 5), R(1, 1)),
    Case("many_inputs", lambda *x: sum(a * b for a, b in zip(x, x[1:])), tuple(R(3, 4) for _ in range(15)), tuple(R(1, 4) for _ in range(15))),
    Case("dtype_moves", lambda x: (x.to(torch.float64).to(torch.float32) * 2, x.double() + 1, x.type(torch.long) + 1, x.half().float(), x.bfloat16().float() + 1, x.bool().float()), R(3, 5), R(1, 1)),
    Case("zero_dim_constants", lambda x: (x == Z, x < Z, x * Z, x.double() == Z, torch.where(x > Z, x, Z), x == Z.float(), torch.maximum(x, Z)), R(3), torch.tensor([0.1, -0.1])),
    Case("zero_dim_operand", lambda x, z: (x == z, x < z, x * z, x - z), (R(3), torch.tensor(0.1, dtype=torch.float64)), (torch.tensor([0.1, -0.1]), torch.tensor(0.1, dtype=torch.float64))),
    Case("special_values", lambda x: (torch.exp(x), torch.tanh(x), torch.sigmoid(x), torch.log(x), x * 0, torch.sqrt(x), nn.functional.silu(x), torch.relu(x), x.clamp(min=0), torch.erf(x)), R(3), torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e38, -1e38, 88.9, -104.0, 1e-40])),
]

bundles, test = case_tests(CASES)
