"""Random architectures of a space: different, the same for a seed, and no more than there are."""

from __future__ import annotations

import pytest

from skelbench.check.spec import check_spec
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.space.sample import random_architectures
from skelbench.spec.resolve import load_spec

CHECKED = check_spec(load_spec("esan", profile=None, sets=[]), load_registry())


def test_architectures_differ_and_a_seed_draws_the_same() -> None:
    first, again, other = (random_architectures(CHECKED, 5, seed) for seed in (0, 0, 1))
    assert len({one.name for one in first}) == 5
    assert [one.choices for one in first] == [one.choices for one in again]
    assert [one.name for one in first] != [one.name for one in other]


def test_each_is_one_of_the_space() -> None:
    for one in random_architectures(CHECKED, 5, 0):
        assert one.sample_in(CHECKED.space) == one.choices


def test_all_there_are_can_be_drawn_and_no_more() -> None:
    size = CHECKED.space.size()
    assert len(random_architectures(CHECKED, size, 0)) == size
    with pytest.raises(SpecError, match="--n"):
        random_architectures(CHECKED, size + 1, 0)
