"""Numbers: every overload of the builtins and of `math` and `cmath`."""

import cmath
import math
from typing import Dict, List

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()
XS = [(0.5,), (-0.5,), (0.0,), (1.0,), (-1.0,), (2.5,), (1e10,), (-3.7,), (float("inf"),), (float("nan"),)]


@suite(*XS)
class MathFunctions(nn.Module):
    def forward(self, x: float):
        return (
            math.erf(x), math.erfc(x), math.expm1(x), math.exp(x), math.fabs(x), math.degrees(x), math.radians(x), math.isfinite(x),
            math.isinf(x), math.isnan(x),
        )


@suite((0.5,), (1.0,), (3.25,), (0.0,), (20.0,))
class MathGamma(nn.Module):
    def forward(self, x: float):
        return math.lgamma(x), math.gamma(x + 1)


@suite((0.5,), (-0.25,), (0.0,))
class Inverses(nn.Module):
    def forward(self, x: float):
        return (
            math.asin(x), math.acos(x), math.atan(x), math.asinh(x), math.atanh(x), math.acosh(x + 1.5), math.sinh(x), math.cosh(x),
            math.tanh(x), math.sin(x), math.cos(x), math.tan(x),
        )


@suite((0,), (1,))
class MathIntArgs(nn.Module):
    def forward(self, x: int):
        return (
            math.asin(x), math.acos(x), math.atan(x), math.asinh(x), math.acosh(x + 2), math.sinh(x), math.cosh(x), math.tanh(x),
            math.sin(x), math.cos(x), math.tan(x), math.exp(x), math.expm1(x), math.erf(x), math.erfc(x), math.lgamma(x + 1),
            math.gamma(x+1), math.log(x + 1), math.log10(x+1), math.log1p(x), math.sqrt(x), math.fabs(x), math.degrees(x),
            math.radians(x), math.floor(x), math.ceil(x),
        )


@suite((5.5, 2.0), (-5.5, 2.0), (5.5, -2.0), (0.0, 1.0), (1e18, 7.0), (3.0, 0.0))
class MathTwo(nn.Module):
    def forward(self, a: float, b: float):
        return math.fmod(a, b), math.copysign(a, b), math.atan2(a, b), math.pow(abs(a), b)


@suite((5, 2), (-5, 2), (5, -2), (0, 1))
class MathTwoInt(nn.Module):
    def forward(self, a: int, b: int):
        return (
            math.fmod(a, b), math.copysign(a, b), math.atan2(a, b), math.gcd(a, b), math.fmod(a, 2.5), math.copysign(2.5, b),
            math.atan2(a, 0.5), math.pow(abs(a)+1, b), math.pow(2.0, b), math.pow(abs(a)+1, 0.5),
        )


@suite((5.75,), (-5.75,), (0.0,), (1e-3,), (-0.0,), (8.0,))
class MathParts(nn.Module):
    def forward(self, x: float):
        return math.modf(x), math.frexp(x), math.ldexp(x, 3), math.ldexp(x, -2)


@suite((0,), (5,), (20,), (-1,), class_name="ValueError")
class Factorial(nn.Module):
    def forward(self, n: int):
        return math.factorial(n)


@suite((7, 3), (-7, 3), (7, -3), (0, 5), (7, 0), line=False)
class DivModInt(nn.Module):
    def forward(self, a: int, b: int):
        return divmod(a, b)


@suite((7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (0.0, 5.0), (7.5, 0.0))
class DivModFloat(nn.Module):
    def forward(self, a: float, b: float):
        return divmod(a, b), divmod(int(a), b + 3.0), divmod(a, int(b)+3)


@suite((7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (0.0, 5.0))
class FloorMod(nn.Module):
    def forward(self, a: float, b: float):
        i = int(a)
        j = int(b)
        return a // b, a % b, i // b, i % b, a // j, a % j


@suite((1.0, 0.0), (0.0, 0.0), (-1.0, 0.0))
class FloatZero(nn.Module):
    def forward(self, a: float, b: float):
        return a / b


@suite((1.0, 0.0), (0.0, 0.0), (-1.0, 0.0))
class FloatZeroMod(nn.Module):
    def forward(self, a: float, b: float):
        return a % b


@suite((1.0, 0.0), (0.0, 0.0), (-1.0, 0.0))
class FloatZeroFloor(nn.Module):
    def forward(self, a: float, b: float):
        return a // b


@suite((1, 0), (0, 0), (-1, 0))
class IntZero(nn.Module):
    def forward(self, a: int, b: int):
        return a / b


@suite((1, 0), (0, 0), (-1, 0), (5, 2))
class IntZeroFloor(nn.Module):
    def forward(self, a: int, b: int):
        return a // b


@suite((1, 1), (5, 2))
class IntZeroMod(nn.Module):
    def forward(self, a: int, b: int):
        return a % b


@suite((1, 0), (5, 2), (1, 62), (1, 63), (1, 64), (1, -1), (-5, 1))
class Shifts(nn.Module):
    def forward(self, a: int, b: int):
        return a << b


@suite((1, 0), (5, 2), (-5, 1), (1, 63), (-1, 64), (8, -1))
class ShiftsR(nn.Module):
    def forward(self, a: int, b: int):
        return a >> b


@suite((5,), (0,), (-1,))
class Bits(nn.Module):
    def forward(self, a: int):
        return a & 6, a | 9, a ^ 3, -a


@suite((True, False), (True, True), (False, False))
class Bools(nn.Module):
    def forward(self, a: bool, b: bool):
        return (
            a & b, a | b, a ^ b, a and b, a or b, not a, a == b, a != b, int(a), float(b), int(a) + int(b), max(int(a), int(b)),
            str(a), bool(int(a)),
        )


@suite((True,), (False,))
class BoolArith(nn.Module):
    def forward(self, a: bool):
        return a + 1, a * 2.5, a == 1


@suite((0.5,), (1.5,), (2.5,), (-2.5,), (1e300,), (float("nan"),))
class Rounds(nn.Module):
    def forward(self, x: float):
        return round(x), round(int(3)), round(7)


@suite((2, 10), (2, -1), (-2, 3), (0, 0), (0, -1), (3, 40), (10, 19))
class IntPow(nn.Module):
    def forward(self, a: int, b: int):
        return a ** b


@suite((2.0, 10), (2.0, -1), (-2.0, 3), (0.0, 0), (0.0, -1))
class FloatIntPow(nn.Module):
    def forward(self, a: float, b: int):
        return a ** b, b ** 2


@suite((-8.0, 0.5), (-8.0, 2.0), (0.0, -1.0))
class NegPow(nn.Module):
    def forward(self, a: float, b: float):
        return a ** b


@suite((3, 4.5), (5, 1.0), (-1, -1.0))
class MinMax(nn.Module):
    def forward(self, a: int, b: float):
        return min(a, b), max(a, b), min(a, 3), max(b, 2.0), min([a, 2, 3]), max([b, 0.5]), max([True, False]), min([True, False])


@suite(([3, 1, 2], [1.5, 0.5]), ([-1], [2.0]), ([], [1.0]), ([1], []), class_name="ValueError")
class MinMaxLists(nn.Module):
    def forward(self, a: List[int], b: List[float]):
        return min(a), max(a), min(b), max(b), sum(a), sum(b)


@suite(([3, 1], [2, 9]), ([1, 5], [1, 2]), ([1], [1]))
class MinMaxTwoLists(nn.Module):
    def forward(self, a: List[int], b: List[int]):
        return min(a, b), max(a, b)


@suite((1 + 2j, 3.0), (0j, 1.0), (-1.5 + 0.5j, -2.0), (3 - 4j, 0.5))
class Complexes(nn.Module):
    def forward(self, z: complex, f: float):
        return (
            z + f, z - f, z * f, f + z, f - z, f * z, z + 2, 2 - z, z * z, z / (1 + 1j), z == z, z != f, abs(z), complex(f, 2.0),
            complex(1, f), complex(2, 3), str(z), f"{z}",
        )


@suite((1 + 2j,), (-1.5 + 0.5j,), (3 - 4j,))
class CMath(nn.Module):
    def forward(self, z: complex):
        return (
            cmath.exp(z), cmath.log(z), cmath.sqrt(z), cmath.sin(z), cmath.cos(z), cmath.tan(z), cmath.asin(z), cmath.acos(z),
            cmath.atan(z), cmath.sinh(z), cmath.cosh(z), cmath.tanh(z), cmath.log10(z), cmath.phase(z), cmath.isnan(z),
            cmath.isinf(z), cmath.isfinite(z),
        )


@suite((1 + 2j,), (-1.5 + 0.5j,), (3 - 4j,))
class CMath2(nn.Module):
    def forward(self, z: complex):
        return (
            cmath.asinh(z), cmath.acosh(z), cmath.atanh(z), cmath.rect(2.0, 0.5), cmath.rect(2, 1), z ** 0.5, 2.0 ** z,
            z ** z, 2.5 ** z,
        )


@suite(([1 + 2j, 3j],), ([],))
class ComplexList(nn.Module):
    def forward(self, zs: List[complex]):
        total = 0j
        for z in zs:
            total += z
        return total, sum(zs), len(zs)


@suite(({1 + 2j: 3},), ({},))
class ComplexDict(nn.Module):
    def forward(self, t: Dict[complex, int]):
        t[1j] = 5
        return t, 1j in t, [k for k in t]


@suite((torch.tensor(3), torch.tensor(2.5)), (torch.tensor(-1), torch.tensor(0.5)))
class Items(nn.Module):
    def forward(self, a, b):
        x = a.item()
        y = b.item()
        return x + 1, y * 2, x + y, x * x, -y, x == 3, x < y, torch.full((2,), y), int(x), float(y), x / 2, abs(x), x ** 2


@suite((torch.tensor(3), ), (torch.tensor(2.5),), (torch.tensor(True),), (torch.tensor(1+2j),))
class ItemOut(nn.Module):
    def forward(self, a):
        return a.item()


@suite((2.5,), (-1e300,), (float("nan"),), (1e19,))
class IntOfFloat(nn.Module):
    def forward(self, x: float):
        return int(x)


@suite((2.5,), (float("nan"),), (1e19,), (float("-inf"),))
class FloorOfFloat(nn.Module):
    def forward(self, x: float):
        return math.floor(x)


@suite(("12",), ("-7",), (" 8 ",), ("x",), ("",), ("1.5",), ("9999999999999999999999",), class_name="ValueError", message=None)
class IntOfStr(nn.Module):
    def forward(self, s: str):
        return int(s)


@suite(("12",), ("-7.5e3",), (" 8 ",), ("x",), ("",), ("inf",), ("nan",), class_name="ValueError", message=None)
class FloatOfStr(nn.Module):
    def forward(self, s: str):
        return float(s)


@suite((3,), (0,))
class Consts(nn.Module):
    def forward(self, n: int):
        return math.pi, math.e, math.tau, math.inf, -math.inf, math.nan, float('inf'), 1e3, 0x10, 1_000 + n


@suite((7, 2), (-7, 2))
class TruncatedDivision(nn.Module):
    def forward(self, a: int, b: int):
        return torch.ops.aten.__round_to_zero_floordiv(a, b)


@suite((7, 2), (-7, 3), (1,3))
class Remainder(nn.Module):
    def forward(self, a: int, b: int):
        return torch.ops.aten.mathremainder(a, b)


@suite(([2, 3], [3]), ([1, 3], [4, 1]), ([2], [3]), ([], [1,2]))
class InferSize(nn.Module):
    def forward(self, a: List[int], b: List[int]):
        return torch.broadcast_shapes(a, b)


@suite((2, 3.5), (-2, 0.25))
class Augmented(nn.Module):
    def forward(self, a: int, b: float):
        a += 3
        a -= 1
        a *= 2
        a %= 5
        b += a
        b -= 1
        b *= 2
        b /= 3
        b **= 2
        return a, b


@suite((1, 2, 3), (3, 2, 1), (2, 2, 2))
class Chained(nn.Module):
    def forward(self, a: int, b: int, c: int):
        return a < b < c, a <= b <= c, a == b == c, a < b > c, a if b > c else c if a > c else b


@suite((2,), (0,))
class BoolOfThings(nn.Module):
    def forward(self, n: int):
        a = bool(n)
        b = bool(float(n))
        c = bool(torch.tensor(n))
        xs = [0] * n
        return a, b, c, len(xs) == 0, True if n else False, not n


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
