"""The share of a quick training's time that it waits for clips of video files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skelbench_plugins.operators.video import Pixels, R2plus1dBlock, VideoPoolLinear, VideoStem
from torch import nn

from skelbench.components import NO_SKELETON, BuildContext
from skelbench.data import Video, VideoFile, Videos
from skelbench.data.video.loader import VideoLoader
from skelbench.data.video.write import write_video
from skelbench.recipe import VideoOptions

from ..data.made_video import moving

FILES, BATCH, EPOCHS, REPEAT = 16, 8, 2, 10
CROP = 112
WAYS = {"2 workers": (2, 1), "1 worker": (1, 1), "nothing ahead": (1, 0)}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    """Files of the size and length of UCF101's: 240 x 320 pixels, 186 frames."""
    folder: Path = tmp_path_factory.mktemp("videos")
    entries, extents = [], []
    for number in range(FILES):
        path = folder / f"{number:02d}.avi"
        write_video(path, moving(186, 240, 320), 25)
        entries.append(Video(path.stem, number % 5, VideoFile(path), train=True))
        extents.append(entries[-1].source.extent())
    return Videos.of(entries, extents, dataset="made", class_names=[str(n) for n in range(5)])


def network() -> nn.Module:
    """A network of a few layers, whose step is quick."""
    torch.manual_seed(0)
    place = BuildContext(
        channels=3, frames=16, joints=0, persons=1, classes=5, layout=NO_SKELETON, height=CROP, width=CROP
    )
    stem, inside = VideoStem(place, 8), BuildContext(8, 16, 0, 1, 5, NO_SKELETON, height=56, width=56)
    return nn.Sequential(Pixels(place), stem, R2plus1dBlock(inside, stride=2), VideoPoolLinear(inside))


def waiting(videos: Videos, workers: int, prefetch: int) -> tuple[float, float]:
    """Seconds that a training takes, and those of them in which it waits for a batch."""
    options = VideoOptions(frames=16, resize=(128, 171), crop=CROP)
    batches = VideoLoader(
        videos,
        np.arange(FILES),
        video=options,
        shape=(3, CROP, CROP),
        batch_size=BATCH,
        shuffle=True,
        repeat=REPEAT,
        training=True,
        workers=workers,
        prefetch=prefetch,
    )
    model, waited, started = network(), 0.0, time.perf_counter()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for epoch in range(EPOCHS):
        batches.set_epoch(epoch)
        given = iter(batches)
        for _ in range(len(batches)):
            asked = time.perf_counter()
            x, y, _ = next(given)
            waited += time.perf_counter() - asked
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return time.perf_counter() - started, waited


def test_a_training_hardly_waits_for_two_workers(videos: Videos, benchmark: Any) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        waiting(videos, 2, 1)  # files come into memory
        found = {name: waiting(videos, *way) for name, way in WAYS.items()}
    finally:
        torch.set_num_threads(threads)
    for name, (seconds, waited) in found.items():
        benchmark.extra_info[f"{name}: clips a second"] = EPOCHS * REPEAT * FILES / seconds
        benchmark.extra_info[f"{name}: share of time waiting"] = waited / seconds
    benchmark.pedantic(lambda: None, rounds=1)
    assert (
        found["2 workers"][1] / found["2 workers"][0] < found["nothing ahead"][1] / found["nothing ahead"][0]
    )
