"""Planted tasks: a joint by itself tells nothing, and what is planted tells the class."""

from __future__ import annotations

import numpy as np
import pytest

from skelbench.data.planted import CLASSES, motion, planted, planting
from skelbench.data.synthetic import generate

LIMBS = np.arange(4)


def waves(task: str, label: int, count: int = 300, frames: int = 40) -> np.ndarray:
    return np.stack(
        [motion(task, label, LIMBS, np.random.default_rng(seed), frames) for seed in range(count)]
    )


@pytest.mark.parametrize("task", ["distant", "direction"])
def test_a_limb_in_one_frame_is_spread_alike_in_all_classes(task: str):
    spreads = [waves(task, label).std(axis=(0, 1)) for label in range(CLASSES[task])]
    np.testing.assert_allclose(spreads, np.mean(spreads), rtol=0.12)


def test_distant_limbs_move_together_or_against_each_other():
    for label in range(4):
        rows = waves("distant", label, count=20)
        arms = [np.corrcoef(row[:, 0], row[:, 1])[0, 1] for row in rows]
        legs = [np.corrcoef(row[:, 2], row[:, 3])[0, 1] for row in rows]
        assert np.sign(np.mean(arms)) == (-1 if label & 1 else 1)
        assert np.sign(np.mean(legs)) == (-1 if label >> 1 else 1)


def test_a_direction_is_the_other_one_backwards():
    for seed in range(5):
        both = [motion("direction", label, LIMBS, np.random.default_rng(seed), 50) for label in (0, 1)]
        np.testing.assert_allclose(both[0], both[1][::-1])
        rises = [(np.diff(one, axis=0) > 0).mean() for one in both]
        assert rises[0] > 0.6 > 0.4 > rises[1]


def test_few_frames_tell_which_limb_jerks_far():
    for label in range(4):
        rows = waves("brief", label, count=20)
        assert (np.abs(rows).max(axis=1).argmax(axis=1) == label).mean() > 0.9
        assert (np.abs(rows) > 0.1).mean() < 0.2


def test_readers_make_what_is_planted_and_afterwards_what_they_always_do(registry):
    layout = registry.get("layout", "ntu25")

    def made() -> np.ndarray:
        return generate(layout, 1, 2, 1, np.random.default_rng(0), 30)

    before = made()
    with planting("distant"):
        assert planted() == "distant"
        inside = made()
    assert not np.array_equal(inside, before)
    np.testing.assert_array_equal(made(), before)
    still = inside[:, 0].std(axis=0).max(axis=1)
    names = list(layout.joints)
    moving = {names[i] for i in np.flatnonzero(still > 0.05)}
    assert len(moving) >= 4
    assert len(moving) <= len(names) / 2
