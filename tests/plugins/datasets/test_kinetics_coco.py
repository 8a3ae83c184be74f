"""Kinetics-400 in pyskl's 2-D pickles: with key points inside, and in files beside."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skelbench_plugins.datasets.common.unpickle import load_pickle
from skelbench_plugins.datasets.kinetics.coco import KineticsCocoReader

from skelbench.components import Dataset
from skelbench.data import Clip, open_clips, read_clips
from skelbench.errors import DataError

SIZE = (200, 400)  # height and width of the image in pixels


@pytest.fixture(scope="module")
def coco(registry) -> Dataset:
    return registry.get("dataset", "kinetics-coco")


def points(scores: list[float], frames: int = 4) -> dict[str, Any]:
    """Persons of the given joint scores, at (100, 50) pixels."""
    keypoint = np.tile(np.array([100, 50], np.float16), (len(scores), frames, 17, 1))
    score = np.array(scores, np.float16)[:, None, None] * np.ones((1, frames, 17), np.float16)
    return {"keypoint": keypoint, "keypoint_score": score}


def annotation(name: str, **changes: Any) -> dict[str, Any]:
    found = {"frame_dir": name, "label": 3, "img_shape": SIZE, "original_shape": SIZE, "total_frames": 4}
    return found | points([0.5]) | changes


def listed(name: str, **changes: Any) -> dict[str, Any]:
    """An annotation whose four detections are in a file: two in frame 1, two in frame 3."""
    found = annotation(name, raw_file="data/k400/kpfiles/one.pkl", valid={0.5: 2})
    found |= {"frame_inds": np.array([1, 1, 3, 3]), "box_score": np.array([0.9, 0.8, 0.4, 0.7], np.float16)}
    del found["keypoint"], found["keypoint_score"]
    return found | changes


def detections() -> np.ndarray:
    """(4, 17, 3): x, y in pixels and scores of 0.2, 0.6, 0.9 and 0.3."""
    each = np.array([[100, 50, score] for score in (0.2, 0.6, 0.9, 0.3)], np.float32)
    return np.repeat(each[:, None], 17, axis=1)


def write(path: Path, annotations: Any, train: Any = ("a",), val: Any = ("b",)) -> Path:
    content = {"split": {"train": list(train), "val": list(val)}, "annotations": annotations}
    path.write_bytes(pickle.dumps(content))
    return path


def write_kpfile(root: Path, content: Any) -> Path:
    (root / "kpfiles").mkdir(exist_ok=True)
    file = root / "kpfiles" / "one.pkl"
    file.write_bytes(pickle.dumps(content))
    return file


def read_all(root: Path) -> list[Clip]:
    reader = KineticsCocoReader()
    return [clip for source in reader.sources(root) for clip in reader.read(source)]


@pytest.mark.parametrize("given", ["file", "folder"])
def test_the_split_and_the_labels_are_those_of_the_file(tmp_path: Path, coco: Dataset, given: str) -> None:
    path = write(tmp_path / "k.pkl", [annotation("b", label=np.int64(399)), annotation("a"), annotation("c")])
    reader = KineticsCocoReader()
    clips = read_clips(coco, reader, path if given == "file" else tmp_path)
    assert clips.ids.tolist() == ["train/a", "val/b"]
    assert clips.labels.tolist() == [3, 399]
    assert reader.is_train(clips, "val").tolist() == [True, False]
    (told,) = reader.dropped
    assert told.startswith("1 recordings are left out"), "'c' is in neither part"
    assert clips.frames.shape == (8, 2, 17, 3)
    assert clips.class_names[399] == "class 399"
    with pytest.raises(DataError, match="no protocol 'xsub'"):
        reader.is_train(clips, "xsub")


def test_coordinates_become_shares_of_the_image(tmp_path: Path) -> None:
    (clip,) = read_all(write(tmp_path / "k.pkl", [annotation("a")]))
    np.testing.assert_array_equal(clip.frames[0, 0, 0], [0.25, 0.25, 0.5])
    assert not clip.frames[:, 1].any(), "there is one person"


def test_persons_are_ordered_by_their_score_over_the_clip(tmp_path: Path) -> None:
    three = points([0.25, 0.75, 0.5])
    three["keypoint_score"][1, 0] = 0.125  # one bad frame changes no places
    (clip,) = read_all(write(tmp_path / "k.pkl", [annotation("a", **three)]))
    np.testing.assert_array_equal(
        clip.frames[:, :, 0, 2], [[0.125, 0.5], [0.75, 0.5], [0.75, 0.5], [0.75, 0.5]]
    )


def test_a_clip_that_shows_nobody_is_empty(tmp_path: Path) -> None:
    (clip,) = read_all(write(tmp_path / "k.pkl", [annotation("a", **points([]))]))
    assert clip.frames.shape == (4, 2, 17, 3)
    assert not clip.frames.any()


def test_key_points_in_files_beside_are_read_frame_by_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "k400_hrnet.pkl", [listed("b"), listed("a")])
    write_kpfile(tmp_path, {name: {"keypoint": detections()} for name in "ab"})
    reader = KineticsCocoReader()
    (source,) = pickle.loads(pickle.dumps(reader.sources(path)))
    clips = reader.read(source)
    assert sorted(clip.id for clip in clips) == ["train/a", "val/b"]
    # The detection of score 0.9 is in a box below one half.
    np.testing.assert_allclose(clips[0].frames[:, :, 0, 2], [[0.6, 0.2], [0.0, 0.0], [0.3, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(clips[0].frames[0, 0, 0, :2], [0.25, 0.25])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": 400}, "label 400 is none of 0 to 399"),
        ({"label": None}, "label None is none of"),
        ({"total_frames": 5}, r"keypoint has shape \(1, 4, 17, 2\), not \(1, 5, 17, 2\)"),
        ({"total_frames": 10**12}, "total_frames 1000000000000 is none of 1 to 10000"),
        ({"keypoint": np.ones((1, 4, 25, 2))}, r"\(1, 4, 25, 2\), not \(1, 4, 17, 2\)"),
        ({"keypoint": [1, 2]}, "keypoint has shape None"),
        ({"keypoint": np.full((1, 4, 17, 2), np.nan)}, "of keypoint is no finite number"),
        ({"keypoint": np.full((1, 4, 17, 2), True)}, "of keypoint is no finite number"),
        ({"keypoint_score": None}, "keypoint_score has shape None"),
        ({"keypoint_score": np.ones((2, 4, 17))}, r"keypoint_score has shape \(2, 4, 17\)"),
        ({"img_shape": None}, "img_shape is not"),
        ({"img_shape": (0, 340)}, r"img_shape is not \(height, width\)"),
        ({"img_shape": ("a", "b")}, "img_shape is not"),
    ],
)
def test_a_wrong_annotation_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "k.pkl", [annotation("a", **changes)])
    with pytest.raises(DataError, match=rf"'a': .*{said}") as told:
        read_all(path)
    assert told.value.problems[0].where == str(path)
    assert told.value.problems[0].remedy


@pytest.mark.parametrize(
    ("content", "changes", "said"),
    [
        ({}, {}, "the file has no key points of it"),
        ({"a": 3}, {}, "the file has no key points of it"),
        ([1], {}, "no key points by recording"),
        ({"a": {"keypoint": np.ones((3, 17, 3))}}, {}, r"frame_inds has shape \(4,\), not \(3,\)"),
        ({"a": {"keypoint": np.ones((4, 17, 2))}}, {}, r"\(4, 17, 2\), not \(4, 17, 3\)"),
        ({"a": {"keypoint": None}}, {}, "keypoint has shape None"),
        ({"a": {"keypoint": np.ones((4, 17, 3))}}, {"box_score": None}, "box_score has shape None"),
        ({"a": {"keypoint": np.ones((4, 17, 3))}}, {"frame_inds": np.arange(4)}, "none of 1 to 4"),
        ({"a": {"keypoint": np.ones((4, 17, 3))}}, {"frame_inds": np.arange(4) + 2}, "none of 1 to 4"),
    ],
)
def test_a_wrong_file_of_key_points_is_told(
    tmp_path: Path, content: Any, changes: dict[str, Any], said: str
) -> None:
    path = write(tmp_path / "k.pkl", [listed("a", **changes)])
    file = write_kpfile(tmp_path, content)
    with pytest.raises(DataError, match=said) as told:
        read_all(path)
    assert told.value.problems[0].where == str(file)


def test_a_missing_file_of_key_points_is_told_and_never_sought_elsewhere(tmp_path: Path) -> None:
    outside = tmp_path / "one.pkl"
    outside.write_bytes(pickle.dumps({"a": {"keypoint": detections()}}))
    inner = tmp_path / "data"
    inner.mkdir()
    path = write(inner / "k.pkl", [listed("a", raw_file="kpfiles/../../one.pkl")])
    with pytest.raises(DataError, match=r"kpfiles/one\.pkl: the key points are missing.*beside k\.pkl"):
        read_all(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (7, "no split of 'train' and 'val'"),
        ({"annotations": []}, "no split of 'train' and 'val'"),
        ({"split": {"train1": ["a"]}, "annotations": []}, "no split of 'train' and 'val'"),
        ({"split": {"train": ["a"], "val": ["a"]}, "annotations": []}, "'a' is in both train and val"),
        ({"split": {"train": ["a"], "val": []}, "annotations": 3}, "no annotations with a frame_dir"),
        (
            {"split": {"train": ["a"], "val": []}, "annotations": [{"label": 1}]},
            "no annotations with a frame",
        ),
        ({"split": {"train": ["a"], "val": []}, "annotations": []}, "lists none of its annotations"),
        (
            {"split": {"train": ["a"], "val": []}, "annotations": [{"frame_dir": "a"}]},
            "neither 'keypoint' nor 'raw_file'",
        ),
    ],
)
def test_a_pickle_of_something_else_is_told(tmp_path: Path, content: Any, said: str) -> None:
    path = tmp_path / "k.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=said) as told:
        read_all(path)
    assert told.value.problems[0].where == str(path)
    assert told.value.problems[0].remedy


class Hostile:
    """Makes a folder when an ordinary unpickler reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("place", ["annotations", "key points"])
def test_a_hostile_pickle_is_named_and_not_run(tmp_path: Path, place: str) -> None:
    hostile = Hostile(tmp_path / "run")
    if place == "annotations":
        write(tmp_path / "k.pkl", [annotation("a", label=hostile)])
    else:
        write(tmp_path / "k.pkl", [listed("a")])
        write_kpfile(tmp_path, {"a": {"keypoint": hostile}})
    with pytest.raises(DataError, match=r"mkdir', which is no plain data.*Do not trust this file"):
        read_all(tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_truncated_pickle_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "k.pkl", [annotation("a")])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"k\.pkl: the pickle is damaged"):
        read_all(path)


def test_one_pickle_must_be_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not one pickle here \(none\)"):
        read_all(tmp_path)
    for name in ("a.pkl", "b.pkl"):
        write(tmp_path / name, [])
    with pytest.raises(DataError, match=r"not one pickle here \(a.pkl, b.pkl\)"):
        read_all(tmp_path)


def test_synthetic_recordings_lie_in_the_image_with_the_best_person_first(
    tmp_path: Path, coco: Dataset, registry
) -> None:
    KineticsCocoReader().synthesise(tmp_path, clips=9, seed=1, classes=3)
    layout = registry.get("layout", coco.layout)
    raw = open_clips(coco, tmp_path, preprocess="none", layout=layout)
    centred = open_clips(coco, tmp_path, preprocess="kinetics2d", layout=layout)
    assert raw.synthetic
    assert ((raw.frames >= 0) & (raw.frames <= 1)).all()
    assert np.abs(centred.frames[..., :2]).max() <= 0.5
    totals = np.array([raw.clip(i).frames[..., 2].sum(axis=(0, 2)) for i in range(9)])
    assert (totals[:, 0] >= totals[:, 1]).all()
    assert (totals[:, 1] > 0).any(), "some clips show two persons"
    assert KineticsCocoReader().is_train(raw, "val").tolist() == [True] * 6 + [False] * 3
    with pytest.raises(DataError, match="holds recordings already"):
        KineticsCocoReader().synthesise(tmp_path, clips=1, seed=1)


def test_a_real_annotation_of_this_form_is_read(shared_data: Path, tmp_path: Path) -> None:
    found = load_pickle(shared_data / "pyskl" / "example_UCF101_skeleton.pkl")
    name = found["frame_dir"]
    (clip,) = read_all(write(tmp_path / "k.pkl", [found], train=[name]))
    height, width = found["img_shape"]
    assert clip.frames.shape == (163, 2, 17, 3)
    totals = clip.frames[..., 2].sum(axis=(0, 2))
    assert totals[0] >= totals[1]
    order = np.argsort(-found["keypoint_score"].astype(float).sum(axis=(1, 2)))
    pixels = clip.frames[..., :2] * np.array([width, height], np.float32)
    np.testing.assert_allclose(pixels, found["keypoint"][order].transpose(1, 0, 2, 3), rtol=1e-3)
    np.testing.assert_array_equal(clip.frames[..., 2], found["keypoint_score"][order].transpose(1, 0, 2))
