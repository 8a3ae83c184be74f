from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.loader import ClipLoader, _ahead
from skelbench.errors import DataError
from skelbench.recipe import STREAMS, AugmentOptions, ClipOptions

from .made import CHAIN, make_clips

CLIPS = make_clips()
EVERYTHING = AugmentOptions(rotate=(30, 30, 30), scale=(0.8, 1.2), shift=0.1, noise=0.01, move=True)
FILLS = ["repeat", "zero", "resize", "segments", "random"]


def loader(clips=CLIPS, indices=None, **options) -> ClipLoader:
    chosen = np.arange(len(clips)) if indices is None else np.asarray(indices)
    given_options = {"clip": ClipOptions(frames=8), "stream": "joint", "layout": CHAIN, "batch_size": 4}
    return ClipLoader(clips, chosen, **{**given_options, **options})


def everything(batches: ClipLoader) -> list[torch.Tensor]:
    return [torch.cat(column) for column in zip(*batches, strict=True)]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("training", [False, True])
def test_batches_have_the_agreed_form(fill, stream, training: bool) -> None:
    clip = ClipOptions(frames=8, fill=fill, normalise="minmax")
    batches = loader(clip=clip, stream=stream, training=training, augment=EVERYTHING)
    sizes = []
    for x, y, index in batches:
        sizes.append(len(x))
        assert (x.dtype, y.dtype, index.dtype) == (torch.float32, torch.int64, torch.int64)
        assert x.shape[1:] == (3, 8, 5, 2)
        assert x.is_contiguous()
        assert torch.isfinite(x).all()
        assert y.tolist() == CLIPS.labels[index].tolist()
    assert sizes == [4, 2]
    assert len(batches) == 2


def test_a_clip_shows_the_frames_of_its_recording() -> None:
    x, _, index = everything(loader(clip=ClipOptions(frames=40)))
    for clip, number in zip(x, index, strict=True):
        frames = CLIPS.clip(int(number)).frames
        expected = frames[np.arange(40) % len(frames)].transpose(3, 0, 2, 1)
        np.testing.assert_array_equal(clip.numpy(), expected)


def test_resize_interpolates_between_frames_but_not_between_presence_and_absence() -> None:
    clip = ClipOptions(frames=5, fill="resize")
    x = everything(loader(indices=[1], clip=clip))[0][0].numpy().transpose(1, 3, 2, 0)
    frames = CLIPS.clip(1).frames
    first = frames[:, 0]
    expected = [first[0], first[:2].mean(0), first[1], first[1:].mean(0), first[2]]
    np.testing.assert_allclose(x[:, 0], np.stack(expected), rtol=1e-5)
    assert not frames[0, 1].any()
    present = x[:, 1].any(axis=(1, 2))
    for row in x[present, 1]:
        np.testing.assert_array_equal(row, frames[1, 1])


def test_zero_fill_pads_with_zeros_even_under_random_changes() -> None:
    x = everything(
        loader(indices=[1], clip=ClipOptions(frames=8, fill="zero"), training=True, augment=EVERYTHING)
    )[0]
    assert x[:, :, :3].any()
    assert not x[:, :, 3:].any()


@given(st.integers(0, 3), st.integers(0, 5), st.sampled_from(FILLS))
def test_batches_depend_on_seed_and_epoch_and_not_on_prefetching(seed: int, epoch: int, fill) -> None:
    def run(prefetch: int) -> list[torch.Tensor]:
        batches = loader(
            clip=ClipOptions(frames=8, fill=fill, window=5),
            shuffle=True, training=True, augment=EVERYTHING, repeat=3, seed=seed, prefetch=prefetch,
        )  # fmt: skip
        batches.set_epoch(epoch)
        return everything(batches)

    for one, other in zip(run(0), run(2), strict=True):
        assert torch.equal(one, other)


def test_epochs_and_seeds_differ() -> None:
    batches = loader(shuffle=True, repeat=5, training=True, augment=EVERYTHING)
    first = everything(batches)
    again = everything(batches)
    batches.set_epoch(1)
    second = everything(batches)
    other = everything(loader(shuffle=True, repeat=5, training=True, augment=EVERYTHING, seed=1))
    assert torch.equal(first[2], again[2])
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[2], second[2])
    assert not torch.equal(first[2], other[2])


def test_every_recording_comes_as_often_as_asked() -> None:
    index = everything(loader(shuffle=True, repeat=3, indices=[1, 4, 5]))[2]
    assert torch.bincount(index).tolist() == [0, 3, 0, 0, 3, 3]


def test_views_of_a_recording_follow_each_other() -> None:
    clip = ClipOptions(frames=4, fill="segments")
    x, _, index = everything(loader(indices=[3, 5], views=3, clip=clip))
    assert index.tolist() == [3, 3, 3, 5, 5, 5]
    assert not torch.equal(x[0], x[1])


def test_test_clips_do_not_depend_on_batch_size_or_seed() -> None:
    clip = ClipOptions(frames=4, fill="segments")
    one = everything(loader(views=3, clip=clip, batch_size=2))
    other = everything(loader(views=3, clip=clip, batch_size=5, seed=9))
    assert torch.equal(one[0], other[0])


def test_test_clips_are_not_changed_at_random() -> None:
    assert torch.equal(everything(loader(augment=EVERYTHING))[0], everything(loader())[0])


def test_training_crops_differ_from_epoch_to_epoch_and_stay_within_bounds() -> None:
    ramp = np.arange(40, dtype=np.float32)[:, None, None, None] + np.zeros((1, 2, 5, 3), np.float32) + 1
    clips = make_clips((40,)).with_frames(ramp, "none")
    clip = ClipOptions(frames=6, fill="resize", crop=(0.5, 0.75))
    batches = loader(clips, clip=clip, training=True, repeat=200)
    x = everything(batches)[0][:, 0, :, 0, 0]
    share = (x[:, -1] - x[:, 0]) / 39
    assert share.min() > 0.5 - 1e-6
    assert share.max() < 0.75 + 1e-6
    assert share.max() - share.min() > 0.2
    assert x.min() >= 1
    assert x.max() <= 40


def test_persons_are_kept_in_order_or_filled_with_absent_ones() -> None:
    both = everything(loader())[0]
    fewer = everything(loader(clip=ClipOptions(frames=8, persons=1)))[0]
    more = everything(loader(clip=ClipOptions(frames=8, persons=3)))[0]
    assert torch.equal(fewer, both[..., :1])
    assert torch.equal(more[..., :2], both)
    assert not more[..., 2].any()


def test_the_last_batch_can_be_left_out() -> None:
    batches = loader(drop_last=True)
    assert [len(x) for x, _, _ in batches] == [4]
    assert len(batches) == 1


def test_no_recordings_give_no_batches() -> None:
    batches = loader(indices=np.zeros(0, int))
    assert len(batches) == 0
    assert list(batches) == []


def test_leaving_early_ends_the_background_thread_once_its_batch_is_made() -> None:
    before = set(threading.enumerate())
    iterator = iter(loader(repeat=50, prefetch=3))
    next(iterator)
    started = set(threading.enumerate()) - before
    iterator.close()  # type: ignore[attr-defined]
    assert [thread.name.startswith("clips") for thread in started] == [True]
    for thread in started:
        thread.join(10)
        assert not thread.is_alive()


def test_an_interruption_while_a_dropped_iterator_is_cleared_away_is_not_waited_for() -> None:
    """Python loses an interruption that comes in there, so that nothing may wait in there."""
    begun, release, done = (threading.Event() for _ in range(3))

    def make(number: int) -> Any:
        if number:
            begun.set()
            release.wait(10)
            done.set()
        return number

    iterator = _ahead(make, 9, depth=1)
    assert next(iterator) == 0
    assert begun.wait(10)
    iterator.close()  # type: ignore[attr-defined]
    assert not done.is_set(), "closing did not wait for the batch under way"
    release.set()


def test_an_error_in_the_background_comes_through() -> None:
    with pytest.raises(IndexError):
        list(loader(indices=[99]))


def test_read_only_frames_are_never_written() -> None:
    frames = CLIPS.frames.copy()
    frames.setflags(write=False)
    everything(loader(replace(CLIPS, frames=frames), training=True, augment=EVERYTHING, stream="bone_motion"))


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 0}, {"views": 0}, {"repeat": 0}, {"prefetch": -1}, {"training": True, "views": 2}],
)
def test_contradictory_arguments_are_refused(options) -> None:
    with pytest.raises(ValueError, match=r"at least|several views"):
        loader(**options)


def test_recordings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="5 joints"):
        loader(layout=replace(CHAIN, joints=("a",)))
    flat = CLIPS.with_frames(CLIPS.frames[..., :2], "none")
    with pytest.raises(DataError, match="need 3 channels"):
        loader(flat, training=True, augment=AugmentOptions(rotate=(1, 1, 1)))
    assert everything(loader(flat))[0].shape[1] == 2


def test_clips_are_normalised_by_the_whole_recording_as_released() -> None:
    """CTR-GCN on NW-UCLA: turn the recording by Ry, then Rx, scale it into [-1, 1], take frames of it."""
    augment = AugmentOptions(rotate=(60, 60, 0), rotate_order="yxz")
    clip = ClipOptions(frames=3, fill="random", normalise="minmax_recording")
    x, _, index = everything(loader(clip=clip, training=True, augment=augment))
    plain, _, _ = everything(loader(clip=clip))
    for clip_of, number in zip(plain, index, strict=True):
        frames = CLIPS.clip(int(number)).frames
        seen = frames.any(axis=(2, 3))
        points = frames[seen]
        low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
        scaled = ((frames - low) / (high - low) * 2 - 1) * seen[..., None, None]
        taken = scaled[np.linspace(0, len(frames) - 1, 3).astype(int)]
        np.testing.assert_allclose(clip_of.numpy(), taken.transpose(3, 0, 2, 1), atol=1e-5)
    assert float(x.abs().max()) <= 1 + 1e-5
    assert not torch.allclose(x, plain)
