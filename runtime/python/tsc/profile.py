"""Where the time of calls goes, by group of ops: in libraries that were compiled with --profile."""

import ctypes
from typing import List, NamedTuple, Tuple

from tsc import abi


class Op(NamedTuple):
    """An op of the program. `id` is the same whether the file was compiled with or without --no-fuse."""

    name: str  # "conv2d"
    source: str  # "resnet.py:97", or ""
    id: int


class Row(NamedTuple):
    """What is timed: a group of ops that one kernel computes, or an op that runs alone. No row holds another."""

    method: str  # "forward"
    name: str  # "layer1.0.conv1"
    kind: str  # of a group: "conv2d", "pointwise", ...; "generic": an op in no group; "copy": of a result
    ops: Tuple[Op, ...]
    calls: int
    seconds: float
    operations: int  # on elements, a multiply-add being two; 0 when not counted
    bytes: int  # that must be read and written once, if caches had no end; 0 when not counted


class Profile(List[Row]):
    """Rows in the order of the program. As text: those that ran, the slowest first."""

    def __str__(self) -> str:
        total = sum(row.seconds for row in self) or 1.0
        lines = [f"{'ms':>10}{'share':>8}{'calls':>8}{'GFLOP/s':>10}{'GB/s':>8}  what"]
        for row in sorted(self, key=lambda row: -row.seconds):
            if row.calls:
                lines.append(
                    f"{row.seconds * 1e3:>10.3f}{row.seconds / total:>8.1%}{row.calls:>8}{rate(row.operations, row.seconds):>10}"
                    f"{rate(row.bytes, row.seconds):>8}  {row.name}: {describe_ops(row)}"
                )
        return "\n".join([*lines, f"{total * 1e3:>10.3f}{'100.0%':>8}{'':26}  all rows"])


class Counters:
    """A library's table, and what it said when counting began."""

    def __init__(self, profile: abi.ProfileStruct):
        self._profile = profile
        self._rows = [
            (abi.text(row.method), abi.text(row.name), abi.text(row.kind),
             tuple(Op(abi.text(op.name), abi.text(op.source), op.id) for op in row.ops[: row.op_count]))
            for row in profile.rows[: profile.row_count]
        ]  # fmt: skip
        self._begin = [(0, 0, 0, 0)] * profile.row_count

    def times(self) -> List[Tuple[int, int, int, int]]:
        """Calls, nanoseconds, operations and bytes of each row."""
        count = self._profile.row_count
        numbers = ctypes.cast(self._profile.times, ctypes.POINTER(ctypes.c_uint64))[: 4 * count]
        return list(zip(numbers[::4], numbers[1::4], numbers[2::4], numbers[3::4]))

    def read(self, reset: bool) -> Profile:
        times = self.times()
        profile = Profile()
        for row, now, begin in zip(self._rows, times, self._begin):
            calls, nanoseconds, operations, size = (a - b for a, b in zip(now, begin))
            profile.append(Row(*row, calls, nanoseconds * 1e-9, operations, size))
        if reset:
            self._begin = times
        return profile


def rate(count: float, seconds: float) -> str:
    """In 10^9 a second; "" of nothing."""
    return f"{count / seconds * 1e-9:.1f}" if count and seconds else ""


def describe_ops(row: Row) -> str:
    """The ops by their Python lines, what repeats only once: "conv2d + relu (resnet.py:97)", "10 x (add + relu)"."""
    if not row.ops:
        return f"{row.kind} of a result" if row.kind == "copy" else row.kind
    by_source = {}
    for op in row.ops:
        by_source.setdefault(op.source, []).append(op.name)
    parts = []
    for source, names in by_source.items():
        parts.append(_shorten(names) + (f" ({source})" if source else ""))
    return " + ".join(parts)


def _shorten(names: List[str]) -> str:
    count = len(names)
    period = next(p for p in range(1, count + 1) if count % p == 0 and names == names[:p] * (count // p))
    text = " + ".join(names[:period])
    if period == count:
        return text
    return f"{count // period} x ({text})" if period > 1 else f"{count} x {text}"
