"""Decisions in a supernet: what stands where candidates are weighted, or only some of them run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skelbench.space.nodes import EdgesNode


class Decision(nn.Module):
    """A decision in a supernet: all candidates weighted, or only the active ones.

    Candidates of weight zero, and those that are not active, are not computed.

    Attributes:
        label: The decision's label.
        count: How many candidates there are.
        candidates: Their modules; none where tensors are chosen.
        weights: One weight per candidate, a number or a tensor through which gradients flow.
        normalised: Whether the weights sum to 1; else they are in the scale of a derived
            architecture, which adds up several candidates.
        active: Indices of the candidates that alone are run, unweighted; None for the weighted sum.
    """

    def __init__(self, label: str, count: int, choose: int | None, groups: Sequence[int] = ()) -> None:
        super().__init__()
        self.label = label
        self.count = count
        self.choose = choose or 1
        self.groups = tuple(groups)
        self.candidates = nn.ModuleList()
        self.weights: Sequence[float | Tensor] = [1.0 / count] * count
        self.normalised = True
        self.active: tuple[int, ...] | None = None

    def weigh(self, weights: Sequence[float | Tensor], *, normalised: bool = True) -> None:
        """Weigh the candidates; from here on all of them are summed."""
        self.weights, self.normalised, self.active = weights, normalised, None

    def take(self, weights: Mapping[str, Any], *, tracked: bool = False, normalised: bool = True) -> None:
        """Find the own weights among those of all decisions.

        Args:
            weights: By label, one per candidate.
            tracked: Whether they are tensors through which gradients flow; else they become numbers.
            normalised: See `weigh`.
        """
        own = weights[self.label]
        self.weigh(own.unbind() if tracked else own.tolist(), normalised=normalised)

    def combine(self, run: Callable[[int], Tensor]) -> Tensor:
        """The active candidates' sum, or the weighted sum of all; ``run`` computes one candidate."""
        if self.active is not None:
            active = self.active
            return weighted_sum([1.0] * len(active), lambda i: run(active[i]))
        used = [i for i, weight in enumerate(self.weights) if isinstance(weight, Tensor) or weight > 0]
        return weighted_sum([self.weights[i] for i in used], lambda i: run(used[i]))

    @property
    def summed(self) -> bool:
        """Whether the weighted sum has the scale of as many candidates as are chosen."""
        return self.active is not None or not self.normalised

    def scaled(self, total: Tensor) -> Tensor:
        """A weighted sum in the scale of a derived architecture."""
        return total if self.summed or self.choose == 1 else total * self.choose

    def draw(self, generator: torch.Generator) -> None:
        """Activate candidates at random in proportion to the weights (Peng et al. 2020, eq. 15).

        Those of weight zero are drawn only where the others are fewer than needed.
        """
        weights = torch.as_tensor(list(self.weights))
        if int((weights > 0).sum()) < self.choose:
            weights = weights + 1e-6
        if not self.groups:
            drawn = torch.multinomial(weights, self.choose, generator=generator).tolist()
        else:
            drawn = self._one_of_each(weights, generator)
        self.active = tuple(sorted(drawn))

    def _one_of_each(self, weights: Tensor, generator: torch.Generator) -> list[int]:
        """So many candidates as are chosen, each of another group."""
        groups, left, drawn = torch.tensor(self.groups), weights.clone(), []
        for _ in range(self.choose):
            open_ = left if bool((left > 0).any()) else torch.where(left < 0, 0.0, 1.0)
            drawn.append(int(torch.multinomial(open_.clamp(min=0), 1, generator=generator)))
            left[groups == groups[drawn[-1]]] = -1.0
        return drawn


class ModuleDecision(Decision):
    """A decision among modules that take the same input."""

    def __init__(self, label: str, candidates: Sequence[nn.Module]) -> None:
        super().__init__(label, len(candidates), 1)
        self.candidates = nn.ModuleList(candidates)

    def forward(self, x: Tensor) -> Tensor:
        """Combine the candidates' outputs for ``x``."""
        return self.combine(lambda index: self.candidates[index](x))


class InputDecision(Decision):
    """A decision among given tensors."""

    def __init__(self, label: str, count: int, choose: int, combine: str) -> None:
        super().__init__(label, count, choose)
        self.reduction = combine

    def forward(self, outputs: list[Tensor]) -> Tensor:
        """Combine ``outputs`` in the scale of a derived architecture."""
        total = self.combine(lambda index: outputs[index])
        if self.reduction == "sum":
            return self.scaled(total)
        return total / self.choose if self.summed else total


class EdgesDecision(Decision):
    """A decision among the edges into a node of a cell.

    Args:
        node: The decision.
        candidates: The operator of each edge.
    """

    def __init__(self, node: EdgesNode, candidates: Sequence[nn.Module]) -> None:
        super().__init__(node.label, len(candidates), node.choose, node.inputs)
        self.candidates = nn.ModuleList(candidates)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """The node, of all states before it."""
        return self.scaled(self.combine(lambda index: self.candidates[index](states[self.groups[index]])))


def weighted_sum(weights: Sequence[float | Tensor], run: Callable[[int], Tensor]) -> Tensor:
    """The sum of weighted terms, each computed once and added in place, so that none is kept for it.

    Args:
        weights: One per term; for numbers the gradient needs no term again, for tensors it needs all.
        run: Computes a term. Graphs may be fixed (K, V, V) or of a batch (N, K, V, V).
    """
    total: Tensor | None = None
    own = False  # a term itself may be another module's input, and is not written to
    for index, weight in enumerate(weights):
        term = run(index)
        if total is None:
            plain = isinstance(weight, float) and weight == 1.0
            total, own = (term, False) if plain else (weight * term, True)
        elif not own or term.dim() > total.dim():
            total, own = total + weight * term, True
        elif isinstance(weight, Tensor):
            total.add_(weight * term)
        else:
            total.add_(term, alpha=weight)
    if total is None:
        raise ValueError("there is nothing to sum")
    return total
