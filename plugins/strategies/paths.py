"""The weights of a trellis, their expected cost, and the paths that they are worth most on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from skelbench.search import Point, Sample
from skelbench.trellis import Path, best_paths

MEGA = 1e6


@dataclass(frozen=True)
class Stage:
    """The decisions of one stage.

    Attributes:
        width: Which width.
        layers: Which operator each layer is.
    """

    width: Point
    layers: tuple[Point, ...]


@dataclass(frozen=True)
class Trellis:
    """The decisions of one trellis, stage by stage."""

    stages: tuple[Stage, ...]

    @property
    def out(self) -> str:
        """The label of the weights by which the widths of the last stage are added up."""
        return self.stages[-1].width.out

    def expected_mmacs(self, shares: Mapping[str, Tensor], costs: Mapping[str, np.ndarray]) -> Tensor:
        """The mean cost of a path drawn by the shares, differentiable (VAR-NAS, eq. 4).

        Args:
            shares: By label, rows that sum to 1.
            costs: By label, MACs in the same shapes.

        Returns:
            Millions of MACs, a number.
        """
        mmacs = {label: torch.as_tensor(costs[label] / MEGA).to(shares[label]) for label in self.labels()}
        onward: Tensor | float = 0.0
        for stage in reversed(self.stages):
            for layer in stage.layers:
                onward = onward + (shares[layer.label] * mmacs[layer.label]).sum(-1)
            step = stage.width.label
            onward = (shares[step] * (mmacs[step] + onward)).sum(-1)
        return torch.as_tensor(onward)

    def labels(self) -> tuple[str, ...]:
        """The label of every decision."""
        return tuple(point.label for stage in self.stages for point in (stage.width, *stage.layers))

    def paths(
        self, shares: Mapping[str, np.ndarray], mode: Literal["product", "sum"], top: int
    ) -> list[Path]:
        """The best paths of widths by Viterbi's algorithm.

        Args:
            shares: By label, rows that sum to 1.
            mode: What a path is worth: the product of its shares or their sum.
            top: How many.
        """
        first, *transitions = (shares[stage.width.label] for stage in self.stages)
        return best_paths(transitions, first, shares[self.out], mode=mode, top=top)

    def decoded(self, path: Path, shares: Mapping[str, np.ndarray]) -> Sample:
        """The widths of a path, and on each the operators of the largest shares."""
        sample: Sample = {}
        for stage, state in zip(self.stages, path.states, strict=True):
            sample[stage.width.label] = stage.width.options[state]
            for layer in stage.layers:
                sample[layer.label] = layer.options[int(shares[layer.label][state].argmax())]
        return sample


def trellises(points: Sequence[Point]) -> tuple[Trellis, ...]:
    """The trellises whose decisions ``points`` are.

    A decision on which others hang, or that is the last of a trellis, is a width.
    """
    hung = {point.under for point in points}
    found: list[list[Stage]] = []
    for point in points:
        if point.label not in hung and not point.out:
            continue
        layers = tuple(p for p in points if p.under == point.label and p.label not in hung and not p.out)
        if not point.under:
            found.append([])
        found[-1].append(Stage(point, layers))
    return tuple(Trellis(tuple(stages)) for stages in found)
