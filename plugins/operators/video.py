"""Operators of video networks: (2+1)D convolutions, their stem, the input of pixels and the head.

A (2+1)D convolution is one over rows and columns followed by one over frames (Tran et al., CVPR 2018,
"A closer look at spatiotemporal convolutions for action recognition"). No convolution has a bias. In a
supernet batch normalisation learns neither scale nor shift, which the weight of a candidate would undo.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.layers import fold_norm

from .exact import ExactConv

Stride = tuple[int, int, int]


class Pixels(nn.Module):
    """Normalises the bytes of a video: each channel in [0, 1], minus its mean, divided by its deviation.

    Args:
        context: Channels of a clip.
        mean: Of all channels, or of each.
        std: Likewise.

    Raises:
        ValueError: There are not as many means or deviations as channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        context: BuildContext,
        mean: float | Sequence[float] = 0.45,
        std: float | Sequence[float] = 0.225,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", _by_channel("mean", mean, context.channels), persistent=False)
        self.register_buffer("std", _by_channel("std", std, context.channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) of 0 to 255 -> the same shape, float32, the channels last in memory."""
        return x.float().sub(self.mean).div(self.std).contiguous(memory_format=torch.channels_last_3d)


def _by_channel(name: str, values: float | Sequence[float], channels: int) -> Tensor:
    """For bytes, (C, 1, 1, 1)."""
    listed = [values] * channels if isinstance(values, int | float) else list(values)
    if len(listed) != channels:
        raise ValueError(f"'{name}' has {len(listed)} values and a clip has {channels} channels")
    return torch.tensor(listed)[:, None, None, None] * 255


class VideoStem(nn.Module):
    """The first layer: over rows and columns at every other place, then over frames, each with BN and ReLU.

    Args:
        context: Channels of the input.
        channels: Output channels.
        kernel: Rows and columns of the first kernel, odd.
        mid: Channels between the two; None: as the output has.
        stride: Steps between frames, rows and columns of the output.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int,
        kernel: int = 3,
        mid: int | None = None,
        stride: int | Stride = (1, 2, 2),
    ) -> None:
        super().__init__()
        between, affine = mid or channels, not context.shared
        self.conv = nn.Sequential(
            *two_plus_one(context.channels, channels, between, triple(stride), kernel=kernel, affine=affine),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) -> (N, channels, T, H / 2, W / 2) by default."""
        return self.conv(x)


class R2plus1dBlock(nn.Module):
    """A residual block of (2+1)D convolutions: the basic operation of VAR-NAS (Fig. 1) and of R(2+1)D.

    Args:
        context: Channels of the input.
        channels: Output channels; None: as the input has.
        stride: Steps between frames, rows and columns of the output, or one for all.
        dilation: Steps between the three frames of a temporal kernel.
        mid: Channels between the two halves of a convolution: ``out`` as the output has, ``r2plus1d`` so many
            that it has as many weights as a 3x3x3 convolution (Tran et al., Section 3.5).
        convs: How many (2+1)D convolutions.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        stride: int | Stride = 1,
        dilation: int = 1,
        mid: str = "out",
        convs: int = 2,
    ) -> None:
        super().__init__()
        given, out, steps = context.channels, channels or context.channels, triple(stride)
        between, affine = out if mid == "out" else weights_kept(given, out), not context.shared
        layers = list(two_plus_one(given, out, between, steps, dilation=dilation, affine=affine))
        for _ in range(convs - 1):
            layers.append(nn.ReLU())
            layers += two_plus_one(out, out, between, (1, 1, 1), dilation=dilation, affine=affine)
        self.convs = nn.Sequential(*layers)
        same = given == out and steps == (1, 1, 1)
        self.shortcut = nn.Identity() if same else Projection(given, out, steps, affine)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) -> (N, channels, T / stride, H / stride, W / stride), rounded up."""
        return torch.relu_(self.convs(x) + self.shortcut(x))


class VideoPoolLinear(nn.Module):
    """Averages over frames, rows and columns, and tells the classes apart.

    Args:
        context: Channels and classes.
        dropout: Share of pooled features dropped in training; a supernet drops none.
    """

    def __init__(self, context: BuildContext, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.0 if context.shared else dropout)
        self.linear = nn.Linear(context.channels, context.classes)
        nn.init.normal_(self.linear.weight, 0, 0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) -> (N, classes)."""
        return self.linear(self.dropout(x.mean((2, 3, 4))))


def two_plus_one(
    channels: int,
    out_channels: int,
    mid: int,
    stride: Stride,
    *,
    kernel: int = 3,
    dilation: int = 1,
    affine: bool = True,
) -> tuple[nn.Module, ...]:
    """A (2+1)D convolution: over rows and columns, BN, ReLU, over three frames, BN.

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        mid: Channels between.
        stride: Steps between frames, rows and columns of the output.
        kernel: Rows and columns of the first kernel, odd.
        dilation: Steps between the frames of the second.
        affine: Whether normalisations learn scale and shift.
    """
    frames, rows, columns = stride
    return (
        SpatialConv(channels, mid, kernel, (rows, columns)),
        nn.BatchNorm3d(mid, affine=affine),
        nn.ReLU(),
        TemporalConv(mid, out_channels, frames, dilation),
        nn.BatchNorm3d(out_channels, affine=affine),
    )


def weights_kept(channels: int, out_channels: int) -> int:
    """Channels between, with which a (2+1)D convolution of 3 has the weights of a 3x3x3 one (Tran et al.)."""
    return 27 * channels * out_channels // (9 * channels + 3 * out_channels)


def triple(stride: int | Sequence[int]) -> Stride:
    """Steps between frames, rows and columns."""
    frames, rows, columns = (stride,) * 3 if isinstance(stride, int) else stride
    return frames, rows, columns


class PlanarConv(ExactConv):
    """A convolution in two dimensions without bias: half of a video's.

    Both halves are taken on views of the same memory, channels last, where training took 0.9 of the time
    that Conv3d took, whose gradients over two frames were wrong in bf16 on processors, too.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__(channels, out_channels, kernel, stride, padding, dilation, bias=False)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class SpatialConv(PlanarConv):
    """A convolution over rows and columns of every frame: (N, C, T, H, W) -> (N, C', T, H', W').

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Rows and columns of the kernel, odd.
        stride: Steps between rows and columns of the output.
    """

    def __init__(self, channels: int, out_channels: int, kernel: int, stride: tuple[int, int]) -> None:
        side = kernel // 2
        super().__init__(channels, out_channels, (kernel, kernel), stride, (side, side))

    def forward(self, x: Tensor) -> Tensor:
        """The size kept but for the stride."""
        frames = super().forward(x.transpose(1, 2).flatten(0, 1))
        return frames.unflatten(0, (x.shape[0], x.shape[2])).transpose(1, 2)


class TemporalConv(PlanarConv):
    """A convolution over three frames at every place: (N, C, T, H, W) -> (N, C', T', H, W).

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Steps between frames of the output.
        dilation: Steps between the three frames.
    """

    def __init__(self, channels: int, out_channels: int, stride: int, dilation: int) -> None:
        super().__init__(channels, out_channels, (3, 1), (stride, 1), (dilation, 0), (dilation, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The size kept but for the stride."""
        return super().forward(x.flatten(3)).unflatten(3, x.shape[3:])


class Projection(nn.Module):
    """A 1x1x1 convolution and batch normalisation, where a shortcut changes the shape.

    The convolution itself has no stride: with one, channels last, torch 2.13 ended the process in the
    backward pass on processors (8 channels, 64 pictures of 56 x 56).

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Steps between frames, rows and columns of the output.
        affine: Whether the normalisation learns scale and shift.
    """

    def __init__(self, channels: int, out_channels: int, stride: Stride, affine: bool) -> None:
        super().__init__()
        self.stride = stride
        self.conv = SpatialConv(channels, out_channels, 1, (1, 1))
        self.bn = nn.BatchNorm3d(out_channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) at every stride-th place."""
        frames, rows, columns = self.stride
        return self.bn(self.conv(x[:, :, ::frames, ::rows, ::columns]))

    def for_inference(self) -> nn.Module:
        """Itself, with the normalisation folded into the convolution."""
        self.conv = fold_norm(self.conv, self.bn)
        self.add_module("bn", nn.Identity())
        return self
