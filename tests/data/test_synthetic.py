from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skelbench.components import Layout
from skelbench.data import Clip, Clips
from skelbench.data.loader import ClipLoader
from skelbench.data.preprocess import preprocess
from skelbench.data.synthetic import generate
from skelbench.recipe import ClipOptions

from .made import CHAIN

CLASSES, SUBJECTS = 6, 8


def made(layout: Layout, *, label=0, subject=1, camera=0, seed=0, frames=20, persons=1) -> np.ndarray:
    return generate(layout, label, subject, camera, np.random.default_rng(seed), frames, persons)


@pytest.mark.parametrize("name", ["ntu25", "ucla20", "openpose18", "coco17", "shrec22"])
@pytest.mark.parametrize("persons", [1, 2])
def test_every_layout_can_move(registry, name: str, persons: int) -> None:
    layout = registry.get("layout", name)
    motion = made(layout, persons=persons)
    assert motion.shape == (20, persons, len(layout.joints), 3)
    assert motion.dtype == np.float32
    assert np.isfinite(motion).all()
    assert (motion.std(axis=0).max(axis=1) > 0.02).all()
    assert 0.4 < np.ptp(motion[0, 0, :, 1]) < 3


@given(st.integers(0, 119), st.integers(0, 40), st.integers(0, 1000))
def test_bones_keep_their_length(label: int, subject: int, seed: int) -> None:
    motion = made(CHAIN, label=label, subject=subject, seed=seed, frames=30)[:, 0]
    bone = np.linalg.norm(motion[:, 4] - motion[:, 3], axis=1)
    assert 0.15 < bone.mean() < 0.45
    assert bone.std() < 0.05


def test_the_same_arguments_make_the_same_recording_and_others_another() -> None:
    base = made(CHAIN)
    np.testing.assert_array_equal(base, made(CHAIN))
    for change in ({"label": 1}, {"subject": 2}, {"camera": 1}, {"seed": 1}):
        assert np.abs(base - made(CHAIN, **change)).max() > 0.05, change


def test_one_frame_is_enough() -> None:
    assert made(CHAIN, frames=1).shape == (1, 1, 5, 3)


def recordings(layout: Layout) -> Clips:
    rng = np.random.default_rng(0)
    clips = []
    for subject in range(SUBJECTS):
        for label in range(CLASSES):
            for take in range(4):
                frames = generate(layout, label, subject, take % 3, rng, int(rng.integers(20, 50)), 1)
                clips.append(Clip(f"{subject}-{label}-{take}", label, frames, subject=subject))
    names = [str(label) for label in range(CLASSES)]
    return Clips.of(clips, dataset="made", layout=layout.name, class_names=names, synthetic=True)


@pytest.fixture(scope="module")
def strangers(registry) -> list[torch.Tensor]:
    """Clips (N, C*V, T) and classes of six performers to train on, and of two others to test on."""
    layout = registry.get("layout", "ucla20")
    clips = preprocess(recordings(layout), "sgcn", layout)
    out = []
    for chosen in (clips.subjects < 6, clips.subjects >= 6):
        batches = ClipLoader(
            clips, np.flatnonzero(chosen), stream="joint", layout=layout, batch_size=999,
            clip=ClipOptions(frames=24, fill="resize"),
        )  # fmt: skip
        x, y, _ = next(iter(batches))
        out += [x[..., 0].permute(0, 1, 3, 2).flatten(1, 2), y]
    return out


def test_the_nearest_mean_motion_does_not_give_the_class_away(strangers) -> None:
    x, y, x_test, y_test = strangers
    means = torch.stack([x[y == label].flatten(1).mean(0) for label in range(CLASSES)])
    right = (torch.cdist(x_test.flatten(1), means).argmin(1) == y_test).float().mean()
    assert right < 0.95


def test_a_small_network_recognises_the_motions_of_strangers(strangers) -> None:
    x, y, x_test, y_test = strangers
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Conv1d(x.shape[1], 32, 5, stride=2), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(32, CLASSES),
        )  # fmt: skip
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(12):
            for rows in torch.randperm(len(x)).split(48):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
    right = (network.eval()(x_test).argmax(1) == y_test).float().mean()
    assert right > 3 / CLASSES
