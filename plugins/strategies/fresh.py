"""Architectures that a search has not asked for yet."""

from __future__ import annotations

import json
from collections.abc import Container

import numpy as np

from skelbench.search import Sample, Space

PATIENCE = 1000
"""Draws in a row without a new architecture after which chance is held to find none."""


def sample_key(sample: Sample) -> str:
    """An architecture as a text to know it by."""
    return json.dumps(sample, sort_keys=True)


def drawn_anew(space: Space, rng: np.random.Generator, known: Container[str]) -> Sample | None:
    """A random architecture whose key is not known; None where chance finds none."""
    for _ in range(PATIENCE):
        sample = space.sample(rng)
        if sample_key(sample) not in known:
            return sample
    return None
