"""Random calls by fixed seeds; `fuzz.py` makes others."""

import fuzz
import pytest
import torch

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("seed", range(4))
def test_random_calls_equal_pytorch(ops_library, seed):
    torch.set_num_threads(1)
    failures = fuzz.run(ops_library[0], seed, 3000)
    assert not failures, "\n".join(failures[:20])
