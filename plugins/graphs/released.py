"""The graph modules as SGCN's authors released them, where that differs from the paper.

Powers are taken by element. The searched model uses other polynomials (``model_*``) than the
search did (``search_*``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext

from .dynamic import FRAMES, embed_channels, embedding, similarity
from .fixed import FixedGraph, adjacency


def _polynomial(context: BuildContext, coefficients: Sequence[float], softmax: bool = False) -> FixedGraph:
    """``coefficients`` of I, A, A^2, ... with powers by element."""
    graph = adjacency(context.layout)
    total = coefficients[0] * torch.eye(context.joints).expand_as(graph)
    for power, coefficient in enumerate(coefficients[1:], start=1):
        total = total + coefficient * graph**power
    return FixedGraph((total / context.joints).softmax(-2) if softmax else total)


search_l2 = partial(_polynomial, coefficients=(-1, 0, 2))
search_l3 = partial(_polynomial, coefficients=(0, -3, 0, 4))
search_l4 = partial(_polynomial, coefficients=(1, 0, -8, 0, 8))
search_l4n = partial(_polynomial, coefficients=(1, 0, -8, 0, 8), softmax=True)
model_l3 = partial(_polynomial, coefficients=(-2, -1, 4))
model_l4n = partial(_polynomial, coefficients=(1, -4, -4, 0, 8), softmax=True)


class SpatialTemporal(nn.Module):
    """1x1 embeddings for subsets 0 and 2, (9, 1) embeddings for subset 1."""

    def __init__(self, context: BuildContext, embed: int | None = None, dead: bool = False) -> None:
        super().__init__()
        channels, size = context.channels, embed_channels(context, embed)
        self.spatial = embedding(channels, size, 4)
        self.temporal = embedding(channels, size, 2, FRAMES)
        if dead:  # one 1x1 and two (9, 1) convolutions a side that no forward pass reaches
            self.unused = nn.ModuleList([embedding(channels, size, 2), embedding(channels, size, 4, FRAMES)])

    def forward(self, x: Tensor) -> Tensor:
        """Graphs (N, 3, V, V) for x (N, C, T, V)."""
        outer = similarity(self.spatial(x), subsets=2)
        inner = similarity(self.temporal(x), subsets=1)
        return torch.cat([outer[:, :1], inner, outer[:, 1:]], dim=1)
