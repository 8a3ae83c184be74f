"""The space of a table as a search sees it: a list of architectures, with the decisions that led to each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from skelbench.errors import SpecError, did_you_mean
from skelbench.search import Point, Sample

Key = tuple[tuple[str, Any], ...]


def key_of(sample: Sample) -> Key:
    """A canonical sample as something to look up by."""
    return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in sample.items())


class TableSpace:
    """Listed architectures as a space (implements `skelbench.search.Space`).

    Args:
        points: Every decision, in the order of the spec.
        architectures: Canonical samples: their labels in the order of the points, active ones alone.
        around: The space of which these are a part. What is of it and not listed can be named, so that a
            search that puts it together is told of a hole; None: there is nothing else.

    Attributes:
        points: See above.
    """

    def __init__(
        self, points: Sequence[Point], architectures: Sequence[Sample], around: TableSpace | None = None
    ) -> None:
        self.points, self._around = tuple(points), around
        self._architectures = list(architectures)
        self._tree: dict[Any, Any] = {}
        for sample in self._architectures:
            branch = self._tree
            for label, decision in key_of(sample):
                branch = branch.setdefault(label, {}).setdefault(decision, {})

    def size(self) -> int:
        """The number of architectures."""
        return len(self._architectures)

    def enumerate(self) -> Iterator[Sample]:
        """Every architecture once."""
        return (dict(sample) for sample in self._architectures)

    def sample(self, rng: np.random.Generator) -> Sample:
        """A random architecture: each decision drawn evenly among what is listed under those before it."""
        sample: Sample = {}
        branch = self._tree
        while branch:
            ((label, decisions),) = branch.items()
            drawn = list(decisions)[rng.integers(len(decisions))]
            sample[label] = list(drawn) if isinstance(drawn, tuple) else drawn
            branch = decisions[drawn]
        return sample

    def canonical(self, sample: Sample) -> Sample:
        """The same architecture without inactive labels, in the order of the points.

        Raises:
            SpecError: It is not listed, nor in the space around.
        """
        if self._around is not None:
            return self._around.canonical(sample)
        labels = [point.label for point in self.points]
        for label in sample:
            if label not in labels:
                raise SpecError(f"the space has no label '{label}'", remedy=did_you_mean(label, labels))
        canonical: Sample = {}
        branch = self._tree
        while branch:
            ((label, decisions),) = branch.items()
            if label not in sample:
                raise SpecError(f"the architecture says nothing about '{label}'")
            ((_, decision),) = key_of({label: sample[label]})
            if decision not in decisions:
                raise self._unknown(label, sample[label])
            canonical[label] = sample[label]
            branch = decisions[decision]
        return canonical

    def _unknown(self, label: str, decision: Any) -> SpecError:
        options = next(point.options for point in self.points if point.label == label)
        if decision in options:
            return SpecError(f"no architecture is listed that takes {decision!r} for '{label}' there")
        return SpecError(f"{label} cannot be {decision!r}", remedy=did_you_mean(decision, map(str, options)))
