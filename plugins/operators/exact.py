"""Convolutions whose gradients can be trusted on processors."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ExactConv(nn.Conv2d):
    """A convolution in two dimensions, on processors in the precision of its weights whatever autocast says.

    In bf16 torch 2.13 gave wrong gradients of the weights there, now and then no numbers: of dilated
    convolutions with the channels last in memory.
    """

    folds = True

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W')."""
        if x.device.type != "cpu":
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.to(self.weight.dtype))
