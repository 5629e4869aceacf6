"""The Python package beside torch: tensors both ways, without a copy in, and the same results as the program's own."""

import threading

import pytest
import torch

import tsc


def test_tensors_both_ways(tiny):
    x = torch.arange(8.0).reshape(2, 4)
    y = torch.from_dlpack(tiny.squares(x))
    assert torch.equal(y, x * x)
    y += 1  # the memory is the tensor's own


def test_dtypes(tiny):
    for dtype in (torch.bfloat16, torch.float16, torch.bool, torch.int64, torch.complex64, torch.float64, torch.uint8):
        x = torch.tensor([0, 1, 1]).to(dtype)
        y = torch.from_dlpack(tiny.echo(x))
        assert y.dtype == dtype and torch.equal(x, y)


def test_views_gradients_and_scalars(tiny):
    x = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)[::2]
    assert torch.equal(torch.from_dlpack(tiny.echo(x)), x)
    assert torch.from_dlpack(tiny.echo(torch.ones(2, requires_grad=True))).tolist() == [1, 1]
    assert torch.from_dlpack(tiny.echo(torch.nn.Parameter(torch.ones(2)))).tolist() == [1, 1]
    # Views whose elements are conjugated or negated when they are read.
    numbers = torch.tensor([1 + 2j, 3 - 4j]).conj()
    assert torch.from_dlpack(tiny.echo(numbers)).tolist() == [1 - 2j, 3 + 4j]
    assert torch.from_dlpack(tiny.echo(numbers.imag)).tolist() == [-2, 4]
    assert tiny.echo(torch.tensor(5)).item() == 5
    assert tiny.echo(torch.float32) == 6
    assert tiny.echo(torch.device("cpu")) == "cpu"


def test_calls_at_once(tiny_path):
    """Calls of one method in many threads, with tensors and with what is none, each with its own results and errors."""
    model = tsc.load(tiny_path, threads=1)
    failures = []

    def work(seed):
        for i in range(200):
            x = torch.full((1000,), float(seed * 1000 + i))
            if not torch.equal(torch.from_dlpack(model.squares(x)), x * x) or model.echo(i) != i or model.echo(x).shape != (1000,):
                failures.append((seed, i))
            with pytest.raises(tsc.Error, match="the input's last size must be 4"):
                model.forward(x)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("tensor", [torch.empty(2, device="meta"), torch.eye(2).to_sparse()])
def test_tensors_without_elements_in_memory_are_refused(tiny, tensor):
    with pytest.raises(tsc.Error) as refused:
        tiny.echo(tensor)
    assert refused.value.kind == "unsupported"


def test_same_as_torch(tiny_path):
    import tiny as program

    theirs = torch.jit.script(program.Tiny())
    ours = tsc.load(tiny_path)
    for _ in range(2):
        x = torch.randn(3)
        a, b = theirs.accumulate(x), ours.accumulate(x)
        assert a.count == b.count and torch.equal(a.total, torch.from_dlpack(b.total))
    window = program.Window(3, 9)
    assert theirs.shift(window, -2)[1:] == ours.shift(window, -2)[1:]
    features = {"a": [torch.randn(2), torch.randn(2)]}
    assert torch.equal(theirs.totals(features)["a"], torch.from_dlpack(ours.totals(features)["a"]))
