"""A tagger of words: nested dicts of tensors in, a dict out, as sequence-labelling libraries pass them around."""

from typing import Dict

import torch
from torch import Tensor, nn


class Tagger(nn.Module):
    def __init__(self, vocabulary: int = 1000, hidden: int = 128, tags: int = 17):
        super().__init__()
        self.tags = tags
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.encoder = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.projection = nn.Linear(2 * hidden, tags)

    def forward(self, tokens: Dict[str, Dict[str, Tensor]]) -> Dict[str, Tensor]:
        """tokens["words"]: ids and mask, both int64[batch, length]."""
        words = tokens["words"]["ids"]
        mask = tokens["words"]["mask"].unsqueeze(-1).to(torch.float32)
        encoded, _ = self.encoder(self.embedding(words) * mask)
        logits = self.projection(encoded * mask)
        batch, length = words.size()
        flat = torch.softmax(logits.view(-1, self.tags), dim=-1)
        return {"logits": logits, "probabilities": flat.view(batch, length, self.tags)}


def example(batch: int, length: int):
    """Random words, each sequence one shorter than the one before it."""
    ids = torch.randint(0, 1000, (batch, length))
    mask = (torch.arange(length) < length - torch.arange(batch).unsqueeze(1)).to(torch.int64)
    return ({"words": {"ids": ids, "mask": mask}},)


def build():
    torch.manual_seed(0)
    return Tagger().eval(), example(2, 12)
