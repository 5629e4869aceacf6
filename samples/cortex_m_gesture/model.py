"""A recogniser of gestures: an LSTM over 16 readings of an accelerometer, and a gate that asks for confidence."""

import copy
from typing import Tuple

import torch
from torch import Tensor, nn

TRACEABLE = False  # its result is a bool, too


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 16, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, readings: Tensor) -> Tensor:
        steps, _ = self.lstm(readings)
        return torch.softmax(self.head(steps[:, -1]), dim=1)


class Gesture(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = Classifier()

    def forward(self, readings: Tensor) -> Tuple[Tensor, bool]:
        probabilities = self.classifier(readings)
        # Nothing is said of a movement that looks like none of the four.
        sure = False
        if probabilities.amax(1).item() > 0.26:
            sure = True
        else:
            probabilities = probabilities * 0.0
        return probabilities, sure

    def to_torchscript(self, example):
        """The network is traced, and the gate, of which a trace would follow one branch, scripted."""
        module = copy.deepcopy(self)
        module.classifier = torch.jit.trace(module.classifier, example)
        return torch.jit.script(module)


def build():
    torch.manual_seed(0)
    return Gesture().eval(), (torch.randn(1, 16, 3),)
