from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skelbench_plugins.datasets import CLIPS, SHREC_DEPTH14, SHREC_DEPTH28
from skelbench_plugins.datasets.clips.reader import ClipsReader
from skelbench_plugins.datasets.shrec.depth import ShrecDepthReader

from skelbench.data import open_videos, raw_digest, split
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions, VideoOptions

CLIP = VideoOptions(frames=4)
COUNT = 6


def arrays(**changes: Any) -> dict[str, Any]:
    whole = {
        "x": np.arange(COUNT * 5 * 4 * 3).reshape(COUNT, 5, 4, 3).astype(np.uint8),
        "labels": np.array([0, 1, 0, 1, 0, 1]),
        "split": np.array([True, True, True, True, False, False]),
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def videos(folder: Path, params: dict[str, Any] | None = None, **changes: Any):
    folder.mkdir(exist_ok=True)
    np.savez(folder / "some.npz", **arrays(**changes))
    component = CLIPS.with_params({"classes": 2, "channels": 1, **(params or {})})
    return open_videos(component, folder / "some.npz", "official", CLIP)


def test_an_npz_is_read_with_its_labels_and_split(tmp_path: Path) -> None:
    found = videos(tmp_path)
    assert found.ids.tolist() == ["0", "1", "2", "3", "4", "5"]
    assert found.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert found.train.tolist() == [True] * 4 + [False] * 2
    assert found.class_names == ("class 1", "class 2")
    np.testing.assert_array_equal(found.sources[2].read(np.array([1, 4]))[..., 0], arrays()["x"][2, [1, 4]])


def test_arrays_may_have_other_names_and_forms(tmp_path: Path) -> None:
    found = videos(
        tmp_path,
        {
            "x": "v",
            "labels": "y",
            "first_label": 1,
            "split": "part",
            "subjects": "who",
            "ids": "name",
            "channels": 3,
        },
        x=None,
        v=np.zeros((COUNT, 5, 4, 3, 3), dtype=np.uint8),
        y=np.array([1, 2, 1, 2, 1, 2], dtype=np.uint8),
        part=np.array(["train", "test"] * 3),
        who=np.arange(COUNT),
        name=np.array(list("fedcba")),
    )
    assert found.ids.tolist() == list("abcdef")
    assert found.labels.tolist() == [1, 0] * 3
    assert found.train.tolist() == [False, True] * 3
    assert found.subjects.tolist() == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"x": None}, "has no array 'x'"),
        ({"labels": None}, "has no array 'labels'"),
        ({"x": np.zeros((COUNT, 5, 4, 3))}, "'x' is of float64"),
        ({"x": np.zeros((COUNT, 5, 4), dtype=np.uint8)}, r"'x' is of uint8, shape \(6, 5, 4\)"),
        ({"x": np.zeros((0, 5, 4, 3), dtype=np.uint8)}, "'x' is of uint8"),
        ({"x": np.zeros((COUNT, 5, 4, 3, 3), dtype=np.uint8)}, "3 channels, and the data set says 1"),
        ({"labels": np.arange(5)}, r"'labels' has the shape \(5,\), not \(6,\)"),
        ({"labels": np.full(COUNT, 2)}, "other things than classes 0 to 1"),
        ({"labels": np.full(COUNT, -1)}, "other things than classes 0 to 1"),
        ({"labels": np.zeros(COUNT)}, "other things than classes"),
        ({"labels": np.array([{}] * COUNT)}, "cannot be read"),
        ({"split": np.arange(COUNT)}, "other things than true and false"),
        ({"split": np.array(["train", "val"] * 3)}, "other things than true and false"),
    ],
)
def test_what_does_not_fit_is_told_with_the_file(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word) as told:
        videos(tmp_path, **changes)
    assert "some.npz" in str(told.value)


@pytest.mark.parametrize("damage", ["cut", "noise", "flipped", "npy"])
def test_a_damaged_file_is_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(
        path, **arrays(x=np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3)).astype("u1"))
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 4 + 40] = bytes(40)
    made = {"cut": path.read_bytes()[:200], "noise": b"\xff" * 99, "flipped": bytes(data)}
    if damage == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        path.write_bytes(made[damage])
    with pytest.raises(DataError, match=r"a\.npz: (cannot be read|is not an npz)"):
        open_videos(CLIPS, tmp_path, "official", CLIP)


def test_a_folder_must_hold_one_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no npz file"):
        ClipsReader().videos(tmp_path, "official")
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, **arrays())
    with pytest.raises(DataError, match="2 npz files"):
        ClipsReader().videos(tmp_path, "official")


def test_the_fingerprint_is_of_every_pixel(tmp_path: Path) -> None:
    changed = arrays()["x"].copy()
    changed[3, 2, 1, 0] ^= 1
    assert raw_digest(videos(tmp_path)) != raw_digest(videos(tmp_path, x=changed))


# --- SHREC'17 --------------------------------------------------------------------------------


def test_ids_tell_gesture_finger_subject_and_essai(tmp_path: Path) -> None:
    ShrecDepthReader(28).synthesise(tmp_path, clips=56, seed=0)
    found = {c.name: open_videos(c, tmp_path, "official", CLIP) for c in (SHREC_DEPTH14, SHREC_DEPTH28)}
    assert found["shrec17-depth-14"].ids.tolist() == found["shrec17-depth-28"].ids.tolist()
    for videos_ in found.values():
        numbers = [[int(part[1:]) for part in name.split("_")] for name in videos_.ids]
        assert videos_.subjects.tolist() == [own[2] for own in numbers]
    gestures = [int(name[1 : name.index("_")]) - 1 for name in found["shrec17-depth-14"].ids]
    assert found["shrec17-depth-14"].labels.tolist() == gestures
    assert found["shrec17-depth-28"].class_names[1].startswith(found["shrec17-depth-14"].class_names[0])


def test_depth_videos_of_another_size_are_told(tmp_path: Path) -> None:
    columns = {n: np.ones(COUNT, dtype=int) for n in ("gesture", "finger", "subject", "essai", "label14")}
    np.savez(tmp_path / "a.npz", **columns, x=arrays()["x"], train=arrays()["split"])
    with pytest.raises(DataError, match=r"videos of \(5, 4, 3\), not \(16, 50, 50\)"):
        open_videos(SHREC_DEPTH14, tmp_path, "official", CLIP)


@pytest.mark.parametrize("component", [SHREC_DEPTH14, SHREC_DEPTH28], ids=lambda c: c.name)
def test_the_real_depth_videos_are_split_as_the_owners_split_them(shared_data: Path, component) -> None:
    root = shared_data / "shrec17" / "depth16.npz"
    found = open_videos(component, root, "official", VideoOptions(frames=16))
    assert (found.train.sum(), (~found.train).sum()) == component.reader().expected("official")
    assert set(found.labels.tolist()) == set(range(component.classes))
    assert not set(found.subjects[found.train]) & set(found.subjects[~found.train])
    parts = split(found, component.reader(), "official", ValidationOptions(), 0, inference=0.2)
    people = [
        set(found.subjects[p].tolist()) for p in (parts.train, parts.validation, parts.inference, parts.test)
    ]
    assert sum(map(len, people)) == len(set.union(*people)) == 28
