from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skelbench.data import Extent, Video, VideoArray, VideoFile, Videos, open_videos
from skelbench.data.video.cache import FrameCache
from skelbench.data.video.loader import VideoLoader
from skelbench.data.video.reader import read_frames
from skelbench.errors import DataError
from skelbench.recipe import VideoOptions
from tests.data.made_clips import FOLDER, LENGTHS, in_memory, numbered, write_files

CLIPS = in_memory()
WHOLE = {"video": VideoOptions(frames=4, step=2), "shape": (3, 6, 8), "batch_size": 4}
CROPPED = {"video": VideoOptions(frames=4, crop=5, flip=True), "shape": (3, 5, 5), "batch_size": 4}


def loader(clips: Videos = CLIPS, indices: Any = None, **options: Any) -> VideoLoader:
    chosen = np.arange(len(clips)) if indices is None else np.asarray(indices)
    return VideoLoader(clips, chosen, **{**WHOLE, **options})


def everything(batches: VideoLoader) -> list[torch.Tensor]:
    return [torch.cat(column) for column in zip(*batches, strict=True)]


@pytest.mark.parametrize("training", [False, True])
def test_batches_have_the_agreed_form(training: bool) -> None:
    batches = loader(training=training, **CROPPED)
    sizes = []
    for x, y, index in batches:
        sizes.append(len(x))
        assert (x.dtype, y.dtype, index.dtype) == (torch.uint8, torch.int64, torch.int64)
        assert x.shape[1:] == (3, 4, 5, 5)
        assert x.is_contiguous()
        assert y.tolist() == CLIPS.labels[index].tolist()
    assert sizes == [4, 2]
    assert len(batches) == 2
    assert batches.clips is CLIPS


def test_a_test_clip_shows_the_middle_of_its_video() -> None:
    x, _, index = everything(loader())
    assert index.tolist() == [0, 1, 2, 3, 4, 5]
    for clip, number in zip(x, index.tolist(), strict=True):
        start = (LENGTHS[number] - 7) // 2
        expected = numbered(number, LENGTHS[number])[start : start + 7 : 2]
        np.testing.assert_array_equal(clip.numpy(), expected.transpose(3, 0, 1, 2))


def test_views_and_crops_of_a_video_follow_each_other() -> None:
    options = {"video": VideoOptions(frames=4, crop=6), "shape": (3, 6, 6), "batch_size": 5}
    x, _, index = everything(loader(indices=[3, 0], views=2, crops=3, **options))
    assert index.tolist() == [3] * 6 + [0] * 6
    frames = numbered(3, 31)
    for view, start in enumerate([5, 21]):
        for crop, left in enumerate([0, 1, 2]):
            expected = frames[start : start + 4, :, left : left + 6].transpose(3, 0, 1, 2)
            np.testing.assert_array_equal(x[3 * view + crop].numpy(), expected)


def test_training_clips_are_windows_of_their_videos() -> None:
    x, _, index = everything(loader(training=True, repeat=10, shuffle=True))
    starts = set()
    for clip, number in zip(x, index.tolist(), strict=True):
        frames = numbered(number, LENGTHS[number]).transpose(3, 0, 1, 2)
        places = [s for s in range(LENGTHS[number] - 6) if np.array_equal(frames[:, s : s + 7 : 2], clip)]
        assert places
        starts |= {(number, place) for place in places}
    assert len(starts) > 30


@settings(max_examples=10)
@given(st.integers(0, 3), st.integers(0, 5), st.booleans())
def test_batches_depend_on_seed_and_epoch_and_not_on_workers(seed: int, epoch: int, training: bool) -> None:
    def run(workers: int, prefetch: int) -> list[torch.Tensor]:
        batches = loader(
            shuffle=True,
            training=training,
            repeat=3,
            seed=seed,
            workers=workers,
            prefetch=prefetch,
            **CROPPED,
        )
        batches.set_epoch(epoch)
        return everything(batches)

    first = run(1, 0)
    for workers, prefetch in ((1, 2), (4, 1)):
        assert all(torch.equal(one, other) for one, other in zip(first, run(workers, prefetch), strict=True))


def test_epochs_and_seeds_differ_and_an_epoch_repeats() -> None:
    batches = loader(shuffle=True, repeat=4, training=True, **CROPPED)
    first, again = everything(batches), everything(batches)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    batches.set_epoch(1)
    assert not torch.equal(first[0], everything(batches)[0])
    other = loader(shuffle=True, repeat=4, training=True, seed=1, **CROPPED)
    assert not torch.equal(first[0], everything(other)[0])


def test_a_last_batch_is_left_out_where_that_is_wanted() -> None:
    batches = loader(drop_last=True)
    assert [len(x) for x, _, _ in batches] == [4]
    assert len(batches) == 1


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"workers": 0}, {"prefetch": -1}, {"training": True, "views": 2}]
)
def test_arguments_that_contradict_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least|for testing"):
        loader(**wrong)


def test_a_clip_of_another_size_than_the_networks_is_told_by_its_name() -> None:
    with pytest.raises(DataError, match=r"^v0: gives a clip of 3 x 4 x 6 x 8.*takes 3 x 4 x 5 x 5"):
        everything(loader(shape=(3, 5, 5)))


class Waits(VideoArray):
    """Waits until two are read at once, and then takes its time, the earlier ones more."""

    together = threading.Barrier(2, timeout=20)

    def read(self, indices: np.ndarray, **options: Any) -> np.ndarray:
        self.together.wait()
        time.sleep(0.01 if self.name < "v3" else 0)
        return super().read(indices, **options)


def test_clips_are_decoded_side_by_side() -> None:
    waiting = replace(CLIPS, sources=tuple(Waits(s.name, s.frames) for s in CLIPS.sources))  # type: ignore[attr-defined]
    one, other = everything(loader(waiting, workers=2)), everything(loader())
    assert torch.equal(one[0], other[0])


def test_an_iterator_that_is_dropped_leaves_no_thread_at_work() -> None:
    before = threading.active_count()
    batches = iter(loader(batch_size=1, workers=3))
    next(batches)
    del batches
    deadline = time.monotonic() + 20
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    root = tmp_path_factory.mktemp("files")
    write_files(root)
    return open_videos(FOLDER, root, "official", VideoOptions(frames=4))


RESIZED = {
    "video": VideoOptions(frames=4, resize=(24, 32), short_side=30, crop=20),
    "shape": (3, 20, 20),
    "batch_size": 4,
}


def test_test_clips_of_files_are_those_of_a_plain_reading(files: Videos) -> None:
    x, _, _ = everything(loader(files, indices=[3], **RESIZED))
    frames = read_frames(files.sources[3].path, range(13, 17), short_side=30)  # type: ignore[attr-defined]
    assert frames.shape == (4, 30, 40, 3)
    np.testing.assert_array_equal(x[0], frames[:, 5:25, 10:30].transpose(3, 0, 1, 2))


def test_training_decodes_the_clip_and_no_more(files: Videos, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[int], Any]] = []
    real = VideoFile.read

    def spy(self: VideoFile, indices: np.ndarray, **options: Any) -> np.ndarray:
        asked.append((indices.tolist(), options["size"]))
        return real(self, indices, **options)

    monkeypatch.setattr(VideoFile, "read", spy)
    everything(loader(files, training=True, **RESIZED))
    assert len(asked) == len(files)
    assert all(size == (24, 32) and len(own) == 4 == own[-1] - own[0] + 1 for own, size in asked)
    asked.clear()
    everything(loader(files, indices=[0], views=3, crops=3, **{**RESIZED, "batch_size": 9}))
    assert asked == [([1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17], None)]


def test_a_file_damaged_in_the_middle_of_a_run_ends_it_by_its_name(files: Videos, tmp_path: Path) -> None:
    paths = write_files(tmp_path, LENGTHS[:2])
    clips = open_videos(FOLDER, tmp_path, "official", VideoOptions(frames=4))
    paths[1].write_bytes(paths[1].read_bytes()[:5000])
    with pytest.raises(DataError, match=r"v1\.avi"):
        everything(loader(clips, video=VideoOptions(frames=12), shape=(3, 48, 64)))


def test_gray_videos_in_memory_are_resized(files: Videos) -> None:
    gray = in_memory(channels=1, height=12, width=12)
    video = VideoOptions(frames=4, resize=(6, 8))
    x, _, _ = everything(loader(gray, video=video, shape=(1, 6, 8)))
    assert x.shape == (6, 1, 4, 6, 8)
    flat = VideoArray("flat", np.full((5, 12, 12, 1), 77, dtype=np.uint8))
    constant = Videos.of([Video("f", 0, flat, True)], [Extent(5, 12, 12, "")], dataset="d", class_names="ab")
    x, _, _ = everything(loader(constant, video=video, shape=(1, 6, 8)))
    assert set(x.unique().tolist()) == {77}


# --- with a cache ----------------------------------------------------------------------------


def test_a_cache_changes_nothing_but_the_work(
    files: Videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [everything(loader(files, training=t, **RESIZED)) for t in (True, False)]
    cache = FrameCache(tmp_path / "frames", 1)
    cached = [everything(loader(files, training=t, cache=cache, **RESIZED)) for t in (True, False)]
    monkeypatch.setattr(VideoFile, "read", None)
    again = [everything(loader(files, training=t, cache=cache, **RESIZED)) for t in (True, False)]
    for one, two, three in zip(plain, cached, again, strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[0], three[0])
