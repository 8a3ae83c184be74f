"""Kinetics-Skeleton in its owners' JSON form."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.datasets.kinetics.labels import read_labels
from skelbench_plugins.datasets.kinetics.poses import best_persons
from skelbench_plugins.datasets.kinetics.skeletons import KineticsFile, KineticsReader

from skelbench.components import Dataset, Layout
from skelbench.data import open_clips, open_store, read_clips, split, write_store
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions


@pytest.fixture(scope="module")
def kinetics(registry) -> Dataset:
    return registry.get("dataset", "kinetics")


@pytest.fixture(scope="module")
def layout(registry, kinetics: Dataset) -> Layout:
    return registry.get("layout", kinetics.layout)


def person(score: Any, at: float = 0.5) -> dict[str, list[Any]]:
    return {"pose": [at] * 36, "score": [score] * 18}


def shown(*people: Any) -> str:
    """A recording of one frame, as text."""
    return json.dumps({"data": [{"frame_index": 1, "skeleton": people}]})


def label(index: int, name: str = "", seen: bool = True) -> dict[str, Any]:
    return {"has_skeleton": seen, "label": name or f"action {index}", "label_index": index}


def write(root: Path, part: str, name: str, frames: dict[int, list[Any]], index: int = 3) -> Path:
    """A recording of persons by frame index, and its label beside those that are there."""
    folder, labels = root / f"kinetics_{part}", root / f"kinetics_{part}_label.json"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    data = [{"frame_index": number, "skeleton": people} for number, people in frames.items()]
    file.write_text(json.dumps({"data": data, "label": f"action {index}", "label_index": index}))
    found = json.loads(labels.read_text()) if labels.exists() else {}
    labels.write_text(json.dumps(found | {name: label(index)}))
    return file


def read_one(root: Path, frames: dict[int, list[Any]]) -> np.ndarray:
    write(root, "val", "clip", frames)
    reader = KineticsReader()
    (source,) = reader.sources(root)
    (clip,) = reader.read(source)
    return clip.frames


def test_folders_give_the_split_and_label_files_the_classes(tmp_path: Path, kinetics: Dataset) -> None:
    write(tmp_path, "train", "-abc", {1: [person(0.5)], 2: []}, 7)
    write(tmp_path, "val", "-abc", {1: [person(0.5)]}, 399)
    (tmp_path / "kinetics_val" / "notes.txt").write_text("no recording")
    reader = KineticsReader()
    clips = read_clips(kinetics, reader, tmp_path)
    assert clips.ids.tolist() == ["train/-abc", "val/-abc"]
    assert clips.labels.tolist() == [7, 399]
    assert [clips.class_names[i] for i in (0, 7, 399)] == ["class 0", "action 7", "action 399"]
    assert reader.is_train(clips, "val").tolist() == [True, False]
    assert clips.subjects.tolist() == [-1, -1]
    assert clips.frames.shape == (3, 2, 18, 3)


def test_frames_are_counted_from_one_and_missing_ones_are_empty(tmp_path: Path) -> None:
    frames = read_one(tmp_path, {2: [person(0.5, 0.25)], 5: [], 1: []})
    assert frames.shape == (5, 2, 18, 3)
    assert np.flatnonzero(frames.any(axis=(1, 2, 3))).tolist() == [1]
    np.testing.assert_array_equal(frames[1, 0], np.tile([0.25, 0.25, 0.5], (18, 1)))
    assert not frames[1, 1].any()


def test_a_recording_of_no_frames_is_one_empty_frame(tmp_path: Path) -> None:
    assert read_one(tmp_path, {}).shape == (1, 2, 18, 3)


def test_each_frame_keeps_its_own_two_best_of_the_first_five(tmp_path: Path) -> None:
    first = [person(score) for score in (0.1, 0.4, 0.2, 0.3, 0.05, 0.9)]
    frames = read_one(tmp_path, {1: first, 2: [person(0.2), person(0.8), person(0.5)]})
    np.testing.assert_allclose(frames[:, :, 0, 2], [[0.4, 0.3], [0.8, 0.5]])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=20))
def test_best_persons_are_those_of_a_plain_sort_of_each_frame(drawn: list[tuple[int, int]]) -> None:
    rows = np.array([row for row, _ in drawn], dtype=np.int64)
    people = np.zeros((len(drawn), 2, 3))
    people[..., 0] = np.arange(len(drawn))[:, None] + 1  # tells who it is
    people[..., 2] = np.array([score for _, score in drawn]).reshape(-1, 1)
    found = best_persons(rows, people, 5)[:, :, 0, 0]
    for row in range(5):
        here = [i for i, (at, _) in enumerate(drawn) if at == row]
        best = [i + 1 for i in sorted(here, key=lambda i: -drawn[i][1])[:2]]
        assert found[row].tolist() == [*best, 0, 0][:2]


def test_recordings_without_skeleton_are_dropped_and_counted(tmp_path: Path, kinetics: Dataset) -> None:
    for name in ("seen", "empty"):
        write(tmp_path, "train", name, {1: [person(0.5)]})
    labels = tmp_path / "kinetics_train_label.json"
    # The owners have no class for what they could not use; only the listed files count.
    unseen = {name: label(at, "unknown", seen=False) for name, at in (("empty", -1), ("elsewhere", 3))}
    labels.write_text(json.dumps(json.loads(labels.read_text()) | unseen))
    reader = KineticsReader()
    assert read_clips(kinetics, reader, tmp_path).ids.tolist() == ["train/seen"]
    (told,) = reader.dropped
    assert told.startswith("1 recordings are left out, in which the owners found no skeleton")
    assert len(reader.class_names) == 400
    assert "unknown" not in reader.class_names


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"data": [{"frame_index": 1, "skel', "Unterminated"),
        ("", "Expecting value"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "recursion"),
        ('{"data": [{"frame_index": 1}]}', "skeleton"),
        ('{"other": 1}', "data"),
        ('{"data": 5}', "not iterable"),
        ('{"data": [{"frame_index": [1], "skeleton": []}]}', "unhashable"),
        ('{"data": [{"frame_index": 0, "skeleton": []}]}', "whole number from 1"),
        ('{"data": [{"frame_index": 1.5, "skeleton": []}]}', "whole number from 1"),
        ('{"data": [{"frame_index": 1000000000000, "skeleton": []}]}', "whole number from 1 to 10000"),
        ('{"data": [{"frame_index": 1, "skeleton": []}, {"frame_index": 1, "skeleton": []}]}', "twice"),
        (shown({"pose": [1] * 34, "score": [1] * 18}), "36"),
        (shown({"pose": [1] * 36, "score": [1]}), "18"),
        (shown({"pose": [[1]] * 36, "score": [1] * 18}), "36"),
        (shown(person(0.5), {"pose": [1] * 34, "score": [1] * 18}), "inhomogeneous"),
        (shown(person(float("nan"))), "not finite"),
        (shown(person(1e300)), "not finite"),
        (shown(person("x")), "could not convert"),
        ('{"data": "\udcff"}', "decode"),
    ],
)
def test_a_damaged_file_is_named_with_a_remedy(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "clip.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=rf"clip\.json: truncated or malformed .*{why}.*Fetch the file"):
        KineticsReader().read(KineticsFile(file, "train", 3))


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        KineticsReader().read(KineticsFile(tmp_path / "clip.json", "train", 3))


def test_a_class_other_than_the_label_files_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, "val", "clip", {1: []}, 3)
    with pytest.raises(DataError, match=r"clip\.json: label_index is 3 and the label file says 4"):
        KineticsReader().read(KineticsFile(file, "val", 4))


def test_a_missing_label_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, "train", "clip", {1: []})
    labels = tmp_path / "kinetics_train_label.json"
    labels.unlink()
    with pytest.raises(DataError, match=r"the label file is missing.*Put the owners' file") as told:
        KineticsReader().sources(tmp_path)
    assert told.value.problems[0].where == str(labels)


def test_a_recording_without_a_label_is_told(tmp_path: Path) -> None:
    write(tmp_path, "train", "clip", {1: []})
    file = tmp_path / "kinetics_train" / "stranger.json"
    file.write_text("{}")
    with pytest.raises(DataError, match=r"has no label.*kinetics_train_label\.json") as told:
        KineticsReader().sources(tmp_path)
    assert told.value.problems[0].where == str(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": {"has_skel', "truncated or malformed label file"),
        ("[]", "no labels by recording"),
        ("{}", "no labels by recording"),
        (json.dumps({"a": 3}), "entry of 'a'"),
        (json.dumps({"a": label(400)}), "entry of 'a'"),
        (json.dumps({"a": label(-1)}), "entry of 'a'"),
        (json.dumps({"a": label(1) | {"has_skeleton": "yes"}}), "entry of 'a'"),
        (json.dumps({"a": label(1) | {"label_index": True}}), "entry of 'a'"),
        (json.dumps({"a": label(1, "run"), "clip": label(1, "walk")}), "class 1 is both 'run' and 'walk'"),
    ],
)
def test_a_damaged_label_file_is_told(tmp_path: Path, content: str, said: str) -> None:
    write(tmp_path, "train", "clip", {1: []}, 1)
    (tmp_path / "kinetics_train_label.json").write_text(content)
    reader = KineticsReader()
    with pytest.raises(DataError, match=said) as told:
        reader.sources(tmp_path)
    assert told.value.problems[0].remedy
    assert reader.class_names[1] == "class 1", "a failed reading leaves no names behind"


def test_folders_without_recordings_and_an_unknown_protocol_are_told(
    tmp_path: Path, kinetics: Dataset
) -> None:
    reader = KineticsReader()
    with pytest.raises(DataError, match="Give the folder that holds kinetics_train"):
        reader.sources(tmp_path)
    write(tmp_path, "train", "clip", {1: []})
    clips = read_clips(kinetics, reader, tmp_path)
    with pytest.raises(DataError, match=r"no protocol 'xsub'.*val"):
        reader.is_train(clips, "xsub")
    (tmp_path / "kinetics_train" / "clip.json").unlink()
    with pytest.raises(DataError, match="no recording with a skeleton"):
        reader.sources(tmp_path)
    assert reader.expected("xsub") is None


def test_synthetic_recordings_make_a_store_and_need_validation_at_random(
    tmp_path: Path, kinetics: Dataset, layout: Layout
) -> None:
    reader = KineticsReader()
    reader.synthesise(tmp_path / "raw", clips=18, seed=3, classes=3)
    write_store(tmp_path / "made", kinetics, reader, tmp_path / "raw", preprocess="kinetics2d", layout=layout)
    clips = open_store(tmp_path / "made")
    raw = read_clips(kinetics, KineticsReader(), tmp_path / "raw")
    assert clips.synthetic
    parts = split(clips, reader, "val", ValidationOptions(by="random", fraction=0.3), 0)
    assert (len(parts.whole_train), len(parts.test)) == (12, 6)
    for members in (parts.train, parts.test):
        assert set(clips.labels[members]) == {0, 1, 2}
    with pytest.raises(DataError, match=r"train\.validation\.by to 'random'"):
        split(clips, reader, "val", ValidationOptions(by="subject"), 0)
    missed = raw.frames[..., 2] == 0
    present = raw.frames.any(axis=(2, 3))
    assert missed[present].any(), "a pose estimator misses joints"
    assert not clips.frames[missed].any()
    assert (np.diff(raw.frames[..., 2].mean(axis=2), axis=1) <= 0).all(), "the best person comes first"
    assert ((raw.frames >= 0) & (raw.frames <= 1)).all()


def test_synthetic_recordings_do_not_mix_with_others(tmp_path: Path) -> None:
    write(tmp_path, "train", "clip", {1: []})
    with pytest.raises(DataError, match="holds recordings already"):
        KineticsReader().synthesise(tmp_path, clips=2, seed=0)
    with pytest.raises(DataError, match="1 to 400 classes, not 401"):
        KineticsReader().synthesise(tmp_path / "new", clips=2, seed=0, classes=401)


def test_a_reader_and_its_sources_can_be_sent_to_other_processes(tmp_path: Path) -> None:
    write(tmp_path, "train", "clip", {1: [person(0.5)]}, 7)
    reader = KineticsReader()
    again, sources = pickle.loads(pickle.dumps((reader, reader.sources(tmp_path))))
    assert again.class_names[7] == "action 7"
    np.testing.assert_array_equal(again.read(sources[0])[0].frames, reader.read(sources[0])[0].frames)


def test_the_real_validation_labels_are_all_accounted_for(shared_data: Path) -> None:
    labels = read_labels(shared_data / "kinetics-skeleton" / "kinetics_val_label.json")
    unseen = [name for name, found in labels.items() if not found.has_skeleton]
    assert (len(labels), len(unseen)) == (19_906, 110)
    expected = KineticsReader().expected("val")
    assert expected is not None
    assert len(labels) - len(unseen) == expected[1] == 19_796
    assert {found.index for found in labels.values()} == set(range(400))


def real_root(shared_data: Path, folder: Path) -> Path:
    """The real recordings with a label file for training, which is not at hand, made of their own labels."""
    real = shared_data / "kinetics-skeleton"
    for name in ("kinetics_train", "kinetics_val", "kinetics_val_label.json"):
        os.symlink(real / name, folder / name)
    told = {file.stem: json.loads(file.read_bytes()) for file in (real / "kinetics_train").glob("*.json")}
    labels = {name: label(found["label_index"], found["label"]) for name, found in told.items()}
    (folder / "kinetics_train_label.json").write_text(json.dumps(labels))
    return folder


def as_published(file: Path) -> np.ndarray:
    """(T, 2, 18, 3) by the published steps, one after the other: five persons, centred, sorted by score."""
    content = json.loads(file.read_bytes())
    last = max(frame["frame_index"] for frame in content["data"])
    every = np.zeros((last + 1, 5, 18, 3), dtype=np.float32)
    for frame in content["data"]:
        for place, one in enumerate(frame["skeleton"][:5]):
            pose, score = np.array(one["pose"]).reshape(18, 2), np.array(one["score"])[:, None]
            every[frame["frame_index"], place] = np.hstack([pose, score])
    x, y, score = np.moveaxis(every, -1, 0)
    moved = np.stack([x - 0.5, 0.5 - y, score], axis=-1) * (score != 0)[..., None]
    order = np.argsort(-score.sum(axis=2), axis=1, kind="stable")
    return np.take_along_axis(moved, order[:, :, None, None], axis=1)[:, :2]


def test_the_real_recordings_are_read_as_published(
    shared_data: Path, tmp_path: Path, kinetics: Dataset, layout: Layout
) -> None:
    root = real_root(shared_data, tmp_path)
    clips = open_clips(kinetics, root, preprocess="kinetics2d", layout=layout)
    assert clips.ids.tolist() == ["train/kkwHdOvpCoc", "train/sAP-xS5P0Bw", "val/-0BveUV52cM"]
    told = [clips.class_names[found] for found in clips.labels]
    assert told == ["cutting watermelon", "motorcycling", "smoking hookah"]
    assert clips.lengths.tolist() == [299, 299, 298]
    assert KineticsReader().is_train(clips, "val").tolist() == [True, True, False]
    seen = [int(clips.clip(i).frames.any(axis=(2, 3)).sum()) for i in range(3)]
    assert seen == [96 + 2 * 10, 1, 66 + 2 * 7]
    for number in range(3):
        part, name = str(clips.ids[number]).split("/")
        published = as_published(root / f"kinetics_{part}" / f"{name}.json")
        assert not published[0].any(), "the published array begins with an empty frame"
        np.testing.assert_allclose(clips.clip(number).frames, published[1:], atol=1e-6)


def test_the_real_folder_as_it_is_lacks_the_labels_for_training(shared_data: Path) -> None:
    with pytest.raises(DataError, match=r"kinetics_train_label\.json: the label file is missing"):
        KineticsReader().sources(shared_data / "kinetics-skeleton")
