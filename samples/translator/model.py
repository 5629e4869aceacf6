"""A translator of words: a GRU encoder, a decoder with attention, and beam search, all of it in the program.

`forward` returns ids, `translate` takes and returns text. Both pick the best of `beam` hypotheses, whose lengths differ.
"""

from typing import Dict, Final, List, NamedTuple, Tuple

import torch
from torch import Tensor, nn

TRACEABLE = False  # its control flow depends on the data

BEGIN, END, UNKNOWN = 0, 1, 2


class Hypothesis(NamedTuple):
    tokens: List[int]
    score: float
    hidden: Tensor


class Encoder(nn.Module):
    def __init__(self, words: int, hidden: int):
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.gru = nn.GRU(hidden, hidden, bidirectional=True, batch_first=True)
        self.join = nn.Linear(2 * hidden, hidden)

    def forward(self, tokens: Tensor) -> Tuple[Tensor, Tensor]:
        outputs, hidden = self.gru(self.embedding(tokens))
        first = torch.tanh(self.join(torch.cat([hidden[0], hidden[1]], dim=1)))
        return self.join(outputs), first


class AttentionDecoder(nn.Module):
    def __init__(self, words: int, hidden: int):
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.cell = nn.GRUCell(2 * hidden, hidden)
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.energy = nn.Linear(hidden, 1, bias=False)
        self.output = nn.Linear(2 * hidden, words)

    def forward(self, token: Tensor, hidden: Tensor, memory: Tensor) -> Tuple[Tensor, Tensor]:
        """token: int64[rows]; hidden: [rows, hidden]; memory: [1, length, hidden]. Log-probabilities and new hidden."""
        energies = self.energy(torch.tanh(self.query(hidden).unsqueeze(1) + self.key(memory)))
        weights = torch.softmax(energies.squeeze(2), dim=1)
        context = torch.matmul(weights, memory.squeeze(0))
        hidden = self.cell(torch.cat([self.embedding(token), context], dim=1), hidden)
        logits = self.output(torch.cat([hidden, context], dim=1))
        return torch.log_softmax(logits, dim=1), hidden


class Translator(nn.Module):
    BEGIN: Final[int]
    END: Final[int]
    UNKNOWN: Final[int]
    source_ids: Dict[str, int]
    target_words: List[str]

    def __init__(self, source: List[str], target: List[str], hidden: int = 48, beam: int = 4, max_length: int = 20):
        super().__init__()
        self.BEGIN, self.END, self.UNKNOWN = BEGIN, END, UNKNOWN
        special = ["<begin>", "<end>", "<unknown>"]
        self.source_ids = {word: i for i, word in enumerate(special + source)}
        self.target_words = special + target
        self.beam = beam
        self.max_length = max_length
        self.encoder = Encoder(len(special) + len(source), hidden)
        self.decoder = AttentionDecoder(len(self.target_words), hidden)

    def forward(self, tokens: Tensor) -> Tuple[Tensor, float]:
        """tokens: int64[length], ending with END. The best translation's ids and its score per token."""
        memory, first = self.encoder(tokens.unsqueeze(0))
        alive = [Hypothesis([self.BEGIN], 0.0, first[0])]
        finished: List[Hypothesis] = []
        for _ in range(self.max_length):
            last = torch.tensor([h.tokens[-1] for h in alive])
            scores, hidden = self.decoder(last, torch.stack([h.hidden for h in alive]), memory)
            best, ids = scores.topk(self.beam, dim=1)
            grown: List[Hypothesis] = []
            for row, hypothesis in enumerate(alive):
                for column in range(self.beam):
                    token = int(ids[row, column])
                    score = hypothesis.score + float(best[row, column])
                    grown.append(Hypothesis(hypothesis.tokens + [token], score, hidden[row]))
            order = torch.tensor([h.score for h in grown], dtype=torch.float64).argsort(descending=True)
            alive = []
            places: List[int] = order.tolist()
            for place in places:
                hypothesis = grown[place]
                if hypothesis.tokens[-1] == self.END:
                    finished.append(hypothesis)
                elif len(alive) < self.beam:
                    alive.append(hypothesis)
            if len(finished) >= self.beam or len(alive) == 0:
                break
        candidates = finished if len(finished) > 0 else alive
        winner = candidates[0]
        for candidate in candidates[1:]:
            if candidate.score / len(candidate.tokens) > winner.score / len(winner.tokens):
                winner = candidate
        return torch.tensor(winner.tokens), winner.score / len(winner.tokens)

    @torch.jit.export
    def translate(self, text: str) -> str:
        words = text.strip().lower().replace(",", " ,").replace(".", " .").split()
        if len(words) == 0:
            raise ValueError("nothing to translate")
        source = [self.source_ids[word] if word in self.source_ids else self.UNKNOWN for word in words]
        ids, _ = self.forward(torch.tensor(source + [self.END]))
        result: List[str] = []
        tokens: List[int] = ids.tolist()
        for token in tokens:
            if token != self.BEGIN and token != self.END:
                result.append(self.target_words[token])
        return " ".join(result)


def example(length: int):
    return (torch.cat([torch.randint(3, 40, (length,)), torch.tensor([END])]),)


def build():
    torch.manual_seed(0)
    source = "i you he she it we they am is are good bad cold red blue house tree dog cat bread water eat drink see".split()
    target = "ich du er sie es wir ihr bin ist sind gut schlecht kalt rot blau haus baum hund katze brot wasser esse".split()
    return Translator(source + [",", "."] + [f"w{i}" for i in range(20)], target + [",", "."]).eval(), example(7)
