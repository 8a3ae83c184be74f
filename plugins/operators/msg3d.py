"""Disentangled multi-scale graph convolutions, also over time: Liu et al., CVPR 2020 ("MS-G3D")."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext

from ..graphs.hops import at_distance, links, over_frames
from .blocks import ResidualBlock, out_channels
from .graph_conv import graph_conv
from .multi_branch import MultiBranch

_NEAR_ZERO = 1e-6


class MultiScaleGraphConv(nn.Module):
    """ReLU(BN(sum_k W_k x (A_k + B_k))): A_k joins nodes k links apart, B_k begins near 0 (eq. 4).

    Args:
        graph: The undirected graph of V nodes, (V, V).
        channels: Input channels.
        out_channels: Output channels.
        scales: How many distances, from 0.
    """

    graph: Tensor

    def __init__(self, graph: Tensor, channels: int, out_channels: int, scales: int) -> None:
        super().__init__()
        self.register_buffer("graph", at_distance(graph, scales), persistent=False)
        self.free = nn.Parameter(torch.empty_like(self.graph).uniform_(-_NEAR_ZERO, _NEAR_ZERO))
        self.linear = nn.Linear(scales * channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T, V)."""
        y = graph_conv(x, self.graph + self.free, self.linear.weight, self.linear.bias)
        return functional.relu_(self.bn(y))


def multi_scale_graph_conv(
    context: BuildContext, channels: int | None = None, scales: int = 13
) -> MultiScaleGraphConv:
    """The convolution of the joints of one frame."""
    given = out_channels(context, channels)
    return MultiScaleGraphConv(links(context.layout), context.channels, given, scales)


class SpaceTimeGraphConv(nn.Module):
    """A multi-scale graph convolution over all joints of a window of frames, which become one (eq. 6).

    Args:
        context: Channels and layout.
        channels: Output channels; None: those of the block around it.
        embed: Channels inside; None: as the output has.
        window: Frames of a window, odd.
        stride: Step between windows; None: that of the block around it.
        scales: How many distances.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        embed: int | None = None,
        window: int = 3,
        stride: int | None = None,
        scales: int = 6,
    ) -> None:
        super().__init__()
        given = out_channels(context, channels)
        embed = embed or given
        self.window, self.stride = window, stride or context.stride
        graph = over_frames(links(context.layout), window)
        self.inside = MultiScaleGraphConv(graph, context.channels, embed, scales)
        self.join = nn.Linear(window * embed, given)
        self.bn = nn.BatchNorm2d(given)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T / stride rounded up, V)."""
        half, joints = self.window // 2, x.shape[-1]
        padded = functional.pad(x, (0, 0, half, half))
        windows = padded.unfold(2, self.window, self.stride)  # (N, C, T', V, F)
        y = self.inside(windows.transpose(3, 4).flatten(3))
        rows = y.permute(0, 2, 3, 1).unflatten(2, (self.window, joints)).transpose(2, 3)
        return self.bn(self.join(rows.flatten(3)).permute(0, 3, 1, 2))


def multi_branch_block(
    context: BuildContext,
    channels: int | None = None,
    kernel: int = 3,
    stride: int | None = None,
    dilations: tuple[int, ...] = (1, 2, 3, 4),
    transform: bool = False,
    init: str = "torch",
    activation: str = "relu",
) -> ResidualBlock:
    """Parallel temporal convolutions with a residual, as MS-G3D has them behind its graph convolutions."""
    given, step = out_channels(context, channels), stride or context.stride
    inside = MultiBranch(context, given, kernel, step, dilations, transform, init)
    return ResidualBlock(context, given, inside, None, step, activation=activation, init=init)
