"""Two layers of LSTM over sequences, batch first; returns the outputs and the last state."""

from typing import Optional, Tuple

import torch
from torch import Tensor, nn


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(256, 256, num_layers=2, batch_first=True)

    def forward(self, x: Tensor, state: Optional[Tuple[Tensor, Tensor]] = None) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        return self.lstm(x, state)


def build():
    torch.manual_seed(0)
    return Lstm().eval(), (torch.randn(1, 100, 256),)
