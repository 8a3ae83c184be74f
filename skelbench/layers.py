"""Modules that operators and the cells around them are made of."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def relu_conv_bn(
    channels: int, out_channels: int, kernel: int = 1, stride: int = 1, *, affine: bool = True
) -> nn.Sequential:
    """ReLU, a convolution that keeps the size (but for its stride) and batch normalisation.

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Rows and columns of the kernel, odd.
        stride: Step between rows and columns of the output.
        affine: Whether the normalisation learns scale and shift.
    """
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels, affine=affine),
    )


class FactorisedReduce(nn.Module):
    """Halves rows and columns by two 1x1 convolutions side by side: (N, C, H, W) -> (N, out, H/2, W/2).

    Both read the same positions, as in the code released with SAR-NAS; odd sizes are rounded up.

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        affine: Whether the normalisation learns scale and shift.
    """

    def __init__(self, channels: int, out_channels: int, *, affine: bool = True) -> None:
        super().__init__()
        half = out_channels // 2
        self.relu = nn.ReLU()
        # Of one channel there is no half.
        self.first = nn.Conv2d(channels, half, 1, 2, bias=False) if half else None
        self.second = nn.Conv2d(channels, out_channels - half, 1, 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Half the rows and columns of x."""
        x = self.relu(x)
        second = self.second(x)
        return self.bn(second if self.first is None else torch.cat([self.first(x), second], 1))


class DropPath(nn.Module):
    """Drops whole samples in training, more of them towards its end (Larsson et al., ICLR 2017).

    Args:
        rate: The share dropped at the end of training, 0 or more and below 1.

    Raises:
        ValueError: The rate is no such share.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"a share of {rate} cannot be dropped; it must be 0 or more and below 1")
        self.rate = rate
        self.progress = 0.0

    def set_progress(self, share: float) -> None:
        """Tell how much of the training is done, from 0 to 1."""
        self.progress = share

    def forward(self, x: Tensor) -> Tensor:
        """x with some samples zero and the others scaled up, so that the mean is kept."""
        rate = self.rate * self.progress
        if not self.training or rate == 0:
            return x
        kept = torch.empty(len(x), *[1] * (x.dim() - 1), device=x.device, dtype=x.dtype).bernoulli_(1 - rate)
        return x * (kept / (1 - rate))


def prepare_for_inference(network: nn.Module) -> nn.Module:
    """A copy of a network for evaluation, with each module as fast as it can make itself.

    A module with a method ``for_inference()``, anywhere in the network, is replaced by the module that the
    method gives: one that maps the same inputs to the same outputs in evaluation, but for rounding. The
    method is called in evaluation mode, on a copy that is not used any more, so that what it gives may hold
    parts of it. The other modules stay as they are.

    Args:
        network: Any module, in any mode; it is left as it is.

    Returns:
        The copy, in evaluation mode; no gradient reaches its parameters.
    """
    with torch.no_grad():
        prepared = _prepared(copy.deepcopy(network).eval(), {})
    return prepared.eval().requires_grad_(False)


def _prepared(module: nn.Module, known: dict[nn.Module, nn.Module]) -> nn.Module:
    """What stands for a module; a module in several places is prepared once."""
    if module not in known:
        for_inference = getattr(module, "for_inference", None)
        if for_inference is not None:
            known[module] = for_inference()
        else:
            known[module] = module
            # named_children leaves out all but the first of equal children.
            for name, child in list(module._modules.items()):
                if child is not None:
                    setattr(module, name, _prepared(child, known))
    return known[module]
