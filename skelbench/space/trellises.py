"""A path through a trellis, and the trellis with all its paths (VAR-NAS; Zhou et al., ACML 2021).

A stage has several widths. Its head changes the width, and a stack of layers follows. In a path every
stage has one width; in the whole trellis each width of a stage has a head for each width of the stage
before, and a stack of its own with every operator in each layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from skelbench.space.decisions import weighted_sum
from skelbench.space.nodes import ForkNode, TrellisNode

Weight = float | Tensor
Row = Sequence[Weight]
Given = Tensor | np.ndarray


class Stage(nn.Module):
    """One width of a stage in a path: (N, C, ...) -> (N, width, ...)."""

    def __init__(self, head: nn.Module, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.head = head
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The head, then the layers."""
        return self.layers(self.head(x))


class Path(nn.Sequential):
    """The stages of one path, one after the other.

    Args:
        stages: Its stages.
        states: For each stage the place of its width among the stage's widths.
        operators: For each stage the place of each layer's operator among the operators.

    Attributes:
        origins: For each head and layer, its path in this module and in a `Trellis`.
    """

    def __init__(
        self, stages: Iterable[Stage], states: Sequence[int], operators: Sequence[Sequence[int]]
    ) -> None:
        super().__init__(*stages)
        self.origins: dict[str, str] = {}
        before = 0
        for number, (state, chosen) in enumerate(zip(states, operators, strict=True)):
            there = f"stages.{number}.{state}"
            self.origins[f"{number}.head"] = f"{there}.heads.{before}"
            for layer, operator in enumerate(chosen):
                self.origins[f"{number}.layers.{layer}"] = f"{there}.layers.{layer}.{operator}"
            before = state


class Candidate(nn.Module):
    """One width of a stage in a trellis, with heads and a stack of its own.

    Args:
        heads: A head for each width of the stage before.
        layers: For each layer its operators.
    """

    def __init__(self, heads: Iterable[nn.Module], layers: Iterable[Iterable[nn.Module]]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.layers = nn.ModuleList(nn.ModuleList(operators) for operators in layers)

    def forward(self, states: Sequence[Tensor | None], entry: Row, layers: Sequence[Row]) -> Tensor:
        """The weighted heads of all states before, then layer by layer the weighted operators.

        Args:
            states: What the widths of the stage before give; None where one is not computed.
            entry: The weight of each head; one of a state that is not computed has weight 0.
            layers: For each layer the weights of its operators.
        """
        x = _weighted(entry, lambda index: self.heads[index](states[index]))
        for operators, row in zip(self.layers, layers, strict=True):
            x = _layer(list(operators.children()), row, x)
        return x


def _layer(operators: Sequence[nn.Module], row: Row, x: Tensor) -> Tensor:
    return _weighted(row, lambda index: operators[index](x))


def _weighted(row: Row, run: Callable[[int], Tensor]) -> Tensor:
    used = [index for index, weight in enumerate(row) if not _is_zero(weight)]
    return weighted_sum([row[index] for index in used], lambda i: run(used[i]))


def _rows(weights: Given, count: int, *, tracked: bool) -> list[Row]:
    """So many rows of weights; a vector stands for all of them, and 0.0 for what is not computed."""
    numbers = np.asarray(weights.detach().cpu() if isinstance(weights, Tensor) else weights, dtype=float)
    listed: list[Row] = np.broadcast_to(numbers, (count, numbers.shape[-1])).tolist()
    if not tracked or not isinstance(weights, Tensor):
        return listed
    pairs = zip(weights.expand(count, -1), listed, strict=True)
    return [[w if number else 0.0 for w, number in zip(own, row, strict=True)] for own, row in pairs]


class Trellis(nn.Module):
    """All paths at once: (N, C, ...) -> (N, widest, ...).

    The input of a stage's width is the sum of its heads on the widths before, weighted by their steps to
    it. The widths of the last stage, filled up with channels of zeros, are added up by weights of their own.
    What has the weight 0 is not computed. Weights are even until `take` is called.

    Args:
        node: The trellis.
        stages: For each stage its widths.
    """

    def __init__(self, node: TrellisNode, stages: Iterable[Iterable[Candidate]]) -> None:
        super().__init__()
        self.node = node
        self.stages = nn.ModuleList(nn.ModuleList(candidates) for candidates in stages)
        self.weights: dict[str, list[Row]] = {}
        even = {fork.label: np.full(len(fork.options), 1 / len(fork.options)) for fork in node.forks()}
        self.take(even)

    def take(self, weights: Mapping[str, Given], *, tracked: bool = False, normalised: bool = True) -> None:
        """Weigh the options of every decision.

        Args:
            weights: By label a number for each option, or a row of them for each option of the decision
                that it hangs on; by the label ``out`` of the last width how its widths are added up, else as
                those of the width are on average.
            tracked: Whether gradients flow to the weights.
            normalised: Of no meaning here, as one option is taken of each decision.
        """
        sizes = {fork.label: len(fork.options) for fork in self.node.forks()}
        self.weights = {
            fork.label: _rows(weights[fork.label], sizes.get(fork.under, 1), tracked=tracked)
            for fork in self.node.forks()
        }
        last = self.node.stages[-1].width
        fused = weights[last.out] if last.out in weights else np.atleast_2d(weights[last.label]).mean(0)
        self.weights[last.out] = _rows(fused, 1, tracked=tracked)

    def forward(self, x: Tensor) -> Tensor:
        """The sum over all paths."""
        states: list[Tensor | None] = [x]
        for stage, candidates in zip(self.node.stages, self._candidates(), strict=True):
            steps = self.weights[stage.width.label]
            states = [
                self._state(candidate, states, [row[j] for row in steps], stage.layers, j)
                for j, candidate in enumerate(candidates)
            ]
        return self._fused(states)

    def _candidates(self) -> list[list[Candidate]]:
        return [[one for one in stage.children() if isinstance(one, Candidate)] for stage in self.stages]

    def _state(
        self,
        candidate: Candidate,
        states: Sequence[Tensor | None],
        steps: Sequence[Weight],
        layers: Sequence[ForkNode],
        own: int,
    ) -> Tensor | None:
        """What one width of a stage gives, or None where no step leads to it."""
        entry = [0.0 if state is None else step for state, step in zip(states, steps, strict=True)]
        if all(map(_is_zero, entry)):
            return None
        return candidate(states, entry, [self.weights[layer.label][own] for layer in layers])

    def _fused(self, states: Sequence[Tensor | None]) -> Tensor:
        last = self.node.stages[-1].width
        row, widest = self.weights[last.out][0], max(last.options) // self.node.divide
        given = [
            (state, weight)
            for state, weight in zip(states, row, strict=True)
            if state is not None and not _is_zero(weight)
        ]
        return weighted_sum([weight for _, weight in given], lambda index: _widened(given[index][0], widest))

    def places(self) -> dict[str, list[list[str]]]:
        """By label, the path in this module of what stands for each option, in the shape of the weights."""
        found = {}
        for number, (stage, candidates) in enumerate(zip(self.node.stages, self._candidates(), strict=True)):
            before = len(candidates[0].heads)
            found[stage.width.label] = [
                [f"stages.{number}.{j}.heads.{i}" for j in range(len(candidates))] for i in range(before)
            ]
            for layer, fork in enumerate(stage.layers):
                found[fork.label] = [
                    [f"stages.{number}.{j}.layers.{layer}.{o}" for o in range(len(fork.options))]
                    for j in range(len(candidates))
                ]
        return found


def _is_zero(weight: Weight) -> bool:
    return not isinstance(weight, Tensor) and weight == 0


def _widened(x: Tensor, channels: int) -> Tensor:
    """x with further channels of zeros."""
    missing = channels - x.shape[1]
    return functional.pad(x, (0, 0) * (x.dim() - 2) + (0, missing)) if missing else x
