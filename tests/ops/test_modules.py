"""PyTorch's module_db: every module of torch.nn with its own sample inputs, scripted (traced where it can't be) and
compiled, beside PyTorch's interpreter.
"""

import collections
import copy
import inspect
import os

import pytest
import torch

import compare
import harvest
import programs

pytestmark = pytest.mark.filterwarnings("ignore")

LIMIT = int(os.environ.get("TSC_MODULE_SAMPLES", "2"))  # of each module and way of constructing it
SIZE = 40  # programs of a library


class Case:
    """A module with a sample of its inputs as a program."""

    def __init__(self, name, module, arguments, file):
        self.name, self.file, self.arguments = name, file, arguments
        try:
            program = torch.jit.script(module)
            program.save(str(file))
            self.module = torch.jit.load(str(file))
            self.module(*copy.deepcopy(arguments))
        except Exception:
            self.arguments = harvest.tensors_in(arguments)
            call = lambda *given: module(*harvest.replaced(arguments, iter(given)))  # noqa: E731
            holder = torch.nn.Module()
            holder.module, holder.forward = module, call
            torch.jit.trace(holder, tuple(self.arguments), check_trace=False, strict=False).save(str(file))
            self.module = torch.jit.load(str(file))
        self.is_random = any(programs.NO_VALUES.match(node.kind()) for node in self.module.inlined_graph.nodes())


def cases(folder):
    """(programs, {module: why a sample is none})"""
    found, none = [], collections.defaultdict(list)
    for info in harvest.module_db:
        samples = info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=False)
        seen = collections.Counter()
        for number, sample in enumerate(samples):
            if sample.forward_input is None:
                continue
            form = str(sorted(sample.constructor_input.kwargs))
            seen[form] += 1
            if seen[form] > LIMIT:
                continue
            name = programs.identifier(f"{info.name}_{number}")
            harvest.seed()
            try:
                made = sample.constructor_input
                module = info.module_cls(*made.args, **made.kwargs).eval()
                arguments = bound(module.forward, sample.forward_input)
                with torch.no_grad():
                    module(*copy.deepcopy(arguments))  # lazy modules take their sizes from it
                found.append(Case(name, module, arguments, folder / f"{name}.pt"))
                found[-1].of = info.name
            except Exception as error:
                none[info.name].append(f"{type(error).__name__}: {str(error).strip().splitlines()[0][:100]}")
    return found, none


def bound(function, given):
    """All arguments by position."""
    if not given.kwargs:
        return list(given.args)
    arguments = inspect.signature(function).bind(*given.args, **given.kwargs)
    arguments.apply_defaults()
    return list(arguments.args)


def test_modules(tmp_path):
    found, none = cases(tmp_path)
    answers = programs.refused_files([case.file for case in found], tmp_path)
    running = [case for case in found if case.name not in answers]
    outcome = collections.defaultdict(list)
    for case in found:
        if case.name in answers:
            outcome[case.of].append(f"refused: {answers[case.name]}")
    failures = []
    for case, model in programs.models(running, tmp_path, SIZE):
        with torch.no_grad(), torch.jit.optimized_execution(False):
            name = "::empty" if case.is_random else "::"
            difference = compare.check(model, name, case.module, copy.deepcopy(case.arguments))
        if difference:
            failures.append(f"{case.name} {[getattr(a, 'shape', a) for a in case.arguments]}: {difference}")
        outcome[case.of].append("passed" if not difference else "wrong")
    whole = [name for name, each in outcome.items() if set(each) == {"passed"}]
    print(f"{len(whole)} of {len(harvest.module_db)} modules pass; {sum(len(each) for each in outcome.values())} samples")
    for name, each in outcome.items():
        for text, count in collections.Counter(each).items():
            if text != "passed":
                print(f"{count:4} {name}: {text}")
    for name, each in none.items():
        for text, count in collections.Counter(each).items():
            print(f"{count:4} {name} is no program: {text}")
    assert not failures, f"{len(failures)} differences\n" + "\n".join(failures)
    assert len(whole) >= 108
