"""Planted tasks: made-up motions whose classes some options of a space are known to be needed for.

In every task a joint by itself moves alike in all classes, and so does its distribution over recordings;
what tells the classes apart is written beside each task. The body stands still but for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, get_args

import numpy as np

Task = Literal["mixed", "distant", "direction", "brief"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)
CLASSES: Final = {"distant": 4, "direction": 2, "brief": 4}
"""Classes of each task; ``mixed``, in which nothing is planted, has any number."""
_AMPLITUDE: Final = 0.25
_now: ContextVar[Task] = ContextVar("planted task", default="mixed")


@contextmanager
def planting(task: Task) -> Iterator[None]:
    """Within, synthetic recordings are of a planted task, whichever reader writes them."""
    token = _now.set(task)
    try:
        yield
    finally:
        _now.reset(token)


def planted() -> Task:
    """The task of the recordings that are being made."""
    return _now.get()


def motion(task: Task, label: int, ends: np.ndarray, rng: np.random.Generator, frames: int) -> np.ndarray:
    """How far the ends of the limbs are off their place, in metres.

    Args:
        task: The task, not ``mixed``.
        label: The 0-based class; more than the task has are taken modulo.
        ends: Limb of each joint that moves, (joints,) of 0 to 3: left arm, right arm, left leg, right leg.
        rng: Draws what differs between recordings of one class.
        frames: Frames T.

    Returns:
        (T, joints), to be added along the axis upwards.
    """
    time = np.linspace(0, 1, frames)
    make = {"distant": _distant, "direction": _direction, "brief": _brief}[task]
    return _AMPLITUDE * make(label % CLASSES[task], time, rng)[:, ends]


def _distant(label: int, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whether both arms move together or against each other, and whether both legs do."""
    limbs = []
    for bit in (label & 1, label >> 1):
        angle = 2 * np.pi * (rng.uniform(1.5, 3.0) * time + rng.random())
        limbs += [np.sin(angle), np.sin(angle + np.pi * bit)]
    return np.stack(limbs, axis=1)


def _direction(label: int, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whether limbs rise slowly and fall fast, or the same the other way round in time."""
    turned = (rng.uniform(2.0, 4.0) * time[:, None] + rng.random(4)) % 1.0
    wave = np.where(turned < 0.8, turned / 0.8, (1 - turned) / 0.2) * 2 - 1
    return wave[::-1] if label else wave


def _brief(label: int, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which limb jerks twice as far as the others, in a tenth of the frames."""
    centre = rng.uniform(0.1, 0.9)
    pulse = np.exp(-(((time - centre) / 0.04) ** 2))
    other = np.exp(-(((time[:, None] - rng.uniform(0.1, 0.9, 4)) / 0.04) ** 2))
    far = np.arange(4) == label
    return np.where(far, 2.0 * pulse[:, None], other)
