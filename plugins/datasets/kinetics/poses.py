"""What both forms of Kinetics skeletons share: the classes, the split and the choice of persons."""

from __future__ import annotations

import numpy as np

from skelbench.data import Clips
from skelbench.errors import DataError, did_you_mean

CLASSES = 400
PARTS = ("train", "val")
PERSONS = 2
MOST_FRAMES = 10_000  # Clips last ten seconds; a damaged number must not ask for all memory.
NUMBERED = tuple(f"class {number}" for number in range(CLASSES))


def sample_id(part: str, name: str) -> str:
    """The id of a recording, which also tells its part: ``val/-0BveUV52cM``."""
    return f"{part}/{name}"


def is_train(clips: Clips, protocol: str) -> np.ndarray:
    """(n,) bool: the recordings of the owners' training list.

    Raises:
        DataError: The protocol is not ``val``, the only one there is.
    """
    if protocol != "val":
        raise DataError(f"Kinetics has no protocol '{protocol}'", remedy=did_you_mean(protocol, ["val"]))
    return np.char.startswith(clips.ids, sample_id("train", ""))


def best_persons(rows: np.ndarray, people: np.ndarray, frames: int) -> np.ndarray:
    """The two persons of the highest mean joint score in each frame by itself, the best first.

    Persons are not followed from frame to frame (Yan et al., AAAI 2018, as in their released code).

    Args:
        rows: The 0-based frame of each detected person, (N,) int.
        people: Their joints as x, y, score, (N, V, 3). Of equal scores the earlier one is better.
        frames: Frames T.

    Returns:
        (T, 2, V, 3) float32; zero where fewer persons are seen.
    """
    order = np.lexsort((-people[..., 2].mean(axis=1), rows))
    placed = rows[order]
    rank = np.arange(len(placed)) - np.searchsorted(placed, placed)
    kept = rank < PERSONS
    out = np.zeros((frames, PERSONS, *people.shape[1:]), dtype=np.float32)
    out[placed[kept], rank[kept]] = people[order[kept]]
    return out
