"""What PyTorch refuses: each bad call of torch's error_inputs as a scripted program, which ends in a named error here, too."""

import collections

import pytest
import torch

import compare
import harvest
import programs

pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = 100  # programs of a library
KEPT_SIZES = "the memory of an input can't be resized"  # a tensor of the caller's stays as large as it is


class Unsayable(Exception):
    """A value that TorchScript has no literal for, or no program gets."""


def literal(value, tensors):
    """A value as a program says it; tensors become parameters."""
    if isinstance(value, torch.Tensor):
        if value.device.type != "cpu":
            raise Unsayable(f"a tensor on {value.device}")
        tensors.append(value)
        return f"x{len(tensors) - 1}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item, tensors) for item in value) + "]"
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        return f'float("{value}")'
    if isinstance(value, complex):
        return f"complex({value.real}, {value.imag})"
    if isinstance(value, (torch.dtype, torch.layout)):
        return str(value)
    raise Unsayable(type(value).__name__)


def texts(op, sample):
    """The call as TorchScript may spell it: as an op, and as the function of PyTorch's module, which has checks in Python."""
    ops = dict.fromkeys([op.aten_name, op.name.replace(".", "_"), op.name.rpartition(".")[2]])
    for name in [*(f"torch.ops.aten.{name}" for name in ops), f"torch.{op.name}"]:
        tensors = []
        operands = [literal(value, tensors) for value in (sample.input, *sample.args)]
        operands += [f"{key}={literal(value, tensors)}" for key, value in sample.kwargs.items()]
        yield f"{name}({', '.join(operands)})", tensors


class Case:
    """A bad call as a program."""

    def __init__(self, name, text, tensors, file):
        self.name, self.text, self.tensors, self.file = name, text, tensors, file
        parameters = "".join(f", x{i}: Tensor" for i in range(len(tensors)))
        module = torch.jit.script(type(name, (torch.nn.Module,), {})())
        module.define(f"def forward(self{parameters}):\n    return {text}\n")
        module.save(str(file))
        self.module = torch.jit.load(str(file))

    def error(self):
        """What PyTorch's interpreter says."""
        try:
            self.module(*compare.kept(self.tensors))
        except Exception as error:
            return error
        return None


def cases(folder):
    """(those that are programs, how many of the rest fail where they are written)"""
    found, rest = [], collections.Counter()
    for op in harvest.op_db:
        if op.error_inputs_func is None:
            continue
        for number, bad in enumerate(op.error_inputs("cpu")):
            name = programs.identifier(f"{programs.full_name(op)}_{number}")
            answer = None
            try:
                for text, tensors in texts(op, bad.sample_input):
                    try:
                        case = Case(name, text, tensors, folder / f"{name}.pt")
                    except (RuntimeError, torch.jit.frontend.FrontendError) as error:
                        answer = str(error)
                        continue
                    found.append(case)
                    break
                else:
                    rest["does not script: " + answer.strip().splitlines()[0][:60]] += 1
            except Unsayable as error:
                rest[f"no literal for {error}"] += 1
    return found, rest


def test_what_pytorch_refuses(tmp_path):
    found, rest = cases(tmp_path)
    answers = programs.refused_files([case.file for case in found], tmp_path)
    failures, counts = [], collections.Counter()
    running = []
    for case in found:
        counts["refused by tsc" if case.name in answers else "called"] += 1
        if case.name not in answers:
            running.append(case)
    for case, model in programs.models(running, tmp_path, SIZE):
        difference = compare.check(model, "::", case.module, case.tensors)
        counts["PyTorch's error"] += case.error() is not None
        if difference and KEPT_SIZES in difference:
            counts["destination that is an input of other sizes: refused"] += 1
        elif difference:
            failures.append(f"{case.name} {case.text} {[tuple(t.shape) for t in case.tensors]}: {difference}")
    assert counts["called"] > 400 and counts["PyTorch's error"] > 400
    print(dict(counts))
    for reason, count in rest.most_common():
        print(f"{count:4} {reason}")
    print("\n".join(f"{case.text}: {answers[case.name]}" for case in found if case.name in answers))
    assert not failures, f"{len(failures)} differences\n" + "\n".join(failures)
