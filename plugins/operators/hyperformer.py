"""Attention among joints that knows how far they are apart and which group they are of.

Zhou et al., 2022 ("Hyperformer": hypergraph transformer). Features are taken as rows (N, T, V, C).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Layout
from skelbench.errors import SpecError

from ..graphs.hops import bones_between
from ..graphs.parts import body_parts
from .blocks import out_channels

GROUPS = {
    "ntu25": (0, 4, 2, 2, 2, 2, 1, 1, 2, 2, 1, 1, 2, 3, 3, 3, 2, 3, 3, 3, 1, 0, 1, 0, 1),
    "ucla20": (0,) * 4 + (1,) * 8 + (2,) * 8,
}
"""The group of each joint, for the layouts that the authors give them for."""
_PARTS = 5
"""As many as those of ntu25: limbs and trunk."""


class HypergraphAttention(nn.Module):
    """x + proj((alpha softmax(S) + O) v), in each frame by itself.

    S = (q (k + e) + q r + w e) / sqrt(channels of a head) for each pair of joints: e embeds the mean of the
    group that the source is of, r the number of bones between both joints. O is a free graph of each head.

    Args:
        context: Channels and layout.
        channels: Output channels; None: those of the block around it.
        heads: Attention heads, which divide the channels.
        groups: The group of each joint; None: those known for the layout.
        projection_groups: Groups of the last 1x1 convolution, which divide the channels.
        parents: Bones in the place of the layout's, as pairs of a child and its parent.

    Raises:
        SpecError: The channels cannot be divided, or the groups do not fit the layout.
    """

    hops: Tensor
    group: Tensor
    mean: Tensor

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        heads: int = 4,
        groups: Sequence[int] | None = None,
        projection_groups: int = 4,
        parents: Sequence[tuple[int, int]] = (),
    ) -> None:
        super().__init__()
        inputs, given = context.channels, out_channels(context, channels)
        _divides(given, heads, "heads")
        _divides(given, projection_groups, "groups of the projection")
        self.heads = heads
        distance = bones_between(context.layout, parents)
        with torch.device(
            "cpu"
        ):  # numbers of groups are wanted where a network is built without data as well
            group = torch.tensor(groups_of(context.layout, groups))
            members = nn.functional.one_hot(group).float()
        self.register_buffer("hops", distance, persistent=False)
        self.register_buffer("group", group, persistent=False)
        self.register_buffer("mean", (members / members.sum(0)).T.contiguous(), persistent=False)
        self.norm = nn.LayerNorm(inputs)
        self.q = nn.Linear(inputs, given, bias=False)
        self.kv = nn.Linear(inputs, 2 * given, bias=False)
        self.group_embedding = nn.Linear(inputs, given, bias=False)
        self.hop_embedding = nn.Parameter(torch.zeros(int(distance.max()) + 1, given))
        self.group_weight = nn.Parameter(torch.zeros(heads, given // heads))
        self.outer = nn.Parameter(torch.eye(context.joints).repeat(heads, 1, 1))
        self.alpha = nn.Parameter(torch.zeros(1))
        self.proj = nn.Conv2d(given, given, 1, groups=projection_groups)
        self.skip = nn.Identity() if inputs == given else nn.Linear(inputs, given, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T, V)."""
        rows = x.permute(0, 2, 3, 1)
        normed = self.norm(rows)
        q, group = self._by_head(self.q(normed)), self._by_head(self.groups(rows))
        k, v = (self._by_head(part) for part in self.kv(normed).chunk(2, -1))
        attention = self.alpha * self.scores(q, k, group).softmax(-1) + self.outer
        y = (attention @ v).transpose(2, 3).flatten(3)
        return self.proj(y.permute(0, 3, 1, 2)) + self.skip(rows).permute(0, 3, 1, 2)

    def scores(self, q: Tensor, k: Tensor, group: Tensor) -> Tensor:
        """S from (N, T, H, V, D) each: (N, T, H, V, V), entry [.., i, j] what joint i takes from joint j."""
        far = self.hop_embedding[self.hops].unflatten(-1, (self.heads, -1))  # (V, V, H, D)
        pairs = q @ (k + group).transpose(-1, -2) + torch.einsum("nthic,ijhc->nthij", q, far)
        each = torch.einsum("hc,nthjc->nthj", self.group_weight, group).unsqueeze(-2)
        scaled: Tensor = (pairs + each) * q.shape[-1] ** -0.5
        return scaled

    def groups(self, rows: Tensor) -> Tensor:
        """For each joint the embedded mean of its group: (N, T, V, C) -> (N, T, V, O)."""
        return self.group_embedding(self.mean @ rows).index_select(2, self.group)

    def _by_head(self, rows: Tensor) -> Tensor:
        """(N, T, V, O) -> (N, T, H, V, D)."""
        return rows.unflatten(-1, (self.heads, -1)).transpose(2, 3)


def groups_of(layout: Layout, groups: Sequence[int] | None) -> list[int]:
    """The group of each joint, counted from 0 without gaps.

    Args:
        layout: The skeleton.
        groups: A number for each joint; None: those known for the layout, or else five parts by the bones.

    Raises:
        SpecError: There are more or fewer than joints.
    """
    given = tuple(groups) if groups is not None else GROUPS.get(layout.name) or _limbs(layout)
    if len(given) != len(layout.joints):
        raise SpecError(
            f"'groups' names {len(given)} joints and layout '{layout.name}' has {len(layout.joints)}",
            remedy="Give one number for each joint, in the order of the layout",
        )
    order = sorted(set(given))
    return [order.index(group) for group in given]


def _limbs(layout: Layout) -> tuple[int, ...]:
    """The part of each joint, of five by the bones."""
    parts = body_parts(layout, min(_PARTS, len(layout.joints)))
    return tuple(number for _, number in sorted((joint, n) for n, part in enumerate(parts) for joint in part))


def _divides(channels: int, parts: int, what: str) -> None:
    if channels % parts:
        raise SpecError(
            f"{parts} {what} do not divide {channels} channels", remedy="Change one of the two numbers"
        )
