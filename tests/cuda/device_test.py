"""Tensors in the device's memory, and the caller's stream, in the emulator, whose device memory the host can't touch and whose
streams do nothing until somebody waits: inputs and results by DLPack, what stays there between regions, what the host's ops
and the program's writes see, and what is refused."""

import copy
import ctypes
import os
import subprocess
import sys

import compilers
import pytest
import torch
from torch import Tensor, nn

import tsc
from tsc import abi, values


class Net(nn.Module):
    """Three regions with ops of the host between them, one of which only knows a size."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        y = self.first(x).relu()
        if y.size(0) > 2:
            y = y * 2.0
        return torch.sort(self.second(y))[0], y


class Writes(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x.add_(1.0)
        x[0].mul_(y)
        return self.linear(x)


class Keeps(nn.Module):
    """A state that a region makes, and the caller's tensor in the state."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("hidden", torch.zeros(2, 4))
        self.register_buffer("last", torch.zeros(2, 4))

    def forward(self, x: Tensor) -> Tensor:
        self.hidden = torch.relu(self.linear(x) + self.hidden)
        self.last = x
        return self.hidden.clone()


class Same(nn.Module):
    """Results that are inputs, the host's, one tensor twice, and turned."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor, y: Tensor):
        z = self.linear(y)
        return x, torch.cumsum(y, 0), [z, z], z.t(), torch.zeros(0)


MODELS = {"net": Net, "writes": Writes, "keeps": Keeps, "same": Same}


@pytest.fixture(scope="session")
def modules():
    torch.manual_seed(1)
    return {name: torch.jit.script(make().eval()) for name, make in MODELS.items()}


@pytest.fixture(scope="session")
def path(modules, emit, emulator):
    emitted = emit(modules, "--target=sm_90")
    return compilers.build(emitted.folder, "clang", "-O1", f"-DTSC_CUDA_EMULATOR={emulator}")


@pytest.fixture(scope="session")
def library(path):
    return tsc.load(path)


@pytest.fixture(scope="session")
def runtime(path):
    """The emulator's functions."""
    return ctypes.CDLL(str(path))


TO_DEVICE, TO_HOST = 1, 2


class OnDevice:
    """A copy of a tensor in the emulator's memory, for DLPack."""

    def __init__(self, runtime, tensor: Tensor, device=0):
        self.runtime, self.device, self.like = runtime, device, tensor
        self.stream = "not asked"
        memory = ctypes.c_void_p()
        self.bytes = tensor.untyped_storage().nbytes()
        assert runtime.cudaMalloc(ctypes.byref(memory), ctypes.c_size_t(self.bytes)) == 0
        self.memory = memory.value
        assert runtime.cudaMemcpy(memory, ctypes.c_void_p(tensor.untyped_storage().data_ptr()), ctypes.c_size_t(self.bytes), TO_DEVICE) == 0

    def __dlpack_device__(self):
        return (abi.DEVICE, self.device)

    def __dlpack__(self, stream=None):
        self.stream = stream
        like = self.like
        managed = abi.ManagedTensor()
        self.shape = (ctypes.c_int64 * max(1, like.dim()))(*like.shape)
        self.strides = (ctypes.c_int64 * max(1, like.dim()))(*like.stride())
        code, bits, *_ = values._DTYPES[str(like.dtype).removeprefix("torch.")]
        struct = managed.dl_tensor
        struct.data, struct.device_type, struct.device_id, struct.ndim = self.memory, abi.DEVICE, self.device, like.dim()
        struct.dtype = abi.DType(code, bits, 1)
        struct.shape, struct.strides = self.shape, self.strides
        struct.byte_offset = like.storage_offset() * like.element_size()
        self.managed = managed
        return values._api.PyCapsule_New(ctypes.addressof(managed), b"dltensor", None)

    def now(self):
        """What is there."""
        back = torch.empty(self.bytes, dtype=torch.uint8)
        assert self.runtime.cudaMemcpy(ctypes.c_void_p(back.data_ptr()), ctypes.c_void_p(self.memory), ctypes.c_size_t(self.bytes), TO_HOST) == 0
        return torch.as_strided(back.view(self.like.dtype), self.like.shape, self.like.stride(), self.like.storage_offset())


def on_host(runtime, result: tsc.values.Tensor, stream=0):
    """A copy of a result in the device's memory, once its stream is done."""
    assert result.__dlpack_device__() == (abi.DEVICE, 0)
    assert runtime.cudaStreamSynchronize(ctypes.c_void_p(stream)) == 0
    copy = torch.empty(result.shape, dtype=getattr(torch, result.dtype))
    source = ctypes.c_void_p(result._struct.data)
    assert copy.numel() == 0 or runtime.cudaMemcpy(ctypes.c_void_p(copy.data_ptr()), source, ctypes.c_size_t(copy.numel() * copy.element_size()), TO_HOST) == 0
    return copy


def new_stream(runtime):
    stream = ctypes.c_void_p()
    assert runtime.cudaStreamCreateWithFlags(ctypes.byref(stream), 1) == 0
    return stream.value


def check(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 0])
def test_inputs(library, modules, runtime, rows):
    x = torch.rand(rows, 8)
    given = OnDevice(runtime, x)
    for _ in range(2):
        for ours, theirs in zip(library["net"](given), modules["net"](x)):
            check(torch.from_dlpack(ours), theirs)
    assert given.stream == 1  # DLPack's number of the default stream


def test_strided_inputs(library, modules, runtime):
    x = torch.rand(8, 6).t()[1:4]
    for ours, theirs in zip(library["net"](OnDevice(runtime, x)), modules["net"](x)):
        check(torch.from_dlpack(ours), theirs)


@pytest.mark.parametrize("given", ["host", "device"])
def test_results(library, modules, runtime, given):
    stream = new_stream(runtime)
    model = library["net"].on(stream)
    for rows in (3, 1, 5):
        x = torch.rand(rows, 8)
        mine = OnDevice(runtime, x) if given == "device" else x
        for ours, theirs in zip(model(mine), modules["net"](x)):
            with pytest.raises(tsc.Error, match="in the device's memory"):
                ours.tolist()
            check(on_host(runtime, ours, stream), theirs)
        assert given == "host" or mine.stream == stream


def test_results_are_ready_on_their_stream(library):
    stream = 4096  # of nobody's: no call is made on it here
    result = library["net"].on(0)(torch.rand(3, 8))[0]
    with pytest.raises(BufferError, match="ready on stream 0"):
        result.__dlpack__(stream=stream)
    for same in (1, None, -1):
        result.__dlpack__(stream=same)


def test_calls_on_several_streams(library, modules, runtime):
    """What a call leaves on one stream, the next uses on another only after that."""
    streams = [new_stream(runtime) for _ in range(2)]
    inputs = [torch.rand(4, 8) for _ in range(6)]
    results = [library["net"].on(streams[i % 2])(x) for i, x in enumerate(inputs)]
    for i in reversed(range(6)):
        for ours, theirs in zip(results[i], modules["net"](inputs[i])):
            check(on_host(runtime, ours, streams[i % 2]), theirs)


def test_writes(library, modules, runtime):
    """The caller's memory gets what the program writes, and tensors that are one memory stay so."""
    x, y = torch.rand(3, 4), torch.rand(4)
    mine = OnDevice(runtime, x)
    ours = library["writes"](mine, OnDevice(runtime, y))
    check(torch.from_dlpack(ours), modules["writes"](x, y))
    check(mine.now(), x)


def test_one_memory(library, modules, runtime):
    x = torch.rand(3, 4)
    mine = OnDevice(runtime, x)
    row = OnDevice(runtime, x)
    row.memory, row.like = mine.memory, x[1]
    ours = library["writes"](mine, row)
    check(torch.from_dlpack(ours), modules["writes"](x, x[1]))
    check(mine.now(), x)


def test_state(path, modules, runtime):
    model = tsc.load(path)["keeps"]
    stream = new_stream(runtime)
    reference = copy.deepcopy(modules["keeps"])
    for step in range(3):
        x = torch.rand(2, 4)
        mine = OnDevice(runtime, x)
        theirs = reference(x)
        if step == 1:
            check(on_host(runtime, model.on(stream)(mine), stream), theirs)
        else:
            check(torch.from_dlpack(model(mine)), theirs)
        check(mine.now(), x)
    state = {name: torch.from_dlpack(value) for name, value in model.clone().state().items()}
    check(state["hidden"], reference.hidden)
    check(state["last"], x)


def test_results_that_are_inputs(library, modules, runtime):
    x, y = torch.rand(3, 4), torch.rand(3, 4)
    theirs = modules["same"](x, y)
    stream = new_stream(runtime)
    first, sums, pair, turned, none = library["same"].on(stream)(OnDevice(runtime, x), y)
    for ours, expected in zip((first, sums, *pair, turned, none), (*theirs[:2], *theirs[2], *theirs[3:])):
        check(on_host(runtime, ours, stream), expected)


def test_refusals(library, runtime):
    with pytest.raises(tsc.Error, match="in the memory of device 1, and the current device is 0"):
        library["net"](OnDevice(runtime, torch.rand(3, 8), device=1))


def test_host_program(library, modules, runtime):
    """Inputs of another rank run on the host, op by op, on the elements that are copied there."""
    x = torch.rand(2, 3, 8)
    stream = new_stream(runtime)
    for ours, theirs in zip(library["net"].on(stream)(OnDevice(runtime, x)), modules["net"](x)):
        check(on_host(runtime, ours, stream), theirs)


CROSSINGS = """
import sys, torch, tsc
model = tsc.load(sys.argv[1])["net"]
for _ in range(2):
    model(torch.rand(3, 8))
"""


def test_tensors_stay(path):
    """Of a call with three regions, the input goes in, and what an op of the host reads and the results come out."""
    result = subprocess.run([sys.executable, "-c", CROSSINGS, path], capture_output=True, text=True, env={**os.environ, "TSC_EMULATOR_COPIES": "1"})
    assert result.returncode == 0, result.stderr
    copies = [line for line in result.stderr.splitlines() if line.startswith("copy ")]
    call = ["copy in 96", "copy out 48", "copy out 192"]
    assert copies[-6:] == call * 2, result.stderr
