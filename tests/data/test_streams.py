from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.streams import bones, motion, to_stream
from skelbench.recipe import STREAMS

from .made import CHAIN

seeds = st.integers(0, 10_000)


def batch(seed: int, frames: int = 6) -> torch.Tensor:
    return torch.randn(2, 3, frames, 5, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seeds)
def test_bones_along_a_path_sum_to_the_difference_of_its_ends(seed: int) -> None:
    x = batch(seed)
    b = bones(x, CHAIN)
    hand, right, spine = 4, 3, 1
    torch.testing.assert_close(b[..., hand, :] + b[..., right, :], x[..., hand, :] - x[..., spine, :])


@given(seeds)
def test_motion_telescopes_and_ends_in_zero(seed: int) -> None:
    x = batch(seed)
    m = motion(x)
    torch.testing.assert_close(m.sum(dim=2), x[:, :, -1] - x[:, :, 0])
    assert not m[:, :, -1].any()


def test_the_root_has_no_bone() -> None:
    assert not bones(batch(0), CHAIN)[..., CHAIN.root, :].any()


def test_bone_motion_is_the_motion_of_bones() -> None:
    x = batch(1)
    expected = motion(bones(x, CHAIN))
    torch.testing.assert_close(to_stream(x, "bone_motion", CHAIN), expected)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("frames", [1, 6])
def test_streams_keep_the_shape_and_leave_the_input_alone(stream, frames: int) -> None:
    x = batch(2, frames)
    before = x.clone()
    assert to_stream(x, stream, CHAIN).shape == x.shape
    assert torch.equal(x, before)


def test_the_joint_stream_is_the_input() -> None:
    x = batch(3)
    assert torch.equal(to_stream(x, "joint", CHAIN), x)


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown stream 'velocity'"):
        to_stream(batch(0), "velocity", CHAIN)  # type: ignore[arg-type]
