"""The modules; only a command that builds networks imports this file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext


class Gate(nn.Module):
    """Scales every channel by a gate computed from its mean over frames and joints."""

    def __init__(self, context: BuildContext, reduction: int) -> None:
        super().__init__()
        hidden = max(1, context.channels // reduction)
        self.layers = nn.Sequential(
            nn.Linear(context.channels, hidden), nn.ReLU(), nn.Linear(hidden, context.channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C, T, V)."""
        return x * self.layers(x.mean((2, 3)))[:, :, None, None]


class Uniform(nn.Module):
    """A fixed graph in which every joint takes the mean of all joints."""

    graph: Tensor

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.register_buffer("graph", torch.full((3, context.joints, context.joints), 1 / context.joints))

    def forward(self, x: Tensor) -> Tensor:
        """The graph (3, V, V), whatever ``x``."""
        return self.graph
