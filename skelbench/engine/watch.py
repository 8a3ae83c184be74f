"""Watches a search for signal: its health after every generation and as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skelbench.engine import health
from skelbench.results.answers import ClipAnswers
from skelbench.results.health import Fitness, Normalisation, SearchHealth
from skelbench.search import Search

TWINS = 5
"""Searches told fitness drawn by lot, whose entropy is averaged."""
_NOISE_STREAM = 9176
Line = Mapping[str, Any]
Place = tuple[int, int]
"""Generation and number of a trial."""
AnswersByTrial = Mapping[Place, ClipAnswers]


class NoiseTwins:
    """The same search several times over, told fitness drawn by lot.

    Args:
        make: Makes a search that has not begun, by seed.
        seed: The run's seed.
    """

    def __init__(self, make: Callable[[int], Search], seed: int) -> None:
        self._streams = [np.random.default_rng([_NOISE_STREAM, seed, twin]) for twin in range(TWINS)]
        self._make, self._seed = make, seed
        self._twins: list[Search] = []
        self._next = 0

    def entropy(self, generation: int) -> float | None:
        """The mean entropy of their weights after a generation; generations are asked for in order."""
        if not self._twins:  # begun late, as most searches have no weights
            self._twins = [self._make(self._seed + 1 + twin) for twin in range(TWINS)]
        for number in range(self._next, generation + 1):
            for twin, stream in zip(self._twins, self._streams, strict=True):
                _tell_by_lot(twin, number, stream)
        self._next = max(self._next, generation + 1)
        found = [twin.figures().get("entropy") for twin in self._twins]
        known = [float(entropy) for entropy in found if entropy is not None]
        return float(np.mean(known)) if known else None


def _tell_by_lot(search: Search, generation: int, stream: np.random.Generator) -> None:
    search.training_weights(generation)
    proposals = search.ask(generation)
    if proposals:
        search.tell(proposals, [float(number) for number in stream.standard_normal(len(proposals))])


@dataclass(frozen=True)
class Watch:
    """Takes the health of a search from its lines.

    Attributes:
        fitness: What candidates are compared by.
        normalisation: What batch normalisation takes in them.
        twins: Gives the entropy that noise alone leads to; None for searches that learn by gradients.
    """

    fitness: Fitness
    normalisation: Normalisation
    twins: NoiseTwins | None = None

    def noise(self, generation: int, figures: Line) -> dict[str, float]:
        """The entropy of noise after a generation, for a search whose figures have an entropy."""
        if self.twins is None or "entropy" not in figures:
            return {}
        entropy = self.twins.entropy(generation)
        return {} if entropy is None else {"entropy_noise": round(entropy, 6)}

    def health(
        self, trials: Sequence[Line], answers: AnswersByTrial, generations: Sequence[Line]
    ) -> SearchHealth:
        """The health of a search or a part of it.

        Args:
            trials: Lines of its trials.
            answers: Answers by generation and number; of trials without, nothing is measured.
            generations: Lines of its generations, in their order.
        """
        tried = {(t["generation"], t["number"]): t.get("epochs", 0) for t in trials if not t["known"]}
        known = [place for place in tried if place in answers]
        return SearchHealth(
            fitness=self.fitness,
            normalisation=self.normalisation,
            rejected=sum("rejected_after" in trial for trial in trials) or None,
            **_of_candidates(self.fitness, [answers[place] for place in known], self._groups(tried, known)),
            **_of_weights(generations),
        )

    def _groups(self, epochs: Mapping[Place, int], places: Sequence[Place]) -> np.ndarray:
        """One group for each state of a supernet; of networks trained by themselves, for each length."""
        own = self.normalisation == "own"
        return np.array([epochs[place] if own else place[0] for place in places], dtype=int)


def _of_candidates(fitness: Fitness, found: Sequence[ClipAnswers], groups: np.ndarray) -> dict[str, Any]:
    if not found:
        return {"candidates": 0, "distinct": 0}
    right = np.array([one.right for one in found], dtype=np.float64)
    loss = np.array([one.loss for one in found], dtype=np.float64)
    scores = right * 100.0 if fitness == "accuracy" else -loss
    values, clips = scores.mean(axis=1).round(9), found[0].clips or None
    measured = {
        "ties": health.tied_pairs(values, groups),
        "spread": health.spread(values, groups),
        "reliability": health.reliability(scores, groups, clips),
        "reliability_accuracy": health.reliability(right, groups, clips),
        "reliability_cross_entropy": health.reliability(loss, groups, clips),
        "disagreement": health.disagreement(np.array([one.predicted for one in found]), groups),
    }
    counts = {"candidates": len(found), "distinct": len(np.unique(values))}
    return counts | {name: _rounded(value) for name, value in measured.items()}


def _of_weights(generations: Sequence[Line]) -> dict[str, Any]:
    entropies = [float(line["entropy"]) for line in generations if "entropy" in line]
    last = generations[-1] if generations else {}
    return {
        "entropy": entropies[-1] if entropies else None,
        "entropy_noise": last.get("entropy_noise"),
        "entropy_slope": _rounded(health.slope(entropies)),
        "alpha_steps": last.get("alpha_steps"),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
