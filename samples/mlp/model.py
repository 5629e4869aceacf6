"""Three linear layers: the smallest model that shows packing and fusion."""

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 256)
        self.fc3 = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def build():
    torch.manual_seed(0)
    return MLP().eval(), (torch.randn(1, 784),)
