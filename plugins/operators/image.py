"""A clip as an image: frames by the joints of all persons (SAR-NAS)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.layers import fold_norm


class SkeletonImage(nn.Module):
    """Puts the persons of a clip side by side, all joints of the first before those of the second.

    Args:
        context: Shape of a clip; nothing of it is needed.
    """

    def __init__(self, context: BuildContext) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N, C, T, M * V), the channels last in memory.

        On processors a supernet's step over such images took 0.66 of the time, pools a tenth.
        """
        return x.transpose(3, 4).flatten(3).contiguous(memory_format=torch.channels_last)


class ImageStem(nn.Module):
    """A 3x3 convolution and batch normalisation: (N, C, H, W) -> (N, channels, H, W).

    There is no bias and no ReLU: cells begin with one. Scale and shift are learned in a supernet too.

    Args:
        context: Channels of the input.
        channels: Output channels.
    """

    def __init__(self, context: BuildContext, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(context.channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Features of every position."""
        return self.bn(self.conv(x))

    def for_inference(self) -> nn.Module:
        """One convolution."""
        return fold_norm(self.conv, self.bn)
