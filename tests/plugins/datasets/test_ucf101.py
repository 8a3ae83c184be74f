from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from skelbench_plugins.datasets import UCF101
from skelbench_plugins.datasets.ucf101.reader import EXPECTED, Ucf101Reader

from skelbench.data import open_videos
from skelbench.errors import DataError
from skelbench.recipe import VideoOptions

CLIP = VideoOptions(frames=16)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ucf101")
    Ucf101Reader().synthesise(root, clips=12, seed=0, classes=3)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "raw")


def test_a_group_is_never_in_both_parts_and_stands_for_the_performer(made: Path) -> None:
    for protocol in EXPECTED:
        videos = open_videos(UCF101, made, protocol, CLIP)
        groups = [int(name.split("_g")[1][:2]) for name in videos.ids]
        assert videos.subjects.tolist() == groups
        assert not set(videos.subjects[videos.train]) & set(videos.subjects[~videos.train])


@pytest.mark.parametrize("place", ["videos", "."])
def test_videos_may_stand_in_one_flat_folder(root: Path, place: str) -> None:
    before = open_videos(UCF101, root, "split1", CLIP)
    (root / place).mkdir(exist_ok=True)
    for path in list((root / "UCF-101").rglob("*.avi")):
        path.rename(root / place / path.name)
    shutil.rmtree(root / "UCF-101")
    after = open_videos(UCF101, root, "split1", CLIP)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.extents == before.extents


def test_a_list_of_classes_that_is_not_ucf101s_is_told(root: Path) -> None:
    path = root / "ucfTrainTestlist" / "classInd.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:100]))
    with pytest.raises(DataError, match="100 classes, where UCF101 has 101"):
        Ucf101Reader().videos(root, "split1")


@pytest.mark.parametrize(
    ("file", "line", "word"),
    [
        ("trainlist01.txt", "Clas001/v_Class001_g09_c01.avi 1", "class 'Clas001' is not in classInd.txt"),
        ("trainlist01.txt", "Class001/v_Class001.avi 1", "names no group"),
        ("testlist01.txt", "Class001", "'CLASS/VIDEO' should be here"),
    ],
)
def test_faults_of_lists_are_told(root: Path, file: str, line: str, word: str) -> None:
    path = root / "ucfTrainTestlist" / file
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match=word):
        Ucf101Reader().videos(root, "split1")


def test_a_missing_list_and_an_unknown_protocol_are_told(root: Path) -> None:
    (root / "ucfTrainTestlist" / "testlist02.txt").unlink()
    with pytest.raises(DataError, match=r"testlist02\.txt: the list is missing"):
        Ucf101Reader().videos(root, "split2")
    with pytest.raises(DataError, match="no protocol 'split4'"):
        Ucf101Reader().videos(root, "split4")


def test_a_listed_video_that_is_missing_is_told(root: Path) -> None:
    gone = next((root / "UCF-101").rglob("*.avi"))
    gone.unlink()
    with pytest.raises(DataError, match="1 of 12 videos cannot be used") as told:
        open_videos(UCF101, root, "split1", CLIP)
    assert f"{gone}: the video is missing" in str(told.value)


@pytest.mark.parametrize("protocol", EXPECTED)
def test_the_official_lists_have_the_official_counts(shared_data: Path, protocol: str) -> None:
    reader = Ucf101Reader()
    videos = reader.videos(shared_data / "ucf101", protocol)
    train = sum(video.train for video in videos)
    assert (train, len(videos) - train) == EXPECTED[protocol] == reader.expected(protocol)
    assert {video.label for video in videos} == set(range(101))
    assert {video.subject for video in videos} == set(range(1, 26))
    assert len({video.id for video in videos}) == 13_320


def test_the_two_real_videos_are_read_and_all_others_missed(shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "ucf101"
    with pytest.raises(DataError, match="13318 of 13320 videos cannot be used"):
        open_videos(UCF101, root, "split1", CLIP, cache=tmp_path)
    options = CLIP.model_copy(update={"skip_broken": True})
    videos = open_videos(UCF101, root, "split1", options, cache=tmp_path)
    assert videos.ids.tolist() == ["v_ApplyEyeMakeup_g01_c01", "v_SoccerJuggling_g23_c01"]
    assert videos.train.tolist() == [False, True]
    assert [videos.class_names[label] for label in videos.labels] == ["ApplyEyeMakeup", "SoccerJuggling"]
    assert len(videos.left_out) == 13_318
    for source, extent in zip(videos.sources, videos.extents, strict=True):
        assert (extent.height, extent.width) == (240, 320)
        frames = source.read(np.array([0, extent.frames - 1]))
        assert frames.shape == (2, 240, 320, 3)
        assert frames.std() > 10
