"""Speed of the loader against the straightforward way, measured in the same run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from skelbench.components import Layout
from skelbench.data import Clip, Clips, open_store, write_store
from skelbench.data.loader import ClipLoader
from skelbench.recipe import AugmentOptions, ClipOptions

from ..data.made import MadeReader, made_dataset

CLIPS, PER_SOURCE, FRAMES, BATCH = 16_000, 500, 64, 64
SLOW_CLIPS = 1_600
LEAST_RATIO = 5
ANGLES, SCALES = (17.0, 17.0, 17.0), (0.9, 1.1)


class ManyClips(MadeReader):
    """Makes recordings of the size of NTU RGB+D: 25 joints, two persons, about 80 frames."""

    def sources(self, root: Path) -> list[int]:
        return list(range(CLIPS // PER_SOURCE))

    def read(self, source: Any) -> list[Clip]:
        rng = np.random.default_rng(source)
        lengths = rng.integers(40, 121, PER_SOURCE)
        frames = rng.standard_normal((lengths.sum(), 2, 25, 3), dtype=np.float32)
        frames[rng.random(len(frames)) < 0.5, 1] = 0
        cut = np.split(frames, np.cumsum(lengths)[:-1])
        return [Clip(f"{source:03d}-{i:04d}", i % 3, part) for i, part in enumerate(cut)]


class OneByOne(Dataset):
    """The straightforward way: each clip is cut and changed by itself, in numpy, bone by bone."""

    def __init__(self, clips: Clips, layout: Layout, rows: np.ndarray) -> None:
        self.clips, self.layout, self.rows = clips, layout, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int, int]:
        row = int(self.rows[number])
        x = np.array(self.clips.clip(row).frames)
        x = self.resize(self.crop(x))
        x = (x @ self.rotation().T * np.random.uniform(*SCALES)).astype(np.float32)
        bones = np.zeros_like(x)
        for child, parent in self.layout.inward:
            bones[:, :, child] = x[:, :, child] - x[:, :, parent]
        return torch.from_numpy(bones.transpose(3, 0, 2, 1).copy()), int(self.clips.labels[row]), row

    def crop(self, x: np.ndarray) -> np.ndarray:
        length = max(int(len(x) * np.random.uniform(0.5, 1)), 1)
        start = np.random.randint(0, len(x) - length + 1)
        return x[start : start + length]

    def resize(self, x: np.ndarray) -> np.ndarray:
        place = np.linspace(0, len(x) - 1, FRAMES)
        lower = place.astype(int)
        upper = np.minimum(lower + 1, len(x) - 1)
        both = x[lower].any(axis=(2, 3)) & x[upper].any(axis=(2, 3))
        weight = (place - lower).astype(np.float32)[:, None]
        weight = np.where(both, weight, np.round(weight))[:, :, None, None]
        return x[lower] * (1 - weight) + x[upper] * weight

    def rotation(self) -> np.ndarray:
        a, b, c = np.deg2rad([np.random.uniform(-angle, angle) for angle in ANGLES])
        x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        return z @ y @ x


@pytest.fixture(scope="module")
def layout(registry) -> Layout:
    return registry.get("layout", "ntu25")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, layout: Layout) -> Iterator[Clips]:
    folder = tmp_path_factory.mktemp("speed")
    component = made_dataset(layout="ntu25", persons=2)
    write_store(folder / "store", component, ManyClips(), folder, preprocess="none", layout=layout)
    yield open_store(folder / "store")
    shutil.rmtree(folder)  # the best part of a gigabyte


def seconds_per_clip(batches: ClipLoader | DataLoader) -> float:
    start = time.perf_counter()
    clips = sum(len(x) for x, _, _ in batches)
    return (time.perf_counter() - start) / clips


def one_by_one(clips: Clips, layout: Layout) -> float:
    rows = np.random.default_rng(0).choice(len(clips), SLOW_CLIPS, replace=False)
    slow = DataLoader(OneByOne(clips, layout, rows), batch_size=BATCH)
    return min(seconds_per_clip(slow) for _ in range(3))


def test_batches_of_a_store_come_at_least_five_times_as_fast_as_one_by_one(
    benchmark, stored: Clips, layout: Layout
) -> None:
    batches = ClipLoader(
        stored,
        np.arange(len(stored)),
        clip=ClipOptions(frames=FRAMES, fill="resize", crop=(0.5, 1.0)),
        stream="bone",
        layout=layout,
        augment=AugmentOptions(rotate=ANGLES, scale=SCALES),
        batch_size=BATCH,
        shuffle=True,
        training=True,
    )
    before = one_by_one(stored, layout)
    benchmark.pedantic(seconds_per_clip, args=(batches,), rounds=5, iterations=1, warmup_rounds=1)
    slow = min(before, one_by_one(stored, layout))
    fast = benchmark.stats.stats.min / len(stored)
    benchmark.extra_info["clips_per_second"] = round(1 / fast)
    benchmark.extra_info["clips_per_second_one_by_one"] = round(1 / slow)
    benchmark.extra_info["ratio"] = round(slow / fast, 2)
    assert slow / fast >= LEAST_RATIO
