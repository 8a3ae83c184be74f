"""Graphs refined by the input (Chen et al., ICCV 2021, "Channel-wise topology refinement graph convolution").

The paper refines a topology that all channels share by a matrix of each channel's own, from the differences
of embedded joints: R_c = A + alpha * xi_c(tanh(phi(x)_i - psi(x)_j)), x averaged over frames.

A graph module of skelbench gives one matrix a subset for all channels, (N, K, V, V), since an operator takes
it for all channels at once and a mix adds such graphs. So `RefinedGraph` has the refinement with one output
a subset, which any operator takes and any mix weighs. The channel-wise one is (N, K, C, V, V) and needs its
own product with the features: it is an operator, `RefinedConv`, and its shared topology stands in a slot.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Layout

SUBSETS = 3
"""Identity, inward and outward."""


def skeleton(layout: Layout) -> Tensor:
    """The bones of a layout, (3, V, V): joint j takes from i by [k, i, j], and columns sum to 1 or 0."""
    joints = len(layout.joints)
    graph = torch.zeros(SUBSETS, joints, joints)
    graph[0] = torch.eye(joints)
    for child, parent in layout.inward:
        graph[1, parent, child] = graph[2, child, parent] = 1.0
    return graph / graph.sum(1, keepdim=True).clamp(min=1.0)


class Differences(nn.Module):
    """tanh(phi(x)_i - psi(x)_j) of each subset, from embeddings averaged over frames.

    Args:
        channels: Channels of the input.
        embed: Channels E of an embedding.
    """

    def __init__(self, channels: int, embed: int) -> None:
        super().__init__()
        self.embedding = nn.Conv1d(channels, SUBSETS * 2 * embed, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, 3, E, V, V)."""
        embedded = self.embedding(x.mean(2))
        source, target = embedded.unflatten(1, (SUBSETS, 2, -1)).unbind(2)
        return torch.tanh(source[..., :, None] - target[..., None, :])


class RefinedGraph(nn.Module):
    """A learned topology that starts as the skeleton, refined by the differences of joints.

    Args:
        context: Channels of the input, and the layout.
        embed: Channels E of an embedding.
    """

    def __init__(self, context: BuildContext, embed: int) -> None:
        super().__init__()
        self.shared = nn.Parameter(skeleton(context.layout))
        self.differences = Differences(context.channels, embed)
        self.refine = nn.Parameter(torch.randn(SUBSETS, embed, 1, 1) / embed**0.5)
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Graphs (N, 3, V, V) for x (N, C, T, V)."""
        return self.shared + self.alpha * (self.differences(x) * self.refine).sum(2)


class RefinedConv(nn.Module):
    """ReLU(BN(graph convolution by a graph of each channel's own) + skip): CTR-GCN's block without frames.

    Args:
        context: Channels of the input.
        channels: Output channels.
        graph: The shared topology.
        embed: Channels E of an embedding.
    """

    def __init__(self, context: BuildContext, channels: int, graph: nn.Module, embed: int) -> None:
        super().__init__()
        self.graph = graph
        self.differences = Differences(context.channels, embed)
        self.refine = nn.Conv2d(SUBSETS * embed, SUBSETS * channels, 1, groups=SUBSETS)
        self.alpha = nn.Parameter(torch.zeros(1))
        self.features = nn.Conv2d(context.channels, SUBSETS * channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        same = context.channels == channels
        self.skip = nn.Identity() if same else nn.Conv2d(context.channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, channels, T, V)."""
        refined = self.refine(self.differences(x).flatten(1, 2)).unflatten(1, (SUBSETS, -1))
        graphs = self.graph(x).unsqueeze(-3) + self.alpha * refined  # (N, 3, channels, V, V)
        features = self.features(x).unflatten(1, (SUBSETS, -1))  # (N, 3, channels, T, V)
        return torch.relu(self.bn(torch.matmul(features, graphs).sum(1)) + self.skip(x))
