"""Made-up hand gestures in the folders and lists of SHREC'17 Track and DHG-14/28."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.data.synthetic import generate
from skelbench.errors import DataError

from ...layouts import SHREC22
from .. import DHG_PROTOCOLS
from .text import FINGERS, GESTURES, Hand, label_of

MARKER = "SYNTHETIC"
# The performers of the two official lists of SHREC'17.
_TEST = (1, 5, 6, 17, 18, 23, 24, 28)
_TRAIN = tuple(subject for subject in range(1, 29) if subject not in _TEST)
_DHG_SUBJECTS = len(DHG_PROTOCOLS)
_SCALE = 0.2  # from the limbs of a body to those of a hand
_PLACE = np.array([0.0, 0.0, 0.4])  # metres before the camera


@dataclass(frozen=True)
class _Made:
    """A made-up recording: whose it is, in which frames the gesture is, and ``joints`` (T, 22, 3)."""

    hand: Hand
    first: int
    last: int
    joints: np.ndarray


def write_shrec(root: Path, *, of: int, clips: int, seed: int, classes: int | None) -> None:
    """Write recordings, ``train_gestures.txt`` and ``test_gestures.txt`` as SHREC'17 has them.

    Args:
        root: The folder to fill; it must hold no recordings.
        of: 14 or 28, what the classes are.
        clips: Recordings, spread evenly over the classes; of each class one in three is for test.
        seed: Seed of everything that differs between recordings.
        classes: Only the first so many classes occur; None for all.

    Raises:
        DataError: The folder holds recordings, the classes do not exist, or writing fails.
    """
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for made in _written(root, "skeletons_world.txt", _made(of, clips, seed, classes, _shrec_subject)):
        hand = made.hand
        labels = [label_of(hand.gesture, hand.finger, which) + 1 for which in (GESTURES, GESTURES * FINGERS)]
        part = "test" if hand.subject in _TEST else "train"
        lists[part].append(_line(hand, *labels, len(made.joints)))
    for part, lines in lists.items():
        _write(root / f"{part}_gestures.txt", "".join(lines))


def write_dhg(root: Path, *, of: int, clips: int, seed: int, classes: int | None) -> None:
    """Write recordings and ``informations_troncage_sequences.txt`` as DHG-14/28 has them.

    Arguments and errors are those of `write_shrec`; the recordings go round the 20 performers.
    """
    made = _written(root, "skeleton_world.txt", _made(of, clips, seed, classes, _dhg_subject))
    lines = [_line(one.hand, one.first, one.last) for one in made]
    _write(root / "informations_troncage_sequences.txt", "".join(lines))


def _shrec_subject(number: int, turn: int) -> int:
    among = _TEST if turn % 3 == 1 else _TRAIN
    return among[turn // 3 % len(among)]


def _dhg_subject(number: int, turn: int) -> int:
    # One further in every round, so that a performer does not always get the same classes.
    return (number + number // _DHG_SUBJECTS) % _DHG_SUBJECTS + 1


def _made(
    of: int, clips: int, seed: int, classes: int | None, subject_of: Callable[[int, int], int]
) -> Iterator[_Made]:
    kinds = of if classes is None else classes
    if not 1 <= kinds <= of:
        raise DataError(f"there are 1 to {of} classes, not {kinds}")
    trials: Counter[tuple[int, int, int]] = Counter()
    for number in range(clips):
        turn, label = divmod(number, kinds)
        # Of 14 classes both ways to do a gesture occur, in both parts.
        gesture, finger = divmod(label, FINGERS) if of > GESTURES else (label, turn // 3 % FINGERS)
        named = (gesture + 1, finger + 1, subject_of(number, turn))
        trials[named] += 1
        yield _gesture(Hand(*named, trials[named]), label, np.random.default_rng([seed, number]))


def _gesture(hand: Hand, label: int, rng: np.random.Generator) -> _Made:
    frames = int(rng.integers(32, 65))
    body = generate(SHREC22, label, hand.subject, 1, rng, frames)[:, 0].astype(np.float64)
    joints = _SCALE * (body - body[0].mean(axis=0)) + _PLACE + rng.normal(0, 0.03, 3)
    return _Made(hand, int(rng.integers(0, 4)), frames - 1 - int(rng.integers(0, 4)), joints)


def _written(root: Path, file: str, recordings: Iterator[_Made]) -> Iterator[_Made]:
    """Write each recording as it is made, the marker before all of them."""
    if any(root.glob("gesture_*")):
        raise DataError("the folder holds recordings already", where=root, remedy="Give another")
    _write(root / MARKER, "Made by skelbench data synth; no real recordings.\n")
    for made in recordings:
        rows = made.joints.reshape(len(made.joints), -1).tolist()
        text = "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
        _write(root / made.hand.folder / file, text)
        yield made


def _line(hand: Hand, *rest: int) -> str:
    numbers = (hand.gesture, hand.finger, hand.subject, hand.essai, *rest)
    return " ".join(map(str, numbers)) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file in one step, so that none is ever half there."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="ascii")
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=path) from error
