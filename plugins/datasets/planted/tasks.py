"""Motions whose classes differ in one planted relation and in nothing else.

Everything that could give a class away by itself (pose, amplitude, pace, the path of any single joint) is
drawn in the same way for all classes, so that a network without the planted means stays at chance.
"""

from __future__ import annotations

import numpy as np

FRAMES = 16
"""Frames of every recording."""
CLASSES = (
    "hands alike, feet alike",
    "hands alike, feet apart",
    "hands apart, feet alike",
    "hands apart, feet apart",
)

_HANDS, _FEET = (7, 11), (15, 19)
_AMPLITUDE, _NOISE = 0.3, 0.05
_PACE = (1.5, 4.0)  # cycles of a swing in a recording
# Where the 25 joints of Kinect v2 are at rest: metres, x to the right, y up.
_REST = np.array(
    [
        *((0, 0, 0), (0, 0.3, 0), (0, 0.6, 0), (0, 0.75, 0)),
        *((-0.2, 0.5, 0), (-0.35, 0.25, 0), (-0.4, 0.05, 0), (-0.42, -0.05, 0)),
        *((0.2, 0.5, 0), (0.35, 0.25, 0), (0.4, 0.05, 0), (0.42, -0.05, 0)),
        *((-0.1, -0.05, 0), (-0.12, -0.45, 0), (-0.12, -0.85, 0), (-0.12, -0.9, 0.1)),
        *((0.1, -0.05, 0), (0.12, -0.45, 0), (0.12, -0.85, 0), (0.12, -0.9, 0.1)),
        *((0, 0.52, 0), (-0.43, -0.12, 0), (-0.38, -0.06, 0.03), (0.43, -0.12, 0), (0.38, -0.06, 0.03)),
    ]
)


def distant(label: int, rng: np.random.Generator) -> np.ndarray:
    """One recording in which both hands swing up and down, and both feet, each pair together or against.

    The two hands are eight bones apart, and so are the feet: what sees neighbours alone cannot compare them.
    Both pairs swing from a phase and at a pace of their own.

    Args:
        label: The class, see `CLASSES`.
        rng: Draws all else.

    Returns:
        Coordinates in metres, (16, 1, 25, 3) float32.
    """
    time = np.linspace(0, 1, FRAMES)
    motion = np.repeat(_REST[None], FRAMES, axis=0) + rng.normal(0, _NOISE, (FRAMES, *_REST.shape))
    for pair, apart in ((_HANDS, label // 2), (_FEET, label % 2)):
        swing = np.sin(2 * np.pi * (rng.uniform(*_PACE) * time + rng.random()))
        motion[:, pair[0], 1] += _AMPLITUDE * swing
        motion[:, pair[1], 1] += _AMPLITUDE * (-swing if apart else swing)
    return motion[:, None].astype(np.float32)
