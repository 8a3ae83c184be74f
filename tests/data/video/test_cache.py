from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelbench.data import VideoFile
from skelbench.data.video.cache import FrameCache
from skelbench.data.video.write import write_video
from skelbench.errors import DataError
from tests.data.made_clips import write_files
from tests.data.made_video import moving

SIZE = (24, 32)
BLOCK = 16 * 24 * 32 * 3
COUNT = 40


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> VideoFile:
    return VideoFile(write_files(tmp_path_factory.mktemp("files"), [COUNT])[0])


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The frames of each decode."""
    asked: list[list[int]] = []
    real = VideoFile.read

    def spy(self: VideoFile, indices: np.ndarray, **options: Any) -> np.ndarray:
        asked.append(np.asarray(indices).tolist())
        return real(self, indices, **options)

    monkeypatch.setattr(VideoFile, "read", spy)
    return asked


def blocks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npy"), key=lambda path: path.stat().st_mtime_ns)


def take(cache: FrameCache, file: VideoFile, *numbers: int) -> np.ndarray:
    return cache.frames(file, COUNT, np.array(numbers), size=SIZE)


def gib(count: float) -> float:
    """The size of so many blocks."""
    return count * (BLOCK + 200) / 2**30


def test_frames_are_those_of_a_decode_and_are_decoded_once(
    tmp_path: Path, file: VideoFile, reads: list[list[int]]
) -> None:
    cache = FrameCache(tmp_path, 1)
    for numbers in ([0], [15, 16], [3, 38, 39], list(range(40))):
        expected = VideoFile.read(file, np.array(numbers), size=SIZE)
        reads.clear()
        np.testing.assert_array_equal(take(cache, file, *numbers), expected)
    assert reads == []
    assert len(blocks(tmp_path)) == 3


def test_a_miss_decodes_the_missing_blocks_alone(
    tmp_path: Path, file: VideoFile, reads: list[list[int]]
) -> None:
    cache = FrameCache(tmp_path, 1)
    take(cache, file, 20)
    take(cache, file, 14, 21, 33)
    assert reads == [list(range(16, 32)), [*range(16), *range(32, 40)]]


def test_other_sizes_and_changed_files_are_others(tmp_path: Path, reads: list[list[int]]) -> None:
    own = VideoFile(write_files(tmp_path / "own", [COUNT])[0])
    cache = FrameCache(tmp_path / "cache", 1)
    take(cache, own, 0)
    assert cache.frames(own, COUNT, np.array([0]), short_side=12).shape == (1, 12, 16, 3)
    write_video(own.path, moving(COUNT) // 2, 25)
    os.utime(own.path, ns=(1, 1))
    assert take(cache, own, 0).mean() < 80
    assert len(reads) == 3


def test_what_was_used_longest_ago_goes_first(
    tmp_path: Path, file: VideoFile, reads: list[list[int]]
) -> None:
    cache = FrameCache(tmp_path, gib(2.2))
    for number in (0, 16):
        take(cache, file, number)
    first, second = blocks(tmp_path)
    os.utime(first, ns=(10, 10))
    os.utime(second, ns=(5, 5))
    take(cache, file, 0)  # used again, so that the other is the one used longest ago
    os.utime(second, ns=(5, 5))
    take(cache, file, 32)
    assert first in blocks(tmp_path)
    assert second not in blocks(tmp_path)
    assert sum(path.stat().st_size for path in blocks(tmp_path)) <= gib(2.2) * 2**30


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00 cut short", b"nonsense"])
def test_a_damaged_block_is_decoded_anew(
    tmp_path: Path, file: VideoFile, reads: list[list[int]], content: bytes
) -> None:
    cache = FrameCache(tmp_path, 1)
    expected = take(cache, file, 5)
    blocks(tmp_path)[0].write_bytes(content)
    np.testing.assert_array_equal(take(cache, file, 5), expected)
    assert len(reads) == 2
    take(cache, file, 5)
    assert len(reads) == 2


def test_a_block_with_pickled_objects_is_never_loaded(tmp_path: Path, file: VideoFile) -> None:
    cache = FrameCache(tmp_path, 1)
    expected = take(cache, file, 5)
    np.save(blocks(tmp_path)[0], np.array([print], dtype=object), allow_pickle=True)
    np.testing.assert_array_equal(take(cache, file, 5), expected)


def test_what_a_crash_left_behind_is_cleared_away_later(tmp_path: Path, file: VideoFile) -> None:
    old, new = tmp_path / "ab" / "old.partial", tmp_path / "ab" / "new.partial"
    old.parent.mkdir()
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1, 1))
    FrameCache(tmp_path, 1)
    assert not old.exists()
    assert new.exists()


def test_a_full_disk_keeps_nothing_and_loses_nothing(
    tmp_path: Path, file: VideoFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    expected = VideoFile.read(file, np.array([5]), size=SIZE)
    cache = FrameCache(tmp_path, 1)
    monkeypatch.setattr(np, "save", full)
    np.testing.assert_array_equal(take(cache, file, 5), expected)
    assert list(tmp_path.rglob("*.*")) == []


def test_damage_beside_the_wanted_frames_does_no_harm(tmp_path: Path) -> None:
    own = VideoFile(write_files(tmp_path / "own", [COUNT])[0])
    cache = FrameCache(tmp_path / "cache", 1)
    expected = own.read(np.array([17]), size=SIZE)
    np.testing.assert_array_equal(cache.frames(own, 100, np.array([17]), size=SIZE), expected)
    with pytest.raises(DataError):
        cache.frames(own, 100, np.array([50]), size=SIZE)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="the cache cannot be written"):
        FrameCache(tmp_path / "file" / "cache", 1)


def sums(folder: Path, path: Path) -> list[int]:
    """What one process gets from a cache that is much too small."""
    cache, order = FrameCache(folder, gib(1.5)), np.random.default_rng(os.getpid()).permutation(COUNT)
    found = {int(n): int(take(cache, VideoFile(path), int(n)).sum()) for n in order}
    return [found[n] for n in range(COUNT)]


def test_several_processes_and_threads_share_a_cache(tmp_path: Path, file: VideoFile) -> None:
    expected = VideoFile.read(file, np.arange(COUNT), size=SIZE).sum(axis=(1, 2, 3)).tolist()
    cache = FrameCache(tmp_path, gib(1.5))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: int(take(cache, file, n).sum()), range(COUNT)))
    assert found == expected
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(sums, tmp_path, file.path) for _ in range(2)]
        assert [job.result() for job in jobs] == [expected] * 2
