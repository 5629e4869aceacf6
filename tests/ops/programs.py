"""Samples of ops as programs: traced, compiled by tsc many at a time, and run beside PyTorch's interpreter."""

import os
import re
import subprocess

import torch

import compare
import exceptions
import harvest
import library
import own_samples
import tsc

# The class of each op by its name without overload.
CLASSES = {o.name.partition(".")[0]: op_class for o, op_class in library.overloads()}
# Classes whose ops make each number of a few others.
ELEMENTWISE = {"Pointwise", "Special", "View", "Movement", "Creation", "Query", "Scalar", "Container"}
# Values that are drawn, or left as they are found.
NO_VALUES = re.compile(r"aten::(new_)?(empty|rand|uniform|normal|exponential|multinomial|bernoulli|dropout|feature_dropout|alpha_dropout|feature_alpha_dropout|resize|cauchy|geometric|log_normal|rrelu)")


class Case:
    """A function of tensors with its example, traced."""

    def __init__(self, name, call, tensors):
        self.name, self.call, self.tensors = name, call, tensors
        harvest.seed()
        self.traced = torch.jit.trace(lambda *given: call(*given), tuple(compare.kept(tensors)), check_trace=False, strict=False)
        self.ops = {node.kind() for node in self.traced.inlined_graph.nodes()}

    def classes(self):
        return {CLASSES.get(op) for op in self.ops}

    def sums(self):
        """Whether it may add numbers up: what has no row of its own may."""
        return bool({CLASSES.get(op) for op in self.ops if op.startswith("aten::")} - ELEMENTWISE)

    def has_values(self):
        return not any(NO_VALUES.match(op) for op in self.ops) and not any(
            node.kind() == "aten::scaled_dot_product_attention" and list(node.inputs())[4].toIValue() != 0
            for node in self.traced.inlined_graph.nodes()
        )

    def sort(self):
        """The op's name and its operands but the first, when the program is an op that sorts."""
        nodes = [node for node in self.traced.inlined_graph.nodes() if node.kind() in compare.SORTS]
        if len(nodes) != 1:
            return None
        return nodes[0].schema().split("(")[0], [value.toIValue() for value in list(nodes[0].inputs())[1:]]

    def factors(self):
        """The op whose factors the program returns as they are, if their signs are free."""
        outputs = list(self.traced.inlined_graph.outputs())
        nodes = list(outputs[0].node().inputs()) if len(outputs) == 1 else []
        ops = {value.node().kind() for value in nodes}
        return next(iter(ops)) if len(ops) == 1 and ops <= set(exceptions.FREE_SIGNS) else None



def full_name(op):
    return op.name + ("." + op.variant_test_name if op.variant_test_name else "")


def identifier(text):
    return "op_" + re.sub(r"\W", "_", text)


def samples_of(op, dtype, limit, in_place=False):
    """(name, function of tensors, its tensors)"""
    form = "_in_place" if in_place else ""
    for number, call, tensors in harvest.calls(op, dtype, limit, in_place):
        yield identifier(f"{full_name(op)}_{str(dtype)[6:]}_{number}{form}"), call, tensors


def of_usual_dtypes(limit):
    """The first samples of each op in each of the usual dtypes that it takes, and of its form that writes in place."""
    for op in harvest.op_db:
        for dtype in (torch.float32, torch.int64, torch.bool):
            if dtype in op.supported_dtypes("cpu"):
                yield from samples_of(op, dtype, limit)
                yield from samples_of(op, dtype, limit, in_place=True)


def own():
    for number, (name, operands) in enumerate(own_samples.of_dtype(torch.float32)):
        function, tensors = harvest.operation(*harvest.parts(name)), harvest.tensors_in(operands)

        def call(*given, function=function, operands=operands):
            return function(*harvest.replaced(operands, iter(given)))

        yield f"own_{number}_" + re.sub(r"\W", "_", name), call, tensors


def traced(cases):
    found = []
    for name, call, tensors in cases:
        try:
            if tensors:
                found.append(Case(name, call, tensors))
        except Exception:  # what can't be traced is no program
            continue
    return found


def run_tsc(*arguments):
    return subprocess.run([os.environ.get("TSC") or tsc.compiler.find_compiler(), *map(str, arguments)], capture_output=True, text=True)


def refused(found, folder):
    """Name -> what tsc says, of the cases that it refuses."""
    files = []
    for case in found:
        files.append(folder / f"{case.name}.pt")
        case.traced.save(str(files[-1]))
    return refused_files(files, folder)


def refused_files(files, folder):
    """Name -> what tsc says, of the files that it refuses."""
    answer = run_tsc(*files, "--stop-after=fuse_groups", "-o", folder / "all.ir")
    assert answer.returncode in (0, 1), answer.stderr[-3000:]
    return dict(re.findall(r"^\S*?(\w+)\.pt: error: (.*)$", answer.stderr, re.M))


def models(found, folder, size):
    """(case, its model): cases that are files, so many in a library."""
    for start in range(0, len(found), size):
        part = found[start : start + size]
        file = folder / f"part{start}.so"
        answer = run_tsc(*[case.file for case in part], "-o", file, "-O1")
        assert answer.returncode == 0, answer.stderr[:3000]
        library = tsc.load(str(file))
        for case in part:
            yield case, library[case.name] if len(part) > 1 else library


def compiled(found, folder, number, *options):
    """One library with a method for each case, and the module that PyTorch runs."""
    holder = torch.nn.Module()
    for case in found:
        setattr(holder, case.name, case.call)
    harvest.seed()
    module = torch.jit.trace_module(
        holder, {case.name: tuple(compare.kept(case.tensors)) for case in found}, check_trace=False, strict=False
    )
    file = folder / f"part{number}.pt"
    module.save(str(file))
    answer = run_tsc(file, "-o", file.with_suffix(".so"), *options)
    assert answer.returncode == 0, answer.stderr[:3000]
    return tsc.load(str(file.with_suffix(".so"))), torch.jit.load(str(file))


def differs(ours, theirs, case, tensors):
    """What differs between our method and the interpreter's, or None. Eager PyTorch's result is right, too, where the
    interpreter's has another dtype for a traced number."""
    found = agree(ours, theirs, case, tensors)
    return found and agree(ours, case.call, case, tensors) and found


def agree(ours, function, case, tensors):
    """What differs between our method and a function of PyTorch, or None."""
    name = "::" if case.has_values() else "::empty"
    with torch.no_grad(), torch.jit.optimized_execution(False):
        return compare.check(lambda *t: ours(*t), name, function, compare.kept(tensors), case.sort(), case.factors(), case.sums())
