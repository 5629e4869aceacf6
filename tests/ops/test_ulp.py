"""Elementwise functions to 2 ULP, by a thin sweep of ulp.py, which also writes docs/precision.md."""

import re

import pytest
import torch

import library
import ulp

pytestmark = pytest.mark.filterwarnings("ignore")
STEP = 400009
# Rows of the op table that are float functions, and what is said of them elsewhere.
ELSEWHERE = {
    "frac": "exact", "hardshrink": "exact", "copysign": "exact", "leaky_relu": "a product", "softshrink": "a difference",
    "addcdiv": "a sum, which cancels", "lerp": "a sum, which cancels",
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    with torch.no_grad():
        return ulp.compiled(ulp.FUNCTIONS, tmp_path_factory.mktemp("ulp"))


@pytest.mark.parametrize("f", ulp.FUNCTIONS, ids=lambda f: f.name)
def test_errors(models, f):
    with torch.no_grad():
        (single, at), _, (double, double_at), _ = ulp.measure(f, models, STEP)
        assert single <= ulp.BOUND, f"{f.name}({ulp.place(at)}) in float32: {single} ULP"
        assert double <= f.double, f"{f.name}({ulp.place(double_at)}) in float64: {double} ULP"
        assert ulp.tails_differ(f, models) is None


def test_every_float_function_is_measured():
    rows = re.findall(r"TSC_OP\((\w+), Pointwise, (?:Float|SameFloat|PromoteFloat),", (library.ROOT / "compiler/ir/ops.def").read_text())
    measured = {f.name.split()[0] for f in ulp.FUNCTIONS}
    assert set(rows) - measured == set(ELSEWHERE)


def test_what_is_no_number_is_told():
    dtype = torch.float32
    wanted = torch.tensor([float("nan"), 0.0, float("inf"), 1.0], dtype=torch.float64)
    got = torch.tensor([1.0, -0.0, 1.0, 1.0 + 2**-22])
    assert ulp.errors(got, wanted, dtype).tolist() == [ulp.WRONG, ulp.WRONG, ulp.WRONG, 2.0]
