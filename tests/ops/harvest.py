"""Calls of PyTorch's overloads with real operands, taken from torch's own op samples.

Each sample of torch.testing's op_db is traced; the graph is then run node by node, and every call of an overload that the
table accepts is handed to the caller with the operands that it had.
"""

import sys
import types
import unittest
import warnings

import torch

# torch.testing imports this package for tests of its own; its samples do without.
sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase, assert_expected_inline=None))

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

warnings.simplefilter("ignore")


def operation(name, overload):
    """The overload as a function of all its operands by position."""
    function = torch._C._get_operation_overload(name, overload)[0]
    arguments = torch._C._get_schema(name, overload).arguments
    by_position = sum(not a.kwarg_only for a in arguments)
    by_name = [a.name for a in arguments[by_position:]]

    def call(*operands):
        return function(*operands[:by_position], **dict(zip(by_name, operands[by_position:])))

    return call


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


def samples(dtypes, limit, names=None):
    """(op's name, dtype, traced graph, its inputs) for the first `limit` samples of each op and dtype."""
    for op in op_db:
        if names is not None and not names(op.name):
            continue
        for dtype in dtypes:
            if dtype not in op.supported_dtypes("cpu"):
                continue
            try:
                found = [s for s, _ in zip(op.sample_inputs("cpu", dtype, requires_grad=False), range(limit))]
            except Exception:
                continue
            for sample in found:
                everything = (sample.input, list(sample.args), dict(sample.kwargs))
                tensors = tensors_in(everything)
                if not tensors:
                    continue

                def call(*given, op=op, everything=everything):
                    first, args, kwargs = replaced(everything, iter(given))
                    return op.op(first, *args, **kwargs)

                try:
                    torch.manual_seed(0)
                    traced = torch.jit.trace(call, tuple(tensors), check_trace=False, strict=False)
                    yield op.name, dtype, traced.graph, tensors
                except Exception:
                    continue
