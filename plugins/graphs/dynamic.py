"""Graphs computed from the input: how alike two joints are in a learned embedding (SGCN, eq. 7).

All subsets' embeddings come out of one convolution, since few large convolutions run faster than
many small ones; weights and their number are those of one convolution per embedding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext

from .fixed import SUBSETS

FRAMES = 9
"""Frames that a temporal embedding sees."""


def similarity(embedded: Tensor, subsets: int = SUBSETS) -> Tensor:
    """Graphs from embeddings: softmax over sources i of sum(P[.., i] Q[.., j]) / (E * T).

    Args:
        embedded: (N, S * 2 * E, T, V): for each of the S subsets the sources' embedding P, then
            the targets' Q. In this order both are batches of matrices without copying.
        subsets: S.

    Returns:
        (N, S, V, V); every column sums to 1.
    """
    batch, channels, frames, joints = embedded.shape
    size = channels // (2 * subsets) * frames
    pairs = embedded.reshape(batch * subsets, 2, size, joints)
    scores = torch.bmm(pairs[:, 0].transpose(1, 2), pairs[:, 1])
    return (scores / size).softmax(-2).view(batch, subsets, joints, joints)


def embedding(channels: int, embed: int, count: int, frames: int = 1, groups: int = 1) -> nn.Conv2d:
    """``count`` embeddings in one convolution: kaiming fan-out of each by itself, zero bias.

    Args:
        channels: Input channels of the convolution.
        embed: Channels E of one embedding.
        count: Number of embeddings.
        frames: Frames that it sees (odd).
        groups: See `torch.nn.Conv2d`.
    """
    padding = (frames // 2, 0)
    conv = nn.Conv2d(channels, count * embed, (frames, 1), padding=padding, groups=groups)
    nn.init.normal_(conv.weight, 0, math.sqrt(2 / (embed * frames)))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def embed_channels(context: BuildContext, embed: int | None) -> int:
    """``embed``, or a quarter of the output channels of the operator that the graph is for."""
    return embed or max(1, (context.out_channels or context.channels) // 4)


class Spatial(nn.Module):
    """Joints alike in single frames: 1x1 embeddings (2s-AGCN's C; SGCN's S)."""

    def __init__(self, context: BuildContext, embed: int | None = None) -> None:
        super().__init__()
        self.embedding = embedding(context.channels, embed_channels(context, embed), 2 * SUBSETS)

    def forward(self, x: Tensor) -> Tensor:
        """Graphs (N, 3, V, V) for x (N, C, T, V)."""
        return similarity(self.embedding(x))


class Temporal(nn.Module):
    """Joints alike over nine frames: (9, 1) embeddings (SGCN's T)."""

    def __init__(self, context: BuildContext, embed: int | None = None) -> None:
        super().__init__()
        self.embedding = embedding(context.channels, embed_channels(context, embed), 2 * SUBSETS, FRAMES)

    def forward(self, x: Tensor) -> Tensor:
        """Graphs (N, 3, V, V) for x (N, C, T, V)."""
        return similarity(self.embedding(x))


class SpatialTemporal(nn.Module):
    """Joints alike after a 1x1 and then a (9, 1) embedding (SGCN's ST)."""

    def __init__(self, context: BuildContext, embed: int | None = None) -> None:
        super().__init__()
        size, count = embed_channels(context, embed), 2 * SUBSETS
        self.spatial = embedding(context.channels, size, count)
        self.temporal = embedding(count * size, size, count, FRAMES, groups=count)

    def forward(self, x: Tensor) -> Tensor:
        """Graphs (N, 3, V, V) for x (N, C, T, V)."""
        return similarity(self.temporal(self.spatial(x)))
