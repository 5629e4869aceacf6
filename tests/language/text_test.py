"""Strings."""

from typing import List

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((3, 1.5, "x"), (-7, 1e20, ""), (0, 0.1, "é"), (1, float("inf"), "a b"), (2, 100.0, "q"), (2, 1e-7, "q"), (2, 123456789.123, "q"))
class Formats(nn.Module):
    def forward(self, n: int, f: float, s: str):
        return f"{n} and {f}: {s}", "{} {}".format(n, s), "%d|%s" % (n, s), str(n) + str(f), str(n > 0), str(None)


@suite(("a,b,,c", ","), ("", ","), ("abc", "x"), ("a--b--c", "--"))
class SplitJoin(nn.Module):
    def forward(self, s: str, by: str):
        parts = s.split(by)
        return parts, by.join(parts), s.split(), len(parts), s.rsplit(by, 1), s.split(by, 1), s.partition(by), s.rpartition(by)


@suite(("Hello World",), ("",), ("abc123",), ("   pad  ",), ("UPPER",))
class StringMethods(nn.Module):
    def forward(self, s: str):
        return (
            s.upper(), s.lower(), s.strip(), s.lstrip(), s.rstrip(), s.replace("l", "LL"), s.find("o"), s.rfind("o"), s.count("l"),
            s.startswith("He"), s.endswith("ld"), s.isdigit(), s.isalpha(), s.isalnum(), s.isupper(), s.islower(), s.isspace(),
            s.capitalize(), s.title(), s.swapcase(), s.center(14, "*"), s.ljust(13, "."), s.rjust(13), s.zfill(12), len(s),
        )


@suite(("hello", 1, 3), ("hello", -3, -1), ("", 0, 1), ("abc", 2, 1))
class StringSlices(nn.Module):
    def forward(self, s: str, a: int, b: int):
        out: List[str] = []
        for c in s:
            out.append(c)
        return s[a:b], s[:b], s[a:], s[::2], out, "l" in s, s + s[:1]


@suite(("a", "b"), ("b", "a"), ("", ""), ("aa", "a"))
class StringOrder(nn.Module):
    def forward(self, a: str, b: str):
        return a < b, a <= b, a == b, a != b, a > b, a >= b


@suite(("65",), ("-12",))
class Conversions(nn.Module):
    def forward(self, s: str):
        n = int(s)
        return n, float(s), str(n), ord("A"), chr(66), hex(n), oct(n), bin(n), bool(n), str(float(n)), "ab"[0], "ab"[-1]


@suite(("the cat the dog",), ("",), ("a",))
class Tokenise(nn.Module):
    def __init__(self):
        super().__init__()
        self.vocabulary = {"the": 1, "cat": 2, "dog": 3}

    def forward(self, text: str):
        ids: List[int] = []
        for word in text.split():
            ids.append(self.vocabulary.get(word, 0))
        return torch.tensor(ids), ids


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
