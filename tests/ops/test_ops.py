"""Every overload of the op table against eager PyTorch: on torch's own samples and on samples of our own, each also in
other forms (variants.py), and on what PyTorch refuses.

The library is built once (library.py). Comparisons are exact for integers, bools, sizes and dtypes, and at
torch.testing's tolerances for floats; a float may instead equal the result computed in double and rounded once.
"""

import collections
import itertools
import math
import os

import pytest
import torch

import compare
import exceptions
import harvest
import library
import own_samples
import variants

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore")

# Samples of each op and dtype; the whole suite of PyTorch has up to some hundred.
LIMIT = int(os.environ.get("TSC_OP_SAMPLES", "4"))
CLASSES = {row: op_class for row, op_class, *_ in library.table_rows()}
# Row -> how often it was compared, for test_every_row_is_compared.
compared = collections.Counter()


def report(failures):
    lines = [f"{name}: {len(found)} differences, first: {found[0]}" for name, found in sorted(failures.items())]
    assert not failures, "\n".join(lines)


def shapes(value):
    """Operands with dtypes and sizes for tensors: what tells one call from another, and what failures show."""
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype)[6:]}{list(value.shape)}"
    return [shapes(v) for v in value] if isinstance(value, (list, tuple)) else value


class Methods:
    """The library's methods by overload."""

    def __init__(self, model, chosen):
        self.model = model
        self.rows = {o.name: o.row for o in chosen}
        self.plain = {o.name: o.method for o in chosen if o.number is None}
        self.numbered = {o.name: o.method for o in chosen if o.number is not None}
        self.failures = collections.defaultdict(list)
        self.seen = set()

    def has(self, name):
        return name in self.plain

    def of_call(self, name, operands):
        number = name in self.numbered and not isinstance(operands[1], torch.Tensor)
        return getattr(self.model, self.numbered[name] if number else self.plain[name])

    def check(self, name, operands, form=""):
        """Compares one call, once."""
        described = shapes(operands)
        key = (name, repr(described), form if form.startswith("strided") else "")
        if key in self.seen or not is_testable(name, operands):
            return
        self.seen.add(key)
        base, _, overload = name.partition(".")
        function = harvest.operation(base, overload)
        found = compare.check(self.of_call(name, operands), name, function, operands)
        compared[self.rows[name]] += 1
        if found and not exceptions.is_known(name, form, operands):
            self.failures[name].append(f"{form} {described}: {found}"[:600])

    def check_forms(self, name, operands):
        forms = variants.forms_of([CLASSES[self.rows[name]]])
        in_place = name.partition(".")[0].endswith("_")
        for form, changed in variants.of_call(operands, forms):
            # The library's methods write to a copy, which does not overlap itself.
            if not (in_place and form.startswith("repeated")):
                self.check(name, changed, form)

    def report(self):
        lines = [f"{name}: {len(found)} differences, first: " + "\n    ".join(found[:4])
                 for name, found in sorted(self.failures.items())]  # fmt: skip
        assert not lines, "\n".join(lines)


@pytest.fixture
def methods(ops):
    return Methods(*ops)


def test_every_row_has_a_function():
    """A row without an overload of PyTorch, such as a region, is the compiler's own."""
    covered = {o.row for o in library.selected()}
    own = {row for row, op_class, _, names in library.table_rows() if not names or op_class == "Control"}
    missing = [row for row, *_ in library.table_rows() if row not in covered | own | library.EMITTED]
    assert set(missing) <= {"tolist"}, missing


# Windows of a storage that start behind its beginning come to the library without what is before them.
# PyTorch reads beyond pivots that are fewer than the rows or the columns.
def is_testable(name, operands):
    first = operands[0] if operands else None
    if name == "aten::lu_unpack" and (first.dim() < 2 or operands[1].shape != (*first.shape[:-2], min(first.shape[-2:]))):
        return False
    return not (name.startswith("aten::as_strided") and first.storage_offset() != 0)


def for_each_sample(methods, dtype, limit, check):
    """Calls `check(overload, operands)` for the samples of our own and for every call in the traces of torch's samples."""
    for name, operands in own_samples.of_dtype(dtype):
        check(name, operands)

    def visit(name, function, operands):
        if methods.has(name):
            check(name, list(operands))
        return function(*operands)

    for _, _, graph, inputs in harvest.samples([dtype], limit):
        try:
            harvest.run_graph(graph, inputs, visit)
        except harvest.Stop:
            pass


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "float64", "uint8", "int32", "float16", "bfloat16", "complex64"])
def test_samples(methods, dtype):
    for_each_sample(methods, getattr(torch, dtype), LIMIT, methods.check)
    assert len(methods.seen) > 500
    methods.report()


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_forms(methods, dtype):
    """Not contiguous, empty, 0-d, broadcast, of other dtypes: the same result, or both refuse."""
    for_each_sample(methods, getattr(torch, dtype), min(LIMIT, 2), methods.check_forms)
    assert len(methods.seen) > 2000
    methods.report()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(8,), (2, 4), (4, 2)])
def test_running_products_of_halves(methods, dtype, shape):
    """Products that leave float32's range don't come back, as the exact ones would."""
    factors = torch.tensor([3e4, 3e38, 3e4, 1e-30, -1e-30, 1e-30, 1e30, 2.0]).clamp(max=torch.finfo(dtype).max).to(dtype)
    for x in (factors.reshape(shape), factors.flip(0).reshape(shape), (factors.float() ** 0.1).to(dtype).reshape(shape)):
        for name, function in (("aten::cumprod", torch.cumprod), ("aten::cumsum", torch.cumsum)):
            ours = torch.from_dlpack(methods.of_call(name, [x])(x, 0, None))
            torch.testing.assert_close(ours, function(x, 0), rtol=0, atol=0, equal_nan=True)


def strides_of(tensors):
    """Those that matter: of dimensions with more than one element, of tensors with any."""
    return [[s for s, size in zip(t.stride(), t.shape) if size != 1] if t.numel() else [] for t in tensors]


def test_orders(methods):
    """Results lie in the order in which PyTorch's lie, whatever the order of the operands."""
    seen, failures, count = set(), collections.defaultdict(list), 0

    def check(name, operands, form=""):
        nonlocal count
        described = [(t.shape, t.stride()) for t in harvest.tensors_in(operands)]
        key = (name, repr(described))
        is_own, in_place = name.startswith("tsc::"), name.partition(".")[0].endswith("_")
        if key in seen or is_own or in_place or not is_testable(name, operands):
            return
        seen.add(key)
        try:
            with torch.no_grad():
                expected = compare.tensors_of(harvest.operation(*harvest.parts(name))(*compare.kept(operands)))
            actual = compare.tensors_of(methods.of_call(name, operands)(*compare.to_ours(compare.kept(operands))))
        except Exception:  # what is refused is for the tests above
            return
        strides = iter(methods.model.last_strides())
        theirs, ours = strides_of(expected), []
        for t in actual:
            noted = [next(strides) for _ in t.shape]
            ours.append([s for s, size in zip(noted, t.shape) if size != 1] if t.numel() else [])
        count += bool(ours)
        if ours != theirs and not exceptions.has_known_order(name, form):
            failures[name].append(f"{form} {described}: strides {ours}, expected {theirs}"[:400])

    def check_all(name, operands):
        operands = list(operands)
        check(name, operands)
        for form, changed in variants.of_call(operands, variants.ORDERS):
            check(name, changed, form.split()[0])

    for_each_sample(methods, torch.float32, min(LIMIT, 2), check_all)
    assert count > 2000
    report(failures)


def test_what_pytorch_refuses(methods):
    for name, operands in harvest.errors():
        if methods.has(name):
            methods.check(name, operands)
    assert len(methods.seen) > 100
    methods.report()


INTS = [-7, -2, -1, 1, 2, 3, 5, 64]
FLOATS = [-2.5, -0.0, 0.5, 1.0, 3.0, 1e10, math.inf, math.nan]
STRINGS = ["", "abc", "a,b,,c", " Ab cD\n", "12", "-35", "a", "x\ty\r\nz", "They're Bill's"]
COMPLEX = [1 + 2j, -0.5 + 0j, 3 - 1j]
# Overloads with type variables cannot be called from Python; test_containers has programs for them.
POOLS = {"int": INTS, "float": FLOATS, "bool": [False, True], "str": STRINGS, "complex": COMPLEX, "number": [3, -2, 2.5, -0.5],
         "List[int]": [[], [1], [3, 1, 2, 1]], "List[float]": [[], [2.5, -1.0]], "List[bool]": [[], [True, False]],
         "List[str]": [[], ["b", "a", "b"]], 
         "Optional[int]": [None, 0, 1, -2],
         "Optional[str]": [None, ",", "b"],
         "Tensor": [torch.tensor(2.5), torch.tensor(3), torch.tensor(True), torch.ones(2, 0), torch.arange(6.0).view(2, 3).t(),
                    torch.ones(2, 3, dtype=torch.bool), torch.full((1, 1), 7, dtype=torch.int32), torch.tensor(1.5).half()],
         }  # fmt: skip
# Operands that end PyTorch's own process, never end, or are no values of their type; and NaN, whose angle is 0 there.
TRAPS = {"aten::center": lambda a: a[1] < len(a[0]), "aten::rjust": lambda a: a[1] < len(a[0]),
         "aten::ljust": lambda a: a[1] < len(a[0]), "aten::pow.int_to_int": lambda a: abs(a[0]) > 5 or not 0 <= a[1] < 20,
         "aten::angle.float": lambda a: a[0] != a[0],
         "aten::factorial.int": lambda a: a[0] > 20,
         "aten::is_contiguous.memory_format": lambda a: a[1] not in range(4)}  # fmt: skip
# Here TorchScript differs from Python or from one version to the other, and we do as Python does.
PYTHONIC = {"aten::hash", "aten::istitle", "aten::title", "aten::isprintable", "aten::divmod", "aten::expandtabs",
            "aten::str", "aten::chr", "prim::rangelist", "aten::mul.left_t", "aten::mul.right_"}  # fmt: skip


def pool(argument):
    text = str(argument.type)
    return POOLS.get(text) or POOLS.get(getattr(argument.type, "annotation_str", text))


def test_numbers_strings_containers_and_queries(ops):
    model, chosen = ops
    failures, calls = collections.defaultdict(list), 0
    for overload in chosen:
        if CLASSES[overload.row] not in ("Scalar", "Container", "Query") or overload.name.split(".")[0] in PYTHONIC:
            continue
        pools = [pool(a) for a in overload.schema.arguments]
        written = any(a.alias_info is not None and a.alias_info.is_write for a in overload.schema.arguments)
        if not pools or None in pools or written:  # what PyTorch writes to a list does not come back to Python
            continue
        base, _, rest = overload.name.partition(".")
        function = harvest.operation(base, rest)
        for operands in itertools.islice(itertools.product(*pools), 400):
            # PyTorch's searches for an empty string may not end.
            if "" in operands[1:] or (overload.name in TRAPS and TRAPS[overload.name](operands)):
                continue
            calls += 1
            compared[overload.row] += 1
            found = compare.check(getattr(model, overload.method), overload.name, function, list(operands))
            if found and not exceptions.is_known(overload.name, "", operands):
                failures[overload.name].append(f"{operands}: {found}")
    assert calls > 2000
    report(failures)


def test_containers(ops):
    model, chosen = ops
    rows = {o.name: o for o in chosen}

    class Called(dict):
        def __missing__(self, name):
            compared[rows[name].row] += 1
            return getattr(model, rows[name].method)

    methods = Called()
    items = [4, 5, 6]
    assert methods["aten::append.t"](items, 7) == [4, 5, 6, 7]
    assert methods["aten::insert.t"](items, -1, 9) == [4, 5, 9, 6]
    assert methods["aten::insert.t"](items, -40, 9) == [9, 4, 5, 6]
    assert methods["aten::pop.t"](items, -2) == 5
    assert methods["aten::slice.t"](items, None, None, -1) == [6, 5, 4]
    assert methods["aten::slice.t"](items, 1, 100, 2) == [5]
    assert methods["aten::add.t"](items, [1]) == [4, 5, 6, 1]
    assert methods["aten::mul.left_t"](items, 2) == items * 2
    assert methods["aten::mul.left_t"](items, -1) == []
    assert methods["aten::__getitem__.t"](items, -3) == 4
    assert methods["aten::_set_item.t"](items, -1, 0) == [4, 5, 0]
    assert methods["aten::sort.int"]([3, 1, 2], True) == [3, 2, 1]
    assert methods["aten::sort.str"](["b", "a"], False) == ["a", "b"]
    assert methods["aten::remove.int"]([1, 2, 1], 1) == [2, 1]
    entries = {"b": 1, "a": 2}
    assert methods["aten::keys.str"](entries) == ["b", "a"]
    assert methods["aten::values.str"](entries) == [1, 2]
    assert methods["aten::items.str"](entries) == [("b", 1), ("a", 2)]
    assert methods["aten::get.str"](entries, "c") is None
    assert methods["aten::get.default_str"](entries, "c", 3) == 3
    assert methods["aten::pop.Dict_str"](entries, "b") == 1
    assert methods["aten::popitem.str"](entries) == ("b", 1)  # the first, as PyTorch does
    assert methods["aten::setdefault.str"](entries, "b", 5) == 1
    assert methods["aten::copy.Dict_str"](entries) == entries
    assert methods["aten::__getitem__.Dict_str"](entries, "a") == 2
    assert methods["aten::_set_item.str"](entries, "c", 3) == {"b": 1, "a": 2, "c": 3}
    assert methods["aten::__contains__.str"](entries, "c") is False
    assert methods["aten::update.str"](entries, {"a": 7, "d": 8}) == {"b": 1, "a": 7, "d": 8}
    assert methods["aten::Delete.Dict_str"](entries, "b") == {"a": 2}
    assert methods["aten::pop.Dict_default_str"](entries, "c", 9) == 9
    assert methods["aten::clear.str"](entries) == {}
    assert methods["aten::dict.str"]([("x", 1), ("y", 2), ("x", 3)]) == {"x": 3, "y": 2}
    assert methods["aten::extend.t"](items, [7, 8]) == [4, 5, 6, 7, 8]
    assert methods["aten::add_.t"](items, [7]) == [4, 5, 6, 7]
    assert methods["aten::mul_.t"](items, 2) == items * 2
    assert methods["aten::mul_.t"](items, -1) == []
    assert methods["prim::index"]("cpu") is None
    assert methods["aten::Delete.t"](items, -1) == [4, 5]
    assert methods["aten::reverse.t"](items) == [6, 5, 4]
    assert methods["aten::copy.t"](items) == items
    assert methods["aten::clear.t"](items) == []
    assert methods["aten::_unwrap_optional"](3) == 3
    assert methods["aten::__is__"](3, 3) is True
    assert methods["aten::__isnot__"](3, 3) is False
    assert methods["prim::rangelist"](3) == [0, 1, 2]
    assert methods["aten::hash.generic"](3) == methods["aten::hash.generic"](3)
    assert methods["prim::type"]("cpu") == "cpu"
    assert torch.from_dlpack(methods["aten::tensor"]([1, 2], 6, None, False)).tolist() == [1.0, 2.0]


def test_text_as_in_python(ops):
    """Where TorchScript's own strings differ from Python's (PYTHONIC), ours are Python's, for ASCII."""
    for text in STRINGS:
        for name in ("istitle", "isprintable", "title"):
            assert call(ops, f"aten::{name}", text) == getattr(text, name)()
        for size in (0, 1, 8):
            assert call(ops, "aten::expandtabs", text, size) == text.expandtabs(size)
    assert [call(ops, "aten::chr", n) for n in (0, 65, 126)] == [chr(0), "A", "~"]
    assert [call(ops, "aten::str", n) for n in (-3, 0, 12)] == ["-3", "0", "12"]


def test_divmod_as_in_python(ops):
    """TorchScript's quotient of floats is a float32 in one overload, and NaN where the divisor is infinite."""
    finite = [7.0, -7.0, 2.5, -2.5, 1e10, -1e10, 0.1, -0.3, 5e-324, 1e300]
    for x in [*finite, 0.0, -0.0]:
        for y in [*finite, math.inf, -math.inf]:
            ours = call(ops, "aten::divmod.float", x, y)
            assert ours == divmod(x, y) and list(map(str, ours)) == list(map(str, divmod(x, y))), (x, y)
            if y == int(min(max(y, -1e17), 1e17)) != 0:
                assert call(ops, "aten::divmod.float_int", x, int(y)) == divmod(x, int(y))
                assert call(ops, "aten::divmod.int_float", int(y), y) == divmod(int(y), y)
    for x in (7, -7, 0, 2**62):
        for y in (2, -2, 7, -3):
            assert call(ops, "aten::divmod.int", x, y) == divmod(x, y)


def call(ops, name, *operands):
    model, chosen = ops
    overload = next(o for o in chosen if o.name == name and o.number is None)
    compared[overload.row] += 1
    return getattr(model, overload.method)(*operands)


def test_errors_have_pytorchs_words(ops):
    import tsc

    def message(name, *operands):
        with pytest.raises(tsc.Error) as caught:
            call(ops, name, *operands)
        return str(caught.value)

    t = torch.tensor
    assert "must match the size of tensor b (3)" in message("aten::add.Tensor", torch.ones(2), torch.ones(3), 1)
    assert "can't be cast to the desired output type Long" in message("aten::exp_", t([1]))
    assert "ZeroDivisionError" in message("aten::remainder.Scalar", t([1]), 0)
    assert "Use .reshape(...) instead" in message("aten::view", torch.ones(2, 3).t(), [6])
    assert "Dimension out of range" in message("aten::unsqueeze", torch.ones(2), 3)
    assert "out of range" in message("aten::select.int", torch.ones(2), 0, 2)
    assert "two bool tensors" in message("aten::sub.Tensor", t([True]), t([True]), 1)
    assert "doesn't match the broadcast shape" in message("aten::add_.Tensor", torch.ones(2), torch.ones(2, 2), 1)
    assert "list index out of range" in message("aten::__getitem__.t", [1], 1)
    assert "division by 0" in message("aten::floordiv.int", 1, 0)
    assert "out of range in self" in message("aten::embedding", torch.ones(2, 2), t([2]), -1, False, False)


def test_every_row_is_compared():
    """Needs the tests above to have run."""
    if not compared:
        pytest.skip("the other tests have not run")
    rows = {row for row, op_class, _, names in library.table_rows() if names and op_class != "Control"}
    missing = sorted(rows - set(compared) - library.EMITTED - set(exceptions.NOT_COMPARED))
    print("not compared:", exceptions.NOT_COMPARED)
    assert not missing, f"no test compares {' '.join(missing)}: a sample in own_samples.py, or a reason in exceptions.py"
