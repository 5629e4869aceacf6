"""Recurrent networks as products and scans."""

import torch
from torch import nn

from conftest import Case, case_tests


class WithState(nn.Module):
    """The caller keeps the state."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, *state):
        return self.network(x, state if len(state) == 2 else state[0])


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = network(nn.LSTM, num_layers=2)

    def forward(self, x):
        return self.network(x)[0]


def shapes(*sizes):
    return [torch.randn(size) for size in sizes]


def network(kind, **options):
    torch.manual_seed(0)
    return kind(5, 19, **options)


CASES = [
    Case("lstm", network(nn.LSTM), *shapes((7, 2, 5), (1, 1, 5), (3, 9, 5), (0, 2, 5))),
    Case("lstm_layers", network(nn.LSTM, num_layers=3, bidirectional=True), *shapes((4, 2, 5), (9, 1, 5))),
    Case("lstm_batch_first", network(nn.LSTM, batch_first=True, bidirectional=True), *shapes((2, 6, 5), (1, 1, 5), (5, 3, 5))),
    Case("lstm_no_bias", network(nn.LSTM, bias=False, num_layers=2), *shapes((3, 2, 5), (6, 1, 5))),
    Case("lstm_projected", network(nn.LSTM, proj_size=7), *shapes((3, 2, 5), (6, 1, 5))),
    Case(
        "lstm_state",
        WithState(network(nn.LSTM, num_layers=2)),
        (torch.randn(3, 2, 5), torch.randn(2, 2, 19), torch.randn(2, 2, 19)),
        (torch.randn(1, 4, 5), torch.randn(2, 4, 19), torch.randn(2, 4, 19)),
    ),
    Case("gru", network(nn.GRU), *shapes((7, 2, 5), (1, 1, 5), (3, 9, 5), (0, 2, 5))),
    Case("gru_layers", network(nn.GRU, num_layers=2, bidirectional=True, batch_first=True), *shapes((2, 6, 5), (3, 1, 5))),
    Case("gru_no_bias", network(nn.GRU, bias=False), *shapes((3, 2, 5), (6, 1, 5))),
    Case("gru_state", WithState(network(nn.GRU)), (torch.randn(3, 2, 5), torch.randn(1, 2, 19)), (torch.randn(5, 1, 5), torch.randn(1, 1, 19))),
    Case("rnn", network(nn.RNN, num_layers=2, bidirectional=True), *shapes((7, 2, 5), (1, 3, 5))),
    Case("lstm_scripted", Scripted(), *shapes((7, 2, 5), (1, 3, 5)), script=True),
]

bundles, test = case_tests(CASES)
