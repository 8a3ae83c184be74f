from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelbench.data import VideoFile, open_videos, raw_digest, split, split_fingerprint
from skelbench.data.video import index as index_module
from skelbench.data.video.index import VideoIndex
from skelbench.data.video.write import write_video
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions, VideoOptions
from tests.data.made_clips import FOLDER, LENGTHS, FolderReader, write_files
from tests.data.made_video import moving

SKIP = VideoOptions(frames=4, skip_broken=True)
CLIP = VideoOptions(frames=4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    write_files(root)
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(whole, tmp_path / "raw")


def opened(root: Path, options: VideoOptions = CLIP, **more: Any):
    return open_videos(FOLDER, root, "official", options, **more)


def test_videos_are_listed_with_their_lengths_and_nothing_is_decoded_twice(whole: Path) -> None:
    videos = opened(whole)
    assert videos.ids.tolist() == [f"v{i}" for i in range(6)]
    assert videos.lengths.tolist() == list(LENGTHS)
    assert {(e.height, e.width) for e in videos.extents} == {(48, 64)}
    assert videos.train.tolist() == [True, True, False] * 2
    assert not videos.synthetic


def test_a_missing_root_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        opened(tmp_path / "nowhere")


def damage(root: Path) -> dict[str, str]:
    """Damage all but two videos, each in its own way; the words that tell of it."""
    (root / "v0.avi").write_bytes(b"")
    (root / "v1.avi").write_bytes(b"\xff no video \x00" * 50)
    data = (root / "v2.avi").read_bytes()
    (root / "v2.avi").write_bytes(data[: len(data) // 40])
    (root / "more.txt").write_text("v7.avi")
    write_video(root / "v3.avi", moving(3), 25)
    return {
        "v0": "the file is empty",
        "v1": "not a video",
        "v2": "",
        "v3": "has 3 frames, and a clip spans 4",
        "v7": "the video is missing",
    }


def test_every_video_that_cannot_be_used_is_named_with_the_count_before_work_starts(root: Path) -> None:
    words = damage(root)
    with pytest.raises(DataError) as told:
        opened(root)
    text = str(told.value)
    assert text.startswith("5 of 7 videos cannot be used. Mend it, or set data.video.skip_broken")
    for name, word in words.items():
        assert any(f"{name}.avi" in line and word in line for line in text.splitlines()), name


def test_they_are_left_out_by_name_where_that_is_wanted(root: Path) -> None:
    before = opened(root)
    words = damage(root)
    videos = opened(root, SKIP)
    assert videos.ids.tolist() == ["v4", "v5"]
    assert len(videos.left_out) == 5
    for name, word in words.items():
        assert any(f"{name}.avi" in line and word in line for line in videos.left_out), name
    assert raw_digest(videos) != raw_digest(before)


def test_nothing_left_is_an_error_even_so(root: Path) -> None:
    with pytest.raises(DataError, match="6 of 6 videos cannot be used"):
        opened(root, VideoOptions(frames=40, skip_broken=True))


def test_a_long_list_of_faults_is_cut_and_counted(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text(" ".join(f"w{i}.avi" for i in range(130)))
    with pytest.raises(DataError) as told:
        opened(tmp_path)
    assert len(told.value.problems) == 102
    assert "and 30 more" in str(told.value)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"frames": 10, "step": 2}, "v1.avi: has 12 frames, and a clip spans 19"),
        ({"frames": 1, "crop": 49}, "too small to cut squares of 49"),
    ],
)
def test_videos_too_short_or_too_small_are_named(whole: Path, options: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        opened(whole, VideoOptions(**options))


def test_a_size_other_than_the_data_sets_is_told(whole: Path) -> None:
    with pytest.raises(DataError, match="has frames of 48 x 64, and those of the data set are 50 x 50"):
        open_videos(replace(FOLDER, frame_size=(50, 50)), whole, "official", CLIP)


class Twice(FolderReader):
    def videos(self, root: Path, protocol: str):
        return [*super().videos(root, protocol)] * 2


class Strange(FolderReader):
    def videos(self, root: Path, protocol: str):
        return [replace(video, label=2) for video in super().videos(root, protocol)]


class Nothing(FolderReader):
    def videos(self, root: Path, protocol: str):
        return []


@pytest.mark.parametrize(
    ("reader", "word"),
    [
        (Twice, "two videos have the id 'v0'"),
        (Strange, "label is 2, and data set .* has classes 0 to 1"),
        (Nothing, "no video"),
    ],
)
def test_what_readers_list_is_checked(whole: Path, reader: type, word: str) -> None:
    with pytest.raises(DataError, match=word):
        open_videos(replace(FOLDER, target=reader), whole, "official", CLIP)


# --- the index -------------------------------------------------------------------------------


def test_a_second_run_looks_into_no_file(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "v1.avi").write_bytes(b"broken")
    calls: list[tuple[int, int]] = []
    first = opened(root, SKIP, cache=tmp_path / "cache", progress=lambda *done: calls.append(done))
    assert calls == [(i, 6) for i in range(1, 7)]
    monkeypatch.setattr(VideoFile, "extent", None)
    again = opened(root, SKIP, cache=tmp_path / "cache")
    assert (again.extents, again.left_out) == (first.extents, first.left_out)


def test_a_file_that_changed_is_looked_into_again(root: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    opened(root, cache=tmp_path / "cache")
    write_video(root / "v2.avi", moving(17), 25)
    videos = opened(root, cache=tmp_path / "cache", progress=lambda *done: calls.append(done))
    assert calls == [(1, 1)]
    assert videos.lengths[2] == 17


def test_an_index_cut_short_or_scribbled_in_loses_no_more_than_its_lines(whole: Path, tmp_path: Path) -> None:
    opened(whole, cache=tmp_path)
    index = VideoIndex.under(tmp_path, "made", whole).path
    lines = index.read_text().splitlines(keepends=True)
    index.write_text("".join(["[]\n", "null\n", '{"file": 3}\n', "\xff\n", *lines[:4], lines[4][:30]]))
    calls: list[tuple[int, int]] = []
    videos = opened(whole, cache=tmp_path, progress=lambda *done: calls.append(done))
    assert [done for done, _ in calls] == [1, 2]
    assert videos.lengths.tolist() == list(LENGTHS)
    assert len([line for line in index.read_text().splitlines() if line.startswith('{"file": [')]) == 7


def test_several_openings_at_once_look_into_each_file_once(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real = index_module._look
    monkeypatch.setattr(index_module, "_look", lambda s, d=False: (looked.append(s.name), real(s, d))[1])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: opened(whole, cache=tmp_path).lengths.tolist(), range(4)))
    assert found == [list(LENGTHS)] * 4
    assert sorted(looked) == sorted(str(whole / f"v{i}.avi") for i in range(6))


def test_a_cache_that_cannot_be_written_is_told(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="the cache cannot be written"):
        opened(whole, cache=tmp_path / "file" / "cache")


def test_damage_between_good_packets_is_found_by_decoding_and_then_remembered(
    root: Path, tmp_path: Path
) -> None:
    data = bytearray((root / "v3.avi").read_bytes())
    start = len(data) // 2
    data[start : start + 200] = bytes(200)
    (root / "v3.avi").write_bytes(data)
    cache = tmp_path / "cache"
    assert len(opened(root, cache=cache)) == 6
    with pytest.raises(DataError, match=r"v3.avi: frame 14 is damaged"):
        opened(root, cache=cache, decode=True)
    assert "v3" not in opened(root, SKIP, cache=cache).ids.tolist()
    index = VideoIndex.under(cache, "made", root).path
    assert {json.loads(line)["decoded"] for line in index.read_text().splitlines()[-5:]} == {True}


# --- fingerprints and splits -----------------------------------------------------------------


def test_the_fingerprint_is_of_ids_labels_lengths_and_sizes_wherever_the_files_are(
    whole: Path, root: Path
) -> None:
    one, other = opened(whole), opened(root)
    assert raw_digest(one) == raw_digest(other)
    assert raw_digest(replace(one, labels=1 - one.labels)) != raw_digest(one)
    write_video(root / "v0.avi", moving(20) // 2, 25)
    assert raw_digest(opened(root)) != raw_digest(one)


def test_who_trains_is_part_of_the_splits_fingerprint(whole: Path) -> None:
    videos = opened(whole)
    assert split_fingerprint(videos, videos.train) != split_fingerprint(videos, ~videos.train)


def test_a_split_of_videos_follows_their_lists(whole: Path) -> None:
    videos = opened(whole)
    parts = split(videos, FolderReader(), "official", ValidationOptions(fraction=0.25, by="random"), 0)
    assert parts.test.tolist() == [2, 5]
    assert sorted([*parts.train, *parts.validation]) == [0, 1, 3, 4]
    assert np.array_equal(parts.whole_train, [0, 1, 3, 4])
