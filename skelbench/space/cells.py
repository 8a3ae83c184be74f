"""Stacks of cells as modules: what stands around the edges, and the edges of a fixed architecture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.layers import DropPath, FactorisedReduce, relu_conv_bn
from skelbench.space.cell_syntax import INPUTS
from skelbench.space.nodes import CellsNode, EdgesNode, KeptEdges, OpNode


class CellStack(nn.Sequential):
    """Cells one after the other; each takes the outputs of the two before it (the first one x twice)."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W')."""
        before, last = x, x
        for cell in self:
            before, last = last, cell(before, last)
        return last


class Cell(nn.Module):
    """One cell: two inputs brought to its width, nodes, and all nodes' channels side by side.

    Args:
        first: Brings the output of the cell before the last to the cell's width and size.
        second: Brings the last cell's output to the cell's width.
        nodes: For each node a module that makes it of all states before it.
    """

    def __init__(self, first: nn.Module, second: nn.Module, nodes: Sequence[nn.Module]) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.nodes = nn.ModuleList(nodes)

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """The outputs of two cells to that of this one."""
        states = [self.first(before), self.second(last)]
        for node in self.nodes:
            states.append(node(states))
        return torch.cat(states[INPUTS:], 1)


class KeptNode(nn.Module):
    """A node of a fixed cell: the sum of its edges.

    Args:
        sources: The state that each edge takes.
        operators: The operator of each edge.
        drop_path: The share of edges' outputs dropped at the end of training; an identity never is.
    """

    def __init__(
        self, sources: Sequence[int], operators: Sequence[nn.Module], drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.operators = nn.ModuleList(operators)
        drops = (drop_path and not isinstance(operator, nn.Identity) for operator in operators)
        self.drops = nn.ModuleList(DropPath(drop_path) if drop else nn.Identity() for drop in drops)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """The node, of all states before it."""
        edges = zip(self.drops, self.operators, self.sources, strict=True)
        first, *others = [drop(operator(states[source])) for drop, operator, source in edges]
        return sum(others, start=first)


@dataclass(frozen=True)
class Layer:
    """One cell of a stack and what it connects.

    Attributes:
        edges: The edges into each of its nodes.
        channels: Its width.
        before: Channels of the cell before the last.
        last: Channels of the last cell.
        reducing: Whether it halves rows and columns.
        after_reduction: Whether the last cell did, so that the one before it is twice as large.
    """

    edges: tuple[EdgesNode | KeptEdges, ...]
    channels: int
    before: int
    last: int
    reducing: bool
    after_reduction: bool

    def entries(self, *, affine: bool) -> tuple[nn.Module, nn.Module]:
        """What brings both inputs to the cell's width and size."""
        bring = FactorisedReduce if self.after_reduction else relu_conv_bn
        return bring(self.before, self.channels, affine=affine), relu_conv_bn(
            self.last, self.channels, affine=affine
        )

    def stride(self, source: int) -> int:
        """The stride of an edge: a reduction halves what it takes from the cell's inputs."""
        return 2 if self.reducing and source < INPUTS else 1


def layers_of(node: CellsNode, layers: int, channels: int) -> Iterator[Layer]:
    """Every cell of a stack, from the first to the last.

    Args:
        node: The stack.
        layers: Its number of cells.
        channels: Channels of its input.
    """
    before = last = channels
    width, halved = node.channels, node.reductions(layers)
    for number in range(layers):
        reducing = number in halved
        width = 2 * width if reducing else width
        edges = node.reduce if reducing else node.normal
        yield Layer(edges, width, before, last, reducing, number - 1 in halved)
        before, last = last, width * len(edges)


@dataclass(frozen=True)
class CellPlace:
    """Where a node of a cell is built.

    Attributes:
        stack: The stack of cells.
        layer: The cell.
        context: The cell's width, and its inputs' rows and columns.
    """

    stack: CellsNode
    layer: Layer
    context: BuildContext

    @property
    def operators(self) -> dict[str, OpNode]:
        """The operators by name."""
        return dict(self.stack.operators)

    def inside(self) -> BuildContext:
        """The context at the cell's nodes."""
        context = self.context
        if not self.layer.reducing:
            return context
        return replace(context, frames=math.ceil(context.frames / 2), joints=math.ceil(context.joints / 2))
