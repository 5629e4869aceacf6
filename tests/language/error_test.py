"""Exceptions: class, message and Python line at the border."""

from typing import Dict, List, Optional

import torch
from torch import nn

from language import Suite, on, randn

suite = Suite()


@suite((1,), (-1,), (0,), (200,), (2,))
class Raises(nn.Module):
    def forward(self, n: int) -> int:
        if n < 0:
            raise ValueError(f"n is {n}, not positive")
        if n == 0:
            raise RuntimeError("zero")
        if n > 100:
            raise IndexError("{} is more than {}".format(n, 100))
        return n


@suite((3,), (-3,))
class Asserts(nn.Module):
    def forward(self, n: int) -> int:
        assert n > 0, f"n must be positive, got {n}"
        return n * 2


@suite((3,), (-3,))
class AssertsSilently(nn.Module):
    def forward(self, n: int) -> int:
        assert n > 0
        return n * 2


@suite((2,), (-1,), (5,), (-6,), class_name="IndexError", message=None)
class ListIndex(nn.Module):
    def forward(self, i: int) -> int:
        xs = [1, 2, 3]
        total = 1
        total += xs[i]
        return total


@suite(("a",), ("z",), class_name="KeyError", message=None)
class MissingKey(nn.Module):
    def forward(self, key: str) -> int:
        table = {"a": 1, "b": 2}
        return table[key]


@suite((randn(2, 3), 1), (randn(2, 3), 5), class_name="IndexError", message=None)
class TensorIndex(nn.Module):
    def forward(self, x, i: int):
        return x[i]


@suite((randn(2, 3), randn(3, 2)), (randn(2, 3), randn(2, 3)), message=None)
class MatmulShapes(nn.Module):
    def forward(self, x, y):
        z = x + 0
        return z @ y


@suite((4, 2), (4, 0))
class DivisionByZero(nn.Module):
    def forward(self, a: int, b: int) -> int:
        c = a + 1
        return c // b


@suite((8, 2), (8, 0), (0, 1))
class UnusedDivision(nn.Module):
    def forward(self, a: int, b: int) -> int:
        if a // b == -2 or b // b == 2:
            raise ValueError("never")
        return a


@suite(([1, 2],), ([],), class_name="IndexError", message=None)
class PopEmpty(nn.Module):
    def forward(self, xs: List[int]) -> int:
        return xs.pop()


@suite((1,), (None,), message=None)
class NoneAssert(nn.Module):
    def forward(self, n: Optional[int]) -> int:
        assert n is not None
        return n + 1


def checked(n: int) -> int:
    if n > 3:
        raise ValueError("too large: " + str(n))
    return n


@suite((1,), (3,), (9,))
class RaisesInFunction(nn.Module):
    def forward(self, n: int) -> int:
        total = 0
        for i in range(n):
            total += checked(i)
        return total


@suite((randn(3),), (-randn(3).abs(),))
class RaisesOnTensor(nn.Module):
    def forward(self, x):
        y = x * 2
        if bool((y < 0).all()):
            raise ValueError("all of {} are negative".format(y.numel()))
        return y


@suite((1,), (0,))
class RaisesCustom(nn.Module):
    def forward(self, n: int) -> int:
        if n == 0:
            raise NotImplementedError
        return n


@suite(([1, 2],), ([1, 2, 3],), message=None)
class UnpackMismatch(nn.Module):
    def forward(self, xs: List[int]) -> int:
        a, b = xs
        return a - b


@suite(("12",), ("x",), class_name="ValueError", message=None)
class IntOfText(nn.Module):
    def forward(self, s: str) -> int:
        return int(s)


@suite((randn(3, 2), torch.tensor([2, 0])), (randn(3, 2), torch.tensor([-1, 0])), class_name="RuntimeError", message=None)
class CopyToRows(nn.Module):
    """Indices of index_copy don't count from the end."""

    def forward(self, x, index):
        return x.index_copy(0, index, torch.ones(2, 2))


@suite((randn(3, 2), torch.tensor([0, 3])), class_name="IndexError", message=None)
class CopyBeyondRows(CopyToRows):
    pass


def test_same_as_torch(case, compiled):
    suite.check(case, compiled)


@suite((3,), (0,), message=None)
class MixedNumbers(nn.Module):
    """A list of a float and an int is one of a union, of which torch.tensor makes nothing."""

    def forward(self, n: int):
        return torch.tensor([1.5, n])


@suite(([[3, 1], [1, 2]],), message=None)
class SortedLists(nn.Module):
    def forward(self, lists: List[List[int]]):
        lists.sort()
        return lists
