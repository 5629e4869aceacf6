import os
import sys

import pytest

if not any("torch_test" in argument for argument in sys.argv):
    sys.modules["torch"] = None  # importing it fails


@pytest.fixture(scope="session")
def tiny_path():
    return os.environ["TINY"]


@pytest.fixture
def tiny(tiny_path):
    import tsc

    return tsc.load(tiny_path)
