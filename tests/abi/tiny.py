"""The Python program of tiny.cpp."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch


def check_rank(x: torch.Tensor) -> torch.Tensor:
    if x.dim() != 2:
        # The position of the error in check().
        raise ValueError(f"expected a matrix, got rank {x.dim()}")
    return x


@torch.jit.script
class Window:
    def __init__(self, begin: int, end: int):
        self.begin = begin
        self.end = end


class Stats(NamedTuple):
    count: int
    total: torch.Tensor


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)
        self.count = 0
        self.total = torch.zeros(3)

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        # One linear layer.
        y = self.fc(x)
        return y * scale

    @torch.jit.export
    def totals(self, features: Dict[str, List[torch.Tensor]], keys: Optional[List[str]] = None) -> Dict[str, torch.Tensor]:
        result: Dict[str, torch.Tensor] = {}
        for name in keys if keys is not None else list(features.keys()):
            parts = features[name]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            result[name] = total
        return result

    @torch.jit.export
    def accumulate(self, x: torch.Tensor) -> Stats:
        self.total = self.total + x
        self.count += 1
        return Stats(self.count, self.total)

    @torch.jit.export
    def remember(self, x: torch.Tensor) -> None:
        self.total = x

    @torch.jit.export
    def check(self, x: torch.Tensor) -> torch.Tensor:
        return check_rank(x)

    @torch.jit.export
    def shift(self, window: Window, by: int = 1) -> Tuple[Window, Optional[str], complex]:
        moved = Window(window.begin + by, window.end + by)
        note: Optional[str] = None
        if by < 0:
            note = "backwards"
        return moved, note, complex(by, 1)

    @torch.jit.export
    def squares(self, x: torch.Tensor) -> torch.Tensor:
        return x * x

    @torch.jit.export
    def echo(self, value: Any) -> Any:
        return value
