"""Small programs that together use what emitted source has: kernels of all kinds, control flow, containers, state, views
and in-place writes. Each has calls at its example's sizes and at others. As a script, `programs.py LIBRARY`, it loads a
library that was built from them, compares every call with PyTorch, and prints a hash of the results."""

import copy
import hashlib
import sys
import warnings
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "samples"), str(ROOT / "tests" / "models")]


class ConvNet(nn.Module):
    """A narrow net with every kind of convolution and pooling, and a residual sum."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.wide = nn.Conv2d(16, 40, 3, padding=1)
        self.same = nn.Conv2d(40, 40, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(40)
        self.depthwise = nn.Conv2d(40, 40, 3, 2, 1, groups=40)
        self.large = nn.Conv2d(40, 40, 5, padding=2, groups=40)
        self.grouped = nn.Conv2d(40, 24, 3, padding=1, groups=4)
        self.dilated = nn.Conv2d(24, 20, 3, padding=2, dilation=2)
        self.point = nn.Conv2d(20, 33, 1)
        self.average = nn.AvgPool2d(2, ceil_mode=False)
        self.head = nn.Linear(66, 10)

    def forward(self, x):
        x = torch.relu(self.wide(self.pool(self.stem(x))))
        x = torch.relu(self.norm(self.same(x)) + x)
        x = nn.functional.relu6(self.large(nn.functional.hardswish(self.depthwise(x))))
        x = self.point(torch.sigmoid(self.dilated(self.grouped(x))))
        x = torch.cat([self.average(x), -self.average(x)], 1)
        return torch.log_softmax(self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)), -1)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(30, 70), nn.GELU(), nn.LayerNorm(70), nn.Linear(70, 9), nn.Softmax(-1))

    def forward(self, x):
        return self.layers(x)


class Attention(nn.Module):
    """Fused attention, with a mask that hides keys."""

    def __init__(self):
        super().__init__()
        self.projection = nn.Linear(24, 72)

    def forward(self, x, mask):
        query, key, value = self.projection(x).view(x.size(0), x.size(1), 3, 3, 8).permute(2, 0, 3, 1, 4).unbind(0)
        return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class SpelledAttention(nn.Module):
    """Attention as programs spell it, with a mask that broadcasts either way: of several batches for one of queries, too. A query
    that sees no key has no number. Values are wider than queries; and without a mask, of one batch."""

    def __init__(self):
        super().__init__()
        self.projection, self.values = nn.Linear(24, 48), nn.Linear(24, 210)

    def forward(self, x, mask):
        query, key = self.projection(x).view(x.size(0), x.size(1), 2, 3, 8).permute(2, 0, 3, 1, 4).unbind(0)
        value = self.values(x).view(x.size(0), x.size(1), 3, 70).transpose(1, 2)
        scores = torch.matmul(query, key.transpose(-1, -2)) / 2.5 + mask
        heads = torch.matmul(torch.softmax(scores, -1), value)
        one = torch.bmm(torch.softmax(torch.bmm(x, x.permute(0, 2, 1)) * 0.5, 2), x)
        return heads, one, torch.matmul((mask + torch.matmul(query, key.transpose(2, 3))).softmax(3), query)


def hiding(*sizes):
    """Some keys are hidden, and all of those of the first query, or of all where one mask serves them."""
    mask = torch.zeros(sizes).masked_fill(torch.rand(sizes) > 0.8, float("-inf"))
    mask[..., :1, :] = mask[..., :1, :] if sizes[-2] == 1 else float("-inf")
    return mask


class Streaming(nn.Module):
    """Methods that write attributes."""

    history: List[Tensor]

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(5, 3)
        self.register_buffer("hidden", torch.zeros(1, 3))
        self.history = []
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.hidden = self.cell(x, self.hidden)
        self.history.append(self.hidden)
        if len(self.history) > 3:
            self.history.pop(0)
        self.steps += 1
        return torch.stack(self.history).mean(0)

    @torch.jit.export
    def restart(self) -> int:
        steps = self.steps
        self.steps = 0
        self.history.clear()
        self.hidden.zero_()
        return steps


class Views(nn.Module):
    """Writes through views, of inputs too."""

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        rows = x[1:, ::2]
        rows += 1.0
        y = x.clone()
        y.t()[0].mul_(2.0)
        y[:, -1] = x[:, 0]
        diagonal = torch.diagonal(y, 0, 0, 1)
        diagonal.clamp_(max=0.5)
        return y, rows.expand(2, rows.size(0), rows.size(1)).reshape(-1)


class Language(nn.Module):
    """Lists, dicts, strings, optionals and an early return."""

    def forward(self, words: List[str], scores: Dict[str, float], limit: Optional[int] = None) -> Tuple[str, Dict[str, float], float]:
        best, total = "", 0.0
        found: Dict[str, float] = {}
        for i, word in enumerate(words):
            if limit is not None and i >= limit:
                return best + "...", found, total
            key = word.strip().lower()
            if key in scores:
                found[key] = scores[key] * (i + 1)
                total += found[key]
                best = key if len(key) > len(best) else best
        return best.upper(), found, total


class Numbers(nn.Module):
    """Integers and booleans in vectors, sorting, gathering and reductions."""

    def forward(self, x: Tensor, index: Tensor):
        values, order = torch.sort(x, dim=-1, descending=True)
        picked = torch.gather(x, 1, index % x.size(1))
        small = torch.where(x > 0.5, x, torch.zeros_like(x))
        return values, order, picked, small.cumsum(-1), (x > 0.5).sum(0), torch.topk(x, 2)[0], index.to(torch.float32).std(0)


class Sizes(nn.Module):
    """Rows, columns and matrices of sizes at which a device's kernels are others, or sums get long."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(40, 130)

    def forward(self, x, wide, long):
        rows = wide[:, :1500].contiguous()
        normal = torch.layer_norm(rows, (1500,))
        return self.out(x), wide.softmax(-1), rows[:, :300].softmax(-1), normal, rows.sum(-1), long.sum(0)


def build():
    """{name: (module as torch.jit makes it, its twin in eager PyTorch, calls)}; a call is (method, inputs)."""
    from bert_encoder.model import BertEncoder
    from tagger.model import Tagger
    from torchscript_tutorial.models import build_all

    programs = {}

    def add(name, module, *calls, script=False):
        module = module.eval()
        calls = [call if isinstance(call[0], str) else ("forward", call) for call in calls]
        scripted = torch.jit.script(module) if script else torch.jit.trace(module, copy.deepcopy(calls[0][1]), strict=False)
        programs[name] = (scripted, module, calls)

    def tokens(batch, length):
        return torch.randint(0, 50, (batch, length)), (torch.rand(batch, length) < 0.8).to(torch.int64)

    def words(batch, length):
        ids, mask = tokens(batch, length)
        return ({"words": {"ids": ids, "mask": mask}},)

    torch.manual_seed(0)
    add("conv_net", ConvNet(), *[(torch.rand(n, 3, h, w),) for n, h, w in ((1, 64, 64), (2, 51, 70), (3, 64, 64))])
    add("mlp", Mlp(), *[(torch.randn(rows, 30),) for rows in (4, 1, 37)])
    add("attention", Attention(), *[(torch.randn(b, n, 24), torch.rand(n, n)) for b, n in ((2, 9), (1, 33), (3, 1))])
    sizes = [(2, 9, (2, 1, 1, 9)), (1, 70, (1, 1, 70, 70)), (1, 17, (2, 1, 17, 17)), (3, 1, (1, 3, 1, 1)), (2, 16, (1, 1, 1, 1))]
    add("spelled_attention", SpelledAttention(), *[(torch.randn(b, n, 24), hiding(*mask)) for b, n, mask in sizes])
    add("bert", BertEncoder(2, 32, 4, 50, 40), *[tokens(*size) for size in ((1, 16), (2, 7), (1, 40))])
    add("tagger", Tagger(50, 16, 5), *[words(*size) for size in ((2, 12), (1, 1), (5, 7))])
    add("scripted_tagger", Tagger(50, 16, 5), *[words(*size) for size in ((2, 12), (3, 4))], script=True)
    add("streaming", Streaming(), *[(torch.randn(1, 5),) for _ in range(5)], ("restart", ()), (torch.randn(1, 5),), script=True)
    add("views", Views(), (torch.rand(4, 6),), (torch.rand(7, 5),), script=True)
    add("language", Language(), ([" Ab", "c", "longer", "no"], {"ab": 1.5, "longer": 2.0}), (["x"] * 4, {"x": 1.0}, 2), script=True)
    add("sizes", Sizes(), (torch.randn(130, 40), torch.randn(3, 3000), torch.full((100000, 2), 0.1)))
    add("numbers", Numbers(), *[(torch.rand(n, 11), torch.randint(0, 99, (n, 6))) for n in (3, 20)], script=True)

    tutorials = build_all()
    rows = {"my_rnn_loop": [(torch.rand(n, 3, 4),) for n in (10, 1, 0)], "wrap_rnn": [(torch.rand(10, 3, 4),), (torch.rand(2, 3, 4),)],
            "my_module": [(torch.rand(20),), (-torch.rand(10, 20),)], "my_cell_scripted": [(torch.rand(3, 4), torch.rand(3, 4))],
            "trace_calls_script": [(torch.rand(3), torch.rand(3), torch.rand(3)), (torch.rand(9), torch.rand(9), torch.rand(9))]}  # fmt: skip
    for name, calls in rows.items():
        programs[name] = (tutorials[name], tutorials[name], [("forward", call) for call in calls])
    return programs


def bits(value):
    """All that a result holds, as bytes."""
    if hasattr(value, "__dlpack__"):
        return torch.from_dlpack(value).contiguous().numpy().tobytes()
    if isinstance(value, dict):
        value = [item for pair in value.items() for item in pair]
    return b"".join(map(bits, value)) if isinstance(value, (list, tuple)) else repr(value).encode()


def check_library(path, threads):
    import compare
    import tsc

    library = tsc.load(path, threads)
    programs = build()
    for name in library:
        _, module, calls = programs[name]
        digest = hashlib.sha256()
        has_state = name == "streaming"
        module = copy.deepcopy(module) if has_state else module
        for method, inputs in calls:
            function = module if method == "forward" else getattr(module, method)
            theirs = function(*copy.deepcopy(inputs))
            # Its state can't be made double.
            exact = compare.to_double(theirs) if has_state else compare.run_double(module, inputs, method)
            ours = library[name].methods[method](*copy.deepcopy(inputs))
            compare.compare(ours, theirs, exact, f"{name}.{method}")
            digest.update(bits(ours))
        print(f"{name}: {len(calls)} calls, {digest.hexdigest()}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    check_library(sys.argv[1], int(sys.argv[2]))
