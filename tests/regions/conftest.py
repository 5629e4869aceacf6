"""Regions against LibTorch: many small traced modules in one library, each run at its example's sizes and at others.

A test file lists its cases as Case objects and makes its tests with `case_tests(CASES)`.
"""

import copy
import functools
import os

import pytest
import torch

import tsc

TOLERANCE = {torch.float32: (1e-4, 1e-5), torch.float64: (1e-10, 1e-12)}  # relative, absolute


class Function(torch.nn.Module):
    """A function as a module: traces of modules keep their example, so that the compiler knows dtypes and ranks."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Case:
    """A function or module, the inputs that it is traced with, and others to run with. A script knows no types of its
    inputs; `types` tells them, as the compiler's --input takes them."""

    def __init__(self, name, module, *inputs, script=False, types=()):
        self.name, self.module, self.script, self.types = name, module, script, types
        self.inputs = [x if isinstance(x, tuple) else (x,) for x in inputs]

    def save(self, folder):
        module = self.module if isinstance(self.module, torch.nn.Module) else Function(self.module)
        module.eval()
        if self.script:
            scripted = torch.jit.script(module)
        else:
            scripted = torch.jit.trace(module, copy.deepcopy(self.inputs[0]), check_trace=False)
        file = folder / (self.name + ".pt")
        scripted.save(str(file))
        self.reference = torch.jit.load(str(file))  # numbers in a trace become tensors when it is saved
        return file


class Bundle:
    """The models of several cases in one library; halved when that is refused, so that only the refused fail."""

    def __init__(self, compiler, cases, folder, **options):
        self.compiler, self.folder, self.options = compiler, folder, options
        self.errors, self.libraries, self.loaded = {}, {}, {}
        self.types = {case.name: case.types for case in cases}
        self.compile({case.name: case.save(folder) for case in cases})

    def compile(self, files):
        name, *others = files
        types = [f"{model}/{text}" if others else text for model in files for text in self.types[model]]
        try:
            library = tsc.compile(
                list(files.values()), self.folder / (name + ".so"), compiler=self.compiler, input=types, **self.options
            )
            self.libraries.update({model: (library, bool(others)) for model in files})
        except tsc.Error as error:
            if not others:
                self.errors[name] = error
                return
            names = list(files)
            for half in (names[: len(names) // 2], names[len(names) // 2 :]):
                self.compile({model: files[model] for model in half})

    def model(self, name, threads):
        if name in self.errors:
            pytest.fail(f"does not compile:\n{self.errors[name].message}", pytrace=False)
        library, several = self.libraries[name]
        if (library, threads) not in self.loaded:
            self.loaded[library, threads] = tsc.load(library, threads)
        loaded = self.loaded[library, threads]
        return loaded[name] if several else loaded


def compare(ours, theirs, place="result"):
    if isinstance(theirs, torch.Tensor):
        ours = torch.from_dlpack(ours)
        assert ours.dtype == theirs.dtype, f"{place} has dtype {ours.dtype}, not {theirs.dtype}"
        assert ours.shape == theirs.shape, f"{place} has shape {list(ours.shape)}, not {list(theirs.shape)}"
        relative, absolute = TOLERANCE.get(theirs.dtype, (0, 0))
        close = torch.isclose(ours, theirs, relative, absolute, equal_nan=True)
        assert close.all(), f"{place}, {list(theirs.shape)}: {int((~close).sum())} differ; ours {ours[~close][:4].tolist()}, PyTorch {theirs[~close][:4].tolist()}"
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), f"{place} has {len(ours)} items, not {len(theirs)}"
        for i, item in enumerate(theirs):
            compare(ours[i], item, f"{place}[{i}]")
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            compare(ours[key], theirs[key], f"{place}[{key!r}]")
    else:
        assert ours == theirs, f"{place} is {ours!r}, not {theirs!r}"


def tensors(value):
    if isinstance(value, tsc.Tensor):
        return [torch.from_dlpack(value)]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for item in value for t in tensors(item)] if isinstance(value, (list, tuple)) else []


def check(bundle, case):
    """Where PyTorch runs, ours gives the same, and the same bits with two threads; where it refuses, ours refuses."""
    one, two = bundle.model(case.name, 1), bundle.model(case.name, 2)
    for inputs in case.inputs:
        shapes = [list(x.shape) if isinstance(x, torch.Tensor) else x for x in inputs]
        try:
            theirs = case.reference(*copy.deepcopy(inputs))
        except (RuntimeError, IndexError) as error:
            with pytest.raises((tsc.Error, RuntimeError, IndexError, ValueError)):
                one(*copy.deepcopy(inputs))
                pytest.fail(f"{shapes}: PyTorch says {error}", pytrace=False)
            continue
        given = copy.deepcopy(inputs)
        ours = one(*given)
        compare(ours, theirs, f"{shapes}: result")
        for before, after in zip(inputs, given):
            if isinstance(before, torch.Tensor):
                assert torch.equal(before.nan_to_num(), after.nan_to_num()), f"{shapes}: an input is written"
        for a, b in zip(tensors(ours), tensors(two(*copy.deepcopy(inputs)))):
            assert torch.equal(a.nan_to_num(), b.nan_to_num()), f"{shapes}: two threads give other bits"


def case_tests(cases):
    """The fixture and the test of a file: assign them to names of the module. Every third case runs unfused, too."""
    modes = {"fused": cases, "unfused": cases[::3]}

    @pytest.fixture(scope="module")
    def bundles(request, tmp_path_factory):
        compiler = os.environ.get("TSC") or tsc.compiler.find_compiler()
        chosen = [item.callspec.params for item in request.session.items if item.path == request.path]

        @functools.cache
        def bundle(mode):
            """The cases of one mode that this run of pytest has chosen. Code, not its speed, is tested: -O1 is enough."""
            wanted = [params["case"] for params in chosen if params["mode"] == mode]
            folder = tmp_path_factory.mktemp(mode)
            return Bundle(compiler, wanted, folder, O=1, verify_each=True, no_fuse=mode == "unfused")

        return bundle

    pairs = [pytest.param(mode, case, id=f"{mode}-{case.name}") for mode, chosen in modes.items() for case in chosen]

    @pytest.mark.parametrize(("mode", "case"), pairs)
    def test(bundles, mode, case):
        check(bundles(mode), case)

    return bundles, test


def pytest_configure(config):
    """PyTorch warns that torch.jit is deprecated, and tracing that it follows one branch."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore::torch.jit.TracerWarning")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
