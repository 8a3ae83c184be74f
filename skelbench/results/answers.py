"""What one candidate answered for each validation clip, compact enough to keep for every candidate."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

MOST_CLIPS: Final = 1024
"""Of more clips, so many at even distances are kept."""


@dataclass(frozen=True)
class ClipAnswers:
    """A network's answers, clip by clip.

    Attributes:
        right: Whether the class was right, (n,) bool.
        loss: Cross-entropy in nats, (n,) float32.
        predicted: The 0-based class predicted, (n,) int.
        clips: How many clips were answered, where but some of them are kept; 0: all are.
    """

    right: np.ndarray
    loss: np.ndarray
    predicted: np.ndarray
    clips: int = 0

    @property
    def top1(self) -> float:
        """Right answers in percent."""
        return 100.0 * float(self.right.mean())

    @property
    def cross_entropy(self) -> float:
        """The mean loss in nats."""
        return float(self.loss.mean(dtype=np.float64))

    def line(self) -> dict[str, Any]:
        """As plain JSON data: a bit, a 32-bit float and a 16-bit number for each clip."""
        kept = np.linspace(0, len(self.right) - 1, min(len(self.right), MOST_CLIPS)).round().astype(int)
        return {
            "clips": self.clips or len(self.right),
            "kept": len(kept),
            "right": _text(np.packbits(self.right[kept])),
            "loss": _text(self.loss[kept].astype("<f4")),
            "predicted": _text(self.predicted[kept].astype("<u2")),
        }

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> ClipAnswers:
        """What `line` made.

        Raises:
            KeyError: It is no such line.
            TypeError: Likewise.
            ValueError: Likewise.
        """
        kept, bits = int(line["kept"]), _array(line["right"], "u1")
        loss, predicted = _array(line["loss"], "<f4"), _array(line["predicted"], "<u2")
        if not 0 < kept == len(loss) == len(predicted) or len(bits) != -(-kept // 8):
            raise ValueError("the answers are not those of as many clips")
        right = np.unpackbits(bits, count=kept).astype(bool)
        return cls(right, loss.astype(np.float32), predicted.astype(int), int(line["clips"]))


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
