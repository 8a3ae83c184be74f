"""Batches divided among devices: together they are the batches of one."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.shards import Shard

from .test_loader import CLIPS, EVERYTHING, loader


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4))
def test_parts_make_up_the_batches_and_are_equally_long(rows, size, count):
    order = np.random.default_rng(rows).permutation(rows)
    shards = [Shard(rank, count) for rank in range(count)]
    batches = shards[0].batches(rows, size, False)
    seen = []
    for number in range(batches):
        parts = [shard.rows(order, number, size) for shard in shards]
        assert len({len(part) for part in parts}) == 1
        assert 1 <= len(parts[0]) <= size
        seen += np.concatenate(parts)[: size * count].tolist()
    assert set(seen) == set(range(rows))
    assert len(seen) - rows < count


def test_only_full_batches_where_the_last_is_dropped():
    assert [Shard(0, 2).batches(n, 4, True) for n in (7, 8, 15, 16)] == [0, 1, 1, 2]


def test_the_whole_is_a_part():
    order = np.arange(10)
    assert [Shard().rows(order, n, 4).tolist() for n in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [Shard().draw(n) for n in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("mapped", [False, True])
def test_parts_of_a_loader_sent_away_are_the_batches_of_one_device_in_turn(tmp_path, mapped):
    clips = CLIPS
    if mapped:
        np.save(tmp_path / "frames.npy", CLIPS.frames)
        clips = CLIPS.with_frames(np.load(tmp_path / "frames.npy", mmap_mode="r"), "none")
    recipe = {"shuffle": True, "training": True, "augment": EVERYTHING, "batch_size": 2, "repeat": 4}
    whole = loader(clips, **recipe)
    sent = pickle.dumps(whole)
    parts = [pickle.loads(sent).shard(rank, 2) for rank in range(2)]
    assert len(parts[0]) == len(whole) // 2 == 6
    for part in (whole, *parts):
        part.set_epoch(3)
    turns = [batch for both in zip(*parts, strict=True) for batch in both]
    for part, expected in zip(turns, whole, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(part, expected, strict=True))


def test_frames_of_a_file_are_not_sent_with_a_loader(tmp_path):
    frames = np.lib.format.open_memmap(tmp_path / "frames.npy", "w+", np.float32, (10_000, 2, 5, 3))
    del frames
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    clips = CLIPS.with_frames(mapped, "none")
    assert len(pickle.dumps(loader(clips))) < mapped.nbytes / 10
