"""Batches of clips of videos, decoded side by side where they are wanted."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from skelbench.data.loader import Batch
from skelbench.data.shards import Shard
from skelbench.data.video.cache import FrameCache
from skelbench.data.video.cuts import Cuts, cut, fixed_cuts, random_cuts
from skelbench.data.video.dataset import VideoFile, Videos
from skelbench.errors import DataError
from skelbench.recipe import VideoOptions

_ORDER, _CONTENT = 0, 1


class VideoLoader:
    """Iterates over ``(x, y, index)``: clips (B, C, T, H, W) uint8, classes and recordings (B,) int64.

    What it gives depends on the arguments, the seed and the epoch alone, never on timing or the number of
    workers. In training a video is decoded where its clip lies and nowhere else; at test all views of a
    video that stand in a batch are decoded in one pass from the first frame to the last.

    Args:
        clips: The videos.
        indices: The videos to use, (n,).
        video: How a video becomes a clip.
        shape: C, H and W of a clip.
        batch_size: Clips of a batch.
        shuffle: Draw a new order each epoch.
        seed: Seed of order and random changes.
        repeat: Times each video is seen in an epoch.
        views: Test clips of each video; they follow each other directly.
        crops: Squares of each test clip, which follow each other directly.
        training: Cut clips at random; otherwise at fixed places.
        drop_last: Leave out a last batch that is not full.
        workers: Threads that decode.
        prefetch: Batches prepared ahead.
        cache: Keeps decoded frames; None for none.

    Raises:
        ValueError: Arguments contradict each other.
    """

    def __init__(
        self,
        clips: Videos,
        indices: np.ndarray,
        *,
        video: VideoOptions,
        shape: tuple[int, int, int],
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        repeat: int = 1,
        views: int = 1,
        crops: int = 1,
        training: bool = False,
        drop_last: bool = False,
        workers: int = 2,
        prefetch: int = 1,
        cache: FrameCache | None = None,
    ) -> None:
        if min(batch_size, repeat, views, crops, workers) < 1 or prefetch < 0:
            raise ValueError("counts must be at least 1, prefetch at least 0")
        if training and (views > 1 or crops > 1):
            raise ValueError("several views are for testing, not for training")
        self.clips, self.video, self.shape = clips, video, shape
        self.batch_size, self.shuffle, self.seed, self.views = batch_size, shuffle, seed, views
        self.training, self.drop_last, self.crops = training, drop_last, crops
        self.workers, self.prefetch, self.cache = workers, prefetch, cache
        self.epoch, self._shard = 0, Shard()
        chosen = np.tile(np.asarray(indices, dtype=np.int64), repeat)
        self._rows = np.repeat(chosen, views * crops)
        self._view = np.tile(np.repeat(np.arange(views), crops), len(chosen))
        self._crop = np.tile(np.arange(crops), len(chosen) * views)
        self._lengths = clips.lengths

    def __len__(self) -> int:
        return self._shard.batches(len(self._rows), self.batch_size, self.drop_last)

    def shard(self, rank: int, count: int) -> VideoLoader:
        """A loader of one of ``count`` parts of every batch, each of ``batch_size`` clips."""
        loader = copy.copy(self)
        loader._shard = Shard(rank, count)
        return loader

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order and random changes the next iteration gives."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Batch]:
        epoch, order = self.epoch, np.arange(len(self._rows))
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch, _ORDER]).permutation(order)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="videos")
        waiting: deque[tuple[list[Future[None]], Batch]] = deque()
        try:
            for number in range(len(self)):
                chosen = self._shard.rows(order, number, self.batch_size)
                rng = np.random.default_rng([self.seed, epoch, _CONTENT, self._shard.draw(number)])
                waiting.append(self._begin(pool, chosen, rng))
                if len(waiting) > self.prefetch:
                    yield _finished(*waiting.popleft())
            while waiting:
                yield _finished(*waiting.popleft())
        finally:
            # Not waiting for the threads: Ctrl-C is lost if it comes while an iterator is cleared away.
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(
        self, pool: ThreadPoolExecutor, chosen: np.ndarray, rng: np.random.Generator
    ) -> tuple[list[Future[None]], Batch]:
        """A batch whose clips are still being filled in, and what to wait for."""
        rows = self._rows[chosen]
        cuts = self._cuts(chosen, rng)
        channels, height, width = self.shape
        x = np.empty((len(rows), channels, self.video.frames, height, width), dtype=np.uint8)
        tasks = [pool.submit(self._fill, x, places, rows, cuts) for places in self._together(rows)]
        return tasks, (torch.from_numpy(x), torch.from_numpy(self.clips.labels[rows]), torch.from_numpy(rows))

    def _cuts(self, chosen: np.ndarray, rng: np.random.Generator) -> Cuts:
        lengths = self._lengths[self._rows[chosen]]
        if self.training:
            return random_cuts(lengths, self.video, rng)
        views, crops = self._view[chosen], self._crop[chosen]
        return fixed_cuts(lengths, self.video, views, self.views, crops, self.crops)

    def _together(self, rows: np.ndarray) -> list[np.ndarray]:
        """Places in the batch by what is decoded in one pass."""
        if self.training:
            return [np.array([place]) for place in range(len(rows))]
        return [np.flatnonzero(rows == recording) for recording in dict.fromkeys(rows.tolist())]

    def _fill(self, x: np.ndarray, places: np.ndarray, rows: np.ndarray, cuts: Cuts) -> None:
        """Decode one video and write its clips into the batch."""
        recording = int(rows[places[0]])
        wanted = cuts.start[places, None] + self.video.step * np.arange(self.video.frames)
        numbers = np.unique(wanted)
        frames = self._frames(recording, numbers)
        for place, own in zip(places, wanted, strict=True):
            clip = frames[np.searchsorted(numbers, own)]
            clip = cut(clip, self.video.crop, cuts.down[place], cuts.right[place], cuts.along)
            clip = clip[:, :, ::-1] if cuts.mirrored[place] else clip
            clip = clip.transpose(3, 0, 1, 2)
            if clip.shape != x.shape[1:]:
                shapes = [" x ".join(map(str, shape)) for shape in (clip.shape, x.shape[1:])]
                what = f"gives a clip of {shapes[0]} (C x T x H x W), and the network takes {shapes[1]}"
                raise DataError(what, where=self.clips.sources[recording].name)
            x[place] = clip

    def _frames(self, recording: int, numbers: np.ndarray) -> np.ndarray:
        """Frames of a video, resized, (n, H, W, C)."""
        side = None if self.training else self.video.short_side
        size = None if side else self.video.resize
        source = self.clips.sources[recording]
        if self.cache is None or not isinstance(source, VideoFile):
            return source.read(numbers, short_side=side, size=size)
        count = self.clips.extents[recording].frames
        return self.cache.frames(source, count, numbers, short_side=side, size=size)


def _finished(tasks: list[Future[None]], batch: Batch) -> Batch:
    for task in tasks:
        task.result()
    return batch
