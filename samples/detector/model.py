"""A detector: a small backbone, boxes against anchors, and non-maximum suppression class by class, in the program.

The number of boxes that come out depends on the image.
"""

from typing import Dict, List

import torch
from torch import Tensor, nn

TRACEABLE = False  # its control flow depends on the data


def convolution(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU())


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of all pairs: boxes [n, 4] and others [m, 4] as x0, y0, x1, y1 give [n, m]."""
    low = torch.max(boxes[:, None, :2], others[:, :2])
    high = torch.min(boxes[:, None, 2:], others[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    other_area = (others[:, 2:] - others[:, :2]).prod(dim=1)
    return shared / (area[:, None] + other_area - shared)


def suppress(boxes: Tensor, scores: Tensor, limit: float) -> Tensor:
    """The indices of boxes that no better kept one overlaps by more than the limit, best first."""
    order = scores.argsort(descending=True, stable=True)
    kept: List[Tensor] = []
    while order.numel() > 0:
        best = order[0]
        kept.append(best)
        rest = order[1:]
        order = rest[overlap(boxes[best].unsqueeze(0), boxes[rest])[0] <= limit]
    if len(kept) == 0:
        return torch.empty(0, dtype=torch.int64)
    return torch.stack(kept)


class Detector(nn.Module):
    def __init__(self, classes: int = 5, anchors: int = 3, threshold: float = 0.25, limit: float = 0.45):
        super().__init__()
        self.classes = classes
        self.threshold = threshold
        self.limit = limit
        self.stride = 16
        self.backbone = nn.Sequential(*[convolution(i, o, 2) for i, o in [(3, 16), (16, 32), (32, 64), (64, 96)]])
        self.head = nn.Conv2d(96, anchors * (5 + classes), 1)
        self.register_buffer("anchors", torch.tensor([[20.0, 24.0], [48.0, 40.0], [80.0, 96.0]]))

    def decode(self, raw: Tensor) -> Tensor:
        """raw: [batch, anchors * (5 + classes), rows, columns] gives [batch, boxes, 5 + classes], boxes as corners."""
        batch, _, rows, columns = raw.shape
        raw = raw.view(batch, self.anchors.size(0), 5 + self.classes, rows, columns).permute(0, 1, 3, 4, 2)
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        cell = torch.stack([x, y], dim=-1).to(raw.dtype)
        centre = (raw[..., :2].sigmoid() * 2 - 0.5 + cell) * self.stride
        half = (raw[..., 2:4].sigmoid() * 2) ** 2 * self.anchors[:, None, None] / 2
        decoded = torch.cat([centre - half, centre + half, raw[..., 4:].sigmoid()], dim=-1)
        return decoded.reshape(batch, -1, 5 + self.classes)

    def forward(self, images: Tensor) -> List[Dict[str, Tensor]]:
        """images: [batch, 3, height, width]. For each: boxes [n, 4], scores [n], labels int64[n], best first."""
        decoded = self.decode(self.head(self.backbone(images)))
        results: List[Dict[str, Tensor]] = []
        for found in decoded:
            scores, labels = (found[:, 4:5] * found[:, 5:]).max(dim=1)
            likely = scores > self.threshold
            boxes, scores, labels = found[likely, :4], scores[likely], labels[likely]
            # Boxes of different classes are moved apart, so that they don't suppress each other.
            offset = labels.to(boxes.dtype)[:, None] * (boxes.max() + 1 if boxes.numel() > 0 else torch.zeros([]))
            kept = suppress(boxes + offset, scores, self.limit)
            results.append({"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]})
        return results


def example(batch: int, height: int, width: int):
    return (torch.rand(batch, 3, height, width),)


def build():
    torch.manual_seed(1)
    return Detector().eval(), example(1, 128, 160)
