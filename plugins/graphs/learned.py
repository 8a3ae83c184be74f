"""Graphs of free weights that begin as the skeleton or as no skeleton at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Layout
from skelbench.errors import SpecError

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


def rewired(layout: Layout, parents: Sequence[tuple[int, int]]) -> Layout:
    """A layout with some other bones.

    Args:
        layout: The skeleton.
        parents: Pairs (child, parent), counted from 0.

    Raises:
        SpecError: A child has no bone or is named twice, a parent is no joint, or bones go round in a circle.
    """
    given = dict(parents)
    children = {child for child, _ in layout.inward}
    remedy = f"'parents' are pairs of joints below {len(layout.joints)}; the root has no parent"
    for child, parent in given.items():
        if child not in children or not 0 <= parent < len(layout.joints) or parent == child:
            raise SpecError(
                f"joint {child} of layout '{layout.name}' cannot hang on joint {parent}", remedy=remedy
            )
    if len(given) < len(parents):
        raise SpecError(f"'parents' name a joint of layout '{layout.name}' twice", remedy=remedy)
    inward = tuple((child, given.get(child, parent)) for child, parent in layout.inward)
    if (lost := _unrooted(dict(inward))) is not None:
        raise SpecError(
            f"no bones lead from joint {lost} of layout '{layout.name}' to its root",
            remedy="Let no joint of 'parents' hang on one that hangs on itself",
        )
    return replace(layout, inward=inward)


def _unrooted(parent_of: Mapping[int, int]) -> int | None:
    """A joint from which no way along the bones ends at the root."""
    for joint in parent_of:
        at = joint
        for _ in parent_of:
            at = parent_of.get(at, at)
        if at in parent_of:
            return joint
    return None
