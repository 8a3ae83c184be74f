"""The residual block whose spatial and temporal module a spec chooses, and plain modules for it.

The skeleton of CTR-GCN (Chen et al., ICCV 2021) and of what follows it: y = ReLU(T(S(x)) + residual(x)).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext

from .ends import MeanPoolLinear
from .graph_conv import graph_conv as graph_conv_of
from .stgcn import AdaptiveUnit, conv_bn


class ResidualBlock(nn.Module):
    """y = activation(temporal(spatial(x)) + residual(x)).

    Args:
        context: Channels of the input.
        channels: Output channels; None: as the input has.
        spatial: (N, C, T, V) -> (N, O, T, V), or None.
        temporal: (N, O, T, V) -> (N, O, T / stride rounded up, V), or None.
        stride: Step between frames.
        residual: ``auto``, ``conv`` or ``none``.
        activation: ``relu`` or ``none``.
        init: How the residual convolution begins.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        spatial: nn.Module | None = None,
        temporal: nn.Module | None = None,
        stride: int = 1,
        residual: str = "auto",
        activation: str = "relu",
        init: str = "kaiming_fan_out",
    ) -> None:
        super().__init__()
        sizes = context.channels, channels or context.channels, stride
        if spatial is None:  # what no module does is left to a convolution of one joint and frame
            spatial = shortcut(*sizes[:2], stride if temporal is None else 1, init=init)
        self.spatial = spatial
        self.temporal = nn.Identity() if temporal is None else temporal
        self.residual = None if residual == "none" else shortcut(*sizes, always=residual == "conv", init=init)
        self.rectified = activation == "relu"

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T / stride rounded up, V)."""
        y = self.temporal(self.spatial(x))
        if self.residual is not None:
            y = y + self.residual(x)
        return functional.relu(y, inplace=y is not x) if self.rectified else y


def shortcut(
    channels: int,
    out_channels: int,
    stride: int = 1,
    *,
    always: bool = False,
    init: str = "kaiming_fan_out",
) -> nn.Module:
    """What leads round a block: the input, or a strided 1x1 convolution with normalisation.

    Args:
        channels: Input channels.
        out_channels: Output channels.
        stride: Step between frames.
        always: Take a convolution even where the shape stays.
        init: ``kaiming_fan_out`` or ``torch``.
    """
    if channels == out_channels and stride == 1 and not always:
        return nn.Identity()
    module = conv_bn(channels, out_channels, kernel=1, stride=stride)
    if init == "torch":
        for part in module:
            part.reset_parameters()  # type: ignore[operator]
    return module


def out_channels(context: BuildContext, channels: int | None) -> int:
    """The channels that a module gives: its own, those of the block around it, or its input's."""
    return channels or context.out_channels or context.channels


def graph_conv(context: BuildContext, graph: nn.Module, channels: int | None = None) -> nn.Module:
    """The graph convolution of 2s-AGCN with its skip connection: joints are gathered, then mixed."""
    return AdaptiveUnit(context.channels, out_channels(context, channels), graph)


def temporal_conv(
    context: BuildContext, channels: int | None = None, kernel: int = 9, stride: int | None = None
) -> nn.Module:
    """One convolution over frames with normalisation."""
    return conv_bn(context.channels, out_channels(context, channels), kernel, stride or context.stride)


def relu(context: BuildContext) -> nn.Module:
    """Negative values become zero."""
    return nn.ReLU()


class NormalMeanPoolLinear(MeanPoolLinear):
    """`MeanPoolLinear` whose weights begin small and whose bias begins at zero (ST-GCN++).

    Args:
        context: Channels, persons and classes.
        dropout: Share of pooled features dropped in training.
        std: Standard deviation of the weights at first.
    """

    def __init__(self, context: BuildContext, dropout: float = 0.0, std: float = 0.01) -> None:
        super().__init__(context, dropout)
        nn.init.normal_(self.linear.weight, 0, std)
        nn.init.zeros_(self.linear.bias)


class GraphUnit(nn.Module):
    """ReLU(BN(sum_k (W_k x + b_k) G_k) + skip): the graph convolution of ST-GCN++ (Duan et al., 2022).

    Args:
        context: Channels of the input.
        graph: The graph module.
        channels: Output channels; None: those of the block around it.
        init: ``kaiming_fan_out`` or ``torch``.
    """

    def __init__(
        self,
        context: BuildContext,
        graph: nn.Module,
        channels: int | None = None,
        init: str = "kaiming_fan_out",
    ) -> None:
        super().__init__()
        channels = out_channels(context, channels)
        self.graph = graph
        self.conv = SubsetConv(context.channels, channels)
        self.bn = nn.BatchNorm2d(channels)
        self.skip = shortcut(context.channels, channels, init=init)
        if init == "kaiming_fan_out":
            self.conv.begin_by_fan_out()
            nn.init.constant_(self.bn.weight, 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T, V)."""
        graph = self.graph(x)
        # sum_k G_k (W_k x + b_k): joints may as well be gathered before the channels are mixed, which are
        # fewer there, and of the biases no frame needs more than what its joints take of them.
        y = graph_conv_of(x, graph, self.conv.weight.view(len(self.bn.weight), -1))
        taken = (self.conv.biases()[..., None] * graph.sum(-2)[..., None, :, :]).sum(
            -2
        )  # (O, V) or (N, O, V)
        return functional.relu_(self.bn(y + taken.unsqueeze(-2)).add_(self.skip(x)))


class SubsetConv(nn.Conv2d):
    """A 1x1 convolution for each of K subsets: (N, C, T, V) -> (N, O, K, T, V).

    The subsets of an output channel lie beside each other in memory, so that those of one subset are a
    batch of matrices (T, V) as they are.

    Args:
        channels: Input channels C.
        out_channels: Output channels O of each.
        subsets: K.
    """

    def __init__(self, channels: int, out_channels: int, subsets: int = 3) -> None:
        super().__init__(channels, out_channels * subsets, 1)
        self.subsets = subsets

    def begin_by_fan_out(self) -> None:
        """Kaiming's fan-out of one subset by itself, bias 0."""
        nn.init.normal_(self.weight, 0, (2 * self.subsets / self.out_channels) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def biases(self) -> Tensor:
        """(O, K)."""
        bias: Any = self.bias
        rows: Tensor = bias.view(-1, self.subsets)
        return rows

    def forward(self, x: Tensor) -> Tensor:
        """Features of each subset."""
        return super().forward(x).unflatten(1, (-1, self.subsets))


def gathered(features: Tensor, graphs: list[Tensor]) -> Tensor:
    """sum_k F_k G_k, where each channel of each clip has graphs of its own.

    Args:
        features: F, (N, C, K, T, V).
        graphs: For each subset G, (N, C, V, V).

    Returns:
        (N, C, T, V).
    """
    parts = features.flatten(0, 1).unbind(1)  # each (N C, T, V)
    first, *others = zip(parts, (graph.flatten(0, 1) for graph in graphs), strict=True)
    total = torch.bmm(*first)
    for pair in others:
        total = torch.baddbmm(total, *pair)
    return total.unflatten(0, features.shape[:2])
