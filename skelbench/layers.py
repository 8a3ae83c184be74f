"""Modules that operators and the cells around them are made of."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_Conv = TypeVar("_Conv", bound=nn.Module)


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

    def for_inference(self) -> nn.Module:
        """Itself, with the normalisation folded into both convolutions."""
        half = 0 if self.first is None else self.first.out_channels
        if self.first is not None:
            self.first = fold_norm(self.first, self.bn, slice(0, half))
        self.second = fold_norm(self.second, self.bn, slice(half, None))
        self.add_module("bn", nn.Identity())
        return self


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
    parts of it, or be the copy itself; what is inside it is prepared likewise. In an `nn.Sequential` a batch
    normalisation is folded into the convolution before it; a subclass of torch's convolutions says by
    ``folds = True`` that it is linear in its weight and adds its bias. The other modules stay as they are.

    Args:
        network: Any module, in any mode; it is left as it is.

    Returns:
        The copy, in evaluation mode; no gradient reaches its parameters.
    """
    with torch.no_grad():
        prepared = _prepared(copy.deepcopy(network).eval(), {})
    return prepared.eval().requires_grad_(False)


def fold_norm(conv: _Conv, norm: nn.Module, channels: slice = slice(None)) -> _Conv:
    """A convolution that gives what a batch normalisation in evaluation gives after it.

    Args:
        conv: The convolution; it is left as it is.
        norm: The batch normalisation.
        channels: The channels of the normalisation that the convolution gives.
    """
    if not isinstance(norm, _BatchNorm):
        raise TypeError(f"{type(norm).__name__} is no batch normalisation")
    own = copy.deepcopy(norm)
    for name in ("running_mean", "running_var", "weight", "bias"):
        values = getattr(norm, name)
        if values is not None:
            setattr(
                own, name, nn.Parameter(values[channels]) if name in own._parameters else values[channels]
            )
    folded: _Conv = fuse_conv_bn_eval(conv, own)  # type: ignore[type-var]
    return folded


def _prepared(module: nn.Module, known: dict[nn.Module, nn.Module]) -> nn.Module:
    """What stands for a module; a module in several places is prepared once."""
    if module not in known:
        for_inference = getattr(module, "for_inference", None)
        known[module] = stand_in = module if for_inference is None else for_inference()
        # named_children leaves out all but the first of equal children.
        for name, child in list(stand_in._modules.items()):
            if child is not None:
                setattr(stand_in, name, _prepared(child, known))
        if type(stand_in) is nn.Sequential:
            _fold_norms(stand_in)
    return known[module]


def _fold_norms(modules: nn.Sequential) -> None:
    """Fold every batch normalisation into the convolution before it; an identity takes its place."""
    for place, (first, second) in enumerate(zip(list(modules), list(modules)[1:], strict=False)):
        statistics = isinstance(second, _BatchNorm) and second.running_mean is not None
        if statistics and isinstance(first, _CONVOLUTIONS) and _folds(first):
            modules[place], modules[place + 1] = fold_norm(first, second), nn.Identity()


def _folds(conv: nn.Module) -> bool:
    return type(conv) in _CONVOLUTIONS or getattr(conv, "folds", False)
