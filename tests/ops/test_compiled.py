"""The same samples through the whole compiler: each op of torch's op_db traced, and each sample of our own, as methods of
a few modules that tsc compiles. PyTorch's interpreter runs the same file beside it, on the example and on other sizes
and strides, for which the general version stands.
"""

import os
import re
import subprocess

import pytest
import torch

import compare
import exceptions
import harvest
import library
import own_samples
import tsc
import variants

pytestmark = pytest.mark.filterwarnings("ignore")

# Samples of each op; methods of each library.
LIMIT = int(os.environ.get("TSC_OP_SAMPLES", "2"))
SIZE = 160
# The class of each op by its name without overload.
CLASSES = {o.name.partition(".")[0]: op_class for o, op_class in library.overloads()}
# Values that are drawn, or left as they are found.
NO_VALUES = re.compile(r"aten::(new_)?(empty|rand|uniform|normal|exponential|multinomial|bernoulli|dropout|feature_dropout|alpha_dropout)")


class Case:
    """A function of tensors with its example, traced."""

    def __init__(self, name, call, tensors):
        self.name, self.call, self.tensors = name, call, tensors
        harvest.seed()
        self.traced = torch.jit.trace(lambda *given: call(*given), tuple(compare.kept(tensors)), check_trace=False, strict=False)
        self.ops = {node.kind() for node in self.traced.inlined_graph.nodes()}

    def classes(self):
        return {CLASSES.get(op) for op in self.ops}

    def has_values(self):
        return not any(NO_VALUES.match(op) for op in self.ops)


def cases():
    for op in harvest.op_db:
        dtype = next((d for d in (torch.float32, torch.int64, torch.bool) if d in op.supported_dtypes("cpu")), None)
        if dtype is None:
            continue
        for number, call, tensors in harvest.calls(op, dtype, LIMIT):
            yield "op_" + re.sub(r"\W", "_", f"{op.name}_{op.variant_test_name}_{number}"), call, tensors
    for number, (name, operands) in enumerate(own_samples.of_dtype(torch.float32)):
        function, tensors = harvest.operation(*harvest.parts(name)), harvest.tensors_in(operands)

        def call(*given, function=function, operands=operands):
            return function(*harvest.replaced(operands, iter(given)))

        yield f"own_{number}_" + re.sub(r"\W", "_", name), call, tensors


def traced_cases():
    found = []
    for name, call, tensors in cases():
        try:
            if tensors:
                found.append(Case(name, call, tensors))
        except Exception:  # what can't be traced is no program
            continue
    return found


def run_tsc(*arguments):
    return subprocess.run([os.environ["TSC"], *map(str, arguments)], capture_output=True, text=True)


def refused(found, folder):
    """Name -> what tsc says, of the cases that it refuses."""
    files = []
    for case in found:
        files.append(folder / f"{case.name}.pt")
        case.traced.save(str(files[-1]))
    answer = run_tsc(*files, "--stop-after=fuse_groups", "-o", folder / "all.ir")
    assert answer.returncode in (0, 1), answer.stderr[-3000:]
    return dict(re.findall(r"^\S*?(\w+)\.pt: error: (.*)$", answer.stderr, re.M))


def compiled(found, folder, number):
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
    answer = run_tsc(file, "-o", file.with_suffix(".so"), "-O1")
    assert answer.returncode == 0, answer.stderr[:3000]
    return tsc.load(str(file.with_suffix(".so"))), torch.jit.load(str(file))


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    found = traced_cases()
    answers = refused(found, folder)
    taken = [case for case in found if case.name not in answers]
    parts = [taken[i : i + SIZE] for i in range(0, len(taken), SIZE)]
    return answers, [(part, *compiled(part, folder, number)) for number, part in enumerate(parts)]


def test_what_is_refused(programs):
    """Only for ops that the table has not; or LibTorch itself fails where it loads the file."""
    answers, parts = programs
    rows = {overload.name for overload, op_class in library.overloads() if op_class != "Scalar"}  # of tensors
    wrong = []
    for name, text in answers.items():
        op = re.match(r"op '([^']*)' is not supported", text)
        if (op and op[1] in rows) or not (op or "INTERNAL ASSERT FAILED" in text):
            wrong.append(f"{name}: {text}")
    assert not wrong, "\n".join(wrong)
    assert sum(len(part) for part, *_ in parts) > 600


def agree(ours, theirs, tensors, values):
    given = compare.kept(tensors)
    with torch.no_grad(), torch.jit.optimized_execution(False):
        found = compare.check(lambda *t: ours(*t), "::" if values else "::empty", theirs, given)
    return found


def test_same_as_torch(programs):
    failures = []
    for part, model, module in programs[1]:
        for case in part:
            ours, theirs = model.methods[case.name], getattr(module, case.name)
            forms = variants.of_call(case.tensors, variants.sizes_of(case.classes()))
            for form, tensors in [("", case.tensors), *forms]:
                found = agree(ours, theirs, tensors, case.has_values())
                if found and not exceptions.is_known_program(case.ops, form):
                    failures.append(f"{case.name} {form} {[list(t.shape) for t in tensors]}: {found[:300]}")
    assert not failures, f"{len(failures)} differences\n" + "\n".join(failures[:60])
