"""Conformance suite for metrics: subclass, name the metric, run pytest."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest

from skelbench.components import Metric
from skelbench.errors import SkelbenchError
from skelbench.testing.named import NamedComponent

Figure = Callable[[np.ndarray, np.ndarray], float]
WRONG: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "fewer labels": (np.zeros((3, 4)), np.array([0, 1])),
    "scores of no classes": (np.zeros(3), np.array([0, 1, 2])),
    "labels with two axes": (np.zeros((3, 4)), np.zeros((3, 1), int)),
    "no recording": (np.zeros((0, 4)), np.zeros(0, int)),
    "a label beyond the classes": (np.zeros((2, 4)), np.array([0, 4])),
    "a label below 0": (np.zeros((2, 4)), np.array([-1, 0])),
    "scores that are not numbers": (np.full((2, 4), np.nan), np.array([0, 1])),
}
"""What no metric may rate."""


class MetricConformance(NamedComponent):
    """What every metric must do.

    Attributes:
        classes: Classes of the scores to try it with.
        recordings: Recordings of them.
        draws: How many scores drawn at random.
        best: What perfect scores give: 100, or 0 where the metric counts errors.
    """

    kind = "metric"
    classes: ClassVar[int] = 12
    recordings: ClassVar[int] = 60
    draws: ClassVar[int] = 10
    best: ClassVar[float] = 100.0

    @pytest.fixture
    def metric(self, component: Metric) -> Figure:
        """What computes it."""
        figure: Figure = component.load()
        return figure

    @pytest.fixture(params=["float32", "float64"])
    def drawn(self, request: pytest.FixtureRequest) -> list[tuple[np.ndarray, np.ndarray]]:
        """Scores and labels drawn at random, in both precisions; the last have but one of the classes."""
        pairs = []
        for seed in range(self.draws):
            rng = np.random.default_rng(seed)
            scores = rng.normal(size=(self.recordings, self.classes)).astype(request.param)
            most = 1 if seed == self.draws - 1 else self.classes
            pairs.append((scores, rng.integers(0, most, self.recordings)))
        return pairs

    def test_it_is_in_percent(self, metric: Figure, drawn: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """A plain finite number from 0 to 100, and not the same whatever the scores are."""
        figures = [metric(scores, labels) for scores, labels in drawn]
        assert all(isinstance(figure, float) for figure in figures), "records hold plain numbers"
        assert all(0 <= figure <= 100 for figure in figures), figures
        assert len({*figures, metric(*self.perfect())}) > 1, "it says the same of all scores"

    def test_perfect_scores_are_best(self, metric: Figure) -> None:
        """Where every recording's own class scores highest the figure is the best there is."""
        assert metric(*self.perfect()) == pytest.approx(self.best)

    def test_worst_scores_are_not_good(self, metric: Figure) -> None:
        """Where every recording's own class scores lowest the figure is far from the best."""
        scores, labels = self.perfect()
        assert abs(metric(-scores, labels) - self.best) > 50

    def test_the_order_of_recordings_does_not_matter(
        self, metric: Figure, drawn: list[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Recordings may be scored in any order."""
        for scores, labels in drawn:
            order = np.random.default_rng(0).permutation(len(labels))
            assert metric(scores[order], labels[order]) == pytest.approx(metric(scores, labels))

    def test_it_leaves_scores_and_labels_as_they_are(
        self, metric: Figure, drawn: list[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Other metrics are computed from them, too."""
        for scores, labels in drawn:
            kept = scores.copy(), labels.copy()
            metric(scores, labels)
            assert np.array_equal(scores, kept[0])
            assert np.array_equal(labels, kept[1])

    @pytest.mark.parametrize("wrong", WRONG)
    def test_what_cannot_be_rated_is_refused(self, metric: Figure, wrong: str) -> None:
        """Shapes that do not fit, labels of no class and scores that are no numbers are errors."""
        with pytest.raises(SkelbenchError):
            metric(*WRONG[wrong])

    def perfect(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores that tell all recordings apart, a few of each class."""
        labels = np.arange(self.recordings) % self.classes
        return np.eye(self.classes)[labels], labels
