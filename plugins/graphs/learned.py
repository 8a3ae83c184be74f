"""Graphs of free weights that begin as the skeleton or as no skeleton at all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext

from .bones import rewired
from .fixed import SUBSETS, adjacency

_NO_LENGTH = 1e-4


class LearnedAdjacency(nn.Module):
    """A free graph that begins as the skeleton's own (CTR-GCN's A, ST-GCN++).

    Args:
        context: The layout.
        transpose: Let joints take what they would give: a parent begins with the sum of its children in
            the place of their mean (CTR-GCN).
        parents: Bones in the place of the layout's: for each child, counted from 0, another parent.
    """

    def __init__(
        self, context: BuildContext, transpose: bool = False, parents: Sequence[tuple[int, int]] = ()
    ) -> None:
        super().__init__()
        graph = adjacency(rewired(context.layout, parents))
        self.weight = nn.Parameter((graph.transpose(1, 2) if transpose else graph).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """The graph (K, V, V), whatever ``x`` (N, C, T, V) is."""
        return self.weight


class NormalisedLearned(nn.Module):
    """A free graph whose columns have length 1, each joint by itself at first (CTR-GCN's own baseline)."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(context.joints).repeat(SUBSETS, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The graph (K, V, V), whatever ``x`` (N, C, T, V) is."""
        return self.weight / (self.weight.norm(dim=1, keepdim=True) + _NO_LENGTH)
