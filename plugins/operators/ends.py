"""Both ends of a skeleton network: from a clip to features, and from features to class scores."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext


class DataBn(nn.Module):
    """Normalises every coordinate of every joint and folds persons into the batch.

    Args:
        context: Shape of a clip.
        persons: ``apart`` or ``together``.
    """

    def __init__(self, context: BuildContext, persons: str = "apart") -> None:
        super().__init__()
        self.apart = persons == "apart"
        features = context.joints * context.channels
        self.bn = nn.BatchNorm1d(features * context.persons if self.apart else features)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, C, T, V), the channels last in memory."""
        batch, channels, frames, joints, persons = x.shape
        rows = x.permute(0, 4, 3, 1, 2)  # the feature order is person, joint, channel
        rows = rows.reshape(batch, -1, frames) if self.apart else rows.reshape(batch * persons, -1, frames)
        rows = self.bn(rows).view(batch * persons, joints, channels, frames)
        return rows.permute(0, 2, 3, 1).contiguous(memory_format=torch.channels_last)


class LinearEmbed(DataBn):
    """Normalises coordinates as `DataBn` does and brings each joint to the width of the network by itself.

    It knows neither motion nor other joints, so that what a network finds out about them is its body's work.

    Args:
        context: Shape of a clip.
        channels: Output channels.
        persons: ``apart`` or ``together``.
    """

    def __init__(self, context: BuildContext, channels: int, persons: str = "apart") -> None:
        super().__init__(context, persons)
        self.embed = nn.Conv2d(context.channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, channels, T, V), the channels last in memory."""
        return self.embed(super().forward(x))


class MeanPoolLinear(nn.Module):
    """Averages over frames and joints, then over persons, and tells the classes apart.

    Args:
        context: Channels, persons and classes.
        dropout: Share of pooled features dropped in training.
    """

    def __init__(self, context: BuildContext, dropout: float = 0.0) -> None:
        super().__init__()
        self.persons = context.persons
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(context.channels, context.classes)
        nn.init.normal_(self.linear.weight, 0, math.sqrt(2 / context.classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N * M, C, T, V) -> (N, classes)."""
        pooled = x.mean((2, 3)).view(-1, self.persons, x.shape[1]).mean(1)
        return self.linear(self.dropout(pooled))


def identity(context: BuildContext) -> nn.Module:
    """The input as it is: the skip connection among the operators of a stack, "nothing" at a place."""
    return nn.Identity()
