import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import library


@pytest.fixture(scope="session")
def ops_library(tmp_path_factory):
    """The path of the library with a method for every overload (library.py), and its overloads."""
    folder = os.environ.get("TSC_OPS_BUILD")
    folder = Path(folder) if folder else tmp_path_factory.mktemp("ops")
    folder.mkdir(parents=True, exist_ok=True)
    return library.build(folder)


@pytest.fixture(scope="session")
def ops(ops_library):
    """That library's model, and its overloads."""
    import tsc

    path, chosen = ops_library
    return tsc.load(str(path)), chosen
