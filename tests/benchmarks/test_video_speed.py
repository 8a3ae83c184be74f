"""Frames a second of a short clip from a random place, against decoding the whole file, in the same run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from skelbench.data.video.reader import probe, read_frames
from skelbench.data.video.write import write_video

from ..data.made_video import moving, plain
from .clock import fastest

CLIP = 16
PLACES = 4
ROUNDS = 3


def clips(path: Path, starts: list[int], **resize: Any) -> None:
    for start in starts:
        read_frames(path, range(start, start + CLIP), **resize)


def whole_files(path: Path, starts: list[int]) -> None:
    """Every frame decoded, on one thread too, and those of the clip turned to RGB."""
    for start in starts:
        with av.open(str(path)) as file:
            file.streams.video[0].codec_context.thread_count = 1
            frames = list(file.decode(video=0))[start : start + CLIP]
            convert = VideoReformatter()
            np.stack([convert.reformat(frame, format="rgb24", threads=1).to_ndarray() for frame in frames])


def compare(benchmark: Any, path: Path) -> float:
    """How many times faster the clips are; frames a second stand in the benchmark's extra information."""
    starts = np.random.default_rng(0).integers(0, probe(path).frames - CLIP, PLACES).tolist()
    full = plain(path)
    for start in starts:
        np.testing.assert_array_equal(
            read_frames(path, range(start, start + CLIP)), full[start : start + CLIP]
        )
    ways = [partial(clips, path, starts), partial(clips, path, starts, short_side=128)]
    taken = fastest([*ways, partial(whole_files, path, starts)], rounds=ROUNDS)
    rates = [PLACES * CLIP / seconds for seconds in taken]
    names = ("clip_frames_per_second", "resized_clip_frames_per_second", "whole_file_clip_frames_per_second")
    benchmark.extra_info.update(dict(zip(names, rates, strict=True)))
    benchmark.extra_info["times_faster"] = taken[2] / taken[0]
    benchmark.pedantic(ways[0], rounds=ROUNDS)
    return taken[2] / taken[0]


@pytest.mark.parametrize("name", ["v.avi", "v.mp4"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clip_is_had_faster_than_the_whole_file(
    benchmark: Any, tmp_path: Path, name: str, b_frames: int
) -> None:
    write_video(tmp_path / name, moving(300, 240, 320), 30, b_frames=b_frames)
    assert compare(benchmark, tmp_path / name) >= 3


@pytest.mark.parametrize("clip", ["v_ApplyEyeMakeup_g01_c01.avi", "v_SoccerJuggling_g23_c01.avi"])
def test_a_clip_of_a_real_video_is_not_slower(benchmark: Any, shared_data: Path, clip: str) -> None:
    assert compare(benchmark, shared_data / "ucf101" / "videos" / clip) >= 1
