"""Fixtures of the model tests. TSC is the compiler; samples/ has the models that are shared with users."""

import os
import sys
from pathlib import Path

import pytest
import torch

import tsc

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "samples"))


def pytest_configure(config):
    """PyTorch warns that torch.jit is deprecated, and tracing that it follows one branch."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore::torch.jit.TracerWarning")

@pytest.fixture(autouse=True, scope="session")
def torch_settings():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def compiler():
    return os.environ.get("TSC") or tsc.compiler.find_compiler()


@pytest.fixture(scope="session")
def compile_and_load(compiler, tmp_path_factory):
    """compile_and_load(module, name, suffix=".pt", **options): saves, compiles and loads one model; its file is kept
    beside the library. Options are those of tsc.compile, and `threads`, which is tsc.load's."""

    def run(module, name, suffix=".pt", threads=1, **options):
        folder = tmp_path_factory.mktemp(name)
        file = folder / (name + suffix)
        module.save(str(file))
        return tsc.load(tsc.compile(file, folder / (name + ".so"), compiler=compiler, **options), threads)

    return run


@pytest.fixture(scope="session")
def compile_group(compiler, tmp_path_factory):
    """compile_group(modules by name): all in one library, since each library costs a start of the compiler; one by one
    if that is refused, so that only the tests of the refused fail. The error takes the place of its model."""

    def run(modules, threads=1, **options):
        folder = tmp_path_factory.mktemp("group")
        files = []
        for name, module in modules.items():
            files.append(folder / (name + ".pt"))
            module.save(str(files[-1]))
        try:
            library = tsc.load(tsc.compile(files, folder / "group.so", compiler=compiler, **options), threads)
            return {name: library[name] for name in modules} if len(modules) > 1 else {files[0].stem: library}
        except tsc.Error as error:
            if len(modules) == 1:
                return {files[0].stem: error}
        models = {}
        for file in files:
            try:
                models[file.stem] = tsc.load(tsc.compile(file, file.with_suffix(".so"), compiler=compiler, **options), threads)
            except tsc.Error as error:
                models[file.stem] = error
        return models

    return run


@pytest.fixture(scope="session")
def usable():
    """A model of a group, or the failure of a test of it."""

    def run(model):
        if isinstance(model, tsc.Error):
            pytest.fail(f"does not compile:\n{model.message}", pytrace=False)
        return model

    return run
