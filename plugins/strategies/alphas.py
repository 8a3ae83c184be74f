"""Architecture weights alpha under softmaxes, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from skelbench.search import Point, TensorWeights


class Alphas:
    """One vector of alphas for each decision, and for a node of a cell one for each of its inputs.

    A vector has an alpha for each of its options and, where the decision may hold nothing, a last one
    for "nothing". The weights given out are the softmax of each vector without "nothing", so that those
    of a node's input may sum to less than 1. Weights of ``inputs`` are scaled to sum to the number chosen.

    Args:
        points: The decisions.
        start: Standard deviation of the first alphas.
        seed: Of the first alphas.

    Attributes:
        vectors: By label, the vectors, those of a node in the order of its inputs.
    """

    def __init__(self, points: Sequence[Point], start: float, seed: int) -> None:
        self._points = points
        generator = torch.Generator().manual_seed(seed)
        self.vectors = {
            point.label: [
                (start * torch.randn(len(members) + point.none, generator=generator)).requires_grad_()
                for members in memberships(point)
            ]
            for point in points
        }
        self._orders = {point.label: torch.tensor(_order(point)) for point in points}

    @property
    def tensors(self) -> list[Tensor]:
        """All vectors, one after the other."""
        return [vector for several in self.vectors.values() for vector in several]

    def to(self, device: torch.device) -> None:
        """Move the alphas; the tensors stay the same objects."""
        for vector in self.tensors:
            vector.data = vector.data.to(device)
        self._orders = {label: order.to(device) for label, order in self._orders.items()}

    def weights(self) -> dict[str, Tensor]:
        """The weights by label, in the order of the options; gradients flow to the alphas."""
        return {point.label: self._weights(point) for point in self._points}

    def shares(self) -> dict[str, list[np.ndarray]]:
        """The softmax of every vector by label, that of "nothing" last where there is one."""
        with torch.no_grad():
            return {
                label: [vector.softmax(0).cpu().double().numpy() for vector in several]
                for label, several in self.vectors.items()
            }

    def _weights(self, point: Point) -> Tensor:
        shares = [vector.softmax(0) for vector in self.vectors[point.label]]
        options = [share[:-1] if point.none else share for share in shares]
        return torch.cat(options)[self._orders[point.label]] * scale(point)


def relative_cost(points: Sequence[Point], weights: TensorWeights, costs: Mapping[str, np.ndarray]) -> Tensor:
    """The expected MACs under ``weights`` over those under even weights, differentiable.

    Args:
        points: The decisions.
        weights: By label, as `Alphas.weights` gives them.
        costs: By label, the MACs of each option.

    Returns:
        A number: 1 where all alphas are alike, 0 where no option costs anything.
    """
    even = sum(float(even_weights(point) @ costs[point.label]) for point in points)
    # Divided first: the MACs of a supernet are too large for sums in single precision.
    parts = [torch.as_tensor(costs[p.label] / (even or 1.0)).to(weights[p.label]) for p in points]
    return torch.stack([part @ weights[p.label] for p, part in zip(points, parts, strict=True)]).sum()


def even_weights(point: Point) -> np.ndarray:
    """The weights given out where all alphas are alike."""
    even = np.zeros(len(point.options))
    for members in memberships(point):
        even[members] = scale(point) / (len(members) + point.none)
    return even


def memberships(point: Point) -> list[list[int]]:
    """The options under each softmax, by their places."""
    groups = point.groups or (0,) * len(point.options)
    return [[i for i, group in enumerate(groups) if group == one] for one in sorted(set(groups))]


def scale(point: Point) -> float:
    """What the options under one softmax sum to, where none of it goes to "nothing"."""
    return float(point.choose or 1) if point.kind == "inputs" else 1.0


def _order(point: Point) -> list[int]:
    """Where each option stands once those of every softmax are put one after the other."""
    order: list[int] = np.argsort([i for members in memberships(point) for i in members]).tolist()
    return order
