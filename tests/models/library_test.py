"""What a library offers beyond one forward: methods, state, several models, several libraries, threads."""

import copy
import resource
import subprocess
import threading
from typing import List

import pytest
import torch
from torch import Tensor, nn

import tsc
from compare import check


class Autoencoder(nn.Module):
    """Two exported methods beside forward."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(16, 4)
        self.decoder = nn.Linear(4, 16)

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return torch.tanh(self.encoder(x))

    @torch.jit.export
    def decode(self, code: Tensor, scale: float = 1.0) -> Tensor:
        return self.decoder(code) * scale

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), 1.0)


class Encoder(nn.Module):
    """No forward at all."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 3)

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.linear(x)


class Streaming(nn.Module):
    """Methods that write attributes."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(5, 3)
        self.register_buffer("hidden", torch.zeros(1, 3))
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.hidden = self.cell(x, self.hidden)
        self.steps += 1
        return self.hidden

    @torch.jit.export
    def restart(self) -> int:
        steps = self.steps
        self.steps = 0
        self.hidden = torch.zeros_like(self.hidden)
        return steps


class Chain(nn.Module):
    def forward(self, x: Tensor) -> List[Tensor]:
        y = torch.sigmoid(x) * x + 1.0
        return [y, torch.relu(y - 0.5)]


@pytest.fixture(scope="module")
def modules():
    torch.manual_seed(0)
    return {name: torch.jit.script(module.eval()) for name, module in
            {"autoencoder": Autoencoder(), "encoder": Encoder(), "streaming": Streaming(), "chain": Chain()}.items()}  # fmt: skip


@pytest.fixture(scope="module")
def models(modules, compile_group):
    return compile_group(modules)


def test_all_public_methods(modules, models, usable):
    model, module = usable(models["autoencoder"]), modules["autoencoder"]
    assert set(model.methods) == {"forward", "encode", "decode"}
    for rows in (1, 5):
        check(model, module, torch.randn(rows, 16))
        check(model, module, torch.randn(rows, 16), method="encode")
        check(model, module, torch.randn(rows, 4), method="decode")
        check(model, module, torch.randn(rows, 4), 3.0, method="decode")
    code = torch.randn(2, 4)
    by_name = torch.from_dlpack(model.decode(code=code, scale=3.0))
    assert torch.equal(by_name, torch.from_dlpack(model.decode(code, 3.0)))


def test_without_forward(modules, models, usable):
    model = usable(models["encoder"])
    assert set(model.methods) == {"encode"}
    check(model, modules["encoder"], torch.randn(4, 6), method="encode")
    with pytest.raises(tsc.Error, match="encode"):
        model(torch.randn(4, 6))


def test_one_method_only(modules, compile_and_load):
    model = compile_and_load(modules["autoencoder"], "encode_only", method="encode")
    assert set(model.methods) == {"encode"}


def test_state(modules, models, usable):
    model, module = usable(models["streaming"]).clone(), copy.deepcopy(modules["streaming"])
    for _ in range(3):
        x = torch.randn(1, 5)
        assert torch.allclose(torch.from_dlpack(model(x)), module(x), atol=1e-6)
    state = model.state()
    assert state["steps"] == 3
    assert torch.allclose(torch.from_dlpack(state["hidden"]), module.hidden, atol=1e-6)
    other = model.clone()
    assert model.restart() == module.restart() == 3
    assert model.state()["steps"] == 0 and other.state()["steps"] == 3
    other.set_state({"steps": 40, "hidden": torch.ones(1, 3)})
    other(torch.zeros(1, 5))
    assert other.restart() == 41
    other.reset()
    assert other.state()["steps"] == 0 and torch.from_dlpack(other.state()["hidden"]).abs().sum() == 0


def test_wrong_calls(models, usable):
    model = usable(models["autoencoder"])
    for inputs in ((), (torch.randn(1, 16), 1), (None,), ("x",), ([torch.randn(1, 16)],), (3.5,)):
        with pytest.raises(tsc.Error):
            model(*inputs)
    with pytest.raises(tsc.Error, match="nothing"):
        model.forward(nothing=1)
    with pytest.raises(AttributeError):
        model.missing
    assert torch.from_dlpack(model(torch.randn(1, 16))).shape == (1, 16)


def test_several_models_in_one_library(modules, compiler, tmp_path):
    files = []
    for name in ("autoencoder", "chain"):
        files.append(tmp_path / (name + ".pt"))
        modules[name].save(str(files[-1]))
    files[1] = f"other={files[1]}"
    library = tsc.load(tsc.compile(files, tmp_path / "both.so", compiler=compiler))
    assert list(library) == ["autoencoder", "other"]
    check(library["autoencoder"], modules["autoencoder"], torch.randn(2, 16))
    check(library["other"], modules["chain"], torch.randn(7))


def test_two_libraries_in_one_process(modules, compile_and_load):
    first = compile_and_load(modules["autoencoder"], "first")
    second = compile_and_load(modules["chain"], "second")
    for size in (3, 100):
        check(first, modules["autoencoder"], torch.randn(size, 16))
        check(second, modules["chain"], torch.randn(size))


def test_eight_threads_on_one_instance(modules, models, usable):
    model, module = usable(models["autoencoder"]), modules["autoencoder"]
    inputs = [torch.randn(rows, 16) for rows in range(1, 9)]
    expected = [torch.from_dlpack(model(x)) for x in inputs]
    failures = []

    def run(index):
        for _ in range(200):
            got = torch.from_dlpack(model(inputs[index]))
            if not torch.equal(got, expected[index]):
                failures.append(index)
                return

    threads = [threading.Thread(target=run, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    check(model, module, inputs[0])


def test_loading_maps_the_weights(compile_and_load):
    """The first call meets none of them for the first time. Unmapped, each 64 KiB cost a page fault at least."""
    module = nn.Linear(2048, 2048).eval()
    model = compile_and_load(torch.jit.trace(module, torch.randn(1, 2048)), "mapped")
    x = torch.randn(1, 2048)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    model(x)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < model.weight_bytes / 65536 / 2


def test_needs_only_libc_and_exports_only_its_names(modules, compiler, tmp_path):
    modules["autoencoder"].save(str(tmp_path / "auto.pt"))
    library = tsc.compile(tmp_path / "auto.pt", tmp_path / "auto.so", compiler=compiler)
    dynamic = subprocess.run(["readelf", "-dW", library], capture_output=True, text=True, check=True).stdout
    needed = {line.split("[")[1].split("]")[0] for line in dynamic.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc.so.6", "libm.so.6", "libpthread.so.0"}
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in symbols.splitlines()}
    assert "tsc_get_library" in names and all(name == "tsc_get_library" or name.startswith("auto_") for name in names)


def test_same_bytes_for_the_same_input(modules, compiler, tmp_path):
    modules["chain"].save(str(tmp_path / "chain.pt"))
    outputs = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tsc.compile(tmp_path / "chain.pt", tmp_path / folder / "chain.so", compiler=compiler)
        outputs.append(open(path, "rb").read())
    assert outputs[0] == outputs[1]


def test_static_library_refuses_other_shapes(compile_and_load):
    """--static keeps the version for the example's sizes only."""
    module = nn.Linear(8, 3).eval()
    model = compile_and_load(torch.jit.trace(module, torch.randn(2, 8)), "linear", static=True)
    check(model, module, torch.randn(2, 8))
    with pytest.raises(tsc.Error):
        model(torch.randn(3, 8))


def test_a_library_that_took_the_place_of_another(compiler, tmp_path, monkeypatch):
    """The system's loader knows libraries by name: the new file must be loaded all the same."""
    monkeypatch.chdir(tmp_path)
    loaded = []
    for factor in (2.0, 3.0, 5.0):
        torch.jit.trace(lambda x: x * factor, torch.ones(3)).save("scale.pt")
        loaded.append(tsc.load(tsc.compile("scale.pt", "scale.so", compiler=compiler)))
        again = tsc.load("./scale.so")
        assert torch.from_dlpack(again(torch.ones(3))).tolist() == [factor] * 3
    assert [torch.from_dlpack(model(torch.ones(1)))[0].item() for model in loaded] == [2.0, 3.0, 5.0]
