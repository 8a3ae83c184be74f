"""Graphs that do not depend on the input: the skeleton, its Chebyshev polynomials, a learned one."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Layout

SUBSETS = 3
"""Identity, inward (a joint takes from its parent) and outward (from its children)."""


def bones(layout: Layout) -> Tensor:
    """The unweighted graph (3, V, V) of a layout: entry [k, i, j] is 1 where joint j takes from i."""
    joints = len(layout.joints)
    graph = torch.zeros(SUBSETS, joints, joints)
    graph[0] = torch.eye(joints)
    for child, parent in layout.inward:
        graph[1, parent, child] = 1.0
        graph[2, child, parent] = 1.0
    return graph


def adjacency(layout: Layout, normalise: str = "subset") -> Tensor:
    """The normalised graph (3, V, V): every non-empty column sums to 1.

    Args:
        layout: The skeleton.
        normalise: ``subset``: the columns of each subset (2s-AGCN); ``degree``: the columns of all
            subsets taken together (ST-GCN).
    """
    graph = bones(layout)
    total = graph.sum(1, keepdim=True)
    if normalise == "degree":
        total = total.sum(0, keepdim=True)
    return graph / total.clamp(min=1.0)


def chebyshev(graph: Tensor, order: int) -> Tensor:
    """T_order of each subset's matrix by T_n = 2 L T_(n-1) - T_(n-2) with T_0 = I (SGCN, eq. 3).

    Args:
        graph: L, (K, V, V).
        order: At least 1.

    Returns:
        (K, V, V).
    """
    before, polynomial = torch.eye(graph.shape[-1], dtype=graph.dtype).expand_as(graph), graph
    for _ in range(order - 1):
        before, polynomial = polynomial, 2 * graph @ polynomial - before
    return polynomial


class FixedGraph(nn.Module):
    """A constant graph.

    Args:
        graph: (K, V, V).
    """

    graph: Tensor

    def __init__(self, graph: Tensor) -> None:
        super().__init__()
        # The layout determines it, so checkpoints need not carry it.
        self.register_buffer("graph", graph.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The graph (K, V, V), whatever ``x`` (N, C, T, V) is."""
        return self.graph


class Adjacency(FixedGraph):
    """The skeleton's own graph."""

    def __init__(self, context: BuildContext, normalise: str = "subset") -> None:
        super().__init__(adjacency(context.layout, normalise))


class WeightedAdjacency(FixedGraph):
    """The skeleton's own graph times a learned importance of each edge, 1 at first (ST-GCN)."""

    def __init__(self, context: BuildContext, normalise: str = "subset") -> None:
        super().__init__(adjacency(context.layout, normalise))
        self.importance = nn.Parameter(torch.ones_like(self.graph))

    def forward(self, x: Tensor) -> Tensor:
        """The weighted graph (K, V, V), whatever ``x`` (N, C, T, V) is."""
        return self.graph * self.importance


class Learned(nn.Module):
    """A graph of free weights, 1e-6 at first (2s-AGCN's B; SGCN adds one to each derived block)."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((SUBSETS, context.joints, context.joints), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """The graph (K, V, V), whatever ``x`` (N, C, T, V) is."""
        return self.weight


def _polynomial(
    context: BuildContext, order: int, softmax: bool = False, normalise: str = "none"
) -> FixedGraph:
    graph = chebyshev(adjacency(context.layout), order)
    if softmax:
        graph = graph.softmax(-2)
    elif normalise == "columns":
        graph = graph / graph.abs().sum(-2, keepdim=True).clamp(min=1e-12)
    return FixedGraph(graph)


cheb_l = partial(_polynomial, order=1)
cheb_l2 = partial(_polynomial, order=2)
cheb_l3 = partial(_polynomial, order=3)
cheb_l4 = partial(_polynomial, order=4)
cheb_l4n = partial(_polynomial, order=4, softmax=True)
