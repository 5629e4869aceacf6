import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import library


@pytest.fixture(scope="session")
def ops(tmp_path_factory):
    """The library with a method for every overload (library.py), and its overloads."""
    import tsc

    folder = os.environ.get("TSC_OPS_BUILD")
    folder = Path(folder) if folder else tmp_path_factory.mktemp("ops")
    folder.mkdir(parents=True, exist_ok=True)
    path, chosen = library.build(folder)
    return tsc.load(str(path)), chosen
