"""Networks of operators so simple that their results can be told by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Layout, Operator
from skelbench.space.nodes import NetworkNodes, Node, OpNode, SequenceNode

LAYOUT = Layout(name="stick", joints=("a", "b"), inward=((1, 0),), root=0, torso=(0, 1, 1, 1))
CONTEXT = BuildContext(channels=3, frames=4, joints=2, persons=1, classes=3, layout=LAYOUT)


class Times(nn.Module):
    """Multiplies by a learned number that starts as ``by``; counts its calls."""

    def __init__(self, context: BuildContext, by: float = 1.0) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(float(by)))
        self.context = context
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * self.by


class Fold(nn.Module):
    """(N, C, T, V, M) -> (N * M, C, T, V)."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 4, 1, 2, 3).flatten(0, 1)


class Mean(nn.Module):
    """(N, C, T, V) -> (N, C): the mean over frames and joints."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.context = context

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Widen(nn.Module):
    """(N, C, T, V) -> (N, channels, T // 2, V)."""

    def __init__(self, context: BuildContext, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(context.channels, channels, 1, (2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


TIMES = Operator(name="times", target=Times)
WIDEN = Operator(name="widen", target=Widen)
FOLD = Operator(name="fold", target=Fold, contract="input")
MEAN = Operator(name="mean", target=Mean, contract="head")


def times(by: Any) -> OpNode:
    """A multiplication."""
    return OpNode(TIMES, {"by": by}, f"times.{by}")


def widen(channels: int) -> OpNode:
    """A wider and shorter output."""
    return OpNode(WIDEN, {"channels": channels}, "network.body[1]")


def nodes(*body: Node) -> NetworkNodes:
    """A network with the given body."""
    return NetworkNodes(OpNode(FOLD, {}), SequenceNode(body), OpNode(MEAN, {}))


def ones() -> Tensor:
    """Two clips of the context's shape, all ones: a network's score is what its body multiplies by."""
    return torch.ones(2, 3, 4, 2, 1)
