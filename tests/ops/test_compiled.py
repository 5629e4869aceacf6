"""The same samples through the whole compiler: each op of torch's op_db traced, and each sample of our own, as methods of
a few modules that tsc compiles. PyTorch's interpreter runs the same file beside it, on the example and on other sizes
and strides, for which the general version stands.
"""

import itertools
import os
import re

import pytest

import exceptions
import library
import programs
import variants

pytestmark = pytest.mark.filterwarnings("ignore")

# Samples of each op and dtype; methods of each library. sweep.py takes all samples, in all dtypes.
LIMIT = int(os.environ.get("TSC_OP_SAMPLES", "1"))
SIZE = 160


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    found = programs.traced(itertools.chain(programs.of_usual_dtypes(LIMIT), programs.own()))
    answers = programs.refused(found, folder)
    taken = [case for case in found if case.name not in answers]
    parts = [taken[i : i + SIZE] for i in range(0, len(taken), SIZE)]
    return answers, [(part, *programs.compiled(part, folder, number, "-O1")) for number, part in enumerate(parts)]


def test_what_is_refused(results):
    """Only for ops that the table has not; or LibTorch itself fails where it loads the file."""
    answers, parts = results
    rows = {overload.name for overload, op_class in library.overloads() if op_class != "Scalar"}  # of tensors
    wrong = []
    for name, text in answers.items():
        op = re.match(r"op '([^']*)' is not supported", text)
        if (op and op[1] in rows) or not (op or "INTERNAL ASSERT FAILED" in text):
            wrong.append(f"{name}: {text}")
    assert not wrong, "\n".join(wrong)
    assert sum(len(part) for part, *_ in parts) > 600


def test_same_as_torch(results):
    failures = []
    for part, model, module in results[1]:
        for case in part:
            ours, theirs = model.methods[case.name], getattr(module, case.name)
            forms = variants.of_call(case.tensors, variants.sizes_of(case.classes()))
            for form, tensors in [("", case.tensors), *forms]:
                if exceptions.is_deadly(case.ops, form):
                    continue
                found = programs.differs(ours, theirs, case, tensors)
                if found and not exceptions.is_known_program(case, form):
                    failures.append(f"{case.name} {form} {[list(t.shape) for t in tensors]}: {found[:300]}")
    assert not failures, f"{len(failures)} differences\n" + "\n".join(failures[:60])
