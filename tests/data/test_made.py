"""Synthetic recordings of data sets whose readers make none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skelbench.components import Dataset
from skelbench.data import open_store, training_part
from skelbench.data.made import synthesise, with_channels
from skelbench.errors import DataError
from tests.data.made import CHAIN


class Silent:
    """A reader without `synthesise`."""

    class_names = ("a", "b", "c")

    def is_train(self, clips: object, protocol: str) -> np.ndarray:
        return np.asarray(clips.subjects) % 2 == 1  # type: ignore[attr-defined]


OWN = Dataset(name="own", target=Silent, layout="chain", classes=3, persons=2, protocols=("odd",))


def test_a_store_of_recordings_as_the_description_has_them(tmp_path: Path) -> None:
    synthesise(OWN, CHAIN, tmp_path / "made", clips=12, seed=0)
    clips = open_store(tmp_path / "made")
    assert (len(clips), clips.synthetic, clips.class_names) == (12, True, ("a", "b", "c"))
    assert clips.frames.shape[1:] == (2, 5, 3)
    train = training_part(clips, OWN.reader(), "odd")
    assert 0 < train.sum() < len(clips)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_channels_beyond_the_coordinates_are_scores(tmp_path: Path) -> None:
    flat = replace(OWN, axes=2)
    synthesise(flat, CHAIN, tmp_path / "made", clips=3, seed=0, classes=2)
    clips = open_store(tmp_path / "made")
    assert (clips.frames[..., 2] == 1).all()
    assert clips.frames[..., :2].std() > 0.1
    assert set(clips.labels.tolist()) == {0, 1}


def test_the_same_seed_makes_the_same(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        synthesise(OWN, CHAIN, tmp_path / name, clips=3, seed=seed)
    one, two, other = (open_store(tmp_path / name).frames for name in ("one", "two", "other"))
    assert np.array_equal(one, two)
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_videos_are_not_made_up(tmp_path: Path) -> None:
    videos = replace(OWN, modality="video")
    with pytest.raises(DataError, match="makes no synthetic videos"):
        synthesise(videos, CHAIN, tmp_path / "made", clips=3, seed=0)


def test_a_fourth_channel_is_there_too() -> None:
    space = np.zeros((4, 1, 5, 3), dtype=np.float32)
    made = with_channels(space, replace(OWN, channels=4, axes=3))
    assert made.shape == (4, 1, 5, 4)
    assert (made[..., 3] == 1).all()
