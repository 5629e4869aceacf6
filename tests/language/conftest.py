"""Every test file has a Suite of scripted programs, which are compiled into one library."""

import pytest
import torch


def pytest_configure(config):
    """PyTorch warns that torch.jit is deprecated."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning")


@pytest.fixture(autouse=True, scope="session")
def torch_settings():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)


@pytest.fixture(scope="module")
def compiled(request, tmp_path_factory):
    return request.module.suite.compile(tmp_path_factory.mktemp("library"))


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", metafunc.module.suite.cases)
