from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data import preprocess as module
from skelbench.data.preprocess import PREPROCESSES, preprocess
from skelbench.errors import DataError

from .made import CHAIN, make_clips

SPATIAL = ["sgcn", "sgn", "ctrgcn"]
HAND = replace(CHAIN, joints=("wrist", "palm", "thumb_base", "middle_base", "middle_tip"))


def distances(frames: np.ndarray) -> np.ndarray:
    return np.linalg.norm(frames[:, :, :, None] - frames[:, :, None], axis=-1)


@pytest.mark.parametrize("name", SPATIAL)
def test_distances_within_a_body_are_kept(name: str) -> None:
    clips = make_clips()
    np.testing.assert_allclose(
        distances(preprocess(clips, name, CHAIN).frames), distances(clips.frames), atol=1e-5
    )


@pytest.mark.parametrize("name", [n for n in PREPROCESSES if n != "none"])
def test_absent_persons_stay_exactly_zero(name: str) -> None:
    clips = make_clips()
    absent = ~clips.frames.any(axis=(2, 3))
    assert absent.any()
    assert not preprocess(clips, name, HAND).frames[absent].any()


def test_hand_begins_at_the_wrist_with_a_palm_of_length_one() -> None:
    clips = make_clips(persons=1)
    found = preprocess(clips, "hand", HAND)
    first = found.frames[found.offsets[:-1], 0]
    np.testing.assert_allclose(first[:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(first[:, 3], axis=1), 1, atol=1e-5)
    before, after = distances(clips.frames), distances(found.frames)
    for start, stop in zip(clips.offsets[:-1], clips.offsets[1:], strict=True):
        length = before[start, 0, 0, 3]
        np.testing.assert_allclose(after[start:stop] * length, before[start:stop], rtol=1e-4, atol=1e-5)


def test_a_hand_of_no_length_is_moved_and_not_scaled() -> None:
    clips = make_clips((3,), persons=1)
    frames = clips.frames.copy()
    frames[0, 0, 3] = frames[0, 0, 0]
    found = preprocess(replace(clips, frames=frames), "hand", HAND).frames
    np.testing.assert_allclose(found, frames - frames[0, 0, 0], atol=1e-6)


def test_a_layout_that_is_no_hand_is_refused() -> None:
    with pytest.raises(DataError, match="'hand' needs a joint 'middle_base', which 'chain' has not"):
        preprocess(make_clips(), "hand", CHAIN)


def test_sgcn_centres_every_frame_and_stands_the_first_upright() -> None:
    clips = preprocess(make_clips(persons=1), "sgcn", CHAIN)
    _, spine, left, right = CHAIN.torso
    np.testing.assert_allclose(clips.frames[:, 0, spine], 0, atol=1e-6)
    first = clips.frames[clips.offsets[:-1], 0]
    shoulders = first[:, right] - first[:, left]
    np.testing.assert_allclose(shoulders[:, 1:], 0, atol=1e-5)
    assert (shoulders[:, 0] > 0).all()


def test_sgcn_turns_the_trunk_to_z_where_the_shoulders_are_square_to_it() -> None:
    clips = make_clips((4,), persons=1)
    frames = clips.frames.copy()
    frames[0, 0] = [[1, 1, 1], [1, 2, 1], [1, 2, 0], [1, 2, 3], [1, 2, 4]]
    first = preprocess(replace(clips, frames=frames), "sgcn", CHAIN).frames[0, 0]
    np.testing.assert_allclose(first[1] - first[0], [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(first[3] - first[2], [3, 0, 0], atol=1e-6)


@pytest.mark.parametrize("trunk", [[0, 0, -1], [0, 0, 1], [0, 0, 0]])
def test_opposite_aligned_and_missing_trunks_are_no_special_trouble(trunk: list[float]) -> None:
    turn = module._between(np.array([trunk], float), np.array([0.0, 0.0, 1.0]))[0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ trunk, [0, 0, float(np.linalg.norm(trunk))], atol=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_the_rotation_between_vectors_is_a_rotation_onto_the_target(vector: list[float]) -> None:
    source, target = np.array([vector]), np.array([1.0, 0.0, 0.0])
    turn = module._between(source, target)[0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    if np.linalg.norm(source) > 1e-6:
        np.testing.assert_allclose(turn @ source[0], np.linalg.norm(source) * target, atol=1e-4)


@pytest.mark.parametrize("name", ["sgn", "ctrgcn"])
def test_the_first_frame_with_a_body_is_the_origin_of_the_recording(name: str) -> None:
    clips = make_clips()
    frames = clips.frames.copy()
    start = clips.offsets[3]
    frames[start : start + 2] = 0
    out = preprocess(replace(clips, frames=frames), name, CHAIN).frames
    assert not out[start : start + 2].any()
    origin = frames[start + 2, 0, 1]
    np.testing.assert_allclose(out[start + 5, 1], frames[start + 5, 1] - origin, rtol=1e-6)


def test_a_frame_without_the_first_person_is_centred_where_it_was_last_seen() -> None:
    clips = make_clips((6,))
    frames = clips.frames.copy()
    frames[3, 0] = 0
    assert frames[3, 1].any()
    out = preprocess(replace(clips, frames=frames), "sgcn", CHAIN).frames
    assert not out[3, 0].any()
    np.testing.assert_allclose(
        np.linalg.norm(out[3, 1], axis=1), np.linalg.norm(frames[3, 1] - frames[2, 0, 1], axis=1), rtol=1e-5
    )


def test_an_empty_recording_stays_empty() -> None:
    clips = make_clips((3, 4))
    empty = replace(clips, frames=np.zeros_like(clips.frames))
    for name in SPATIAL:
        assert not preprocess(empty, name, CHAIN).frames.any()


def test_kinetics_centres_the_picture_and_drops_unseen_joints() -> None:
    clips = make_clips((2,), persons=1)
    frames = np.tile(np.array([0.25, 0.75, 0.9], np.float32), (2, 1, 5, 1))
    frames[1, 0, 2] = [0.3, 0.3, 0]
    out = preprocess(replace(clips, frames=frames), "kinetics2d", CHAIN).frames
    np.testing.assert_allclose(out[0, 0, 0], [-0.25, -0.25, 0.9])
    assert not out[1, 0, 2].any()


@given(st.integers(1, 60))
def test_the_size_of_chunks_makes_no_difference(size: int) -> None:
    clips = make_clips()
    whole = preprocess(clips, "sgcn", CHAIN).frames
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK_FRAMES", size)
        np.testing.assert_array_equal(preprocess(clips, "sgcn", CHAIN).frames, whole)


def test_none_and_a_repeated_request_change_nothing() -> None:
    clips = make_clips()
    assert preprocess(clips, "none", CHAIN) is clips
    once = preprocess(clips, "sgn", CHAIN)
    assert preprocess(once, "sgn", CHAIN) is once
    assert once.preprocess == "sgn"


def test_one_pre_processing_does_not_follow_another() -> None:
    once = preprocess(make_clips(), "sgn", CHAIN)
    with pytest.raises(DataError, match="pre-processed by 'sgn', not 'sgcn'"):
        preprocess(once, "sgcn", CHAIN)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(DataError, match="Did you mean 'ctrgcn'"):
        preprocess(make_clips(), "ctr_gcn", CHAIN)


def test_a_layout_of_other_joints_is_refused() -> None:
    with pytest.raises(DataError, match=r"5 joints and layout 'chain' has 2"):
        preprocess(make_clips(), "sgn", replace(CHAIN, joints=("a", "b")))
