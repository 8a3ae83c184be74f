"""A small bilevel problem with a known answer, in place of a supernet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from skelbench.search import GradientSearch, Point, Sample, TensorWeights, weight_shape
from skelbench.testing.replay import TabulatedSpace

RIDGE = 0.1
"""Of w in the training loss: without it w would make up for any weight of an option."""


class ToyBilevel:
    """Options that all fit the training data, of which only the best ones help in validation.

    Option i has one shared weight w_i; weighted by a_i it contributes ``a_i * w_i``, of which training
    wants 1 and validation wants ``wanted_i``: 1 of the best options, something below 0 of others. Both
    losses are half the squares of what is missed, and that of training has a ridge on w. The validation
    loss under trained w is least where the best options have all the weight (implements
    `skelbench.search.Bilevel`).

    Args:
        points: The decisions, of the kinds ``choice``, ``mix``, ``inputs``, ``cell`` and ``trellis``; of the
            last one every row of weights wants the same.
        seed: Draws the best options, what validation wants of the others, and the first w.
        lr: The learning rate of w.

    Attributes:
        space: The decisions as a space.
        best: The best architecture; of a ``mix`` a single option.
        wanted: By label, what validation wants of each option.
        shared: w, a tensor for each label, float32.
        costs: By label, the MACs of each option: a best one costs twice as much as another.
    """

    def __init__(self, points: Sequence[Point], *, seed: int = 0, lr: float = 0.2) -> None:
        rng = np.random.default_rng(seed)
        self.space = TabulatedSpace(points)
        self.best: Sample = self.space.sample(rng)
        for point in points:
            if point.kind == "mix":
                self.best[point.label] = [point.options[rng.integers(len(point.options))]]
        self.wanted: dict[str, Tensor] = {}
        self.costs: dict[str, np.ndarray] = {}
        for point in points:
            is_best = np.broadcast_to(self.is_best(point), weight_shape(points, point))
            wanted = np.where(is_best, 1.0, rng.uniform(-0.5, -0.1, is_best.shape))
            self.wanted[point.label] = torch.tensor(wanted, dtype=torch.float32)
            self.costs[point.label] = np.where(is_best, 2e6, 1e6)
        self.lr = lr
        self.shared = [
            torch.tensor(
                rng.normal(0, 0.1, weight_shape(points, point)), dtype=torch.float32, requires_grad=True
            )
            for point in points
        ]

    def is_best(self, point: Point) -> np.ndarray:
        """Which options of a decision are best."""
        best = self.best[point.label]
        chosen = best if isinstance(best, list) else [best]
        return np.array([option in chosen for option in point.options])

    def train_loss(self, weights: TensorWeights) -> Tensor:
        """Half the squares of what the options miss 1 by, and the ridge on w."""
        ridge = torch.stack([w.square().sum() for w in self.shared]).sum()
        return self._missed(weights, {label: torch.ones(()) for label in self.wanted}) + RIDGE / 2 * ridge

    def validation_loss(self, weights: TensorWeights) -> Tensor:
        """Half the squares of what the options miss their wanted contribution by."""
        return self._missed(weights, self.wanted)

    def train(self, weights: TensorWeights) -> None:
        """One step of gradient descent on w."""
        slopes = torch.autograd.grad(self.train_loss(weights), self.shared)
        with torch.no_grad():
            for w, slope in zip(self.shared, slopes, strict=True):
                w.sub_(slope, alpha=self.lr)

    def _missed(self, weights: TensorWeights, wanted: dict[str, Tensor]) -> Tensor:
        labels = [point.label for point in self.space.points]
        squares = [
            (wanted[label] - weights[label] * w).square().sum()
            for label, w in zip(labels, self.shared, strict=True)
        ]
        return torch.stack(squares).sum() / 2


def optimise(search: GradientSearch, problem: ToyBilevel, epochs: range, steps: int) -> None:
    """Run a gradient search as the engine does, with a toy problem in place of a supernet.

    Args:
        search: A search of the problem's space.
        problem: What it is run on; its w learns.
        epochs: Numbers of the epochs.
        steps: Steps of an epoch.
    """
    for epoch in epochs:
        for _ in range(steps):
            search.step(epoch, problem)
            problem.train(search.training_weights(epoch))
