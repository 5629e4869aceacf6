"""The Python package without torch."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import tsc

X = np.arange(8, dtype=np.float32).reshape(2, 4)
ONES = np.ones(3, np.float32)
WEIGHT = np.array([[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 3, 1]], np.float32)
BIAS = np.array([0.5, -0.5, 0], np.float32)


def test_forward(tiny):
    y = tiny(X)
    assert isinstance(y, tsc.Tensor)
    assert y.shape == (2, 3) and y.dtype == "float32" and len(y) == 2
    np.testing.assert_array_equal(np.asarray(y), X @ WEIGHT.T + BIAS)
    assert y.tolist() == (X @ WEIGHT.T + BIAS).tolist()


def test_inputs_by_name_and_default(tiny):
    expected = 2 * (X @ WEIGHT.T + BIAS)
    for y in (tiny(X, 2.0), tiny(X, scale=2), tiny(scale=2.0, x=X), tiny.forward(X, np.float32(2))):
        np.testing.assert_array_equal(y.numpy(), expected)


def test_methods_describe_themselves(tiny):
    assert list(tiny.methods) == ["forward", "totals", "accumulate", "remember", "check", "shift", "echo", "squares"]
    forward = tiny.methods["forward"]
    assert repr(forward) == "forward(x: Tensor, scale: float = 1.0) -> Tensor"
    assert forward.inputs[0] == tsc.Input("x", "Tensor", "float32[batch, 4]", True, None)
    assert forward.inputs[1].default == 1.0 and not forward.inputs[1].required
    assert tiny.methods["accumulate"].uses_state and not forward.uses_state
    assert "shift" in dir(tiny)
    with pytest.raises(AttributeError):
        tiny.nothing


def test_nested_values(tiny):
    totals = tiny.totals({"b": [X, X], "a": [X]})
    assert list(totals) == ["b", "a"]
    np.testing.assert_array_equal(np.asarray(totals["b"]), 2 * X)
    assert list(tiny.totals({"b": [X], "a": (X, X)}, keys=["a"])) == ["a"]


@dataclass
class Window:
    end: int
    begin: int


def test_objects(tiny):
    moved, note, step = tiny.shift(Window(end=5, begin=2), by=-1)
    assert moved == tsc.Object("Window", begin=1, end=4)
    assert (note, step) == ("backwards", complex(-1, 1))
    assert repr(moved) == "Window(begin=1, end=4)"
    assert tiny.shift(moved)[0].end == 5


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -(2**63), 2**63 - 1, 2.5, float("inf"), 1j, "", "héllo\0wörld", [], [1, 2], [True], [1.5],
     ["a", ""], [1, "a", None], [[1], [2, 3]], {}, {"a": 1}, {1: "z"}, {"k": [1, {"j": None}]},
     # Long lists of numbers go another way than short ones and mixed ones.
     [*range(-50, 50), 2**63 - 1, -(2**63)], [i / 7 for i in range(40)] + [float("-inf")], [True, False, True] * 20,
     [*range(20), 1.5], [*range(20), True], [True] * 20 + [1], [0.5] * 20 + [None], [[1] * 30, [2.0] * 30],
     {i: i * i for i in range(30)}],
)  # fmt: skip
def test_echo(tiny, value):
    result = tiny.echo(value)
    assert result == value and type(result) is type(value)
    if isinstance(value, list):
        assert list(map(type, result)) == list(map(type, value))


def test_long_lists_that_are_refused(tiny):
    assert error_of(tiny, X, [*range(20), 2**63]).message == "9223372036854775808 is no 64-bit integer"
    assert error_of(tiny, X, [1.5] * 20 + [object()]).message == "a value of type object cannot be given to a model"


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128", "bool"],
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_tensors_of_each_dtype(tiny, dtype, shape):
    x = (np.arange(np.prod(shape, dtype=int)) % 2).reshape(shape).astype(dtype)
    y = tiny.echo(x)
    assert y.dtype == dtype and y.shape == shape
    np.testing.assert_array_equal(np.asarray(y), x)
    np.testing.assert_array_equal(np.from_dlpack(y), x)
    assert y.tolist() == x.tolist()


@pytest.mark.parametrize("view", [X.T, X[:, ::2], X[1:], np.broadcast_to(X[:1], (3, 4)), np.asfortranarray(X)])
def test_strided_inputs(tiny, view):
    y = np.asarray(tiny.echo(view))
    np.testing.assert_array_equal(y, view)
    assert y.flags.c_contiguous


def test_inputs_are_not_copied_and_outputs_are_new(tiny):
    x = ONES.copy()
    y = np.asarray(tiny.echo(x))
    y += 1
    assert x.tolist() == [1, 1, 1] and y.tolist() == [2, 2, 2]


def test_results_outlive_everything(tiny_path):
    model = tsc.load(tiny_path)
    y = model(X)
    capsule_reader = np.from_dlpack(y)
    array = np.asarray(y)
    y.__dlpack__()  # a capsule that nobody consumes
    del model, y
    gc.collect()
    np.testing.assert_array_equal(array, X @ WEIGHT.T + BIAS)
    np.testing.assert_array_equal(capsule_reader, array)


def test_results_are_inputs(tiny):
    y = tiny.squares(tiny.squares(X))
    np.testing.assert_array_equal(np.asarray(y), X**4)


def test_state(tiny):
    first = tiny.accumulate(ONES)
    assert first.count == 1 and type(first).__name__ == "Stats"
    copy = tiny.clone()
    assert tiny.accumulate(ONES).total.tolist() == [2, 2, 2]
    assert first.total.tolist() == [1, 1, 1]
    assert list(tiny.state()) == ["count", "total"]
    assert copy.state()["count"] == 1
    copy.set_state({"count": 10, "total": ONES * 5})
    assert copy.accumulate(ONES)[1].tolist() == [6, 6, 6]
    tiny.reset()
    assert tiny.state()["count"] == 0 and tiny.state()["total"].tolist() == [0, 0, 0]


def test_a_model_ends_with_its_last_reference(tiny):
    """Without the help of the garbage collector, which may come late: an instance may hold much memory."""
    gc.disable()
    try:
        clone = tiny.clone()
        ended = weakref.ref(clone._instance)
        method = clone.methods["forward"]
        del clone
        assert method(X).shape == (2, 3)
        del method
        assert ended() is None
    finally:
        gc.enable()


def test_state_keeps_no_memory_of_the_callers(tiny):
    tiny.remember(np.full(3, 7, np.float32))
    gc.collect()
    assert tiny.state()["total"].tolist() == [7, 7, 7]


def error_of(function, *args, **kwargs) -> tsc.Error:
    with pytest.raises(tsc.Error) as caught:
        function(*args, **kwargs)
    return caught.value


def test_errors_of_the_program(tiny):
    error = error_of(tiny.check, ONES)
    assert (error.kind, error.class_name) == ("raised", "ValueError")
    assert (error.python_file, error.line) == ("tiny.py", 11)
    assert [frame.function for frame in error.stack] == ["check_rank", "check"]
    assert str(error) == "tiny.py:11: ValueError: expected a matrix, got rank 1"
    error = error_of(tiny.totals, {"a": [X]}, ["q"])
    assert (error.kind, error.class_name, error.line) == ("key_error", "KeyError", 43)
    assert error_of(tiny.totals, {"a": []}).kind == "index_error"


@pytest.mark.parametrize(
    "args, kwargs, kind, message",
    [
        ((), {}, "invalid_argument", "forward(): input 'x' is missing"),
        ((X, 1.0, 2), {}, "invalid_argument", "forward() takes 2 inputs, 3 were given"),
        ((X,), {"y": 2}, "invalid_argument", "forward() has no input 'y'"),
        ((X,), {"x": X}, "invalid_argument", "forward() got input 'x' twice"),
        ((), {"scale": 2}, "invalid_argument", "forward() is missing input 'x'"),
        ((3,), {}, "type_error", "forward(): input 'x': expected Tensor, got int"),
        ((X, "s"), {}, "type_error", "forward(): input 'scale': expected float, got str"),
        ((X, object()), {}, "type_error", "a value of type object cannot be given to a model"),
        ((X, 2**63), {}, "value_error", "9223372036854775808 is no 64-bit integer"),
        ((X[::-1],), {}, "invalid_argument", "forward(): input 'x': the tensor has a negative stride: pass a copy"),
        ((X.astype(np.int32),), {}, "type_error", "linear: expected Float, got Int"),
        ((X.astype(">f4"),), {}, "unsupported", None),
    ],
)
def test_misuse(tiny, args, kwargs, kind, message):
    error = error_of(tiny, *args, **kwargs)
    assert error.kind == kind
    assert message is None or error.message == message
    assert tiny(X).shape == (2, 3)  # usable after it


def test_read_only_arrays(tiny):
    x = X.copy()
    x.flags.writeable = False
    assert tiny.echo(x).tolist() == X.tolist()


def test_libraries_that_are_none(tmp_path):
    assert error_of(tsc.load, tmp_path / "missing.so").kind == "invalid_argument"
    (tmp_path / "text.so").write_text("no library")
    assert error_of(tsc.load, tmp_path / "text.so").kind == "invalid_argument"


def test_library_of_several_models(tiny_path):
    pair = tsc.load(os.environ["PAIR"])
    assert list(pair) == ["twice", "length"] and len(pair) == 2
    assert pair["twice"](21) == 42
    assert pair["length"].of("four") == 4
    assert pair["twice"] is pair["twice"]
    assert pair["twice"].state() == {}
    assert "no method forward; it has of" in error_of(pair["length"], 1).message
    with pytest.raises(KeyError):
        pair["third"]
    assert tsc.load(tiny_path)(X).shape == (2, 3)  # libraries in one process stay apart


def test_cpu_is_checked():
    path = os.environ["TINY_AMX"]
    if not path:
        pytest.skip("not built for this processor")
    if " amx_int8" in open("/proc/cpuinfo").read():
        assert tsc.load(path)(X).shape == (2, 3)
    else:
        error = error_of(tsc.load, path)
        assert error.kind == "unsupported"
        assert error.message == "this library was built for a CPU with amx-int8, which this one lacks"


def test_threads(tiny_path):
    model = tsc.load(tiny_path, threads=2)
    failures = []

    def work(seed):
        x = np.random.default_rng(seed).standard_normal(5000, np.float32)
        for _ in range(50):
            if not np.array_equal(np.asarray(model.squares(x)), x * x):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_no_framework_is_imported(tiny_path):
    program = (
        "import sys; sys.modules['numpy'] = sys.modules['torch'] = None; import tsc;"
        f"m = tsc.load({tiny_path!r}); y = m.squares(m.state()['total']); print(y.tolist(), y)"
    )
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True)
    assert done.stdout == "[0.0, 0.0, 0.0] tsc.Tensor(shape=[3], dtype=float32)\n", done.stderr
