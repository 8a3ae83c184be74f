"""An operator that shifts channels in place of convolving (Cheng et al., CVPR 2020, Shift-GCN)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext


class Shift(nn.Module):
    """ReLU(BN(1x1 convolution of shifted channels) + residual).

    Channel c of joint v comes from joint (v + c) mod V, so that every joint sees every other. Then a third of
    the channels comes from an earlier frame and a third from a later one; beyond the ends there are zeros.

    Args:
        context: Channels and joints of the input.
        frames: How many frames earlier or later.
    """

    joints: Tensor

    def __init__(self, context: BuildContext, frames: int) -> None:
        super().__init__()
        self.frames = frames
        places = torch.arange(context.joints) + torch.arange(context.channels)[:, None]
        self.register_buffer("joints", (places % context.joints)[:, None], persistent=False)
        self.conv = nn.Conv2d(context.channels, context.channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(context.channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C, T, V)."""
        return torch.relu(self.bn(self.conv(self.shifted(x))) + x)

    def shifted(self, x: Tensor) -> Tensor:
        """The channels in their new places, (N, C, T, V)."""
        moved = x.gather(3, self.joints.expand_as(x))
        padded = functional.pad(moved, (0, 0, self.frames, self.frames))
        third, starts = x.shape[1] // 3, (0, self.frames, 2 * self.frames)
        parts = padded.split([third, x.shape[1] - 2 * third, third], 1)
        return torch.cat([p[:, :, s : s + x.shape[2]] for p, s in zip(parts, starts, strict=True)], 1)
