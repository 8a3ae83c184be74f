"""Random architectures of a space."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skelbench.check.checked import Checked
from skelbench.errors import SpecError
from skelbench.search import Sample
from skelbench.space.arch import Architecture, architecture_hash
from skelbench.space.size import SearchSpace

_FEW = 4
"""A space of fewer times what is wanted is listed instead of drawn from."""


def random_architectures(checked: Checked, count: int, seed: int) -> list[Architecture]:
    """Different architectures, each decision drawn evenly, named after the spec and their hash.

    Args:
        checked: The spec.
        count: How many.
        seed: Seed of the draw.

    Raises:
        SpecError: The space has not so many.
    """
    size = checked.space.size()
    if count > size:
        what = f"the space has {size:,} architectures, not {count:,}"
        raise SpecError(what, where=checked.resolved.path, remedy=f"Ask for at most {size:,} with --n")
    found = dict[str, Architecture]()
    for drawn in _drawn(checked.space, count, np.random.default_rng(seed)):
        name = f"{checked.spec.name}-{architecture_hash(checked.network, drawn)[:8]}"
        found.setdefault(name, Architecture.of(checked.resolved, checked.space, name, drawn))
        if len(found) == count:
            break
    return list(found.values())


def _drawn(space: SearchSpace, count: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Draws without end; of a space that is hardly larger than what is wanted, all there are."""
    if space.size() <= _FEW * count:
        every = list(space.enumerate())
        yield from (every[number] for number in rng.permutation(len(every)))
    while True:
        yield space.sample(rng)
