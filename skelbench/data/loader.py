"""Batches of clips, cut and changed at random a batch at a time."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from skelbench.components import Layout
from skelbench.data import sampling
from skelbench.data.dataset import Clips
from skelbench.data.preprocess import check_layout
from skelbench.data.shards import Shard
from skelbench.data.streams import to_stream
from skelbench.data.transforms import Whole, present_persons, transform
from skelbench.errors import DataError
from skelbench.recipe import AugmentOptions, ClipOptions, Stream

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
_ORDER, _CONTENT = 0, 1


class ClipLoader:
    """Iterates over ``(x, y, index)``: clips (B, C, T, V, M) float32, classes and recordings (B,) int64.

    What it gives depends on the arguments, the seed and the epoch alone, never on timing. A clip
    needs no more than one gather from the flat array of frames, so recordings may be memory-mapped.

    Args:
        clips: The recordings.
        indices: The recordings to use, (n,).
        clip: How a recording becomes a clip.
        stream: The stream to give.
        layout: The skeleton, for bones.
        augment: Random changes; only ``training`` uses them.
        batch_size: Clips of a batch.
        shuffle: Draw a new order each epoch.
        seed: Seed of order and random changes.
        repeat: Times each recording is seen in an epoch.
        views: Test clips of each recording; they follow each other directly.
        training: Cut clips at random; otherwise at fixed places (`skelbench.data.sampling.view_draws`).
        drop_last: Leave out a last batch that is not full.
        prefetch: Batches prepared ahead in a background thread; 0 for none.

    Raises:
        DataError: The recordings do not fit the layout or the random changes.
        ValueError: Arguments contradict each other.
    """

    def __init__(
        self,
        clips: Clips,
        indices: np.ndarray,
        *,
        clip: ClipOptions,
        stream: Stream,
        layout: Layout,
        augment: AugmentOptions | None = None,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        repeat: int = 1,
        views: int = 1,
        training: bool = False,
        drop_last: bool = False,
        prefetch: int = 1,
    ) -> None:
        if min(batch_size, repeat, views) < 1 or prefetch < 0:
            raise ValueError("batch_size, repeat and views must be at least 1, prefetch at least 0")
        if training and views > 1:
            raise ValueError("several views are for testing, not for training")
        self.clips, self.clip, self.stream, self.layout = clips, clip, stream, layout
        self.augment = augment if training else None
        self.batch_size, self.shuffle, self.seed, self.views = batch_size, shuffle, seed, views
        self.training, self.drop_last, self.prefetch = training, drop_last, prefetch
        self.epoch, self._shard = 0, Shard()
        chosen = np.tile(np.asarray(indices, dtype=np.int64), repeat)
        self._rows = np.repeat(chosen, views)
        self._view = np.tile(np.arange(views), len(chosen))
        self._frames = np.asarray(clips.frames)
        self._check()

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which maps the frames by itself (see `Clips`)."""
        return {key: value for key, value in self.__dict__.items() if key != "_frames"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._frames = np.asarray(self.clips.frames)

    def _check(self) -> None:
        check_layout(self.clips, self.layout)
        channels = self._frames.shape[3]
        if channels != 3 and self.augment and (self.augment.rotate or self.augment.move):
            raise DataError(
                f"rotate and move need 3 channels and the recordings have {channels}",
                remedy="Leave 'rotate' and 'move' out of the augmentation",
            )

    def __len__(self) -> int:
        return self._shard.batches(len(self._rows), self.batch_size, self.drop_last)

    def shard(self, rank: int, count: int) -> ClipLoader:
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

        def make(number: int) -> Batch:
            chosen = self._shard.rows(order, number, self.batch_size)
            draw = self._shard.draw(number)
            return self._batch(chosen, np.random.default_rng([self.seed, epoch, _CONTENT, draw]))

        return _ahead(make, len(self), self.prefetch) if self.prefetch else map(make, range(len(self)))

    def _batch(self, chosen: np.ndarray, rng: np.random.Generator) -> Batch:
        rows = self._rows[chosen]
        if self.training:
            draws = sampling.random_draws(len(rows), self.clip, rng)
        else:
            draws = sampling.view_draws(self._view[chosen], self.views, self.clip)
        whole = self._whole(rows) if self.clip.normalise == "minmax_recording" else None
        x = transform(self._cut(rows, draws), self.clip, self.augment, rng, whole)
        x = to_stream(x, self.stream, self.layout)
        return torch.from_numpy(x), torch.from_numpy(self.clips.labels[rows]), torch.from_numpy(rows)

    def _cut(self, rows: np.ndarray, draws: sampling.Draws) -> np.ndarray:
        """The frames of the clips, (B, T, M, V, C)."""
        start, stop = self.clips.offsets[rows], self.clips.offsets[rows + 1]
        window = self.clip.window if self.training else None
        position, padding = sampling.frame_positions(stop - start, self.clip, draws, window=window)
        lower = position.astype(np.int64)
        x = self._take(start[:, None] + lower)
        if self.clip.fill == "resize":
            upper = self._take(start[:, None] + np.minimum(lower + 1, (stop - start - 1)[:, None]))
            x = _blend(x, upper, (position - lower).astype(np.float32))
        if padding is not None:
            x[padding] = 0
        return x

    def _whole(self, rows: np.ndarray) -> Whole:
        """All frames of the recordings."""
        start, stop = self.clips.offsets[rows], self.clips.offsets[rows + 1]
        ranges = [np.arange(*ends) for ends in zip(start, stop, strict=True)]
        return Whole(self._take(np.concatenate(ranges)[None])[0], stop - start)

    def _take(self, frames: np.ndarray) -> np.ndarray:
        # The slice comes after the gather: numpy would first copy the whole of a sliced array.
        x = np.take(self._frames, frames, axis=0).astype(np.float32, copy=False)
        persons = self.clip.persons or x.shape[2]
        if persons <= x.shape[2]:
            return x[:, :, :persons]
        return np.pad(x, ((0, 0), (0, 0), (0, persons - x.shape[2]), (0, 0), (0, 0)))


def _blend(lower: np.ndarray, upper: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Interpolate between frames, into ``upper``; a person seen in one only is taken from the nearer."""
    both = present_persons(lower) & present_persons(upper)
    each = np.where(both, weight[:, :, None], np.round(weight)[:, :, None])
    upper -= lower
    upper *= each[..., None, None]
    upper += lower
    return upper


def _ahead(make: Callable[[int], Batch], count: int, depth: int) -> Iterator[Batch]:
    """``make(0)``, ``make(1)``, ... with up to ``depth`` of them made ahead in a thread."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clips")
    waiting: deque[Future[Batch]] = deque()
    try:
        for number in range(count):
            waiting.append(pool.submit(make, number))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Not waiting for the thread: Ctrl-C is lost if it comes while a dropped iterator is cleared away.
        pool.shutdown(wait=False, cancel_futures=True)
