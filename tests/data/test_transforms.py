from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.transforms import Whole, extent, minmax, present_persons, rotations, transform
from skelbench.recipe import AugmentOptions, ClipOptions

PLAIN, SCALED = ClipOptions(frames=6), ClipOptions(frames=6, normalise="minmax")


def batch(seed: int = 0, count: int = 3) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(count, 6, 2, 5, 3)).astype(np.float32)
    x[:, 2:4, 1] = 0
    return x


def back(x: np.ndarray) -> np.ndarray:
    """(B, C, T, V, M) to (B, T, M, V, C)."""
    return x.transpose(0, 2, 4, 3, 1)


def box(x: np.ndarray) -> np.ndarray:
    """`minmax` of a batch (B, T, M, V, C)."""
    seen = np.repeat(present_persons(x)[:, :, None], x.shape[3], axis=2)[:, None]
    return back(minmax(x.transpose(0, 4, 1, 3, 2), seen))


def change(x: np.ndarray, augment: AugmentOptions, clip: ClipOptions = PLAIN, seed: int = 0) -> np.ndarray:
    return back(transform(x, clip, augment, np.random.default_rng(seed)))


@given(st.lists(st.floats(-180, 180), min_size=3, max_size=3))
def test_rotations_are_rotations(degrees: list[float]) -> None:
    turn = rotations(np.array([degrees]))[0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(turn) == pytest.approx(1, abs=1e-5)


def test_axes_turn_the_right_way_and_x_comes_first() -> None:
    turn = rotations(np.array([[90, 0, 0], [0, 90, 0], [0, 0, 90], [90, 90, 0]]))
    y, z, x = np.eye(3)[[1, 2, 0]]
    np.testing.assert_allclose(turn[0] @ y, z, atol=1e-6)
    np.testing.assert_allclose(turn[1] @ z, x, atol=1e-6)
    np.testing.assert_allclose(turn[2] @ x, y, atol=1e-6)
    np.testing.assert_allclose(turn[3] @ y, x, atol=1e-6)


def test_the_order_of_axes_may_be_another() -> None:
    y, z, x = np.eye(3)[[1, 2, 0]]
    turn = rotations(np.array([[90, 90, 0]]), "yxz")[0]
    np.testing.assert_allclose(turn @ x, y, atol=1e-6)  # about y to -z, about x to y
    np.testing.assert_allclose(turn @ z, x, atol=1e-6)


@given(st.integers(0, 1000))
def test_rotation_keeps_distances(seed: int) -> None:
    x = batch(seed)
    out = change(x, AugmentOptions(rotate=(60, 60, 60)), seed=seed)
    assert not np.allclose(out, x)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(out, axis=3), axis=-1), np.linalg.norm(np.diff(x, axis=3), axis=-1), atol=1e-5
    )


def test_angles_stay_within_their_bounds() -> None:
    x = np.zeros((500, 1, 1, 1, 3), np.float32)
    x[..., 0] = 1
    out = change(x, AugmentOptions(rotate=(0, 0, 30)))[:, 0, 0, 0]
    angle = np.rad2deg(np.arctan2(out[:, 1], out[:, 0]))
    assert np.abs(angle).max() <= 30
    assert np.abs(angle).max() > 25
    assert abs(angle.mean()) < 3


def test_scale_is_one_factor_per_clip_within_its_range() -> None:
    x = batch(count=200)
    seen = present_persons(x)
    ratio = change(x, AugmentOptions(scale=(0.5, 1.5)))[seen] / x[seen]
    assert ratio.min() > 0.49
    assert ratio.max() < 1.51
    one = change(x[:1], AugmentOptions(scale=(0.5, 1.5)))[seen[:1]] / x[:1][seen[:1]]
    assert one.max() - one.min() < 1e-5


@pytest.mark.parametrize("clip", [PLAIN, SCALED])
@pytest.mark.parametrize(
    "augment",
    [
        AugmentOptions(rotate=(10, 10, 10), scale=(0.9, 1.1)),
        AugmentOptions(shift=0.5, noise=0.1),
        AugmentOptions(move=True),
        AugmentOptions(),
    ],
)
def test_absent_persons_stay_exactly_zero(clip: ClipOptions, augment: AugmentOptions) -> None:
    x = batch()
    out = change(x, augment, clip)
    assert out.dtype == np.float32
    assert not out[:, 2:4, 1].any()
    assert present_persons(out)[:, :2].all()


def test_a_shift_is_the_same_for_all_joints_of_a_clip() -> None:
    x = batch()
    moved = (change(x, AugmentOptions(shift=0.5)) - x)[present_persons(x)].reshape(3, -1, 3)
    assert np.abs(moved).max() <= 0.5 + 1e-6
    assert np.ptp(moved, axis=1).max() < 1e-5
    assert np.abs(moved).max() > 0.1


def test_noise_has_its_standard_deviation() -> None:
    x = batch(count=100)
    seen = present_persons(x)
    assert (change(x, AugmentOptions(noise=0.05)) - x)[seen].std() == pytest.approx(0.05, rel=0.05)


def test_minmax_fills_the_box_with_those_who_are_seen() -> None:
    x = batch() + 5
    x[:, 2:4, 1] = 0
    out = box(x)
    seen = out[present_persons(x)].reshape(3, -1, 3)
    np.testing.assert_allclose(seen.min(axis=1), -1, atol=1e-5)
    np.testing.assert_allclose(seen.max(axis=1), 1, atol=1e-5)


def test_minmax_agrees_with_one_clip_at_a_time() -> None:
    x = batch(7)
    out = box(x)
    for before, after in zip(x, out, strict=True):
        seen = before.any(axis=(2, 3))
        low, high = before[seen].min(axis=(0, 1)), before[seen].max(axis=(0, 1))
        np.testing.assert_allclose(after[seen], (before[seen] - low) / (high - low) * 2 - 1, atol=1e-5)


def test_minmax_of_nobody_or_of_a_flat_axis_is_zero() -> None:
    x = batch()
    x[0] = 0
    x[1, ..., 2] = 3
    out = box(x)
    assert not out[0].any()
    assert not out[1, ..., 2].any()
    assert np.isfinite(out).all()


def test_normalising_comes_after_rotation() -> None:
    out = change(batch(), AugmentOptions(rotate=(60, 60, 60)), SCALED)
    assert out.max() == pytest.approx(1, abs=1e-5)
    assert out.min() == pytest.approx(-1, abs=1e-5)


def test_the_random_move_changes_linearly_and_keeps_scores_and_unseen_joints() -> None:
    x = np.ones((4, 6, 1, 3, 3), np.float32)
    x[..., :2] = 0
    x[:, :, :, 1] = 0
    out = change(x, AugmentOptions(move=True), seed=3)
    assert (out[..., [0, 2], 2] == 1).all()
    assert not out[..., 1, :].any()
    place = out[:, :, 0, 0, :2]
    np.testing.assert_allclose(np.diff(place, 2, axis=1), 0, atol=1e-6)
    assert np.abs(place).max() <= 0.2 + 1e-6
    assert np.abs(place).max() > 0


def test_nothing_asked_for_changes_nothing() -> None:
    x = batch()
    np.testing.assert_array_equal(back(transform(x, PLAIN, None, np.random.default_rng(0))), x)


def test_extent_is_that_of_each_rotated_recording() -> None:
    rng = np.random.default_rng(0)
    frames, lengths = rng.normal(size=(7, 2, 5, 3)).astype(np.float32), np.array([3, 4])
    frames[1:5, 1] = 0  # absent persons are not seen
    turn = rotations(rng.uniform(-90, 90, (2, 3)))
    low, high = extent(Whole(frames, lengths), turn)
    for number, part in enumerate((frames[:3], frames[3:])):
        points = part[part.any(axis=(2, 3))].reshape(-1, 3) @ turn[number].T
        np.testing.assert_allclose(low[number], points.min(0), rtol=1e-5)
        np.testing.assert_allclose(high[number], points.max(0), rtol=1e-5)
