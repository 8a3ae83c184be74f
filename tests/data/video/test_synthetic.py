from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.video.synthetic import moving_shape


def place(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean row, mean column and area of the bright shape in every frame."""
    inside = frames[..., 0] > 125
    count = inside.sum((1, 2))
    rows = (inside * np.arange(frames.shape[1])[:, None]).sum((1, 2)) / count
    return rows, (inside * np.arange(frames.shape[2])).sum((1, 2)) / count, count


def steps(label: int, axis: int) -> np.ndarray:
    """Steps of the shape from frame to frame, without those where it comes in again."""
    found = []
    for seed in range(8):
        frames = moving_shape(label, np.random.default_rng(seed), 24)
        moved = np.diff(place(frames)[axis])
        found.append(moved[abs(moved) < 4])
    return np.concatenate(found)


@given(st.integers(0, 399), st.integers(1, 20), st.sampled_from([1, 3]))
def test_videos_are_bytes_of_the_size_asked_for(label: int, frames: int, channels: int) -> None:
    made = moving_shape(label, np.random.default_rng(0), frames, (32, 40), channels)
    assert made.dtype == np.uint8
    assert made.shape == (frames, 32, 40, channels)


@pytest.mark.parametrize(("label", "axis", "sign"), [(0, 1, 1), (1, 1, -1), (2, 0, 1), (3, 0, -1)])
def test_the_first_classes_move_right_left_down_and_up(label: int, axis: int, sign: int) -> None:
    assert (sign * np.median(steps(label, axis))) > 1
    assert abs(np.median(steps(label, 1 - axis))) < 0.5


@pytest.mark.parametrize(("label", "more"), [(8, True), (9, False)])
def test_others_grow_and_shrink(label: int, more: bool) -> None:
    areas = [place(moving_shape(label, np.random.default_rng(s), 24))[2].astype(float) for s in range(8)]
    changes = np.concatenate([np.diff(area) for area in areas])
    assert (np.median(changes) > 0) == more


def test_further_classes_are_faster() -> None:
    assert np.median(steps(10, 1)) > 1.2 * np.median(steps(0, 1))


def test_the_same_seed_makes_the_same_and_another_makes_another() -> None:
    one, again, other = (moving_shape(0, np.random.default_rng(seed), 8) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
