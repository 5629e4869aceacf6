"""Numbers: Python's arithmetic, as TorchScript has it."""

import math
from typing import List

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()
INTS = [(7, 3), (-7, 3), (7, -3), (-7, -3), (0, 5), (1, 1), (6, 3), (-6, 3)]
FLOATS = [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-7.5, -2.0), (0.0, 1.0), (1e300, 3.0)]


@suite(*INTS)
class IntArithmetic(nn.Module):
    def forward(self, a: int, b: int):
        return a + b, a - b, a * b, a // b, a % b, a / b, -a, abs(a), a & b, a | b, a ^ b, a << 2, a >> 1


@suite(*FLOATS)
class FloatArithmetic(nn.Module):
    def forward(self, a: float, b: float):
        return a + b, a - b, a * b, a / b, a // b, a % b, -a, abs(a), a < b, max(a, b), min(a, b)


@suite(*[(a, float(b)) for a, b in INTS])
class MixedArithmetic(nn.Module):
    def forward(self, a: int, b: float):
        return a + b, b - a, a * b, a / b, a // b, a % b, a < b, a == b, max(a, b), float(a), int(b)


@suite((2, 3), (-2, 3), (2, 0), (10, 5), (3, 1))
class Powers(nn.Module):
    def forward(self, a: int, b: int):
        return a**b, float(a) ** b, a**0.5 if a > 0 else 0.0, pow(a, b)


@suite((0.5,), (1.5,), (2.5,), (-0.5,), (-1.5,), (2.675,), (1e10,), (-3.7,))
class Rounding(nn.Module):
    def forward(self, x: float):
        return round(x), math.floor(x), math.ceil(x), int(x), abs(x)


@suite((0.5,), (2.0,), (10.0,))
class MathFunctions(nn.Module):
    def forward(self, x: float):
        return (
            math.sqrt(x), math.exp(x), math.log(x), math.sin(x), math.cos(x), math.tanh(x), math.pow(x, 2.0), math.atan2(x, 1.0),
            math.log10(x), math.log1p(x), math.fabs(-x), math.pi * x, math.isnan(x), math.isinf(x), math.copysign(x, -1.0),
        )


@suite((0,), (1,), (-5,), (12345,))
class Truth(nn.Module):
    def forward(self, n: int):
        return bool(n), not n, n > 0 and n < 10, float(n), str(n), int(True) + n, n == True, 1 if n else 2


@suite((2**62,), (-(2**63),), (2**63 - 1,), line=False)
class Overflow(nn.Module):
    def forward(self, n: int):
        return n + n, n * 3, n - 1, -n


@suite((12, 18), (7, 0), (-8, 12), line=False, message=None)
class Integers(nn.Module):
    def forward(self, a: int, b: int):
        while b != 0:
            a, b = b, a % b
        return a, math.gcd(a, 4), math.factorial(5)


@suite((torch.tensor(3),), (torch.tensor([-2]),), (torch.tensor(True),))
class FromTensors(nn.Module):
    def forward(self, x):
        n = int(x)
        return n, float(x), bool(x), x.item(), torch.tensor(n * 2), torch.tensor([n, n + 1]), torch.tensor(float(n))


@suite((3, 0.5, True), (-1, 2.0, False))
class ScalarAndTensor(nn.Module):
    def forward(self, n: int, f: float, b: bool):
        i = torch.arange(4)
        x = torch.ones(2)
        d = torch.ones(2, dtype=torch.float64)
        return i + n, i + f, i * b, x * n, x + f, d * f, i / 2, i // 2, n - i, f - x, n ** torch.tensor([1.0, 2.0]), i == n, x > f


@suite((1 + 2j,), (0j,), (-1.5 + 0.5j,))
class ComplexNumbers(nn.Module):
    def forward(self, z: complex):
        return z + 1, z * z, z == 1j, abs(z), -z


@suite((1000,), (1,), (0,))
class LongLoop(nn.Module):
    def forward(self, n: int):
        total = 0
        x = 0.0
        for i in range(n):
            total = (total * 31 + i) % 1000003
            x = x * 0.5 + i
        return total, x


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
