#!/usr/bin/env python3
"""How exact elementwise functions are, in units of the last place (ULP), beside PyTorch's own.

    tests/ops/ulp.py                               # float32: every 1009th bit pattern, all that is special
    tests/ops/ulp.py tanh 'log*' --step 16         # some functions, more densely; 1 takes every float there is
    tests/ops/ulp.py --update docs/precision.md    # writes the table

All functions are methods of one library, compiled as programs are. In float32 the truth is PyTorch's float64, in which some
are written otherwise than PyTorch does, since its own formula cancels; the worst points are computed again by mpmath until
the worst is mpmath's. In float64 all is mpmath's, at random points. NaN, infinities and signs of zeros are compared where
PyTorch's result is one. A result at less than the smallest normal number is measured in the spacing there.
"""

import argparse
import fnmatch
import os
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
if __name__ == "__main__" and VENV.exists() and Path(sys.prefix).resolve() != VENV.resolve():  # the Python that has torch
    os.execv(VENV / "bin" / "python", [str(VENV / "bin" / "python"), "-B", *sys.argv])
sys.path.insert(0, str(ROOT / "runtime" / "python"))

import mpmath
import torch
import torch.nn.functional as F

import tsc

BOUND = 2.0
POINTS = 200  # in float64, of each function
VERIFIED = 2000  # points that mpmath computes again at most


# ---- functions ----
class Function:
    """`truth`: in float64, where PyTorch's own would cancel. `exact`: by mpmath. `reach`: exponents of two of float64 samples;
    `double`: the bound of their errors, in ULP. In float32 it is BOUND for all."""

    def __init__(self, name, call, exact, truth=None, operands=1, reach=(-30, 6), double=2.0):
        self.name, self.call, self.exact, self.truth = name, call, exact, truth or call
        self.operands, self.reach, self.double = operands, reach, double

    @property
    def method(self):
        return "f_" + self.name.replace(" ", "_").replace(".", "_").replace("-", "minus_")


mp = mpmath


def real(function):
    """NaN where mpmath leaves the reals."""

    def call(*x):
        value = function(*x)
        return value if isinstance(value, mp.mpf) or value.imag == 0 else mp.nan

    return call


def gaussian(x):
    return 0.5 * x * torch.special.erfc(-x * 0.5**0.5)


def soft(x):  # log(1 + exp(x))
    return torch.clamp_min(x, 0) + torch.log1p(torch.exp(-x.abs()))


def tanh_argument(x, pi):
    return 2 * (2 / pi) ** 0.5 * (x + 0.044715 * x**3)


def digamma_of(x):
    return mp.nan if x < 0 and x == mp.floor(x) else mp.digamma(x)


# In float64 polynomials of i0 and the quantiles have errors of their own; digamma cancels near its root, erfcx below 0 and
# gelu's approximation far below 0 are exponentials of what was rounded.
SELU = (mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717"))
FUNCTIONS = [
    Function("exp", torch.exp, mp.exp),
    Function("exp2", torch.exp2, lambda x: mp.power(2, x)),
    Function("expm1", torch.expm1, mp.expm1),
    Function("log", torch.log, real(mp.log), reach=(-300, 300)),
    Function("log2", torch.log2, real(lambda x: mp.log(x) / mp.log(2)), reach=(-300, 300)),
    Function("log10", torch.log10, real(mp.log10), reach=(-300, 300)),
    Function("log1p", torch.log1p, real(mp.log1p), reach=(-60, 100)),
    Function("sqrt", torch.sqrt, real(mp.sqrt), reach=(-300, 300)),
    Function("rsqrt", torch.rsqrt, real(lambda x: 1 / mp.sqrt(x)), reach=(-300, 300)),
    Function("reciprocal", torch.reciprocal, lambda x: 1 / x, reach=(-300, 300)),
    Function("sin", torch.sin, mp.sin, reach=(-30, 40)),
    Function("cos", torch.cos, mp.cos, reach=(-30, 40)),
    Function("tan", torch.tan, mp.tan, reach=(-30, 40)),
    Function("asin", torch.asin, real(mp.asin), reach=(-30, 0)),
    Function("acos", torch.acos, real(mp.acos), reach=(-30, 0)),
    Function("atan", torch.atan, mp.atan, reach=(-30, 30)),
    Function("sinh", torch.sinh, mp.sinh),
    Function("cosh", torch.cosh, mp.cosh),
    Function("tanh", torch.tanh, mp.tanh),
    Function("asinh", torch.asinh, mp.asinh, lambda x: torch.copysign(torch.asinh(x.abs()), x), reach=(-30, 100)),
    Function("acosh", torch.acosh, real(mp.acosh), reach=(0, 100)),
    Function("atanh", torch.atanh, real(mp.atanh), reach=(-30, 0)),
    Function("erf", torch.erf, mp.erf, reach=(-30, 3)),
    Function("erfc", torch.erfc, mp.erfc, reach=(-30, 4)),
    Function("sigmoid", torch.sigmoid, lambda x: 1 / (1 + mp.exp(-x))),
    Function("silu", F.silu, lambda x: x / (1 + mp.exp(-x))),
    Function("mish", F.mish, lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), double=4.0),
    Function("log_sigmoid", F.logsigmoid, lambda x: -mp.log1p(mp.exp(-x)), lambda x: torch.clamp_max(x, 0) - torch.log1p(torch.exp(-x.abs()))),
    Function("softplus", F.softplus, lambda x: x if x > 20 else mp.log1p(mp.exp(x)), lambda x: torch.where(x > 20, x, soft(x))),
    Function("gelu", F.gelu, lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, gaussian, reach=(-30, 5)),
    Function("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), lambda x: x / (1 + mp.exp(-tanh_argument(x, mp.pi))),
             lambda x: x * torch.sigmoid(tanh_argument(x, torch.pi)), reach=(-30, 4), double=128.0),
    Function("elu", F.elu, lambda x: x if x > 0 else mp.expm1(x)),
    Function("selu", F.selu, lambda x: SELU[0] * (x if x > 0 else SELU[1] * mp.expm1(x))),
    Function("hardsigmoid", F.hardsigmoid, lambda x: min(max(x + 3, 0), 6) / 6, lambda x: torch.clamp(x + 3, 0, 6) / 6),
    Function("hardswish", F.hardswish, lambda x: x * min(max(x + 3, 0), 6) / 6, lambda x: x * torch.clamp(x + 3, 0, 6) / 6),
    Function("pow 3", lambda x: x**3, lambda x: x**3),
    Function("pow -2", lambda x: x**-2, lambda x: x**-2),
    Function("pow 0.5", lambda x: x**0.5, real(lambda x: mp.sqrt(x))),
    Function("pow -0.5", lambda x: x**-0.5, real(lambda x: 1 / mp.sqrt(x))),
    Function("pow 1.75", lambda x: x**1.75, real(lambda x: mp.power(x, 1.75))),
    Function("pow of 2.5", lambda x: 2.5**x, lambda x: mp.power(2.5, x)),
    Function("pow", torch.pow, real(mp.power), operands=2, reach=(-6, 6)),
    Function("atan2", torch.atan2, mp.atan2, operands=2),
    Function("div", torch.div, lambda x, y: x / y, operands=2),
    Function("fmod", torch.fmod, lambda x, y: x - y * (mp.floor if x / y > 0 else mp.ceil)(x / y), operands=2),
    Function("remainder", torch.remainder, lambda x, y: x - y * mp.floor(x / y), operands=2),
    Function("hypot", torch.hypot, mp.hypot, operands=2),
    Function("lgamma", torch.lgamma, lambda x: mp.log(abs(mp.gamma(x))) if x < 1e6 else mp.loggamma(x), double=4.0),
    Function("digamma", torch.digamma, digamma_of, double=128.0),
    Function("erfinv", torch.erfinv, mp.erfinv, reach=(-30, 0), double=8.0),
    Function("i0", torch.i0, lambda x: mp.besseli(0, x), double=8.0),
    Function("i0e", torch.special.i0e, lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), double=8.0),
    Function("i1", torch.special.i1, lambda x: mp.besseli(1, x), double=8.0),
    Function("i1e", torch.special.i1e, lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), double=8.0),
    Function("ndtri", torch.special.ndtri, lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), reach=(-30, 0), double=8.0),
    Function("erfcx", torch.special.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), reach=(-30, 4), double=128.0),
]  # fmt: skip


# ---- points ----
SPECIAL = [0.0, -0.0, float("inf"), float("-inf"), float("nan")]
# Where formulae or results change: of functions of one operand, 200 floats on each side are tried.
SWITCHES = [2.0**-149, 2.0**-126, 2.0**-24, 2.0**-12, 1e-4, 0.01, 0.25, 0.3, 0.35, 0.375, 0.425, 0.4375, 0.5, 0.625, 2**-0.5, 0.75, 0.85, 1.0,
            1.25, 2**0.5, 1.46163, 1.5, 0.5 * torch.pi, 2.0, 2.5, 3.0, torch.pi, 4.0, 5.0, 8.0, 9.0, 9.01, 10.0, 16.0, 17.0, 18.0, 20.0, 26.0,
            40.0, 50.0, 64.0, 87.33655, 88.72284, 89.0, 103.97208, 104.0, 126.0, 128.0, 149.0, 150.0, 1e6, 2.0**22, 2.0**23, 2.0**24, 2.0**31,
            2.0**64, 3.4028235e38]  # fmt: skip


def around(value, count):
    bits = torch.tensor(value, dtype=torch.float32).view(torch.int32)
    near = (bits + torch.arange(-count, count + 1, dtype=torch.int32)).view(torch.float32)
    return torch.cat([near, -near])


def sweep(step):
    """Chunks of float32: what is special, then every step-th bit pattern."""
    yield torch.cat([torch.tensor(SPECIAL), *(around(value, 200) for value in SWITCHES)])
    size = 1 << 21
    for first in range(-(1 << 31), 1 << 31, size * step):
        last = min(first + size * step, 1 << 31)
        yield torch.arange(first, last, step, dtype=torch.int64).to(torch.int32).view(torch.float32)


def pairs(step):
    """Pairs of what is special, then as many random ones, of all magnitudes and of ordinary ones, as `sweep` has."""
    values = torch.cat([torch.tensor(SPECIAL), *(around(value, 1) for value in SWITCHES)])
    yield torch.cartesian_prod(values, values).unbind(1)
    count, size = (1 << 32) // step, 1 << 20
    for at in range(0, count, 2 * size):
        generator = torch.Generator().manual_seed(at)
        bits = torch.randint(-(1 << 31), 1 << 31, (2, size), generator=generator).to(torch.int32)
        yield tuple(bits.view(torch.float32))
        ordinary = torch.randn(2, size, generator=generator) * torch.exp2(torch.randn(2, size, generator=generator) * 3)
        yield tuple(ordinary)


def doubles(f):
    """Random float64 of both signs, one tensor for each operand."""
    generator = torch.Generator().manual_seed(7)

    def draw():
        low, high = f.reach
        exponent = torch.rand(POINTS, generator=generator, dtype=torch.float64) * (high - low) + low
        sign = torch.randint(0, 2, (POINTS,), generator=generator) * 2.0 - 1
        return torch.exp2(exponent) * sign

    return tuple(draw() for _ in range(f.operands))


# ---- errors ----
WRONG = float("inf")  # a NaN for a number, another infinity, another sign of zero


def spacing(wanted, dtype):
    digits, smallest = (24, -149) if dtype == torch.float32 else (53, -1074)
    exponent = torch.frexp(wanted)[1].double() - digits
    return torch.exp2(exponent.clamp_min(smallest))


def errors(got, wanted, dtype):
    """In ULP, of results beside float64's."""
    rounded = wanted.to(dtype)
    distance = (got.double() - wanted).abs() / spacing(wanted, dtype)
    plain = torch.isfinite(got) & torch.isfinite(rounded)
    same = (got == rounded) | (got.isnan() & wanted.isnan())
    largest = torch.finfo(dtype).max
    near_infinity = (got.isinf() | rounded.isinf()) & (got.sign() == wanted.sign()) & (got.abs() >= largest) & (rounded.abs() >= largest)
    distance = torch.where(plain, distance, torch.where(same, 0.0, torch.where(near_infinity, 1.0, WRONG)))
    other_zero = (wanted == 0) & (got == 0) & (got.signbit() != wanted.signbit())
    return torch.where(other_zero, WRONG, distance)


def exact_error(f, operands, got, dtype):
    """By mpmath, for finite operands and result; None where it has no answer."""
    try:
        with mp.workdps(60):
            wanted = f.exact(*map(mp.mpf, operands))
            if not mp.isfinite(wanted):
                return None
            if wanted == 0:
                return 0.0 if got == 0 else WRONG
            digits, smallest = (24, -149) if dtype == torch.float32 else (53, -1074)
            unit = mp.power(2, max(mp.frexp(wanted)[1] - digits, smallest))
            if abs(got) == WRONG:
                return None
            return float(abs(mp.mpf(got) - wanted) / unit)
    except (ValueError, ZeroDivisionError, OverflowError, mp.NoConvergence):
        return None


class Worst:
    """The largest error and where it is. Points are kept until mpmath confirms the largest."""

    def __init__(self, f, dtype):
        self.f, self.dtype, self.points = f, dtype, []

    def add(self, operands, got, wanted):
        found = errors(got, wanted, self.dtype)
        count = min(VERIFIED, found.numel())
        top = torch.topk(found, count)
        columns = [x[top.indices].tolist() for x in operands] + [got[top.indices].tolist()]
        self.points += list(zip(top.values.tolist(), *columns))
        self.points = sorted(self.points, key=lambda p: -p[0])[:VERIFIED]

    def largest(self, confirm=0.75):
        """(ULP, operands). What is below `confirm` is believed to PyTorch."""
        best, where = 0.0, None
        for error, *operands, got in self.points:
            if error <= best:
                break
            if confirm < error < WRONG:
                checked = exact_error(self.f, operands, got, self.dtype)
                error = error if checked is None else checked
            if where is None or error > best:
                best, where = error, operands
        return best, where


# ---- measuring ----
def compiled(functions, folder):
    """One library with a method for each function, for float32 and for float64."""
    models = []
    for dtype in (torch.float32, torch.float64):
        holder = torch.nn.Module()
        for f in functions:
            setattr(holder, f.method, f.call)
        example = torch.linspace(0.1, 0.9, 33, dtype=dtype)
        inputs = {f.method: (example,) * f.operands for f in functions}
        file = Path(folder) / f"functions_{dtype}".replace("torch.", "")
        torch.jit.trace_module(holder, inputs, check_trace=False).save(f"{file}.pt")
        models.append(tsc.load(tsc.compile(f"{file}.pt", f"{file}.so")))
    return models


def ours(model, f, operands):
    return torch.from_dlpack(getattr(model, f.method)(*operands))


def measure(f, models, step):
    """((ULP, where) in float32, PyTorch's, (ULP, where) in float64, PyTorch's)"""
    found = []
    single, theirs = Worst(f, torch.float32), Worst(f, torch.float32)
    for chunk in pairs(step) if f.operands == 2 else ((x,) for x in sweep(step)):
        wanted = f.truth(*(x.double() for x in chunk))
        single.add(chunk, ours(models[0], f, chunk), wanted)
        theirs.add(chunk, f.call(*chunk), wanted)
    found += [single.largest(), theirs.largest()]
    operands = doubles(f)
    for call in (lambda *x: ours(models[1], f, x), f.call):
        points = []
        for *x, got in zip(*(column.tolist() for column in (*operands, call(*operands)))):
            error = exact_error(f, x, got, torch.float64) if abs(got) < WRONG else None
            points.append((error or 0.0, x))
        found.append(max(points, key=lambda p: p[0]))
    return found


def tails_differ(f, models):
    """Where results depend on where an element stands: in a whole vector, in a tail, alone, in a row with gaps."""
    for model, dtype in zip(models, (torch.float32, torch.float64)):
        values = torch.cat([torch.tensor(SPECIAL), *(around(value, 1) for value in SWITCHES)]).to(dtype)
        operands = (values, values.roll(7))[: f.operands]
        whole = ours(model, f, operands)
        gaps = tuple(torch.stack([x, x], 1)[:, 0] for x in operands)
        others = [ours(model, f, gaps)]
        others += [torch.cat([ours(model, f, tuple(x[i : i + n] for x in operands)) for i in range(0, len(values), n)]) for n in (1, 3, 7, 19)]
        for other in others:
            same = (other == whole) & (other.signbit() == whole.signbit()) | (other.isnan() & whole.isnan())
            if not same.all():
                return f"{f.name}{tuple(x[~same][0].item() for x in operands)} in {dtype} is {whole[~same][0]} or {other[~same][0]}"
    return None


# ---- output ----
def number(error):
    return "wrong" if error == WRONG else f"{error:.2f}" if error < 1000 else f"{error:.1e}"


def place(where):
    return "" if where is None else ", ".join(f"{x:.9g}" for x in where)


def line(f, found):
    (a, at_a), (b, _), (c, at_c), (d, _) = found
    return f"| {f.name} | {number(a)} | {place(at_a)} | {number(b)} | {number(c)} | {place(at_c)} | {number(d)} |"


HEAD = """| function | float32: largest ULP | at | PyTorch's | float64: largest ULP | at | PyTorch's |
|---|---|---|---|---|---|---|
"""
BEGIN, END = "<!-- ulp -->\n", "<!-- /ulp -->\n"


def chosen(patterns):
    return [f for f in FUNCTIONS if not patterns or any(fnmatch.fnmatch(f.name, p) for p in patterns)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", help="names or patterns; default: all")
    parser.add_argument("--step", type=int, default=1009, help="every STEP-th float32; default 1009")
    parser.add_argument("--update", metavar="FILE", type=Path, help="write the table between the marks in this file")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_grad_enabled(False)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        functions = chosen(args.functions)
        models = compiled(functions, folder)
        for f in functions:
            lines.append(line(f, measure(f, models, args.step)))
            print(lines[-1], tails_differ(f, models) or "", flush=True)
    if args.update:
        text = args.update.read_text()
        before, rest = text.split(BEGIN)
        args.update.write_text(before + BEGIN + HEAD + "\n".join(lines) + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
