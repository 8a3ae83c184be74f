"""Graph convolution in groups of channels, on graphs that know how far joints are apart.

The graph convolution of BlockGCN (Zhou et al., CVPR 2024).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext
from skelbench.errors import SpecError

from ..graphs.fixed import SUBSETS
from ..graphs.hops import bones_between
from .blocks import out_channels, shortcut

_NO_LENGTH = 1e-4


class BlockGraphConv(nn.Module):
    """ReLU(BN(sum_k U_k (x G_k)) + skip), where each group of channels has graphs and maps of its own.

    G_k = n(F_k) + n(E_k[hops]): F is free, E weighs the number of bones between two joints, and n divides
    columns by their length.

    Args:
        context: Channels and layout.
        channels: Output channels; None: those of the block around it.
        groups: Groups of channels, which divide those of input and output.
        parents: Bones in the place of the layout's, as pairs of a child and its parent.

    Raises:
        SpecError: The channels cannot be divided.
    """

    hops: Tensor

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        groups: int = 8,
        parents: Sequence[tuple[int, int]] = (),
    ) -> None:
        super().__init__()
        inputs, given = context.channels, out_channels(context, channels)
        if inputs % groups or given % groups:
            raise SpecError(
                f"{groups} groups do not divide {inputs} and {given} channels",
                remedy="Let an embedding or a convolution before it give more channels, or take fewer groups",
            )
        distance = bones_between(context.layout, parents)
        self.register_buffer("hops", distance, persistent=False)
        self.free = nn.Parameter(torch.eye(context.joints).repeat(SUBSETS, groups, 1, 1))
        self.hop_weight = nn.Parameter(torch.zeros(SUBSETS, groups, int(distance.max()) + 1))
        self.convs = nn.ModuleList(nn.Conv2d(inputs, given, 1, groups=groups) for _ in range(SUBSETS))
        self.bn = nn.BatchNorm2d(given)
        self.skip = shortcut(inputs, given)
        for name, parameter in self.convs.named_parameters():
            if name.endswith("weight"):
                nn.init.normal_(parameter, 0, (2 / len(parameter)) ** 0.5)
            else:
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T, V)."""
        graphs = self.graphs()
        parts = x.unflatten(1, (graphs.shape[1], -1)).flatten(2, 3)  # (N, H, C / H * T, V)
        gathered = (torch.matmul(parts, graph).view(x.shape) for graph in graphs)
        y = torch.stack([conv(one) for conv, one in zip(self.convs, gathered, strict=True)]).sum(0)
        return functional.relu_(self.bn(y) + self.skip(x))

    def graphs(self) -> Tensor:
        """(K, H, V, V), entry [.., i, j] what joint j takes from joint i."""
        return _by_length(self.free) + _by_length(self.hop_weight[..., self.hops])


def _by_length(graph: Tensor) -> Tensor:
    return graph / (graph.norm(dim=-2, keepdim=True) + _NO_LENGTH)
