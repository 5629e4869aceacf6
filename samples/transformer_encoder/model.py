"""nn.TransformerEncoder as PyTorch has it, whose inference calls one fused op for each layer."""

import torch
from torch import nn


def build():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(d_model=256, nhead=8, dim_feedforward=1024, batch_first=True)
    return nn.TransformerEncoder(layer, num_layers=4).eval(), (torch.randn(1, 64, 256),)
