from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from skelbench_plugins.datasets import KINETICS400
from skelbench_plugins.datasets.kinetics.videos import Kinetics400Reader

from skelbench.data import open_videos
from skelbench.errors import DataError
from skelbench.recipe import VideoOptions

CLIP = VideoOptions(frames=16)
HEAD = "label,youtube_id,time_start,time_end,split\n"
CLASSES = [f"class {n:03d}" for n in range(1, 401)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinetics")
    Kinetics400Reader().synthesise(root, clips=9, seed=0, classes=3)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "raw")


def videos(root: Path):
    return open_videos(KINETICS400, root, "val", CLIP)


def write_tables(root: Path, train: str = "train.csv", val: str = "val.csv") -> None:
    """Tables of what stands in the folders, whose ids are the names of the files."""
    for part, name in (("train", train), ("val", val)):
        rows = []
        for path in sorted((root / part).rglob("*.mp4")):
            youtube_id, start, end = path.stem.rsplit("_", 2)
            rows.append(f"{path.parent.name},{youtube_id},{int(start)},{int(end)},{part}\n")
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(HEAD + "".join(rows))


def test_folders_of_classes_are_read(made: Path) -> None:
    found = videos(made)
    assert len(found) == 9
    assert found.train.sum() == 6
    assert found.ids[0].startswith("train/made-")
    assert found.subjects.max() == -1
    assert found.class_names == tuple(CLASSES)


@pytest.mark.parametrize(
    ("train", "val"), [("train.csv", "val.csv"), ("annotations/train.csv", "validate.csv")]
)
def test_tables_list_the_same_videos_wherever_they_stand(root: Path, train: str, val: str) -> None:
    before = videos(root)
    write_tables(root, train, val)
    for path in list((root / "train").rglob("*.mp4")):
        path.rename(root / "train" / path.name)
    after = videos(root)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.labels.tolist() == before.labels.tolist()
    assert after.train.tolist() == before.train.tolist()


def test_a_listed_clip_without_a_file_is_missing(root: Path) -> None:
    write_tables(root)
    next((root / "val").rglob("*.mp4")).unlink()
    with pytest.raises(DataError, match="1 of 9 videos cannot be used") as told:
        videos(root)
    assert "the video is missing" in str(told.value)


def test_without_a_list_of_classes_the_tables_must_have_all(root: Path) -> None:
    write_tables(root)
    (root / "classes.txt").unlink()
    with pytest.raises(DataError, match="3 classes, where Kinetics-400 has 400"):
        videos(root)
    more = [f"{name},id{number:09d},0,10,train\n" for number, name in enumerate(CLASSES)]
    (root / "train.csv").write_text((root / "train.csv").read_text() + "".join(more))
    with pytest.raises(DataError, match="400 of 409 videos cannot be used"):
        videos(root)


def test_a_label_that_is_no_class_is_told(root: Path) -> None:
    write_tables(root)
    path = root / "val.csv"
    path.write_text(path.read_text() + "class 4,abcdefghijk,0,10,val\n")
    with pytest.raises(DataError, match="has the label 'class 4', which is no class"):
        videos(root)


def test_a_folder_that_is_no_class_is_told(root: Path) -> None:
    (root / "val" / "klass").mkdir()
    with pytest.raises(DataError, match="folder 'klass' is no class"):
        videos(root)


def test_a_missing_part_and_an_unknown_protocol_are_told(root: Path) -> None:
    shutil.rmtree(root / "val")
    with pytest.raises(DataError, match="no Kinetics-400 here"):
        videos(root)
    with pytest.raises(DataError, match="no protocol 'test'"):
        Kinetics400Reader().videos(root, "test")
