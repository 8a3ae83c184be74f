from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.sampling import frame_positions, random_draws, view_draws
from skelbench.recipe import ClipOptions

FILLS = ["repeat", "zero", "resize", "uniform", "segments", "random"]
lengths = st.lists(st.integers(1, 50), min_size=1, max_size=6).map(np.array)


@given(
    lengths, st.integers(1, 30), st.sampled_from(FILLS), st.none() | st.integers(1, 40), st.integers(0, 99)
)
def test_every_position_lies_within_its_recording(n, frames, fill, window, seed) -> None:
    clip = ClipOptions(frames=frames, fill=fill)
    draws = random_draws(len(n), clip, np.random.default_rng(seed))
    position, padding = frame_positions(n, clip, draws, window=window)
    assert position.shape == (len(n), frames)
    assert (position >= 0).all()
    assert (position <= n[:, None] - 1).all()
    if fill != "resize":
        assert (position == np.floor(position)).all()
    assert (padding is not None) == (fill == "zero")


@given(lengths, st.integers(1, 30), st.integers(1, 5))
def test_segments_follow_each_other_in_time(n, frames, views) -> None:
    clip = ClipOptions(frames=frames, fill="segments")
    draws = view_draws(np.arange(len(n)) % views, views, clip)
    position, _ = frame_positions(n, clip, draws, window=None)
    assert (np.diff(position, axis=1) >= 0).all()


def one(n: int, *, view: int = 0, views: int = 1, window: int | None = None, **options) -> list[float]:
    clip = ClipOptions(**options)
    position, _ = frame_positions(
        np.array([n]), clip, view_draws(np.array([view]), views, clip), window=window
    )
    return position[0].tolist()


def test_repeat_starts_again_at_the_first_frame_and_cuts_a_long_recording() -> None:
    assert one(3, frames=7) == [0, 1, 2, 0, 1, 2, 0]
    assert one(9, frames=4) == [0, 1, 2, 3]


def test_zero_pads_after_the_recording() -> None:
    clip = ClipOptions(frames=5, fill="zero")
    draws = view_draws(np.array([0, 0]), 1, clip)
    position, padding = frame_positions(np.array([2, 9]), clip, draws, window=None)
    assert padding is not None
    assert padding.tolist() == [[False, False, True, True, True], [False] * 5]
    assert position[1].tolist() == [0, 1, 2, 3, 4]


def test_resize_keeps_both_ends() -> None:
    assert one(5, frames=3, fill="resize") == [0, 2, 4]
    assert one(2, frames=5, fill="resize") == [0, 0.25, 0.5, 0.75, 1]


def test_a_crop_is_central_for_one_view_and_spread_for_several() -> None:
    options: dict[str, Any] = {"frames": 2, "fill": "resize", "crop": (0.4, 0.6)}
    assert one(11, **options) == pytest.approx([2.5, 7.5])
    assert [one(11, view=view, views=3, **options) for view in range(3)] == [[0, 5], [2.5, 7.5], [5, 10]]


def test_one_view_of_segments_takes_the_middles() -> None:
    assert one(12, frames=4, fill="segments") == [1, 4, 7, 10]


def test_segments_of_a_short_recording_take_each_frame_several_times() -> None:
    assert one(3, frames=6, fill="segments") == [0, 0, 1, 1, 2, 2]
    assert one(1, frames=4, fill="segments") == [0, 0, 0, 0]


def test_views_of_segments_differ_and_do_not_depend_on_the_batch() -> None:
    clip = ClipOptions(frames=8, fill="segments")
    alone, _ = frame_positions(np.array([90]), clip, view_draws(np.array([2]), 3, clip), window=None)
    both, _ = frame_positions(np.array([90, 90]), clip, view_draws(np.array([1, 2]), 3, clip), window=None)
    assert alone[0].tolist() == both[1].tolist()
    assert both[0].tolist() != both[1].tolist()


@pytest.mark.parametrize("fill", FILLS)
def test_a_recording_of_one_frame_is_repeated(fill: str) -> None:
    assert one(1, frames=4, fill=fill) == [0, 0, 0, 0]


def test_a_window_of_a_repeated_recording_moves_and_is_filled_from_itself() -> None:
    clip = ClipOptions(frames=10, window=4)
    starts = set()
    for seed in range(40):
        draws = random_draws(1, clip, np.random.default_rng(seed))
        row = frame_positions(np.array([20]), clip, draws, window=4)[0][0]
        assert row.tolist() == [row[0] + t % 4 for t in range(10)]
        starts.add(row[0])
    assert len(starts) > 8
    assert max(starts) <= 16


# --- uniform -----------------------------------------------------------------------------------


def test_uniform_takes_the_frames_nearest_to_evenly_spread_places() -> None:
    assert one(5, frames=5, fill="uniform") == [0, 1, 2, 3, 4]
    assert one(11, frames=4, fill="uniform") == [0, 3, 7, 10]
    assert one(7, frames=1, fill="uniform") == [0]


def test_uniform_shows_frames_of_a_short_recording_several_times_in_order() -> None:
    assert one(3, frames=8, fill="uniform") == [0, 0, 1, 1, 1, 1, 2, 2]
    assert one(2, frames=5, fill="uniform") == [0, 0, 0, 1, 1], "a tie goes to the even frame"


@given(st.integers(1, 60), st.integers(1, 40))
def test_uniform_frames_are_the_nearest_to_even_spacing_none_left_out_needlessly(n: int, frames: int) -> None:
    positions = one(n, frames=frames, fill="uniform")
    places = np.linspace(0, n - 1, frames)
    assert np.abs(positions - places).max() <= 0.5 + 1e-9, "of two as near, either"
    counts = np.bincount(np.array(positions, int), minlength=n)
    if frames >= n and frames > 1:
        assert (counts > 0).all(), "every frame is shown"
    else:
        assert (counts <= 1).all(), "none is shown twice"


@given(
    st.integers(1, 50),
    st.integers(1, 30),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
    st.integers(1, 4),
    st.data(),
)
def test_a_uniform_crop_is_whole_frames_of_a_window_inside(n, frames, a, b, views, data) -> None:
    clip = ClipOptions(frames=frames, fill="uniform", crop=(min(a, b), max(a, b)))
    drawn = random_draws(3, clip, np.random.default_rng(data.draw(st.integers(0, 99))))
    fixed = view_draws(np.arange(3) % views, views, clip)
    for draws in (drawn, fixed):
        positions, padding = frame_positions(np.array([n] * 3), clip, draws, window=None)
        assert padding is None
        assert (positions == np.rint(positions)).all()
        assert (positions >= 0).all()
        assert (positions <= n - 1).all()
        assert (np.diff(positions, axis=1) >= 0).all()
        span = positions[:, -1] - positions[:, 0]
        assert (span <= max(a, b) * (n - 1) + 1).all()


def test_a_uniform_crop_is_central_for_one_view_and_spread_for_several() -> None:
    options: dict[str, Any] = {"frames": 3, "fill": "uniform", "crop": (0.4, 0.6)}
    assert one(21, **options) == [5, 10, 15]
    assert [one(21, view=view, views=3, **options) for view in range(3)] == [
        [0, 5, 10],
        [5, 10, 15],
        [10, 15, 20],
    ]
    assert one(2, **options) == [0, 0, 1], "of a short recording, a frame is shown several times"


@given(st.integers(1, 300), st.integers(1, 60))
def test_random_frames_are_evenly_spread_at_test_as_released(n: int, frames: int) -> None:
    assert one(n, frames=frames, fill="random") == np.linspace(0, n - 1, frames).astype(int).tolist()


def test_random_frames_come_in_their_order_and_each_as_often() -> None:
    clip, n = ClipOptions(frames=52, fill="random"), np.full(2000, 13)
    position, _ = frame_positions(n, clip, random_draws(2000, clip, np.random.default_rng(0)), window=None)
    assert (np.diff(position, axis=1) >= 0).all()
    counts = np.bincount(position.astype(int).ravel(), minlength=13)
    np.testing.assert_allclose(counts / counts.sum(), 1 / 13, rtol=0.03)


def test_views_of_random_frames_differ() -> None:
    shown = [one(40, frames=8, fill="random", view=v, views=3) for v in range(3)]
    assert shown[0] != shown[1] != shown[2]
