"""Skeletons with some other bones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from skelbench.components import Layout
from skelbench.errors import SpecError


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
