"""A small GPT that generates greedily. `generate` keeps the keys and values of all positions in lists that grow;
`step` does the same over calls, with the cache in the instance, until `reset`."""

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TRACEABLE = False  # its control flow depends on the data


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, cache: Optional[Tuple[Tensor, Tensor]]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        """x: [batch, new, width]; cache: keys and values of the positions before, [batch, heads, past, width / heads]."""
        batch, new, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, new, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        past = 0
        if cache is not None:
            past = cache[0].size(2)
            k = torch.cat([cache[0], k], dim=2)
            v = torch.cat([cache[1], v], dim=2)
        visible = torch.ones(new, past + new, dtype=torch.bool).tril(past)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, new, width))
        return x + self.mlp(self.norm2(x)), (k, v)


class GPT(nn.Module):
    cache: Dict[int, Tuple[Tensor, Tensor]]

    def __init__(self, words: int = 512, width: int = 96, heads: int = 4, layers: int = 3, context: int = 128):
        super().__init__()
        self.context = context
        self.token = nn.Embedding(words, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.cache = {}
        self.length = 0

    def embed(self, tokens: Tensor, past: int) -> Tensor:
        if past + tokens.size(1) > self.context:
            raise ValueError(f"{past + tokens.size(1)} tokens, but the context has {self.context}")
        return self.token(tokens) + self.position(torch.arange(past, past + tokens.size(1)))

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: int64[batch, length]. The logits of the token after each: [batch, length, words]."""
        x = self.embed(tokens, 0)
        for block in self.blocks:
            x, _ = block(x, None)
        return F.linear(self.norm(x), self.token.weight)

    @torch.jit.export
    def generate(self, prompt: Tensor, count: int) -> Tensor:
        caches: List[Tuple[Tensor, Tensor]] = []
        tokens = prompt
        new = prompt
        for _ in range(count):
            x = self.embed(new, tokens.size(1) - new.size(1))
            for i, block in enumerate(self.blocks):
                x, kept = block(x, caches[i] if i < len(caches) else None)
                if i < len(caches):
                    caches[i] = kept
                else:
                    caches.append(kept)
            new = F.linear(self.norm(x[:, -1:]), self.token.weight).argmax(dim=2)
            tokens = torch.cat([tokens, new], dim=1)
        return tokens

    @torch.jit.export
    def step(self, tokens: Tensor) -> Tensor:
        """Takes the next tokens of the text, int64[batch, new]; returns the most likely one after them, int64[batch]."""
        x = self.embed(tokens, self.length)
        for i, block in enumerate(self.blocks):
            x, kept = block(x, self.cache[i] if i in self.cache else None)
            self.cache[i] = kept
        self.length += tokens.size(1)
        return F.linear(self.norm(x[:, -1]), self.token.weight).argmax(dim=1)

    @torch.jit.export
    def reset(self):
        self.cache.clear()
        self.length = 0


def example(batch: int, length: int):
    return (torch.randint(0, 512, (batch, length)),)


def build():
    torch.manual_seed(0)
    return GPT().eval(), example(1, 12)
