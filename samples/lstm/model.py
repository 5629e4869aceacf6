"""Two layers of nn.LSTM over sequences, batch first; returns the outputs and the last state."""

import torch
from torch import nn


def build():
    torch.manual_seed(0)
    return nn.LSTM(256, 256, num_layers=2, batch_first=True).eval(), (torch.randn(1, 100, 256),)
