"""Every overload of the op table against eager PyTorch, on torch's own samples and on operands of our own.

The library is built once (library.py). Comparisons are exact for integers, bools, sizes and dtypes, and at
torch.testing's tolerances for floats; half precision may instead equal the result computed in double and rounded once.
"""

import collections
import itertools
import math
import os
from pathlib import Path

import pytest
import torch

import compare
import harvest
import library

torch.set_num_threads(1)

# Samples of each op and dtype; the whole suite of PyTorch has up to some hundred.
LIMIT = int(os.environ.get("TSC_OP_SAMPLES", "4"))


@pytest.fixture(scope="session")
def ops(tmp_path_factory):
    import tsc

    folder = os.environ.get("TSC_OPS_BUILD")
    folder = Path(folder) if folder else tmp_path_factory.mktemp("ops")
    folder.mkdir(parents=True, exist_ok=True)
    path, chosen = library.build(folder)
    return tsc.load(str(path)), chosen


def report(failures):
    lines = [f"{name}: {len(found)} differences, first: {found[0]}" for name, found in sorted(failures.items())]
    assert not failures, "\n".join(lines)


def test_every_row_has_a_function():
    """A row without an overload of PyTorch, such as a region, is the compiler's own."""
    covered = {o.row for o in library.selected()}
    own = {row for row, op_class, _, names in library.table_rows() if not names or op_class == "Control"}
    missing = [row for row, *_ in library.table_rows() if row not in covered | own | library.EMITTED]
    assert set(missing) <= {"tolist"}, missing


# Windows of a storage that start behind its beginning come to the library without what is before them.
def is_testable(name, operands):
    first = operands[0] if operands else None
    return not (name.startswith("aten::as_strided") and first.storage_offset() != 0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "uint8", "int32", "float16", "bfloat16"])
def test_samples(ops, dtype):
    model, chosen = ops
    methods = {o.name: o.method for o in chosen if o.number is None}
    numbered = {o.name: o.method for o in chosen if o.number is not None}
    failures, passed, seen = collections.defaultdict(list), collections.Counter(), set()

    def visit(name, function, operands):
        key = (name, repr([getattr(o, "shape", o) for o in operands]))
        if name in methods and key not in seen and is_testable(name, operands):
            seen.add(key)
            number = name in numbered and not isinstance(operands[1], torch.Tensor)
            found = compare.check(getattr(model, numbered[name] if number else methods[name]), name, function, operands)
            if found:
                failures[name].append(found)
            else:
                passed[name] += 1
        return function(*operands)

    for _, _, graph, inputs in harvest.samples([getattr(torch, dtype)], LIMIT):
        try:
            harvest.run_graph(graph, inputs, visit)
        except harvest.Stop:
            pass
    assert len(passed) > 100
    for name in KNOWN:
        failures.pop(name, None)
    report(failures)


# Where the library refuses what PyTorch takes.
KNOWN = {
    "aten::upsample_bilinear2d.vec",  # of uint8, which PyTorch computes in fixed point
    "aten::batch_norm",  # of an input of one dimension
}

INTS = [-7, -2, -1, 1, 2, 3, 5, 64]
FLOATS = [-2.5, -0.0, 0.5, 1.0, 3.0, 1e10, math.inf, math.nan]
STRINGS = ["", "abc", "a,b,,c", " Ab cD\n", "12", "-35", "a", "x\ty\r\nz", "They're Bill's"]
COMPLEX = [1 + 2j, -0.5 + 0j, 3 - 1j]
# Overloads with type variables cannot be called from Python; test_containers has programs for them.
POOLS = {"int": INTS, "float": FLOATS, "bool": [False, True], "str": STRINGS, "complex": COMPLEX, "number": [3, -2, 2.5, -0.5],
         "List[int]": [[], [1], [3, 1, 2, 1]], "List[float]": [[], [2.5, -1.0]], "List[bool]": [[], [True, False]],
         "List[str]": [[], ["b", "a", "b"]], 
         "Optional[int]": [None, 0, 1, -2],
         "Optional[str]": [None, ",", "b"]}  # fmt: skip
# Operands that end PyTorch's own process or never end.
TRAPS = {"aten::center": lambda a: a[1] < len(a[0]), "aten::rjust": lambda a: a[1] < len(a[0]),
         "aten::ljust": lambda a: a[1] < len(a[0]), "aten::pow.int_to_int": lambda a: abs(a[0]) > 5 or not 0 <= a[1] < 20,
         "aten::factorial.int": lambda a: a[0] > 20}  # fmt: skip
# Here TorchScript differs from Python or from one version to the other, and we do as Python does.
PYTHONIC = {"aten::hash", "aten::istitle", "aten::title", "aten::isprintable", "aten::splitlines", "aten::expandtabs",
            "aten::str", "aten::chr", "prim::rangelist", "aten::mul.left_t", "aten::mul.right_"}  # fmt: skip


def pool(argument):
    text = str(argument.type)
    return POOLS.get(text) or POOLS.get(getattr(argument.type, "annotation_str", text))


def test_numbers_strings_and_containers(ops):
    model, chosen = ops
    classes = {row: op_class for row, op_class, *_ in library.table_rows()}
    failures, calls = collections.defaultdict(list), 0
    for overload in chosen:
        if classes[overload.row] not in ("Scalar", "Container") or overload.name.split(".")[0] in PYTHONIC:
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
            found = compare.check(getattr(model, overload.method), overload.name, function, list(operands))
            if found:
                failures[overload.name].append(f"{operands}: {found}")
    assert calls > 2000
    report(failures)


def test_containers(ops):
    model, chosen = ops
    methods = {o.name: getattr(model, o.method) for o in chosen}
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


def call(ops, name, *operands):
    model, chosen = ops
    method = next(o.method for o in chosen if o.name == name and (o.number is None))
    return getattr(model, method)(*operands)


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
