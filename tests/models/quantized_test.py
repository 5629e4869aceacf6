"""Quantised modules, traced and scripted: the same numbers as PyTorch's engine for x86, at the example's shape and others."""

import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.ao import quantization

import tsc

pytestmark = pytest.mark.skipif("fbgemm" not in torch.backends.quantized.supported_engines, reason="PyTorch has no FBGEMM")
torch.backends.quantized.engine = "fbgemm" if "fbgemm" in torch.backends.quantized.supported_engines else "none"


def dynamic(module, kinds, **options):
    return quantization.quantize_dynamic(module.eval(), kinds, **options)


class Net(nn.Module):
    def __init__(self, bias=True):
        super().__init__()
        self.a, self.b = nn.Linear(64, 100, bias=bias), nn.Linear(100, 33, bias=bias)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


class Asymmetric(nn.Module):
    """Weights with zero points of their own."""

    def __init__(self, zero_points):
        super().__init__()
        weight, scales = torch.randn(7, 20), torch.full((7,), 0.02)
        if zero_points == "one":
            quantized = torch.quantize_per_tensor(weight, 0.02, -9, torch.qint8)
        else:
            quantized = torch.quantize_per_channel(weight, scales, torch.arange(-3, 4), 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(quantized, torch.randn(7))

    def forward(self, x):
        return torch.ops.quantized.linear_dynamic(x, self.packed, True)


class FullRange(nn.Module):
    """All 8 bits of the input, and ReLU within the op."""

    def __init__(self):
        super().__init__()
        weight = torch.quantize_per_tensor(torch.randn(9, 30), 0.004, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(weight, torch.randn(9))

    def forward(self, x):
        return torch.ops.quantized.linear_relu_dynamic(x, self.packed, False)


class Static(nn.Module):
    """Layers of an image network with everything that quantisation fuses and what stands between."""

    def __init__(self):
        super().__init__()
        self.quantize, self.dequantize = quantization.QuantStub(), quantization.DeQuantStub()
        self.stem, self.stem_relu = nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU()
        self.depthwise, self.depthwise_relu = nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.ReLU()
        self.project = nn.Conv2d(16, 16, 1)
        self.grouped = nn.Conv2d(16, 32, 3, 2, 2, groups=4, dilation=2, bias=False)
        self.sum = torch.ao.nn.quantized.FloatFunctional()
        self.pool, self.average = nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)
        self.hidden, self.hidden_relu, self.out = nn.Linear(32, 20), nn.ReLU(), nn.Linear(20, 10, bias=False)

    def forward(self, x):
        x = self.stem_relu(self.stem(self.quantize(x)))
        x = self.sum.add_relu(x, self.project(self.depthwise_relu(self.depthwise(x))))
        x = self.average(self.pool(self.grouped(x))).flatten(1)
        return self.dequantize(self.out(self.hidden_relu(self.hidden(x))))


def static(qconfig):
    module = Static().eval()
    module = quantization.fuse_modules(module, [["stem", "stem_relu"], ["depthwise", "depthwise_relu"], ["hidden", "hidden_relu"]])
    module.qconfig = qconfig
    prepared = quantization.prepare(module)
    prepared(torch.randn(4, 3, 32, 32))
    return quantization.convert(prepared)


class Rows(nn.Module):
    """Convolutions of one dimension."""

    def __init__(self):
        super().__init__()
        self.quantize, self.dequantize = quantization.QuantStub(), quantization.DeQuantStub()
        self.first, self.relu, self.second = nn.Conv1d(5, 8, 3, 2, 1), nn.ReLU(), nn.Conv1d(8, 4, 5, dilation=2)

    def forward(self, x):
        return self.dequantize(self.second(self.relu(self.first(self.quantize(x)))))


def static_rows():
    module = Rows().eval()
    module.qconfig = quantization.get_default_qconfig("fbgemm")
    prepared = quantization.prepare(quantization.fuse_modules(module, [["first", "relu"]]))
    prepared(torch.randn(4, 5, 40))
    return quantization.convert(prepared)


class Functions(nn.Module):
    """Each op on quantised tensors; scales with which hardly a result lies in the middle of two bytes."""

    def forward(self, x):
        ops = torch.ops.quantized
        a = torch.quantize_per_tensor(x, 0.0317, 37, torch.quint8)
        b = torch.quantize_per_tensor(x.flip(0) * 0.7, 0.0213, 101, torch.quint8)
        changed = torch.quantize_per_tensor(x, 0.0419, 90, torch.quint8)
        changed.relu_()
        results = [
            a, changed, torch.relu(a), nn.functional.relu6(a), nn.functional.hardtanh(a, -0.5, 0.7), torch.clamp(a, -0.3, 0.4),
            ops.relu6(a, False), ops.clamp(a, -0.2, 0.9),
            ops.hardswish(a, 0.021, 19), ops.leaky_relu(a, 0.1, False, 0.017, 60), ops.elu(a, 0.0217, 50, 1.0),
            ops.sigmoid(a, 0.0041, 3), torch.sigmoid(a), torch.tanh(a), nn.functional.hardsigmoid(a),
            ops.add(a, b, 0.0523, 70), ops.add_relu(a, b, 0.0523, 70), ops.mul(a, b, 0.0711, 80), ops.mul_relu(a, b, 0.0711, 80),
            ops.cat([a, b, a], 1, 0.037, 71), torch.cat([a, b], 2), ops.cat([a, a], 0, None, None),
            nn.functional.max_pool2d(a, 3, 2, 1), nn.functional.avg_pool2d(a, 3, 2, 1), nn.functional.adaptive_avg_pool2d(a, (3, 3)),
            a.mean([2, 3]), torch._C._nn.upsample_nearest2d(a, None, [2.0, 2.0]),
            a.permute(0, 2, 3, 1).reshape(-1, 4)[1:], a.transpose(1, 2).select(0, 0).unsqueeze(0), a.contiguous(), a.clone(),
            nn.functional.dropout(a, 0.5, False),
        ]  # fmt: skip
        floats = [torch.dequantize(r) for r in results]
        floats.append(a.int_repr() * a.size(1) + a.q_zero_point() + a.q_scale())
        return floats


class Flow(nn.Module):
    """Quantised values through branches and loops."""

    def forward(self, x):
        q = torch.quantize_per_tensor(x, 0.031, 30, torch.quint8)
        if x.size(0) > 1:
            q = torch.relu(q)
        for i in range(x.size(0)):
            q = torch.ops.quantized.add(q, q, 0.05 + 0.01 * i, 10 + i)
        pair = (q, [q, torch.relu(q)])
        return torch.dequantize(pair[1][1]), q.is_quantized, q.dtype == torch.quint8


class Ties(nn.Module):
    """Values in the middle of two bytes, where every op rounds in its own way."""

    def __init__(self):
        super().__init__()
        self.packed = torch.ops.quantized.linear_prepack(torch.quantize_per_tensor(torch.eye(8), 1.0, 0, torch.qint8), None)

    def forward(self, x):
        q = torch.quantize_per_tensor(x, 0.25, 7, torch.quint8)
        y = torch.ops.quantized.linear(q, self.packed, 0.5, 3)
        return torch.dequantize(q), torch.dequantize(y), torch.dequantize(torch.ops.quantized.mul(q, y, 0.25, 1))


def rows(size):
    """Of several ranks and scales; whose numbers have one sign, and are all zero, tiny or huge."""
    shapes = [(2, size), (1, size), (7, size), (2, 3, size), (1, 2, 5, size), (0, size)]
    special = [torch.rand(3, size) + 1, -torch.rand(3, size), torch.zeros(2, size), torch.randn(2, size) * 1e-6,
               torch.randn(2, size) * 1e-30, torch.rand(2, size) * 1e-7, torch.randn(2, size) * 1e20]  # fmt: skip
    return [(torch.randn(shape) * 2,) for shape in shapes] + [(t,) for t in special]


torch.manual_seed(0)
IMAGES = [(2, 3, 32, 32), (1, 3, 32, 32), (3, 3, 40, 35), (1, 3, 17, 70)]
# Name -> module, inputs, whose first are the example.
MODELS = {
    "dynamic": (dynamic(Net(), {nn.Linear}), rows(64)),
    "dynamic_per_channel": (dynamic(Net(), {nn.Linear: quantization.per_channel_dynamic_qconfig}), rows(64)),
    "dynamic_without_bias": (dynamic(Net(bias=False), {nn.Linear}), rows(64)),
    "dynamic_zero_point": (Asymmetric("one"), rows(20)),
    "dynamic_zero_points": (Asymmetric("several"), rows(20)),
    "dynamic_relu": (FullRange(), rows(30)),
    "static": (static(quantization.default_qconfig), [(torch.randn(s),) for s in IMAGES]),
    "static_per_channel": (static(quantization.get_default_qconfig("fbgemm")), [(torch.randn(s) * 2,) for s in IMAGES]),
    "static_rows": (static_rows(), [(torch.randn(2, 5, 40),), (torch.randn(1, 5, 33),)]),
    "functions": (Functions(), [(torch.randn(2, 4, 9, 10) * 2,), (torch.randn(1, 4, 12, 7) * 3,)]),
    "ties": (Ties(), [(torch.arange(-40, 40).view(-1, 8) / 8,)]),
}


def save_all(way):
    if way == "scripted":
        return {name: torch.jit.script(module) for name, (module, _) in MODELS.items()}
    return {name: torch.jit.trace(module, inputs[0]) for name, (module, inputs) in MODELS.items()}


@pytest.fixture(scope="module", params=["traced", "scripted"])
def models(request, compile_group):
    return compile_group(save_all(request.param), O=1)


@pytest.mark.parametrize("name", MODELS)
def test_equals_torch(name, models, usable):
    module, calls = MODELS[name]
    model = usable(models[name])
    for inputs in calls:
        all_theirs, all_ours = module(*inputs), model(*inputs)
        single = isinstance(all_theirs, torch.Tensor)
        for index, (theirs, ours) in enumerate(zip([all_theirs] if single else all_theirs, [all_ours] if single else all_ours, strict=True)):
            ours = torch.from_dlpack(ours)
            assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
            different = (ours != theirs).sum().item()
            assert different == 0, (
                f"result {index} of {list(inputs[0].shape)}: {different} of {ours.numel()} differ, by up to {(ours - theirs).abs().max()}"
            )


def test_flow(compile_and_load):
    module = Flow()
    model = compile_and_load(torch.jit.script(module), "flow")
    for x in (torch.randn(1, 30), torch.randn(3, 30)):
        theirs, ours = module(x), model(x)
        assert torch.equal(torch.from_dlpack(ours[0]), theirs[0]) and ours[1:] == theirs[1:] == (True, True)


def some_paths(x: torch.Tensor):
    if x.size(0) > 1:
        x = torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)
    return torch.dequantize(x)


def unknown_op(x: torch.Tensor):
    return torch.dequantize(torch.sort(torch.quantize_per_tensor(x, 0.1, 0, torch.quint8))[0])


def quantized_result(x: torch.Tensor):
    return torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)


def signed(x: torch.Tensor):
    return torch.dequantize(torch.quantize_per_tensor(x, 0.1, 0, torch.qint8))


@pytest.mark.parametrize(("function", "message"), [
    (some_paths, "quantised on some paths only"),
    (unknown_op, "aten::sort of a quantised tensor"),
    (quantized_result, "a quantised tensor as a result"),
    (signed, "another dtype than quint8"),
])  # fmt: skip
def test_refusals(function, message, compile_and_load):
    with pytest.raises(tsc.Error, match=message) as caught:
        compile_and_load(torch.jit.script(function), function.__name__)
    assert "quantized_test.py" in caught.value.message


def test_refuses_what_torch_refuses(models, usable):
    module, model = MODELS["dynamic"][0], usable(models["dynamic"])
    for x in (torch.randn(64), torch.randn(2, 63), torch.randn(2, 64).double()):
        with pytest.raises(RuntimeError):
            module(x)
        with pytest.raises(tsc.Error):
            model(x)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.rnn = kind(12, 20, **options)
        self.out = nn.Linear(40 if options.get("bidirectional") else 20, 7)

    def forward(self, x):
        return self.out(self.rnn(x)[0])


@pytest.mark.parametrize("way", ["traced", "scripted"])
@pytest.mark.parametrize(("kind", "options"), [(nn.LSTM, {"num_layers": 2, "bidirectional": True, "batch_first": True}), (nn.GRU, {})])
def test_recurrent(kind, options, way, compile_and_load):
    """The states are floats, quantised anew at each step, in which our sigmoid and tanh may differ by a bit."""
    module = dynamic(Recurrent(kind, **options), {nn.LSTM, nn.GRU, nn.Linear})
    saved = torch.jit.script(module) if way == "scripted" else torch.jit.trace(module, torch.randn(3, 5, 12))
    model = compile_and_load(saved, "recurrent", O=1)
    for shape in ((3, 5, 12), (1, 9, 12), (4, 2, 12)):
        x = torch.randn(shape)
        torch.testing.assert_close(torch.from_dlpack(model(x)), module(x), rtol=0, atol=1e-6)


def test_half_precision(compile_and_load):
    """Weights rounded to half precision; the product is one of floats, summed in another order."""
    module = dynamic(Net(), {nn.Linear}, dtype=torch.float16)
    model = compile_and_load(torch.jit.script(module), "half")
    for x in (torch.randn(2, 64), torch.randn(2, 3, 64)):
        torch.testing.assert_close(torch.from_dlpack(model(x)), module(x), rtol=1e-5, atol=1e-5)


def test_weights_stay_bytes(compiler, tmp_path):
    module = dynamic(nn.Sequential(nn.Linear(512, 2048)), {nn.Linear})
    torch.jit.trace(module, torch.randn(1, 512)).save(str(tmp_path / "model.pt"))
    library = tsc.compile(tmp_path / "model.pt", tmp_path / "model.so", compiler=compiler)
    assert Path(library).stat().st_size < 1.5 * 512 * 2048


@pytest.mark.parametrize("way", ["traced", "scripted"])
def test_steps(way, tmp_path, compiler):
    """Every step of the compiler keeps the results; for inputs of the example's rank, as the main version takes them."""
    for name, saved in save_all(way).items():
        calls = [inputs for inputs in MODELS[name][1] if inputs[0].dim() == MODELS[name][1][0][0].dim()]
        path = tmp_path / f"{name}.pt"
        saved.save(str(path))
        torch.save([("forward", inputs) for inputs in calls], f"{path}.calls")
        done = subprocess.run([Path(compiler).with_name("tsc-verify"), path], capture_output=True, text=True)
        assert done.stdout == f"{path}: ok\n", done.stdout + done.stderr
