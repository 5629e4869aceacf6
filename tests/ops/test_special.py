"""Special functions in float64 against mpmath, which comes with PyTorch: where PyTorch's own have errors, too."""

import random

import mpmath
import pytest
import torch

mpmath.mp.dps = 30
pytestmark = pytest.mark.filterwarnings("ignore")


def uniform(low, high):
    return lambda: random.uniform(low, high)


def scales(low, high):
    return lambda: 10 ** random.uniform(low, high)


def degree():
    return random.randint(0, 20)


def half_angles(function):
    """Chebyshev polynomials of the third and the fourth kind."""
    return lambda x, n: function((n + 0.5) * mpmath.acos(x)) / function(mpmath.acos(x) / 2)


INSIDE = uniform(-0.99, 0.99)
# (function of the library, truth, operands)
FUNCTIONS = [
    ("lgamma", lambda x: mpmath.log(abs(mpmath.gamma(x))), uniform(-20, 60)),
    ("digamma", mpmath.digamma, uniform(-20, 60)),
    ("erfinv", mpmath.erfinv, uniform(-1, 1)),
    ("special_ndtri", lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1), scales(-20, 0)),
    ("special_erfcx", lambda x: mpmath.exp(x * x) * mpmath.erfc(x), uniform(-5, 60)),
    ("i0", lambda x: mpmath.besseli(0, x), uniform(-60, 60)),
    ("special_i1", lambda x: mpmath.besseli(1, x), uniform(-60, 60)),
    ("special_i0e", lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), uniform(-500, 500)),
    ("special_i1e", lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), uniform(-500, 500)),
    ("special_bessel_j0", lambda x: mpmath.besselj(0, x), uniform(-60, 60)),
    ("special_bessel_j1", lambda x: mpmath.besselj(1, x), uniform(-60, 60)),
    ("special_bessel_y0", lambda x: mpmath.bessely(0, x), uniform(0, 60)),
    ("special_bessel_y1", lambda x: mpmath.bessely(1, x), uniform(0, 60)),
    ("special_modified_bessel_k0", lambda x: mpmath.besselk(0, x), scales(-18, 2)),
    ("special_modified_bessel_k1", lambda x: mpmath.besselk(1, x), scales(-18, 2)),
    ("special_scaled_modified_bessel_k0", lambda x: mpmath.exp(x) * mpmath.besselk(0, x), scales(-18, 5)),
    ("special_scaled_modified_bessel_k1", lambda x: mpmath.exp(x) * mpmath.besselk(1, x), scales(-18, 5)),
    ("special_airy_ai", mpmath.airyai, uniform(-30, 20)),
    ("special_zeta", mpmath.zeta, uniform(1.1, 30), uniform(0.1, 50)),
    ("igamma", lambda a, x: mpmath.gammainc(a, 0, x, regularized=True), scales(-2, 3), scales(-2, 3)),
    ("igammac", lambda a, x: mpmath.gammainc(a, x, regularized=True), scales(-2, 3), scales(-2, 3)),
    ("igammac", lambda a, x: mpmath.gammainc(a, x, regularized=True), uniform(1e5, 1.01e5), uniform(1e5, 1.01e5)),
    ("special_chebyshev_polynomial_t", lambda x, n: mpmath.chebyt(n, x), uniform(-1.3, 1.3), degree),
    ("special_chebyshev_polynomial_u", lambda x, n: mpmath.chebyu(n, x), uniform(-1.3, 1.3), degree),
    ("special_chebyshev_polynomial_v", half_angles(mpmath.cos), INSIDE, degree),
    ("special_chebyshev_polynomial_w", half_angles(mpmath.sin), INSIDE, degree),
    ("special_shifted_chebyshev_polynomial_t", lambda x, n: mpmath.chebyt(n, 2 * x - 1), uniform(-0.2, 1.2), degree),
    ("special_hermite_polynomial_h", lambda x, n: mpmath.hermite(n, x), uniform(-3, 3), degree),
    ("special_laguerre_polynomial_l", lambda x, n: mpmath.laguerre(n, 0, x), uniform(-3, 3), degree),
    ("special_legendre_polynomial_p", lambda x, n: mpmath.legendre(n, x), uniform(-1.3, 1.3), degree),
]


@pytest.mark.parametrize("name, truth, operands", [(n, t, o) for n, t, *o in FUNCTIONS])
def test_equals_the_truth(ops, name, truth, operands):
    model, _ = ops
    random.seed(3)
    points = [[float(draw()) for draw in operands] for _ in range(100)]
    expected = torch.tensor([float(truth(*map(mpmath.mpf, p))) for p in points], dtype=torch.float64)
    columns = [torch.tensor(column, dtype=torch.float64) for column in zip(*points)]
    actual = torch.from_dlpack(getattr(model, f"aten_{name}")(*columns))
    # Near a zero the error is that of what cancels there.
    torch.testing.assert_close(actual, expected, rtol=1e-11, atol=1e-11)
