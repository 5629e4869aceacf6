"""Programs in TorchScript and their calls; runs them in PyTorch's interpreter and compiled, and compares.

A program is a module class with `@suite(call, call, ...)`. A call is a tuple of arguments of forward, or
`on("method", arguments...)`. The calls of a program are made in order on one instance, so that state counts. Every call
must give the same value (type and nesting too) or the same exception: class, message and Python line.
"""

import copy
import os
import re
from enum import Enum

import pytest
import torch

import tsc

EXPORT = torch._jit_internal.FunctionModifiers.EXPORT


def on(method, *arguments):
    return Call(method, arguments)


class Call:
    def __init__(self, method, arguments):
        self.method = method
        self.arguments = arguments


class Failure:
    """What an exception says at the border: its class, its message and the line of Python that failed."""

    def __init__(self, class_name, message, line):
        self.class_name = class_name
        self.message = message
        self.line = line

    def __repr__(self):
        return f"{self.class_name}: {self.message} (line {self.line})"

    @staticmethod
    def of_torch(error):
        text = str(error).rstrip()
        lines = re.findall(r'File "[^"]*", line (\d+), in', text)
        line = int(lines[-1]) if lines else None
        # "Traceback of TorchScript ...", then the class and the message of the program's own exceptions and of most ops.
        found = re.search(r"^(?:\w+\.)*([A-Za-z_]*(?:Error|Exception)): ?((?:(?!~~~ <--- HERE).)*)\Z", text, re.S | re.M)
        class_name = found[1] if found else type(error).__name__
        message = found[2] if found else text.split("\n")[-1]
        if type(error) is IndexError and class_name == "RuntimeError":
            class_name = "IndexError"
        return Failure(class_name, message.rstrip(), line)

    @staticmethod
    def of_tsc(error):
        return Failure(error.class_name, error.message.rstrip(), error.line)


class Suite:
    def __init__(self):
        self.programs = {}
        self.options = {}

    def __call__(self, *calls, **options):
        """A decorator. For what an op raises: class_name: ours, Python's, where PyTorch says RuntimeError; message=None:
        not compared, since PyTorch's tells of its kernels."""

        def add(cls):
            called = {call.method for call in calls if isinstance(call, Call)}
            exported = {name for name, value in vars(cls).items() if getattr(value, "_torchscript_modifier", None) is EXPORT}
            assert exported <= called, f"{cls.__name__} has methods that no call is of: {sorted(exported - called)}"
            self.programs[cls.__name__] = cls
            self.options[cls.__name__] = [(call if isinstance(call, Call) else Call("forward", call)) for call in calls], options
            return cls

        return add

    @property
    def cases(self):
        return list(self.programs)

    def compile(self, folder):
        """All in one library, since each costs a start of the compiler; one by one if that is refused, so that only the
        tests of the refused fail."""
        compiler = os.environ.get("TSC") or tsc.compiler.find_compiler()
        files = {}
        for name, cls in self.programs.items():
            files[name] = folder / (name + ".pt")
            torch.jit.script(cls().eval()).save(str(files[name]))
        libraries = {}
        try:
            library = tsc.load(tsc.compile(list(files.values()), folder / "all.so", compiler=compiler), 1)
            models = {name: library[name] for name in files} if len(files) > 1 else {name: library for name in files}
        except tsc.Error:
            models = {}
            for name, file in files.items():
                try:
                    models[name] = tsc.load(tsc.compile(file, file.with_suffix(".so"), compiler=compiler), 1)
                except tsc.Error as error:
                    models[name] = error
        return {name: (models[name], file) for name, file in files.items()}

    def check(self, name, compiled):
        model, file = compiled[name]
        if isinstance(model, tsc.Error):
            pytest.fail(f"does not compile:\n{model.message}", pytrace=False)
        self.check_calls(name, model, file)
        model.reset()
        self.check_calls(name, model, file, clone=True)

    def check_calls(self, name, model, file, clone=False):
        """The calls one after the other; with `clone` each on a copy of the instance that the one before left."""
        calls, options = self.options[name]
        reference = torch.jit.load(str(file))
        for index, call in enumerate(calls):
            if clone:
                model = model.clone()
            ours_in, theirs_in = copy.deepcopy(call.arguments), copy.deepcopy(call.arguments)
            theirs = attempt(Failure.of_torch, getattr(reference, call.method), theirs_in)
            ours = attempt(Failure.of_tsc, model.methods[call.method], ours_in)
            place = f"{name}, call {index} of {call.method}{call.arguments!r}"
            compare(ours, theirs, place, options)
            if not isinstance(theirs, Failure):
                compare_inputs(ours_in, theirs_in, place)


def attempt(failure, function, arguments):
    try:
        return function(*arguments)
    except (tsc.Error, RuntimeError, ValueError, TypeError, IndexError, KeyError, AssertionError, torch.jit.Error) as error:
        if failure is Failure.of_tsc and not isinstance(error, tsc.Error):
            raise
        return failure(error)


def compare(ours, theirs, place, options):
    if isinstance(theirs, Failure) or isinstance(ours, Failure):
        assert isinstance(theirs, Failure), f"{place} fails: {ours}; PyTorch gives {theirs!r}"
        assert isinstance(ours, Failure), f"{place} gives {ours!r}; PyTorch fails: {theirs}"
        return compare_failures(ours, theirs, place, options)
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, tsc.Tensor), f"{place} is {ours!r}, not a tensor"
        return compare_tensors(torch.from_dlpack(ours), theirs, place)
    if isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs), f"{place} is {ours!r}, not {theirs!r}"
        for key in theirs:
            compare(ours[key], theirs[key], f"{place}[{key!r}]", options)
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, list if isinstance(theirs, list) else tuple), f"{place} is {ours!r}, not {theirs!r}"
        assert len(ours) == len(theirs), f"{place} is {ours!r}, not {theirs!r}"
        if hasattr(theirs, "_fields"):
            assert type(ours).__name__ == type(theirs).__name__ and ours._fields == theirs._fields, f"{place} is a {type(ours)}"
        elif options.get("named", True):
            assert not hasattr(ours, "_fields"), f"{place} is {ours!r}, not {theirs!r}"
        for index, (a, b) in enumerate(zip(ours, theirs)):
            compare(a, b, f"{place}[{index}]", options)
    elif isinstance(theirs, Enum):
        assert isinstance(ours, tsc.Object) and repr(ours).startswith(type(theirs).__name__ + "("), f"{place} is {ours!r}, not {theirs!r}"
        assert ours.name == theirs.name and ours.value == theirs.value, f"{place} is {ours!r}, not {theirs!r}"
    elif isinstance(ours, tsc.Object):
        fields = tsc.values.fields_of(ours)
        assert repr(ours).startswith(type(theirs).__name__ + "("), f"{place} is {ours!r}, not {theirs!r}"
        assert list(fields) == list(vars(theirs)), f"{place} is {ours!r}, not {vars(theirs)!r}"
        for name, value in fields.items():
            compare(value, getattr(theirs, name), f"{place}.{name}", options)
    elif isinstance(theirs, torch.device):
        assert ours == str(theirs), f"{place} is {ours!r}, not {theirs!r}"
    elif isinstance(theirs, complex):
        size = abs(theirs)
        same = type(ours) is complex and same_float(ours.real, theirs.real, size) and same_float(ours.imag, theirs.imag, size)
        assert same, f"{place} is {ours!r}, not {theirs!r}"
    elif isinstance(theirs, float):
        assert type(ours) is float and same_float(ours, theirs, abs(theirs)), f"{place} is {ours!r}, not {theirs!r}"
    else:
        assert type(ours) is type(theirs) and ours == theirs, f"{place} is {ours!r}, not {theirs!r}"


def same_float(ours, theirs, size):
    """Within some last bits of a number that is this large; NaN is NaN."""
    return ours == theirs or (ours != ours and theirs != theirs) or abs(ours - theirs) <= 1e-12 * size


def compare_failures(ours, theirs, place, options):
    if "class_name" in options:
        assert ours.class_name == options["class_name"], f"{place}: {ours}; PyTorch: {theirs}"
    else:
        assert ours.class_name == theirs.class_name, f"{place}: {ours}; PyTorch: {theirs}"
    if options.get("message", "") is not None:
        assert ours.message == theirs.message, f"{place}: {ours}; PyTorch: {theirs}"
    if theirs.line is not None and options.get("line", True):
        assert ours.line == theirs.line, f"{place}: {ours}; PyTorch: {theirs}"


def compare_tensors(ours, theirs, place):
    assert ours.dtype == theirs.dtype, f"{place} has dtype {ours.dtype}, not {theirs.dtype}"
    assert ours.shape == theirs.shape, f"{place} has shape {list(ours.shape)}, not {list(theirs.shape)}"
    if not (theirs.is_floating_point() or theirs.is_complex()):
        assert torch.equal(ours, theirs), f"{place} is {ours}, not {theirs}"
    else:
        assert torch.allclose(ours, theirs, 1e-4, 1e-5, equal_nan=True), f"{place} is {ours}, not {theirs}"


def compare_inputs(ours, theirs, place):
    """A program that writes its tensor inputs writes the caller's."""
    for a, b in zip(ours, theirs):
        if isinstance(b, torch.Tensor):
            compare_tensors(a, b, place + ": the input after the call")


def randn(*sizes, seed=0):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed + sum(sizes)))
