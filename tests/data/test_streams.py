from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.streams import bones, motion, to_stream
from skelbench.recipe import STREAMS

from .made import CHAIN

seeds = st.integers(0, 10_000)


def batch(seed: int, frames: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, 3, frames, 5, 2))


@given(seeds)
def test_bones_along_a_path_sum_to_the_difference_of_its_ends(seed: int) -> None:
    x = batch(seed)
    b = bones(x, CHAIN)
    hand, right, spine = 4, 3, 1
    np.testing.assert_allclose(
        b[..., hand, :] + b[..., right, :], x[..., hand, :] - x[..., spine, :], atol=1e-12
    )


@given(seeds)
def test_motion_telescopes_and_ends_in_zero(seed: int) -> None:
    x = batch(seed)
    m = motion(x)
    np.testing.assert_allclose(m.sum(axis=2), x[:, :, -1] - x[:, :, 0], atol=1e-12)
    assert not m[:, :, -1].any()


def test_the_root_has_no_bone() -> None:
    assert not bones(batch(0), CHAIN)[..., CHAIN.root, :].any()


def test_bone_motion_is_the_motion_of_bones() -> None:
    x = batch(1)
    expected = motion(bones(x, CHAIN))
    np.testing.assert_allclose(to_stream(x, "bone_motion", CHAIN), expected)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("frames", [1, 6])
def test_streams_keep_the_shape_and_leave_the_input_alone(stream, frames: int) -> None:
    x = batch(2, frames)
    before = x.copy()
    assert to_stream(x, stream, CHAIN).shape == x.shape
    assert np.array_equal(x, before)


def test_the_joint_stream_is_the_input() -> None:
    x = batch(3)
    assert np.array_equal(to_stream(x, "joint", CHAIN), x)


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown stream 'velocity'"):
        to_stream(batch(0), "velocity", CHAIN)  # type: ignore[arg-type]
