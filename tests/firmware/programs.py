"""Modules that are compiled freestanding: name -> (module, inputs)."""

import torch
from torch import Tensor, nn
from torch.ao import quantization


def _seeded(make):
    def build():
        torch.manual_seed(0)
        module, inputs = make()
        return module.eval(), inputs

    build.__name__ = make.__name__
    return build


@_seeded
def sine():
    """What onnx2c and others measure themselves by."""
    layers = [nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)]
    return nn.Sequential(*layers), (torch.rand(1, 1),)


def mlp():
    from mlp.model import build

    return build()


class Gate(nn.Module):
    """A number of a tensor decides, and is a result."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor):
        hidden = torch.tanh(self.first(x))
        if hidden.mean([0, 1]).item() > 0.1:
            hidden = hidden * 2.0
        probabilities = torch.softmax(self.second(hidden), dim=1)
        confidence = probabilities.amax([0, 1])
        known = False
        if confidence.item() > 0.34:
            known = True
        return probabilities, confidence, known


@_seeded
def gate():
    return torch.jit.script(Gate()), (torch.rand(1, 4),)


class Loops(nn.Module):
    """Tensors and numbers that loops carry, change places, and end on a condition."""

    def forward(self, x: Tensor, y: Tensor, count: int):
        total = 0
        for i in range(count):
            x, y = y + 1.0, x * 0.5
            total += i * 2
        steps = 0
        while x.sum([0, 1]).item() < 100.0 and steps < 50:
            x = x * 1.5 + y
            steps += 1
        return x, y, total, steps


@_seeded
def loops():
    return torch.jit.script(Loops()), (torch.rand(2, 3), torch.rand(2, 3), 5)


class Views(nn.Module):
    """Results that are views, inputs, constants, or twice the same."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(6.0).reshape(2, 3))

    def forward(self, x: Tensor):
        y = torch.relu(x)
        return x, y[:, 1:].t(), self.table, y.flatten(), y.flatten()


@_seeded
def views():
    return Views(), (torch.randn(3, 4),)


class Integers(nn.Module):
    """Embedding, integers and bools in and out."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 6)

    def forward(self, ids: Tensor, mask: Tensor):
        return self.table(ids).sum(1) * mask, ids + 1, ~mask


@_seeded
def integers():
    return Integers(), (torch.randint(0, 10, (3, 4)), torch.tensor([[True], [False], [True]]))


@_seeded
def gesture():
    from cortex_m_gesture.model import build

    return build()


@_seeded
def vision():
    from cortex_m_vision.model import build

    return build()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(12), nn.Linear(12, 36), nn.Linear(12, 12)

    def forward(self, x: Tensor):
        q, k, v = self.qkv(self.norm(x)).reshape(1, 5, 3, 2, 6).permute(2, 0, 3, 1, 4).unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(y.transpose(1, 2).reshape(1, 5, 12)), torch.matmul(q, k.transpose(-1, -2))


@_seeded
def attention():
    return Attention(), (torch.randn(1, 5, 12),)


@_seeded
def convolutions():
    """Plain, depthwise, strided, dilated, grouped; poolings and norms."""
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8, stride=2, padding=1), nn.Conv2d(8, 12, 1),
              nn.ReLU6(), nn.MaxPool2d(2), nn.Conv2d(12, 12, 3, dilation=2, padding=2, groups=3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5)]  # fmt: skip
    return nn.Sequential(*layers), (torch.randn(1, 3, 17, 19),)


@_seeded
def gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(5, 7, num_layers=2, batch_first=True, bidirectional=True)

        def forward(self, x: Tensor):
            return self.rnn(x)

    return Net(), (torch.randn(2, 6, 5),)


class Reductions(nn.Module):
    """Of all dims, of some, of dims that are no neighbours; statistics and norms."""

    def forward(self, x: Tensor, n: Tensor):
        whole = x.sum(), x.mean(), x.amax(), x.min(), x.std(), x.var([0, 2], correction=0), x.norm(), n.sum(), n.max()
        parts = x.mean([0, -1]), x.sum((0, 2), keepdim=True), x.softmax(1), x.std(1), n.prod(1), (n > 3).any(0), (n >= 0).all()
        return *whole, *parts


@_seeded
def reductions():
    return torch.jit.trace(Reductions(), (torch.randn(3, 4, 5), torch.arange(6).reshape(2, 3))), (torch.randn(3, 4, 5), torch.randint(1, 9, (2, 3)))


class Orders(nn.Module):
    """Places of the greatest, order, running sums; of NaN and equal ones, too."""

    def forward(self, x: Tensor, n: Tensor):
        values, places = x.max(1)
        best, where = torch.topk(x[:, :4], 3, dim=1)
        return (x.argmax(), x.argmin(0), n.argmax(1), values, places, n.amin(0), best, where, *torch.sort(n, dim=1, stable=True), torch.argsort(x, 0), x.cumsum(1),
                n.cumsum(0))  # fmt: skip


@_seeded
def orders():
    x = torch.randn(3, 5)
    x[1, 4] = float("nan")
    return Orders(), (x, torch.randint(0, 4, (3, 4)))


class Sorts(nn.Module):
    """Lines that are long enough to be merged: lengths that are no powers of two, equal elements, NaN, other dims, many of the greatest."""

    def forward(self, x: Tensor, n: Tensor):
        up, places = torch.sort(n, dim=0, stable=True)
        down, others = torch.sort(n.t(), dim=1, stable=True, descending=True)
        best, where = torch.topk(x, 20, dim=1)
        least, _ = torch.topk(x, 9, dim=1, largest=False)
        return up, places, down, others, best, where, least, torch.argsort(x[0], stable=True), torch.sort(x, dim=1, descending=True)[0]


@_seeded
def sorts():
    x = torch.randperm(2 * 37).float().reshape(2, 37) - 30.0
    x[1, 4] = float("nan")
    return Sorts(), (x, torch.randint(0, 5, (21, 3)))


class Writes(nn.Module):
    """Parts of tensors, written where views, lists and results see it; sources that overlap, broadcast, or have another dtype."""

    def forward(self, x: Tensor, n: Tensor):
        y = torch.zeros(4, 3)
        row, column, turned = y[1], y[:, 2], y.t()
        y[0] = 3
        y[:, 1:3] += x[:, :1]
        y[1:] = y[:-1].clone()
        seen = torch.cat([row, column])
        for i in range(4):
            y[i] = y[i] * 2 + x[i, 0]
            y.select(0, i).copy_(y[3 - i] + 1)
            if x[i, 0].item() > 0.0:
                turned[2, i] = -1.0
                y += 0.5
        y.narrow(0, int(n[0, 0].item()), 2)[:, ::2].mul_(y[int(n[0, 1].item())].unsqueeze(1)[:1].clone())
        turned.unsqueeze(2)[0, :, 0] = n[0, 0]  # an integer, for each
        counts = torch.zeros(2, 2, dtype=torch.int64)
        counts[0] = counts[0] + n[0]
        counts[:, 1] = 7
        other = y.clone()
        other.view(2, 6)[1, 2:5].fill_(0.25)
        other.view(-1)[0] = 8.0
        old = torch.relu(y)
        y.clamp_(-2.0, 2.0)
        flag = y > 1.0
        flag[0, 0] = True
        return y, row, turned, seen, counts, other, old, flag, y.sum(), column + 1.0


@_seeded
def writes():
    return torch.jit.script(Writes()), (torch.randn(4, 2), torch.tensor([[1, -2]]))


class Fills(nn.Module):
    """Fills, paddings, turns; a fill with a number that is computed."""

    def forward(self, x: Tensor, n: int):
        limit = float(n) * 0.5
        filled = torch.full_like(x, limit)
        padded = nn.functional.pad(x, [1, 2, 0, 1])
        return torch.zeros_like(x), torch.ones_like(x) + x, filled + x, padded, torch.roll(x, [1, -1], [0, 1]), x.new_full([2], 3.0)


@_seeded
def fills():
    return torch.jit.script(Fills()), (torch.randn(2, 3), 3)


class Sequence(nn.Module):
    """Recurrent modules, scripted: an LSTM and then a GRU."""

    def __init__(self):
        super().__init__()
        self.lstm, self.gru = nn.LSTM(3, 6, batch_first=True, num_layers=2), nn.GRU(6, 4, batch_first=True)

    def forward(self, x: Tensor):
        y, (h, c) = self.lstm(x)
        z, last = self.gru(y)
        return z[:, -1], last, h, c


@_seeded
def scripted_recurrent():
    return torch.jit.script(Sequence()), (torch.randn(1, 7, 3),)


class Quantised(nn.Module):
    """An image network in bytes, as torch.ao.quantization makes it: a depthwise convolution, a sum, poolings, a product."""

    def __init__(self):
        super().__init__()
        self.quantize, self.dequantize = quantization.QuantStub(), quantization.DeQuantStub()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.point = nn.Conv2d(8, 12, 1)
        self.sum = nn.quantized.FloatFunctional()
        self.head = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5))

    def forward(self, x):
        x = self.stem(self.quantize(x))
        x = torch.relu(self.point(self.sum.add(x, self.depthwise(x))))
        x = nn.functional.max_pool2d(x, 3, 2, 1).mean([2, 3])
        return self.dequantize(self.head(x))


@_seeded
def quantised():
    module = Quantised().eval()
    module.qconfig = quantization.get_default_qconfig("x86")
    quantization.fuse_modules(module, [["stem.0", "stem.1", "stem.2"], ["head.0", "head.1"]], inplace=True)
    quantization.prepare(module, inplace=True)
    module(torch.randn(8, 3, 12, 14))
    return quantization.convert(module), (torch.randn(2, 3, 12, 14),)


PROGRAMS = {
    build.__name__: build
    for build in [sine, mlp, gate, loops, views, integers, gesture, vision, attention, convolutions, gru, reductions, orders, sorts, writes, fills, scripted_recurrent]
}


SCRIPTS = (torch.jit.ScriptModule, torch.jit.ScriptFunction)


def trace(module, inputs):
    """A scripted module stays so, and is to be told its inputs."""
    if isinstance(module, SCRIPTS):
        return module
    if hasattr(module, "to_torchscript"):
        return module.to_torchscript(inputs)
    return torch.jit.trace(module, inputs, strict=False)


def input_options(module, inputs):
    """--input for each tensor, as scripted modules need it."""
    names = {torch.float32: "f32", torch.int64: "i64", torch.bool: "bool"}
    script = trace(module, inputs)
    schema = script.schema if isinstance(script, torch.jit.ScriptFunction) else script.forward.schema
    argument_names = [argument.name for argument in schema.arguments if argument.name != "self"]
    return [
        f"--input={name}: {names[value.dtype]}{list(value.shape)}"
        for name, value in zip(argument_names, inputs)
        if isinstance(value, torch.Tensor)
    ]
