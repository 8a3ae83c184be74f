from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skelbench.data.fingerprint import raw_digest, short, split_fingerprint, trace
from skelbench.data.preprocess import preprocess
from skelbench.errors import DataError

from .made import CHAIN, make_clips

CLIPS = make_clips()
TRAIN = CLIPS.cameras == 0


def changed(what: str):
    if what == "coordinate":
        frames = CLIPS.frames.copy()
        frames[-1, 0, 0, 0] += 1e-3
        return CLIPS.with_frames(frames, "none"), TRAIN
    if what == "label":
        return replace(CLIPS, labels=(CLIPS.labels + 1) % 3), TRAIN
    if what == "id":
        return replace(CLIPS, ids=np.char.add(CLIPS.ids, "x")), TRAIN
    if what == "lengths":
        offsets = CLIPS.offsets.copy()
        offsets[2] += 1
        return replace(CLIPS, offsets=offsets), TRAIN
    return CLIPS, ~TRAIN


@pytest.mark.parametrize("what", ["coordinate", "label", "id", "lengths", "split"])
def test_any_change_changes_the_fingerprint(what: str) -> None:
    assert split_fingerprint(*changed(what)) != split_fingerprint(CLIPS, TRAIN)


def test_a_copy_has_the_same_fingerprint() -> None:
    copy = replace(CLIPS, frames=np.asfortranarray(CLIPS.frames), ids=CLIPS.ids.astype("<U40"))
    assert split_fingerprint(copy, TRAIN) == split_fingerprint(CLIPS, TRAIN)


def test_traced_recordings_keep_the_fingerprint_of_their_raw_coordinates() -> None:
    traced = trace(CLIPS)
    assert raw_digest(preprocess(traced, "sgcn", CHAIN)) == raw_digest(CLIPS)


def test_untraced_recordings_cannot_pretend_to_be_raw() -> None:
    with pytest.raises(DataError, match="raw coordinates of these 'sgcn' recordings are unknown"):
        raw_digest(preprocess(CLIPS, "sgcn", CHAIN))


def test_the_short_form_is_the_beginning() -> None:
    whole = split_fingerprint(CLIPS, TRAIN)
    assert len(whole) == 64
    assert len(short(whole)) == 12
    assert whole.startswith(short(whole))
