"""Operators on the edges of a cell: those of DARTS (Liu et al., ICLR 2019) and SAR-NAS (Table I).

Each maps (N, C, H, W) to (N, C, ceil(H / stride), ceil(W / stride)). No convolution has a bias. In a
supernet batch normalisation learns neither scale nor shift, which the weight of the candidate would
undo, and the pools are normalised as well, as in the code released with both papers.
"""

from __future__ import annotations

from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.layers import FactorisedReduce, relu_conv_bn

from .exact import ExactConv


def conv3(context: BuildContext) -> nn.Module:
    """ReLU, a 3x3 convolution and batch normalisation."""
    return relu_conv_bn(context.channels, context.channels, 3, context.stride, affine=not context.shared)


def sep3(context: BuildContext) -> nn.Module:
    """Two separable 3x3 convolutions, the first with the stride."""
    return _twice_separable(context, kernel=3)


def sep5(context: BuildContext) -> nn.Module:
    """Two separable 5x5 convolutions, the first with the stride."""
    return _twice_separable(context, kernel=5)


def dil3(context: BuildContext) -> nn.Module:
    """A separable 3x3 convolution over every other position, 5x5 in all."""
    return _separable(context, kernel=3, stride=context.stride, dilation=2)


def dil5(context: BuildContext) -> nn.Module:
    """A separable 5x5 convolution over every other position, 9x9 in all."""
    return _separable(context, kernel=5, stride=context.stride, dilation=2)


def max3(context: BuildContext) -> nn.Module:
    """The largest of 3x3 positions."""
    return _pool(context, nn.MaxPool2d(3, context.stride, padding=1))


def avg3(context: BuildContext) -> nn.Module:
    """The mean of 3x3 positions; at a border, of those inside."""
    return _pool(context, nn.AvgPool2d(3, context.stride, padding=1, count_include_pad=False))


def skip(context: BuildContext) -> nn.Module:
    """The input as it is; at stride 2 a factorised reduction, which has weights."""
    return nn.Identity() if context.stride == 1 else _reduce(context)


def se(context: BuildContext) -> nn.Module:
    """Squeeze-and-excitation; at stride 2 a plain factorised reduction.

    The reduction neither squeezes nor excites. SAR-NAS's released code has it so, and the published
    sizes depend on it.
    """
    return SqueezeExcite(context.channels) if context.stride == 1 else _reduce(context)


class SqueezeExcite(nn.Module):
    """Scales each channel by a share that the means of all channels give (Hu et al., CVPR 2018).

    Args:
        channels: Channels of input and output.
        ratio: The hidden layer has this many times fewer channels, though one at least.
    """

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // ratio)
        self.shares = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x * self.shares(x.mean((2, 3)))[..., None, None]


class Zero(nn.Module):
    """Nothing: zeros of the output's shape, made without reading the input.

    Args:
        context: The stride.
    """

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.stride = context.stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride))."""
        rows, columns = (-(-size // self.stride) for size in x.shape[2:])
        return x.new_zeros(*x.shape[:2], rows, columns)


def _twice_separable(context: BuildContext, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        _separable(context, kernel, context.stride),
        _separable(context, kernel),
    )


def _separable(context: BuildContext, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """ReLU, a convolution of each channel by itself, one of all channels at each position, and BN."""
    channels, padding = context.channels, kernel // 2 * dilation
    conv = ExactConv if dilation > 1 else nn.Conv2d
    return nn.Sequential(
        nn.ReLU(),
        conv(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=not context.shared),
    )


def _pool(context: BuildContext, pool: nn.Module) -> nn.Module:
    """A pool, in a supernet normalised like the candidates beside it."""
    return nn.Sequential(pool, nn.BatchNorm2d(context.channels, affine=False)) if context.shared else pool


def _reduce(context: BuildContext) -> nn.Module:
    return FactorisedReduce(context.channels, context.channels, affine=not context.shared)
