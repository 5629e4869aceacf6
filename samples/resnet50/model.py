"""ResNet-50: the bottleneck blocks of ../resnet18/model.py."""

import torch

from resnet18.model import Bottleneck, ResNet, spread_statistics


def build():
    torch.manual_seed(0)
    return spread_statistics(ResNet(Bottleneck, [3, 4, 6, 3])).eval(), (torch.randn(1, 3, 224, 224),)
