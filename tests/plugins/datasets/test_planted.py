"""Planted motions tell classes apart by the planted relation and by nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skelbench_plugins.datasets.planted.tasks import CLASSES, FRAMES, distant

from skelbench.data import read_clips
from skelbench.errors import DataError

HANDS, FEET = (7, 11), (15, 19)


def heights(label: int, count: int = 200) -> np.ndarray:
    """Heights of all joints, (recordings, frames, joints)."""
    rng = np.random.default_rng(label)
    return np.stack([distant(label, rng)[:, 0, :, 1] for _ in range(count)])


def together(of: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """The correlation of two joints over the frames of each recording."""
    return np.array([np.corrcoef(one[:, pair[0]], one[:, pair[1]])[0, 1] for one in of])


@pytest.mark.parametrize("label", range(4))
def test_a_class_says_which_pairs_move_together(label: int) -> None:
    of = heights(label)
    for pair, apart in ((HANDS, label // 2), (FEET, label % 2)):
        assert np.median(together(of, pair)) * (-1 if apart else 1) > 0.8
    assert abs(np.median(together(of, (HANDS[0], FEET[0])))) < 0.2


def test_no_joint_by_itself_gives_a_class_away() -> None:
    of = [heights(label) for label in range(4)]
    for figure in (lambda x: x.mean(1), lambda x: x.std(1), lambda x: np.abs(np.diff(x, axis=1)).mean(1)):
        means = np.stack([figure(one).mean(0) for one in of])
        errors = np.stack([figure(one).std(0) / np.sqrt(len(one)) for one in of])
        assert (np.abs(means - means.mean(0)) < 4.5 * errors).all()


def test_pairs_are_eight_bones_apart(registry) -> None:
    layout = registry.get("layout", "ntu25")
    for pair in (HANDS, FEET):
        steps, reached = 0, {pair[0]}
        while pair[1] not in reached:
            reached |= {b for a, b in (*layout.inward, *((b, a) for a, b in layout.inward)) if a in reached}
            steps += 1
        assert steps == 8


def test_recordings_are_spread_evenly_over_classes_and_performers(registry, tmp_path: Path) -> None:
    component = registry.get("dataset", "planted-distant")
    reader = component.reader()
    assert reader.class_names == CLASSES
    assert len(CLASSES) == component.classes
    reader.synthesise(tmp_path, clips=80, seed=1)
    clips = read_clips(component, reader, tmp_path)
    assert clips.synthetic
    assert clips.frames.shape == (80 * FRAMES, 1, 25, 3)
    assert np.bincount(clips.labels).tolist() == [20] * 4
    is_train = reader.is_train(clips, "xsub")
    assert sorted(set(clips.subjects[is_train])) == [0, 1, 3, 4, 6, 7, 9]
    assert np.bincount(clips.labels[~is_train]).tolist() == [6] * 4


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": None},
        {"x": np.zeros((2, 16, 1, 20, 3), np.float32)},
        {"labels": np.zeros(3, int)},
        {"labels": np.zeros(2)},
        {"x": np.zeros(2, object)},
    ],
    ids=["no labels", "other joints", "too many labels", "labels no integers", "objects"],
)
def test_a_damaged_file_is_told(arrays: dict[str, np.ndarray | None], registry, tmp_path: Path) -> None:
    x = np.zeros((2, 16, 1, 25, 3), np.float32)
    good = {"x": x, "labels": np.zeros(2, int), "subjects": np.zeros(2, int)}
    np.savez(tmp_path / "planted.npz", **{k: v for k, v in (good | arrays).items() if v is not None})
    component = registry.get("dataset", "planted-distant")
    with pytest.raises(DataError, match=r"planted\.npz: damaged .*data synth"):
        read_clips(component, component.reader(), tmp_path)
