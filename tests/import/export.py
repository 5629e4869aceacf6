"""Writes the models that import_test.cpp reads: `export.py <folder>`. Files in <folder>/refused must be refused."""

import os
import pickle
import sys
import warnings
import zipfile
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

warnings.simplefilter("ignore")
torch.manual_seed(0)


class Gate(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = torch.jit.script(Gate())
        self.linear = nn.Linear(4, 4)

    def forward(self, x, h):
        h = torch.tanh(self.gate(self.linear(x)) + h)
        return h, h


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.jit.trace(Cell(), (torch.rand(3, 4), torch.rand(3, 4)))

    def forward(self, xs):
        h, y = torch.zeros(3, 4), torch.zeros(3, 4)
        for i in range(xs.size(0)):
            y, h = self.cell(xs[i], h)
        return y, h


class DictModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)

    def forward(self, batch: Dict[str, Tensor]) -> Dict[str, Tensor]:
        word = self.embedding(batch["word"])
        result = {"mean": word.mean(dim=1)}
        if "mask" in batch:
            result["masked"] = word * batch["mask"].unsqueeze(-1)
        return result


class Streaming(nn.Module):
    """A buffer written in place, one that is assigned, and a counter."""

    def __init__(self):
        super().__init__()
        self.register_buffer("history", torch.zeros(3))
        self.register_buffer("last", torch.ones(3))
        self.register_buffer("scale", torch.full((3,), 2.0))
        self.calls: int = 0

    def forward(self, x):
        self.history.mul_(0.5).add_(x * self.scale)
        self.last = x
        self.calls += 1
        return self.history + self.last * self.calls

    @torch.jit.export
    def reset(self):
        self.history.zero_()
        self.calls = 0


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.down = nn.Conv2d(3, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)) + self.down(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(y, (1, 1)), 1))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(6, 4)
        self.out = nn.Linear(4, 6, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, x):
        return self.out(self.embedding(x))


class Color(Enum):
    RED = 1
    GREEN = 2


class Point(NamedTuple):
    x: Tensor
    y: Tensor


@torch.jit.script
class Accumulator:
    def __init__(self, start: Tensor):
        self.total = start

    def add(self, x: Tensor):
        self.total = self.total + x


class Language(nn.Module):
    """Classes, NamedTuples, enums, optionals, strings, exceptions."""

    def __init__(self):
        super().__init__()
        self.color = Color.GREEN
        self.sizes = [2, 3]
        self.table = {"a": 1.0, "b": 2.0}

    def forward(self, x: Tensor, scale: Optional[float] = None, key: str = "a") -> Point:
        total = Accumulator(torch.zeros_like(x))
        for i in range(self.sizes[0]):
            total.add(x * i)
        if self.color == Color.RED:
            total.add(x)
        if scale is not None:
            total.add(x * scale)
        if key not in self.table:
            raise ValueError("unknown key " + key)
        return Point(total.total * self.table[key], x)


class Futures(nn.Module):
    def forward(self, x):
        futures: List[torch.jit.Future[Tensor]] = []
        for i in range(3):
            futures.append(torch.jit.fork(torch.relu, x + i))
        result = torch.zeros_like(x)
        for future in futures:
            result = result + torch.jit.wait(future)
        with torch.no_grad():
            result = result + 1
        return result


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Double(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Shift(nn.Module):
    def __init__(self):
        super().__init__()
        self.by = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by


class Chosen(nn.Module):
    layer: Layer

    def __init__(self):
        super().__init__()
        self.layer = Shift()
        self.layers = nn.ModuleList([Double(), Shift()])

    def forward(self, x: Tensor, index: int) -> Tensor:
        layer: Layer = self.layers[index]
        return self.layer(layer.forward(x))


class TrainingNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.bn(x)


class Losses(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> List[Tensor]:
        return [
            F.mse_loss(x, y),
            F.l1_loss(x, y, reduction="sum"),
            F.smooth_l1_loss(x, y, beta=0.5),
            F.huber_loss(x, y, reduction="none", delta=0.7),
            F.binary_cross_entropy_with_logits(x, (y > 0).float()),
        ]


@torch.jit.script
def free_function(x: Tensor, n: int = 2) -> Tensor:
    y = x
    for _ in range(n):
        y = y * y + 1
    return y


class QuantizedEmbedding(nn.Module):
    def __init__(self):
        super().__init__()
        weight = torch.quantize_per_channel(torch.randn(4, 3), torch.ones(4), torch.zeros(4), 0, torch.quint8)
        self.weight = torch.ops.quantized.embedding_bag_prepack(weight)

    def forward(self, x):
        return torch.ops.quantized.embedding_byte(self.weight, x)


class Unsupported(nn.Module):
    def forward(self, x):
        y = x.to_sparse()
        z = (x + 1).to_sparse()
        return (y + z).to_dense() + x.to_mkldnn().to_dense()


class Custom(nn.Module):
    """Operators of a library that the compiler doesn't have; `spare` is reached by training only."""

    library = torch.library.Library("tsc_test", "DEF")
    library.define("pair(Tensor x, int k) -> (Tensor, Tensor)")
    library.define("one(Tensor x) -> Tensor")
    library.define("spare(Tensor x) -> Tensor")
    library.define("write_(Tensor(a!) x) -> ()")

    def forward(self, x):
        if self.training:
            return torch.ops.tsc_test.spare(x)
        a, b = torch.ops.tsc_test.pair(x, 3)
        torch.ops.tsc_test.write_(a)
        return torch.ops.tsc_test.one(torch.ops.tsc_test.one(a) + b)


class CustomCount(nn.Module):
    library = torch.library.Library("tsc_test", "FRAGMENT")
    library.define("count(Tensor x) -> int")

    def forward(self, x):
        return x + torch.ops.tsc_test.count(x)


class Trains(nn.Module):
    """A method that only training reaches, and the file doesn't tell from those that its author exported."""

    def loss(self, x):
        return x.to_sparse().to_dense()

    def scaled(self, x):
        return x * 2

    def forward(self, x):
        if self.training:
            return self.loss(x)
        return self.scaled(x)


class Nested(nn.Module):
    def forward(self, pair: Tuple[Tensor, Tensor], options: Dict[str, Tensor]) -> Tensor:
        return pair[0] + pair[1] + options["bias"]


def models():
    block = Block()
    block(torch.rand(4, 3, 8, 8))  # running statistics that are not the initial ones
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
    return {
        "mlp": torch.jit.trace(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).eval(), torch.rand(2, 8)),
        "loop": torch.jit.script(Loop()),
        "scores": torch.jit.script(Trains().eval()),
        "gate": torch.jit.trace(Cell(), (torch.rand(3, 4), torch.rand(3, 4))),
        "dict": torch.jit.script(DictModel()),
        "streaming": torch.jit.script(Streaming()),
        "block": torch.jit.trace(block.eval(), torch.rand(1, 3, 8, 8)),
        "block_scripted": torch.jit.script(block.eval()),
        "lstm": torch.jit.trace(nn.LSTM(4, 8, num_layers=2, bidirectional=True).eval(), torch.rand(5, 2, 4)),
        "lstm_scripted": torch.jit.script(nn.LSTM(4, 8, batch_first=True).eval()),
        "encoder": torch.jit.script(encoder.eval()),
        "tied": torch.jit.trace(Tied(), torch.tensor([1, 2])),
        "language": torch.jit.script(Language()),
        "futures": torch.jit.script(Futures()),
        "chosen": torch.jit.script(Chosen()),
        "training_norm": torch.jit.script(TrainingNorm()),
        "losses": torch.jit.script(Losses()),
        "function": free_function,
        "nested": torch.jit.trace(
            Nested(), ((torch.rand(2, 3), torch.rand(3)), {"bias": torch.rand(2, 1)}), strict=False
        ),
    }


def rewrite_record(source, target, record, change):
    """Copies an archive with one record changed, stored as PyTorch stores it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name.endswith(record) else data)


def refused(folder):
    def path(name):
        return os.path.join(folder, name + ".pt")

    torch.jit.script(Unsupported()).save(path("unsupported_op"))
    torch.jit.script(Custom().eval()).save(path("custom_op"))
    torch.jit.script(CustomCount()).save(path("custom_count"))
    torch.jit.script(Trains()).save(path("trains"))
    torch.save(nn.Linear(2, 2).state_dict(), path("state_dict"))
    torch.save(nn.Linear(2, 2).state_dict(), path("legacy_state_dict"), _use_new_zipfile_serialization=False)
    with open(path("pickle"), "wb") as file:
        pickle.dump({"a": 1}, file)
    with open(path("text"), "w") as file:
        file.write("no model\n" * 100)
    open(path("empty"), "w").close()
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.rand(1, 2),)), path("exported"))
    torch.jit.script(QuantizedEmbedding()).save(path("quantized"))

    good = path("good")
    torch.jit.trace(nn.Linear(8, 8), torch.rand(1, 8)).save(good)
    with open(good, "rb") as file:
        whole = file.read()
    with open(path("truncated"), "wb") as file:
        file.write(whole[: len(whole) // 2])
    rewrite_record(good, path("short_storage"), "/data/0", lambda data: data[:8])
    rewrite_record(good, path("deep_pickle"), "/constants.pkl", lambda _: b"\x80\x02" + b"]" * 100000 + b"a" * 99999 + b".")
    rewrite_record(good, path("bad_opcode"), "/data.pkl", lambda data: data[:2] + b"i" + data[3:])
    deep = "(" * 100000 + "1" + ")" * 100000
    rewrite_record(good, path("deep_code"), ".py", lambda data: data + b"  x = " + deep.encode() + b"\n")
    os.remove(good)


def main():
    folder = sys.argv[1]
    os.makedirs(os.path.join(folder, "refused"), exist_ok=True)
    for name, model in models().items():
        model.save(os.path.join(folder, name + ".pt"))
    refused(os.path.join(folder, "refused"))


if __name__ == "__main__":
    main()
