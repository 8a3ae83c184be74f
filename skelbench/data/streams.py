"""The four input streams, made from joints by differences along bones and over time.

In numpy: the loader works beside the training, where torch's own threads would get in each other's way.

Bones after Shi et al., CVPR 2019 (2s-AGCN), motion after their multi-stream sequel (TIP 2020).
"""

from __future__ import annotations

import numpy as np

from skelbench.components import Layout
from skelbench.recipe import STREAMS, Stream


def to_stream(x: np.ndarray, stream: Stream, layout: Layout) -> np.ndarray:
    """Turn joints into ``stream``.

    Args:
        x: Joints, (B, C, T, V, M).
        stream: ``joint``, ``bone``, ``joint_motion`` or ``bone_motion`` (the motion of bones).
        layout: Gives the bones.

    Returns:
        The same shape.

    Raises:
        ValueError: There is no such stream.
    """
    if stream not in STREAMS:
        raise ValueError(f"unknown stream '{stream}'; the streams are {', '.join(STREAMS)}")
    if stream.startswith("bone"):
        x = bones(x, layout)
    return motion(x) if stream.endswith("motion") else x


def bones(x: np.ndarray, layout: Layout) -> np.ndarray:
    """Each joint minus its parent; joints without a parent (the root) get zero. (B, C, T, V, M)."""
    parents = np.arange(x.shape[3])
    for child, parent in layout.inward:
        parents[child] = parent
    return x - np.take(x, parents, axis=3)


def motion(x: np.ndarray) -> np.ndarray:
    """Each frame's change to the next, zero in the last frame. (B, C, T, V, M)."""
    out = np.zeros_like(x)
    np.subtract(x[:, :, 1:], x[:, :, :-1], out=out[:, :, :-1])
    return out
