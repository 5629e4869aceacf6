"""Small algorithms, refinement of optionals and unions, shapes, operators, packed sequences."""

from typing import Dict, List, Optional, Tuple, Union

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from language import Suite, on, randn

suite = Suite()
T = torch.Tensor


@suite((randn(3, 5, 4), torch.tensor([5, 3, 2])), (randn(2, 4, 4), torch.tensor([4, 4])))
class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 3, batch_first=True)
        self.lstm = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x, lengths):
        p = pack_padded_sequence(x, lengths, batch_first=True)
        y, h = self.gru(p)
        z, n = pad_packed_sequence(y, batch_first=True)
        q, (a, b) = self.lstm(p)
        return z, n, h, pad_packed_sequence(q, batch_first=True)[0], a, b


@suite((randn(3, 5, 4), torch.tensor([2, 5, 3])), (randn(2, 3, 4), torch.tensor([1, 3])))
class PackedUnsorted(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 3)

    def forward(self, x, lengths):
        p = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        z, n = pad_packed_sequence(p, batch_first=True, padding_value=-1.0, total_length=6)
        return z, n, p.data, p.batch_sizes


@suite((1,), ("x",), (None,), (2.5,))
class Refine(nn.Module):
    def forward(self, x: Optional[Union[int, str, float]]) -> str:
        if x is None:
            return "none"
        assert x is not None
        if not isinstance(x, (int, float)):
            return "s" + x
        if isinstance(x, int):
            y = x + 1
        else:
            y = int(x)
        return "n" + str(y)


@suite((1, None), (None, 2), (None, None), (3, 4))
class RefineAnd(nn.Module):
    def forward(self, a: Optional[int], b: Optional[int]):
        if a is not None and b is not None:
            return a + b
        if a is None and b is not None:
            return b * 10
        if b is None and a is not None:
            return a * 100
        return -1


@suite(([1, None],), ([None, None],), ([3, 4],))
class RefineLoop(nn.Module):
    def forward(self, xs: List[Optional[int]]):
        best: Optional[int] = None
        for x in xs:
            if x is not None:
                if best is None or x > best:
                    best = x
        return best


@suite((randn(2), None), (randn(2), randn(2)))
class OptionalAttr(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias: Optional[T] = None
        self.register_buffer("scale", torch.ones(2) * 3)
        self.register_parameter("missing", None)

    def forward(self, x, y: Optional[T] = None):
        if self.bias is not None:
            x = x + self.bias
        if self.missing is not None:
            x = x * self.missing
        if y is not None:
            x = x + y
        return x * self.scale


@suite((1,), (1, 5), (1, 5, "z"))
class DefaultArgs(nn.Module):
    def forward(self, a: int, b: int = 2, c: str = "c", d: float = 1.5, e: Optional[int] = None, f: bool = True):
        return a, b, c, d, e, f


@suite(({"a": {"b": [(1, "x"), (2, "y")]}},), ({},))
class Deep(nn.Module):
    def forward(self, t: Dict[str, Dict[str, List[Tuple[int, str]]]]):
        out: List[Dict[str, Tuple[List[int], Optional[str]]]] = []
        for k, v in t.items():
            for k2, xs in v.items():
                out.append({k + k2: ([n for n, s in xs], xs[0][1] if len(xs) > 0 else None)})
        return out, t


@suite((3,), (0,))
class ListOfLists(nn.Module):
    def forward(self, n: int):
        grid = [[0] * n for _ in range(n)]
        for i in range(n):
            for j in range(n):
                grid[i][j] = i * n + j
        t = [[row[i] for row in grid] for i in range(n)]
        shared = [[0]] * 2
        shared[0].append(1)
        return grid, t, shared


@suite((7,), (1,), (30,))
class Sieve(nn.Module):
    def forward(self, n: int):
        flags = [True] * (n + 1)
        primes: List[int] = []
        for i in range(2, n + 1):
            if flags[i]:
                primes.append(i)
                for j in range(i * i, n + 1, i):
                    flags[j] = False
        return primes


@suite(("the quick brown fox the lazy dog the end",), ("",))
class WordCount(nn.Module):
    def forward(self, s: str):
        counts: Dict[str, int] = {}
        for w in s.split():
            counts[w] = counts.get(w, 0) + 1
        pairs = sorted([(-c, w) for w, c in counts.items()])
        return pairs, {w: c for w, c in counts.items()}


@suite((10,), (0,), (1,))
class Fib(nn.Module):
    def forward(self, n: int):
        memo: Dict[int, int] = {0: 0, 1: 1}
        for i in range(2, n + 1):
            memo[i] = memo[i - 1] + memo[i - 2]
        a, b = 0, 1
        for _ in range(n):
            a, b = b, a + b
        return memo[n] if n in memo else -1, a


@suite(([5, 2, 9, 1],), ([],), ([3],))
class BubbleSort(nn.Module):
    def forward(self, xs: List[int]):
        n = len(xs)
        for i in range(n):
            swapped = False
            for j in range(n - i - 1):
                if xs[j] > xs[j + 1]:
                    xs[j], xs[j + 1] = xs[j + 1], xs[j]
                    swapped = True
            if not swapped:
                break
        return xs


@suite(([[1, 2], [3, 4]], [[5, 6], [7, 8]]))
class MatMulLists(nn.Module):
    def forward(self, a: List[List[int]], b: List[List[int]]):
        out: List[List[int]] = []
        for i in range(len(a)):
            row: List[int] = []
            for j in range(len(b[0])):
                s = 0
                for k in range(len(b)):
                    s += a[i][k] * b[k][j]
                row.append(s)
            out.append(row)
        return out


@suite(("((()))",), ("(()",), ("",), ("())",))
class Parens(nn.Module):
    def forward(self, s: str):
        stack: List[str] = []
        for c in s:
            if c == "(":
                stack.append(c)
            else:
                if len(stack) == 0:
                    return False
                stack.pop()
        return len(stack) == 0


@suite((48, 18), (7, 0), (17, 5))
class Gcd(nn.Module):
    def forward(self, a: int, b: int):
        while b:
            a, b = b, a % b
        return a


@suite((0.0, 4.0), (1.0, 1.5))
class Bisect(nn.Module):
    def forward(self, lo: float, hi: float):
        n = 0
        while hi - lo > 1e-6:
            mid = (lo + hi) / 2
            if mid * mid < 2.0:
                lo = mid
            else:
                hi = mid
            n += 1
        return lo, n


@suite((randn(2, 3),), (torch.tensor([[1, 2]]),), (torch.tensor(True),))
class TensorFacts(nn.Module):
    def forward(self, x):
        return (
            x.dim(), x.ndim, x.shape, x.size(), list(x.shape), x.numel(), x.is_floating_point(), x.dtype == torch.float32,
            x.is_cuda, x.requires_grad, x.device.type, x.is_contiguous(), len(x.shape), x.is_complex(),
            x.stride(),
        )


@suite((randn(2, 3),))
class ShapeUse(nn.Module):
    def forward(self, x):
        b, c = x.shape
        n = x.shape[0] * x.size(-1)
        y = x.reshape(n).view([c, b]).reshape(-1, 1).reshape((1, b * c))
        z = torch.zeros(x.shape).new_zeros([b, 2]).to(x)
        w = torch.empty_like(x).fill_(2.0).expand(3, b, c)
        return (
            y, z, w.sum(), torch.ones([c, b], dtype=torch.int64), torch.full((b,), c), torch.arange(b, c + 5, 2), x.new_ones(c),
            x.shape == torch.Size([2, 3]), x.shape[1:],
        )


@suite((randn(4),), (randn(1),))
class Unpacks(nn.Module):
    def forward(self, x):
        v, i = x.max(0)
        a = x.topk(1)
        s, idx = torch.sort(x, descending=True)
        q = torch.aminmax(x)
        m, n = torch.meshgrid([x, x])
        mean, std = torch.var_mean(x, 0, unbiased=False)
        return v, i, a.values, a.indices, s, idx, q, m, mean, std


@suite((randn(3), 2), (randn(3), -2))
class NegativeSteps(nn.Module):
    def forward(self, x, n: int):
        t = [1, 2, 3, 4, 5]
        return t[::-1], t[n:], t[:n], t[-3:-1], t[3:0:-1], x.flip(0), "hello"[::-1], t[n]


@suite((3,), (0,))
class Lambdas(nn.Module):
    def forward(self, n: int):
        x = (n, (n + 1, n + 2))
        (a, (b, c)) = x
        d, e = [n, n * 2]
        f = g = n + 5
        d, e = e, d
        return a, b, c, d, e, f, g, _under(n)


def _under(n: int) -> int:
    """Docstrings are skipped."""
    if n > 2:
        return 1
    x: int = n
    x += 1
    pass
    del n
    return x


@suite((3,), (-1,))
class AssertMsg(nn.Module):
    def forward(self, n: int):
        assert n > 0, "n must be positive"
        assert isinstance(n, int)
        return n


class MyError(Exception):
    pass


@suite((3,), (-1,), (0,), (1,), (2,))
class RaiseKinds(nn.Module):
    def forward(self, n: int) -> int:
        if n == -1:
            raise MyError("custom")
        if n == 0:
            raise NotImplementedError
        if n == 1:
            raise KeyError("k")
        if n == 2:
            raise TypeError(f"bad {n}")
        return n


@suite((3,), (0,))
class RaiseInLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = torch.jit.Attribute([], List[int])

    def forward(self, n: int) -> List[int]:
        for i in range(5):
            self.seen.append(i)
            if i == n:
                raise ValueError("stop " + str(i))
        return self.seen


@suite((randn(2, 2),))
class Dunder(nn.Module):
    def forward(self, x):
        return (
            x @ x, x ** 2, 2 ** x, -x, ~(x > 0), x // 1, x % 1, (x > 0) & (x < 1), (x > 0) | (x < -1), (x > 0) ^ (x > 1),
            x.T, x.mT, 1 - x, 1 / x, x == x, x != 0,
        )


@suite((randn(2, 2),))
class Augment(nn.Module):
    def forward(self, x):
        y = x.clone()
        y += 1
        y -= x
        y *= 2
        y /= 3
        z = y.long()
        z |= 1
        z &= 7
        z ^= 2
        z %= 5
        y **= 2
        return y, z


@suite((randn(2, 3), "sum"), (randn(2, 3), "mean"), (randn(2, 3), "max"), (randn(2, 3), "none"))
class StringDispatch(nn.Module):
    def forward(self, x, kind: str):
        if kind in ["sum", "mean"]:
            y = x.sum() if kind == "sum" else x.mean()
        elif kind == "max":
            y = x.max()
        else:
            raise ValueError(f"unknown kind {kind}")
        return y


@suite((randn(2, 3),))
class Hasattr(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = 2.0

    def forward(self, x):
        if hasattr(self, "w"):
            x = x * self.w
        if hasattr(self, "nope"):
            x = x * self.nope
        if torch.jit.is_scripting():
            x = x + 1
        if torch.jit.is_tracing():
            x = x + 100
        return x, getattr(self, "w")


@suite((randn(2, 3),))
class Properties(nn.Module):
    def __init__(self):
        super().__init__()
        self._w = 2.0

    @property
    def w(self) -> float:
        return self._w * 2

    @w.setter
    def w(self, v: float):
        self._w = v

    @staticmethod
    def twice(x: T) -> T:
        return x * 2

    def forward(self, x):
        a = self.w
        self.w = 7.0
        return self.twice(x) * self.w, a, self._w


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)
