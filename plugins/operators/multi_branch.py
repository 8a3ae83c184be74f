"""Parallel temporal convolutions: one a dilation, a pool and a 1x1 convolution side by side.

The multi-scale temporal convolution of MS-G3D (Liu et al., CVPR 2020), as CTR-GCN, BlockGCN, Hyperformer
(kernel 5, dilations 1 and 2) and ST-GCN++ (kernel 3, dilations 1 to 4, with a transform) have it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext
from skelbench.errors import SpecError

from .blocks import out_channels


class MultiBranch(nn.Module):
    """Each branch has a share of the channels; what they give stands side by side and is normalised.

    A branch is 1x1-BN-ReLU and a dilated convolution over frames, 1x1-BN-ReLU and the largest of three
    frames, or a strided 1x1 convolution. The 1x1 convolutions in front of the first kinds are one
    convolution here, and so are the normalisations: both work channel by channel.

    Args:
        context: Channels of the input.
        channels: Output channels; None: those of the block around it.
        kernel: Frames of a convolution, odd.
        stride: Step between frames; None: that of the block around it.
        dilations: One convolution each.
        transform: ReLU, 1x1 convolution and normalisation after the branches (ST-GCN++).
        init: ``kaiming_fan_out`` or ``torch``.

    Raises:
        SpecError: There are fewer channels than branches.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        kernel: int = 5,
        stride: int | None = None,
        dilations: tuple[int, ...] = (1, 2),
        transform: bool = False,
        init: str = "kaiming_fan_out",
    ) -> None:
        super().__init__()
        channels, step = out_channels(context, channels), stride or context.stride
        first, *rest = self.widths = _shares(channels, len(dilations) + 2)
        ahead = sum(self.widths[:-1])
        self.reduce = nn.Conv2d(context.channels, ahead, 1)
        self.reduce_bn = nn.BatchNorm2d(ahead)
        self.convs = nn.ModuleList(
            _over_frames(width, kernel, step, dilation)
            for width, dilation in zip((first, *rest), dilations, strict=False)
        )
        self.pool = nn.MaxPool2d((3, 1), (step, 1), (1, 0))
        self.point = nn.Conv2d(context.channels, self.widths[-1], 1, (step, 1))
        self.bn = nn.BatchNorm2d(channels)
        self.transform = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels))
        if not transform:
            self.transform = nn.Sequential()
        if init == "kaiming_fan_out":
            self._begin_by_fan_out()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T / stride rounded up, V)."""
        reduced = functional.relu_(self.reduce_bn(self.reduce(x))).split(self.widths[:-1], 1)
        branches = [conv(part) for conv, part in zip(self.convs, reduced[:-1], strict=True)]
        y = self.bn(torch.cat([*branches, self.pool(reduced[-1]), self.point(x)], 1))
        return self.transform(functional.relu_(y)) if len(self.transform) else y

    def _begin_by_fan_out(self) -> None:
        """Kaiming's fan-out of each branch by itself, biases 0, scales around 1."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, _fan_out(module.out_channels * module.kernel_size[0]))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1, 0.02)
        for rows in self.reduce.weight.split(self.widths[:-1]):
            nn.init.normal_(rows, 0, _fan_out(len(rows)))


def _shares(channels: int, branches: int) -> list[int]:
    """The channels of each branch."""
    share = channels // branches
    if not share:
        raise SpecError(
            f"{channels} channels cannot be divided among {branches} branches",
            remedy="Give more channels or fewer dilations",
        )
    return [channels - (branches - 1) * share, *[share] * (branches - 1)]


def _over_frames(channels: int, kernel: int, stride: int, dilation: int) -> nn.Conv2d:
    padding = dilation * (kernel // 2)
    return nn.Conv2d(channels, channels, (kernel, 1), (stride, 1), (padding, 0), (dilation, 1))


def _fan_out(fan: int) -> float:
    return math.sqrt(2 / fan)
