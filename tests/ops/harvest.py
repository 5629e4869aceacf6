"""Calls of PyTorch's overloads with real operands, taken from torch's own op samples.

Each sample of torch.testing's op_db is traced; the graph is then run node by node, and every call of an overload that the
table accepts is handed to the caller with the operands that it had.
"""

import random
import sys
import types
import unittest

import numpy
import torch

# torch.testing imports this package for tests of its own; its samples do without.
sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase, assert_expected_inline=None))

from torch.testing._internal import common_utils  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402
from torch.testing._internal.common_modules import module_db  # noqa: E402, F401
from torch.testing._internal.opinfo import core  # noqa: E402


# By their number in TorchScript; quantised ones are left out.
CODES = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64,
         torch.complex32, torch.complex64, torch.complex128, torch.bool, None, None, None, torch.bfloat16]  # fmt: skip


def seed(number=0):
    torch.default_generator.manual_seed(number)
    numpy.random.seed(number)
    random.seed(number)


# Samples are seeded one by one. torch.manual_seed asks every kind of device, which takes longer than the sample itself.
common_utils.set_rng_seed = seed
# Nor is it asked which of PyTorch's tests a sample is for.
core.extract_test_fn = lambda: None


def parts(name):
    """"aten::add.Tensor" as ("aten::add", "Tensor")."""
    base, _, overload = name.partition(".")
    return base, overload


def operation(name, overload):
    """The overload as a function of all its operands by position."""
    function = torch._C._get_operation_overload(name, overload)[0]
    arguments = torch._C._get_schema(name, overload).arguments
    by_position = sum(not a.kwarg_only for a in arguments)
    by_name = [a.name for a in arguments[by_position:]]

    def call(*operands):
        return function(*operands[:by_position], **dict(zip(by_name, operands[by_position:])))

    return call


def code(dtype):
    """A dtype as TorchScript has it, an int."""
    return CODES.index(dtype)


def bound(name, args, kwargs):
    """All operands of the overload, with the schema's defaults."""
    base, _, overload = name.partition(".")
    operands, rest = [], list(args)
    for a in torch._C._get_schema(base, overload).arguments:
        if rest and not a.kwarg_only:
            operands.append(rest.pop(0))
        elif a.name in kwargs:
            operands.append(kwargs[a.name])
        else:
            operands.append(a.default_value)
    return operands


def constant(node):
    if not node.hasAttribute("value"):
        return None
    return node.output().toIValue()


class Stop(Exception):
    """A node that this small interpreter does not know."""


def run_graph(graph, inputs, visit):
    values = dict(zip([v.debugName() for v in graph.inputs()], inputs))
    for node in graph.nodes():
        operands = [values[v.debugName()] for v in node.inputs()]
        kind = node.kind()
        if kind == "prim::Constant":
            result = constant(node)
        elif kind in ("prim::ListConstruct",):
            result = list(operands)
        elif kind == "prim::TupleConstruct":
            result = tuple(operands)
        elif kind in ("prim::ListUnpack", "prim::TupleUnpack"):
            result = tuple(operands[0])
        elif kind.startswith("aten::") or kind == "prim::NumToTensor":
            schema = node.schema()
            if schema == "(no schema)":
                raise Stop(kind)
            name = schema.split("(")[0]
            base, _, overload = name.partition(".")
            result = visit(name, operation(base, overload), operands)
        else:
            raise Stop(kind)
        outputs = list(node.outputs())
        if len(outputs) == 1 and kind not in ("prim::ListUnpack", "prim::TupleUnpack"):
            values[outputs[0].debugName()] = result
        else:
            for output, item in zip(outputs, result):
                values[output.debugName()] = item


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in tensors_in(item)]
    if isinstance(value, dict):
        return [t for item in value.values() for t in tensors_in(item)]
    return []


def replaced(value, tensors):
    if isinstance(value, torch.Tensor):
        return next(tensors)
    if isinstance(value, (list, tuple)) and tensors_in(value):
        return type(value)(replaced(item, tensors) for item in value)
    if isinstance(value, dict):
        return {k: replaced(v, tensors) for k, v in value.items()}
    return value


def calls(op, dtype, limit, in_place=False):
    """(number, function of tensors, its tensors) for the first samples of an op of op_db, or of its form that writes to
    its first operand: to a copy of it, which is the result."""
    function = op.get_inplace() if in_place else op.op
    if function is None:
        return
    try:
        found = [s for s, _ in zip(op.sample_inputs("cpu", dtype, requires_grad=False), range(limit))]
    except Exception:
        return
    for number, sample in enumerate(found):
        everything = (sample.input, list(sample.args), dict(sample.kwargs))

        def call(*given, everything=everything):
            first, args, kwargs = replaced(everything, iter(given))
            if not in_place:
                return function(first, *args, **kwargs)
            first = first.clone()
            function(first, *args, **kwargs)
            return first

        if tensors_in(everything):
            yield number, call, tensors_in(everything)


def samples(dtypes, limit, names=None):
    """(op's name, dtype, traced graph, its inputs) for the first `limit` samples of each op and dtype."""
    for op in op_db:
        if names is not None and not names(op.name):
            continue
        for dtype in dtypes:
            if dtype not in op.supported_dtypes("cpu"):
                continue
            for _, call, tensors in calls(op, dtype, limit):
                seed()
                try:
                    traced = torch.jit.trace(call, tuple(tensors), check_trace=False, strict=False)
                    yield op.name, dtype, traced.graph, tensors
                except Exception:
                    continue


def is_typed(name, operands):
    """Whether a program can make the call: Python's binding also takes tensors and ints for ints and bools."""
    base, _, overload = name.partition(".")
    types = [a.type.kind() for a in torch._C._get_schema(base, overload).arguments]
    wrong = {"IntType": torch.Tensor, "BoolType": (torch.Tensor, int)}
    return not any(isinstance(o, wrong.get(t, ())) and not isinstance(o, bool) for t, o in zip(types, operands))


def errors():
    """(overload, operands) that PyTorch refuses, from the same table: those that a TorchScript program can call."""
    for op in op_db:
        if op.error_inputs_func is None:
            continue
        base = "aten::" + op.aten_name
        for found in op.error_inputs("cpu"):
            sample = found.sample_input
            args = (sample.input, *sample.args)
            try:
                overload = torch._C._jit_resolve_packet(base, *args, **sample.kwargs)
            except (RuntimeError, NotImplementedError):  # no overload takes operands of these types
                continue
            name = base + ("." + overload if overload and overload != "default" else "")
            operands = bound(name, args, sample.kwargs)
            if is_typed(name, operands):
                yield name, operands
