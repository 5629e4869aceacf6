"""Programs as people write them: decoding loops, detection, text, streams."""

from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


class Hypothesis(NamedTuple):
    tokens: List[int]
    score: float


@suite((torch.tensor([[1, 2, 3]]), 4, 2), (torch.tensor([[5]]), 6, 3), (torch.tensor([[0, 7]]), 1, 1))
class BeamSearch(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(10, 8)
        self.cell = nn.GRUCell(8, 8)
        self.out = nn.Linear(8, 10)

    def _encode(self, source):
        h = torch.zeros(1, 8)
        for i in range(source.size(1)):
            h = self.cell(self.embed(source[:, i]), h)
        return h

    def forward(self, source, steps: int, width: int) -> List[Hypothesis]:
        h = self._encode(source)
        beams: List[Tuple[Hypothesis, torch.Tensor]] = [(Hypothesis([0], 0.0), h)]
        for _ in range(steps):
            candidates: List[Tuple[float, List[int], torch.Tensor]] = []
            for hypothesis, state in beams:
                token = torch.tensor([hypothesis.tokens[-1]])
                state = self.cell(self.embed(token), state)
                scores, ids = torch.log_softmax(self.out(state), -1).topk(width)
                for k in range(width):
                    total = hypothesis.score + float(scores[0, k])
                    candidates.append((total, hypothesis.tokens + [int(ids[0, k])], state))
            order = sorted([c[0] for c in candidates])
            order.reverse()
            threshold = order[width - 1]
            beams = []
            for total, tokens, state in candidates:
                if total >= threshold and len(beams) < width:
                    beams.append((Hypothesis(tokens, round(total * 1000) / 1000), state))
        return [beam[0] for beam in beams]


@suite((randn(6, 4).abs(), randn(6), 0.5), (randn(1, 4), randn(1), 0.1), (torch.zeros(0, 4), torch.zeros(0), 0.5))
class Suppression(nn.Module):
    def forward(self, boxes, scores, threshold: float) -> Dict[str, torch.Tensor]:
        boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:].abs()], 1)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        order = torch.argsort(scores, descending=True)
        kept: List[torch.Tensor] = []
        while order.numel() > 0:
            best = order[0]
            kept.append(best)
            if order.numel() == 1:
                break
            rest = order[1:]
            low = torch.max(boxes[best, :2], boxes[rest, :2])
            high = torch.min(boxes[best, 2:], boxes[rest, 2:])
            size = (high - low).clamp(min=0)
            overlap = size[:, 0] * size[:, 1]
            union = areas[best] + areas[rest] - overlap
            order = rest[overlap / union <= threshold]
        if len(kept) == 0:
            index = torch.zeros(0, dtype=torch.int64)
        else:
            index = torch.stack(kept)
        return {"boxes": boxes[index], "scores": scores[index], "index": index}


@suite((torch.tensor([[1, 2, 3]]), 5), (torch.tensor([[4]]), 3), (torch.tensor([[9, 8, 7, 6, 5]]), 0))
class GreedyDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.embed = nn.Embedding(12, 8)
        self.qkv = nn.ModuleList([nn.Linear(8, 24) for _ in range(2)])
        self.out = nn.Linear(8, 12)

    def forward(self, ids, steps: int) -> Tuple[torch.Tensor, List[torch.Tensor]]:
        cache: List[torch.Tensor] = []
        x = self.embed(ids)
        for step in range(steps):
            for i, layer in enumerate(self.qkv):
                q, k, v = layer(x).chunk(3, -1)
                kv = torch.stack([k, v])
                if len(cache) <= i:
                    cache.append(kv)
                else:
                    cache[i] = torch.cat([cache[i], kv], 2)
                mask = torch.ones(q.size(1), cache[i].size(2), dtype=torch.bool).tril(cache[i].size(2) - q.size(1))
                scores = (q @ cache[i][0].transpose(1, 2)) / 8**0.5
                scores = scores.masked_fill(~mask, float("-inf"))
                x = x + torch.softmax(scores, -1) @ cache[i][1]
            token = self.out(x[:, -1]).argmax(-1, keepdim=True)
            ids = torch.cat([ids, token], 1)
            if int(token) == 0:
                break
            x = self.embed(token)
        return ids, cache


@suite((randn(5),), (randn(3),), (randn(8),), on("flush"), (randn(2),), on("flush"), on("flush"))
class StreamingFilter(nn.Module):
    """Frames of 4 with a hop of 2 over chunks of any length; the rest waits for the next chunk."""

    def __init__(self):
        super().__init__()
        self.register_buffer("rest", torch.zeros(0))
        self.register_buffer("window", torch.tensor([0.5, 1.0, 1.0, 0.5]))
        self.frames = 0

    def forward(self, chunk) -> List[torch.Tensor]:
        signal = torch.cat([self.rest, chunk])
        out: List[torch.Tensor] = []
        at = 0
        while at + 4 <= signal.size(0):
            out.append(signal[at : at + 4] * self.window)
            at += 2
        self.rest = signal[at:].clone()
        self.frames += len(out)
        return out

    @torch.jit.export
    def flush(self) -> Tuple[int, torch.Tensor]:
        rest = self.rest
        frames = self.frames
        self.rest = torch.zeros(0)
        self.frames = 0
        return frames, rest


@suite((["the cat", "a dog barks", ""], 4), (["x"], 1), ([], 3))
class Tokeniser(nn.Module):
    def __init__(self):
        super().__init__()
        self.vocabulary = {"<pad>": 0, "<unk>": 1, "the": 2, "cat": 3, "dog": 4}

    def forward(self, texts: List[str], length: int) -> Tuple[torch.Tensor, torch.Tensor, Dict[str, int]]:
        ids = torch.zeros(len(texts), length, dtype=torch.int64)
        lengths: List[int] = []
        unknown: Dict[str, int] = {}
        for i, text in enumerate(texts):
            words = text.lower().split()
            n = 0
            for word in words[:length]:
                if word in self.vocabulary:
                    ids[i, n] = self.vocabulary[word]
                else:
                    ids[i, n] = 1
                    unknown[word] = unknown.get(word, 0) + 1
                n += 1
            lengths.append(n)
        return ids, torch.tensor(lengths, dtype=torch.int64), unknown


@suite((randn(7, 2, 4),), (randn(1, 3, 4),), (randn(2, 1, 4), torch.ones(1, 4)))
class LoopOverCell(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.cell = nn.LSTMCell(4, 4)

    def forward(self, x, h0: Optional[torch.Tensor] = None):
        h = torch.zeros(x.size(1), 4) if h0 is None else h0
        c = torch.zeros_like(h)
        outputs: List[torch.Tensor] = []
        for t in range(x.size(0)):
            h, c = self.cell(x[t], (h, c))
            outputs.append(h)
        return torch.stack(outputs), (h, c)


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
