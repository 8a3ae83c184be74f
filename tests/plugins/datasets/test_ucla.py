from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skelbench.components import Dataset, Layout
from skelbench.data import open_clips, read_clips, split
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions


@pytest.fixture(scope="module")
def ucla(registry) -> Dataset:
    return registry.get("dataset", "ucla")


@pytest.fixture(scope="module")
def layout(registry, ucla: Dataset) -> Layout:
    return registry.get("layout", ucla.layout)


def write(folder: Path, name: str, frames: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"file_name": name, "skeletons": frames}))
    return file


def ones(frames: int, joints: int = 20) -> list:
    return np.ones((frames, joints, 3)).tolist()


def test_the_component_agrees_with_its_reader(ucla: Dataset, layout: Layout) -> None:
    assert len(ucla.reader().class_names) == ucla.classes
    assert len(layout.joints) == 20


@pytest.mark.parametrize("inner", ["", "all_sqe"])
def test_names_give_class_performer_and_view(tmp_path: Path, ucla: Dataset, inner: str) -> None:
    write(tmp_path / inner, "a08_s05_e01_v02", ones(4))
    write(tmp_path / inner, "a12_s10_e00_v03", ones(1))
    (tmp_path / inner / "notes.json").write_text("{}")
    clips = read_clips(ucla, ucla.reader(), tmp_path)
    assert clips.ids.tolist() == ["a08_s05_e01_v02", "a12_s10_e00_v03"]
    assert [clips.class_names[label] for label in clips.labels] == ["donning", "carry"]
    assert clips.subjects.tolist() == [5, 10]
    assert clips.cameras.tolist() == [2, 3]
    assert clips.lengths.tolist() == [4, 1]
    assert clips.frames.shape == (5, 1, 20, 3)
    assert ucla.reader().is_train(clips, "xview").tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"skeletons": [[[1, 2', "truncated or malformed"),
        ("", "truncated or malformed"),
        ('{"other": 1}', "skeletons"),
        ("[1, 2]", "truncated or malformed"),
        (json.dumps({"skeletons": ones(2, 25)}), r"\(2, 25, 3\), not \(T, 20, 3\)"),
        (json.dumps({"skeletons": []}), r"not \(T, 20, 3\)"),
        (json.dumps({"skeletons": [[["x", 1, 2]] * 20]}), "truncated or malformed"),
        (json.dumps({"skeletons": [[[float("nan"), 1, 2]] * 20]}), "no finite number"),
        ('{"skeletons": "\udcff"}', "truncated or malformed"),
    ],
)
def test_a_damaged_file_is_named_with_a_remedy(tmp_path: Path, ucla: Dataset, text: str, why: str) -> None:
    file = tmp_path / "a01_s01_e00_v01.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=rf"a01_s01_e00_v01\.json: .*{why}.*Fetch the file again"):
        ucla.reader().read(file)


def test_an_action_that_does_not_exist_is_refused(tmp_path: Path, ucla: Dataset) -> None:
    file = write(tmp_path, "a07_s01_e00_v01", ones(2))
    with pytest.raises(DataError, match="no NW-UCLA action"):
        ucla.reader().read(file)


def test_a_file_that_went_away_is_told(tmp_path: Path, ucla: Dataset) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        ucla.reader().read(tmp_path / "a01_s01_e00_v01.json")


def test_an_empty_folder_and_an_unknown_protocol_are_told(tmp_path: Path, ucla: Dataset) -> None:
    reader = ucla.reader()
    with pytest.raises(DataError, match=r"Give the folder that holds all_sqe"):
        reader.sources(tmp_path)
    write(tmp_path, "a01_s01_e00_v01", ones(2))
    with pytest.raises(DataError, match="no protocol 'xsub'"):
        reader.is_train(read_clips(ucla, reader, tmp_path), "xsub")
    assert reader.expected("xsub") is None


def test_synthetic_recordings_read_back_with_every_class_in_both_splits(
    tmp_path: Path, ucla: Dataset, layout: Layout
) -> None:
    reader = ucla.reader()
    reader.synthesise(tmp_path, clips=60, seed=3, classes=4)
    clips = open_clips(ucla, tmp_path, preprocess="ctrgcn", layout=layout)
    assert clips.synthetic
    assert len(clips) == 60
    parts = split(clips, reader, "xview", ValidationOptions(fraction=0.3), 0)
    for members in (parts.train, parts.test):
        assert set(clips.labels[members]) == {0, 1, 2, 3}
    reader.synthesise(tmp_path / "again", clips=60, seed=3, classes=4)
    again = open_clips(ucla, tmp_path / "again", preprocess="ctrgcn", layout=layout)
    np.testing.assert_array_equal(again.frames, clips.frames)
    reader.synthesise(tmp_path / "other", clips=60, seed=4, classes=4)
    other = open_clips(ucla, tmp_path / "other", preprocess="ctrgcn", layout=layout)
    assert other.frames.shape != clips.frames.shape or not np.array_equal(other.frames, clips.frames)


def test_the_real_recordings_are_complete(shared_data: Path, ucla: Dataset, layout: Layout) -> None:
    reader = ucla.reader()
    clips = open_clips(ucla, shared_data / "nw-ucla", preprocess="sgcn", layout=layout)
    parts = split(clips, reader, "xview", ValidationOptions(), 0)
    assert (len(parts.whole_train), len(parts.test)) == reader.expected("xview") == (1020, 464)
    assert np.median(clips.lengths) == 31
    assert (clips.lengths.min(), clips.lengths.max()) == (1, 201)
    assert np.bincount(clips.labels).tolist() == [150, 152, 141, 173, 148, 149, 142, 142, 145, 142]
    assert not clips.synthetic
