"""Learned mixtures of the joints: Shi et al., ICCV 2021 ("AdaSGN"), eq. 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from skelbench.components import Layout
from skelbench.errors import SpecError

from ..graphs.parts import body_parts
from .sgn_params import group_misfits

Groups = Sequence[Sequence[int]]

# Those of ntu25 and shrec22 were released with AdaSGN; those of ucla20 are the same parts of the body.
GROUPS: Mapping[str, tuple[Groups, ...]] = {
    "ntu25": (
        (
            *((0, 1, 12, 16), (2, 4, 8, 20), (3,), (5,), (6, 7, 21, 22)),
            *((9,), (10, 11, 23, 24), (13, 14, 15), (17, 18, 19)),
        ),
    ),
    "ucla20": (
        (
            *((0, 1, 12, 16), (2, 4, 8), (3,), (5,), (6, 7)),
            *((9,), (10, 11), (13, 14, 15), (17, 18, 19)),
        ),
    ),
    "shrec22": (tuple((joint, joint + 1) for joint in range(0, 22, 2)),),
}
"""By layout: the joints that each of fewer joints begins as the mean of."""


class JointMixture(nn.Module):
    """Learned mixtures of the joints, x' = x M (AdaSGN, eq. 3): (N, C, T, V) -> (N, C, T, V').

    Args:
        groups: For each joint that it gives, those whose mean it is at first.
        joints: Joints that it takes, V.
        freeze: Share of the training before M begins to learn; M is learned without constraint.
    """

    def __init__(self, groups: Groups, joints: int, freeze: float) -> None:
        super().__init__()
        self.freeze, self.frozen = freeze, False
        weight = torch.zeros(joints, len(groups))
        for column, group in enumerate(groups):
            weight[list(group), column] = 1 / len(group)
        self.weight = nn.Parameter(weight)

    def set_progress(self, share: float) -> None:
        """Tell how much of the training is done, from 0 to 1."""
        self.frozen = share < self.freeze

    def forward(self, x: Tensor) -> Tensor:
        """The mixed joints; no gradient reaches M while it is frozen, so that no optimizer moves it."""
        return x @ (self.weight.detach() if self.frozen else self.weight)


def groups_of(layout: Layout, joints: int | None, groups: Groups | None) -> Groups:
    """The groups that the joints of a layout are mixed in at first.

    Args:
        layout: The layout.
        joints: How many groups: those in `GROUPS` where there are so many, else parts by the bones.
        groups: Joints of each group, from 0, instead; every joint stands in one at least.

    Raises:
        SpecError: They do not fit the layout.
    """
    for what, _, remedy in group_misfits(layout, joints, groups):
        raise SpecError(f"sgn_embed {what}", remedy=remedy)
    if groups is not None:
        return groups
    known = {len(given): given for given in GROUPS.get(layout.name, ())}
    count = joints or len(layout.joints)
    return known[count] if count in known else body_parts(layout, count)
