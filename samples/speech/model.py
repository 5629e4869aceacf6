"""A recogniser of speech that hears a stream: chunks of samples of any length in, letters out as they become certain.

The samples that fill no frame yet, the context of the convolutions, the recurrent state and the last letter are in the
instance; `reset` begins a new stream. What comes out doesn't depend on how the stream is cut into chunks.
"""

from typing import List, Tuple

import torch
from torch import Tensor, nn

TRACEABLE = False  # its control flow depends on the data

LETTERS = "_ abcdefghijklmnopqrstuvwxyz'"  # the first is CTC's blank


class CausalConv(nn.Module):
    """A convolution over time which sees `kernel - 1` frames before a chunk."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel)
        self.register_buffer("context", torch.zeros(1, inputs, kernel - 1))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.context, x], dim=2)
        self.context.copy_(x[:, :, x.size(2) - self.context.size(2) :])
        return torch.relu(self.conv(x))


class Recogniser(nn.Module):
    def __init__(self, window: int = 256, hop: int = 160, bands: int = 24, hidden: int = 64):
        super().__init__()
        self.window = window
        self.hop = hop
        steps = torch.arange(window, dtype=torch.float32)
        angle = 2 * torch.pi * torch.arange(bands, dtype=torch.float32)[:, None] * (steps + 0.5) / window
        hann = 0.5 - 0.5 * torch.cos(2 * torch.pi * steps / window)
        self.register_buffer("cosines", torch.cos(angle) * hann)
        self.register_buffer("sines", torch.sin(angle) * hann)
        self.register_buffer("samples", torch.zeros(0))
        self.conv1 = CausalConv(bands, hidden, 3)
        self.conv2 = CausalConv(hidden, hidden, 3)
        self.gru = nn.GRU(hidden, hidden, num_layers=2, batch_first=True)
        self.register_buffer("hidden", torch.zeros(2, 1, hidden))
        self.output = nn.Linear(hidden, len(LETTERS))
        self.letters = LETTERS
        self.last = 0
        self.frames = 0

    def spectrum(self, chunk: Tensor) -> Tensor:
        """Takes samples; returns the log spectrum of the frames that became full: [frames, bands]."""
        self.samples = torch.cat([self.samples, chunk])
        if self.samples.numel() < self.window:
            return torch.zeros(0, self.cosines.size(0))
        frames = self.samples.unfold(0, self.window, self.hop)
        self.samples = self.samples[frames.size(0) * self.hop :]
        power = (frames @ self.cosines.t()) ** 2 + (frames @ self.sines.t()) ** 2
        return torch.log(power + 1e-6)

    def forward(self, chunk: Tensor) -> Tuple[str, Tensor]:
        """chunk: float32[samples], at least one. The letters heard, and the log-probabilities of each frame."""
        if chunk.dim() != 1:
            raise ValueError(f"a chunk has one dimension, not {chunk.dim()}")
        spectrum = self.spectrum(chunk)
        if spectrum.size(0) == 0:
            return "", torch.zeros(0, len(self.letters))
        x = self.conv2(self.conv1(spectrum.t().unsqueeze(0)))
        x, self.hidden = self.gru(x.transpose(1, 2), self.hidden)
        scores = torch.log_softmax(self.output(x[0]), dim=1)
        self.frames += scores.size(0)
        heard: List[str] = []
        letters: List[int] = scores.argmax(dim=1).tolist()
        for letter in letters:
            if letter != self.last and letter != 0:
                heard.append(self.letters[letter])
            self.last = letter
        return "".join(heard), scores

    @torch.jit.export
    def seconds(self, rate: float = 16000.0) -> float:
        return self.frames * self.hop / rate

    @torch.jit.export
    def reset(self):
        self.samples = torch.zeros(0)
        self.conv1.context.zero_()
        self.conv2.context.zero_()
        self.hidden = torch.zeros_like(self.hidden)
        self.last = 0
        self.frames = 0


def example(samples: int):
    return (torch.randn(samples),)


def build():
    torch.manual_seed(0)
    model = Recogniser().eval()
    for parameter in model.gru.parameters():  # as they are begun, they hear nearly the same letter everywhere
        parameter.data *= 4
    return model, example(1600)
