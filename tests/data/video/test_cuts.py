from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.video.cuts import cut, fixed_cuts, random_cuts, view_starts
from skelbench.recipe import VideoOptions

VIDEO = VideoOptions(frames=4, step=2)  # spans 7 frames


@given(st.integers(1, 300), st.integers(0, 300), st.integers(1, 12))
def test_views_lie_in_the_video_in_order(window: int, more: int, views: int) -> None:
    starts = view_starts(np.full(views, window + more), window, np.arange(views), views)
    assert (starts >= 0).all()
    assert (starts <= more).all()
    assert (np.diff(starts) >= 0).all()


@given(st.integers(1, 20), st.integers(1, 12), st.integers(0, 100))
def test_in_a_video_long_enough_each_view_lies_in_a_part_of_its_own(
    window: int, views: int, more: int
) -> None:
    length = window * views + more
    starts = view_starts(np.full(views, length), window, np.arange(views), views)
    edges = np.arange(views + 1) * length / views
    assert (starts >= np.floor(edges[:-1])).all()
    assert (starts + window <= np.ceil(edges[1:])).all()


def test_one_view_is_the_middle_and_ten_divide_the_video() -> None:
    assert view_starts(np.array([21, 7]), 7, np.zeros(2, int), 1).tolist() == [7, 0]
    assert view_starts(np.full(10, 300), 16, np.arange(10), 10).tolist() == [7 + 30 * i for i in range(10)]


def test_training_clips_start_everywhere_alike() -> None:
    rng = np.random.default_rng(0)
    starts = random_cuts(np.full(4000, 10), VIDEO, rng).start
    counts = np.bincount(starts)
    assert len(counts) == 4
    assert counts.min() > 900


@pytest.mark.parametrize(("flip", "share"), [(False, 0.0), (True, 0.5)])
def test_half_of_the_training_clips_are_mirrored_where_that_is_wanted(flip: bool, share: float) -> None:
    options = VideoOptions(frames=4, flip=flip)
    cuts = random_cuts(np.full(2000, 10), options, np.random.default_rng(0))
    assert cuts.mirrored.mean() == pytest.approx(share, abs=0.05)


def squares(shape: tuple[int, int], crops: int, side: int) -> list[tuple[int, int]]:
    """Row and column of the upper left pixel of each crop."""
    frames = np.arange(shape[0] * shape[1]).reshape(1, *shape, 1)
    which = np.arange(crops)
    cuts = fixed_cuts(np.full(crops, 10), VIDEO, which * 0, 1, which, crops)
    assert not cuts.mirrored.any()
    found = [cut(frames, side, cuts.down[i], cuts.right[i], cuts.along) for i in which]
    assert {own.shape for own in found} == {(1, side, side, 1)}
    return [divmod(int(own[0, 0, 0, 0]), shape[1]) for own in found]


def test_three_crops_lie_along_the_longer_side_and_one_in_the_middle() -> None:
    assert squares((8, 12), 3, 6) == [(1, 0), (1, 3), (1, 6)]
    assert squares((12, 8), 3, 6) == [(0, 1), (3, 1), (6, 1)]
    assert squares((12, 8), 1, 6) == [(3, 1)]
    assert squares((8, 8), 3, 8) == [(0, 0)] * 3


def test_random_squares_reach_every_place() -> None:
    frames = np.arange(35).reshape(1, 5, 7, 1)
    cuts = random_cuts(np.full(500, 10), VIDEO, np.random.default_rng(0))
    corners = {
        int(cut(frames, 4, down, right, cuts.along)[0, 0, 0, 0])
        for down, right in zip(cuts.down, cuts.right, strict=True)
    }
    assert corners == {7 * row + column for row in range(2) for column in range(4)}


def test_whole_frames_are_left_alone() -> None:
    frames = np.zeros((2, 5, 7, 3))
    assert cut(frames, None, 0.2, 0.9, False) is frames
