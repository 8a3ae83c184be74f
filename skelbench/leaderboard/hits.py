"""What is published of a run's scores: which recordings it got right and how it rated classes. No labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from skelbench.errors import DataError
from skelbench.results.arrays import of_scores
from skelbench.results.store import Scores

_RANKED = 5
_EXAMPLES = 3


@dataclass(frozen=True)
class Hits:
    """Right or wrong by test recording.

    Attributes:
        ids: Sample ids, (n,) str, in order.
        right: Whether the class of the highest score was the right one, (n,) bool.
    """

    ids: np.ndarray
    right: np.ndarray


def read_hits(path: Path) -> Hits:
    """Of a published file, or of a run's own scores.

    Raises:
        RunFolderError: The file cannot be read or is damaged.
    """
    return of_scores(path, _hits)


def _hits(stored: Mapping[str, np.ndarray]) -> Hits:
    if "right" in stored:
        ids, right = stored["ids"], stored["right"].astype(bool)
    else:
        scores = Scores(stored["ids"], stored["labels"], stored["scores"])
        ids, right = scores.ids, _right(scores)
    order = np.argsort(ids)
    return Hits(ids[order], right[order])


def _right(scores: Scores) -> np.ndarray:
    return np.asarray(scores.scores.argmax(axis=1) == scores.labels)


def compact(scores: Scores) -> bytes:
    """Scores as a small file that ranks every recording's first classes as they are ranked.

    Half precision where that keeps them, else single.
    """
    half = scores.scores.astype(np.float16)
    kept = half if np.array_equal(_first(half), _first(scores.scores)) else scores.scores
    buffer = BytesIO()
    np.savez_compressed(buffer, ids=scores.ids, right=_right(scores), scores=kept)
    return buffer.getvalue()


def side_by_side(parts: Sequence[Hits]) -> np.ndarray:
    """Right or wrong of several runs on the same recordings, (runs, n) bool.

    Raises:
        DataError: They are of different recordings.
    """
    first = parts[0]
    for number, part in enumerate(parts[1:], start=2):
        only = np.setxor1d(first.ids, part.ids)
        if len(only):
            some = ", ".join(map(str, only[:_EXAMPLES]))
            what = f"{len(only)} recordings are not in both the first and the {number}. set of scores"
            raise DataError(
                f"{what}, such as {some}", remedy="Compare runs that were tested on the same recordings"
            )
    return np.stack([part.right for part in parts])


def _first(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores.astype(np.float32), axis=1, kind="stable")[:, :_RANKED]
