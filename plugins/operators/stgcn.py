"""Graph-convolution blocks: ST-GCN (Yan et al. 2018), 2s-AGCN (Shi et al. 2019), SGCN (Peng et al. 2020).

A graph convolution is y = sum_k W_k (x . G_k) over the graph's K subsets, where G_k[i, j] weighs
what joint j takes from joint i.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext

from ..graphs.fixed import SUBSETS
from .graph_conv import PointConv, graph_conv


class GraphConv(nn.Module):
    """y = sum_k W_k (x . G_k): the joints are gathered first, then one 1x1 convolution mixes channels.

    There is one bias per subset, as the published models have it.

    Args:
        channels: Input channels.
        out_channels: Output channels.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, SUBSETS * channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(SUBSETS, out_channels))
        nn.init.normal_(self.weight, 0, math.sqrt(2 / (out_channels * channels * SUBSETS)))

    def forward(self, x: Tensor, graph: Tensor) -> Tensor:
        """(N, C, T, V) and a graph (3, V, V) or (N, 3, V, V) -> (N, O, T, V)."""
        return graph_conv(x, graph, self.weight.flatten(1), self.bias.sum(0))


class AdaptiveUnit(nn.Module):
    """ReLU(BN(graph convolution) + skip): the spatial half of 2s-AGCN's block.

    Args:
        channels: Input channels.
        out_channels: Output channels.
        graph: The graph module.
        gain: First weight of the normalisation after the graph convolution.
    """

    def __init__(self, channels: int, out_channels: int, graph: nn.Module, gain: float = 1e-6) -> None:
        super().__init__()
        self.graph = graph
        self.conv = GraphConv(channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)
        # With a small gain the block starts as its skip connection, and the graph branch has to grow.
        nn.init.constant_(self.bn.weight, gain)
        self.skip = (
            nn.Identity() if channels == out_channels else conv_bn(channels, out_channels, kernel=1, stride=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T, V)."""
        y = self.bn(self.conv(x, self.graph(x)))
        return functional.relu_(y.add_(self.skip(x)))

    def for_inference(self) -> nn.Module:
        """Itself, with the normalisation folded into the graph convolution."""
        scale, shift = scale_and_shift(self.bn)
        self.conv.weight.mul_(scale[:, None, None, None])
        self.conv.bias.mul_(scale)[0] += shift
        self.add_module("bn", nn.Identity())
        return self


class AdaptiveBlock(nn.Module):
    """ReLU(temporal convolution of an `AdaptiveUnit` + residual): the block of 2s-AGCN and SGCN.

    Args:
        context: Channels of the input.
        channels: Output channels.
        graph: The graph module.
        stride: Step between frames.
        kernel: Frames of the temporal convolution.
        depthwise: Whether the temporal convolution sees each channel by itself.
        residual: ``auto`` or ``none``.
        dropout: Share of activations dropped after the temporal convolution.
        gain: First weight of the normalisation of the graph branch.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int,
        graph: nn.Module,
        stride: int = 1,
        kernel: int = 9,
        depthwise: bool = False,
        residual: str = "auto",
        dropout: float = 0.0,
        gain: float = 1e-6,
    ) -> None:
        super().__init__()
        self.gcn = AdaptiveUnit(context.channels, channels, graph, gain)
        self.tcn = conv_bn(channels, channels, kernel, stride, depthwise=depthwise)
        self.dropout = nn.Dropout(dropout)
        self.residual = _residual(residual, context.channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T / stride rounded up, V)."""
        y = self.dropout(self.tcn(self.gcn(x)))
        return functional.relu_(y if self.residual is None else y.add_(self.residual(x)))


class OriginalBlock(nn.Module):
    """ST-GCN's block: sum_k (W_k x) . G_k, BN, ReLU, temporal convolution, BN, dropout, residual, ReLU.

    Args:
        context: Channels of the input.
        channels: Output channels.
        graph: The graph module.
        stride: Step between frames.
        kernel: Frames of the temporal convolution.
        depthwise: Whether the temporal convolution sees each channel by itself.
        residual: ``auto`` or ``none``.
        dropout: Share of activations dropped after the temporal convolution.
    """

    shift: Tensor | None

    def __init__(
        self,
        context: BuildContext,
        channels: int,
        graph: nn.Module,
        stride: int = 1,
        kernel: int = 9,
        depthwise: bool = False,
        residual: str = "auto",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(context.channels, SUBSETS * channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        self.tcn = conv_bn(channels, channels, kernel, stride, depthwise=depthwise)
        self.dropout = nn.Dropout(dropout)
        self.residual = _residual(residual, context.channels, channels, stride)
        self.apply(_init_original)
        self.graph = graph
        self.register_buffer("shift", None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T / stride rounded up, V)."""
        y = self.dropout(self.tcn(functional.relu_(self.bn(self._graph_conv(x)))))
        return functional.relu_(y if self.residual is None else y.add_(self.residual(x)))

    def _graph_conv(self, x: Tensor) -> Tensor:
        """sum_k (W_k x + b_k) . G_k, the joints gathered before the channels are mixed, which is as much.

        The bias of a subset reaches a joint as often as the joint takes from others.
        """
        graph = self.graph(x)
        weight = self.conv.weight.unflatten(0, (SUBSETS, -1)).flatten(2).transpose(0, 1).flatten(1)
        y = graph_conv(x, graph, weight, self.shift)
        if self.conv.bias is None:
            return y
        bias = self.conv.bias.unflatten(0, (SUBSETS, -1))
        return y.add_((bias.T @ graph.sum(-2)).unsqueeze(-2))

    def for_inference(self) -> nn.Module:
        """Itself, with the first normalisation folded into the graph convolution."""
        scale, self.shift = scale_and_shift(self.bn)
        for values in (self.conv.weight, self.conv.bias):
            if values is not None:
                values.unflatten(0, (SUBSETS, -1)).mul_(scale.view(-1, *[1] * (values.dim() - 1)))
        self.add_module("bn", nn.Identity())
        return self


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What a batch normalisation in evaluation multiplies each channel by, and what it adds."""
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = norm.weight.detach() * (variance + norm.eps).rsqrt()
    return scale, norm.bias.detach() - mean * scale


def conv_bn(
    channels: int, out_channels: int, kernel: int, stride: int, *, depthwise: bool = False
) -> nn.Sequential:
    """A (kernel, 1) convolution that keeps T (for stride 1) and a batch normalisation.

    Args:
        channels: Input channels.
        out_channels: Output channels.
        kernel: Frames that it sees, odd.
        stride: Step between frames.
        depthwise: Whether it sees each channel by itself; as many come out as go in then.
    """
    groups = channels if depthwise else 1
    conv = (
        PointConv(channels, out_channels, stride)
        if kernel == 1 and not depthwise
        else nn.Conv2d(channels, out_channels, (kernel, 1), (stride, 1), (kernel // 2, 0), groups=groups)
    )
    nn.init.normal_(conv.weight, 0, math.sqrt(2 * groups / (out_channels * kernel)))  # kaiming, fan-out
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def _residual(kind: str, channels: int, out_channels: int, stride: int) -> nn.Module | None:
    if kind == "none":
        return None
    if channels == out_channels and stride == 1:
        return nn.Identity()
    return conv_bn(channels, out_channels, 1, stride)


def _init_original(module: nn.Module) -> None:
    """Initial weights of the released ST-GCN."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
