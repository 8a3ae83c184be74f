"""The checked form of a network: a tree of nodes with components found and parameters validated.

``repeat`` is unrolled, label templates are filled in, so that every node stands for one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from skelbench.components import GraphModule, Operator


@dataclass(frozen=True)
class OpNode:
    """A registered component.

    Attributes:
        component: What to build.
        params: Validated parameters; a slot's parameter is a `Node`, a searched one a `ValueNode`.
        place: Where it stands in the spec, ``network.body[3].graph``.
        block: Running number (from 1) in the body, 0 outside it.
    """

    component: Operator | GraphModule
    params: dict[str, Any]
    place: str = ""
    block: int = 0


@dataclass(frozen=True)
class SequenceNode:
    """Modules one after the other."""

    children: tuple[Node, ...]


@dataclass(frozen=True)
class SumNode:
    """The sum of what its terms give for the same input."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class ChoiceNode:
    """One of several named nodes."""

    label: str
    options: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class MixNode:
    """A weighted sum of named nodes, of which several may survive."""

    label: str
    options: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class InputsNode:
    """Which earlier outputs of the same sequence flow on from here.

    Attributes:
        label: Its label.
        sources: Indices: 0 is the sequence's input, k the output of its k-th child.
        choose: How many are taken.
        combine: How several become one.
    """

    label: str
    sources: tuple[int, ...]
    choose: int = 1
    combine: Literal["sum", "mean"] = "sum"


@dataclass(frozen=True)
class ValueNode:
    """A parameter's value chosen from several."""

    label: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class DepthNode:
    """How many of the repetitions are run, from the first on.

    Attributes:
        label: Its label.
        counts: The numbers to choose from, rising; the last is ``len(repetitions)``.
        repetitions: One node per repetition.
    """

    label: str
    counts: tuple[int, ...]
    repetitions: tuple[Node, ...]


@dataclass(frozen=True)
class EdgesNode:
    """Which edges lead into one node of a cell.

    Attributes:
        label: Its label; every cell of the same kind has it.
        options: The possible edges, an operator and the input that it takes: ``sep3(0)``.
        inputs: The input of each option; options of one input exclude each other.
        choose: How many are kept.
        none: Whether ``zero``, an input without an edge, has a weight in a weighted sum.
    """

    label: str
    options: tuple[str, ...]
    inputs: tuple[int, ...]
    choose: int
    none: bool


@dataclass(frozen=True)
class KeptEdges:
    """The edges into one node of a cell where nothing is left to choose."""

    options: tuple[str, ...]


@dataclass(frozen=True)
class CellsNode:
    """A stack of cells, each of which takes the outputs of the two before it (Liu et al., ICLR 2019).

    Attributes:
        layers: How many cells.
        channels: Channels of a node in the first cell; a reduction cell doubles them.
        reduce_at: Which cells, counted from 0, halve rows and columns; None for those at one and
            two thirds.
        operators: What may stand on an edge, by name.
        normal: The edges into each node of a cell that keeps the size.
        reduce: Those of a cell that halves it.
        drop_path: The share of edges' outputs dropped at the end of training.
        place: Where it stands in the spec.
    """

    layers: int | ValueNode
    channels: int
    reduce_at: tuple[int, ...] | None
    operators: tuple[tuple[str, OpNode], ...]
    normal: tuple[EdgesNode | KeptEdges, ...]
    reduce: tuple[EdgesNode | KeptEdges, ...]
    drop_path: float = 0.0
    place: str = ""

    def reductions(self, layers: int) -> tuple[int, ...]:
        """The cells that halve the size, in a stack of ``layers``."""
        return (layers // 3, 2 * layers // 3) if self.reduce_at is None else self.reduce_at


@dataclass(frozen=True)
class AdaptiveNode:
    """For each frame one of several models, chosen by a policy while the network runs.

    Attributes:
        policy: What chooses, from the features of the first model.
        options: The models by name.
        alpha: Weight of the cost of the choices in the loss.
        alpha_scale: Of ``gmacs`` as published, or as ``released``.
        warmup: Share of the training in which alpha rises from 0.
        place: Where it stands in the spec.
    """

    policy: Node
    options: tuple[tuple[str, Node], ...]
    alpha: float | ValueNode = 0.0
    alpha_scale: Literal["gmacs", "released"] = "gmacs"
    warmup: float = 0.0
    place: str = ""


@dataclass(frozen=True)
class ForkNode:
    """One decision of a path through a trellis: a stage's width, or the operator of one of its layers.

    Attributes:
        label: Its label.
        options: The widths, or the names of the operators.
        under: The label of the decision that its weights depend on: a layer hangs on its stage's width, a
            width on that of the stage before, and the first width on nothing.
        out: Of the last width, the label of the weights by which a supernet fuses its candidates.
    """

    label: str
    options: tuple[Any, ...]
    under: str = ""
    out: str = ""


@dataclass(frozen=True)
class StageNode:
    """One stage of a trellis.

    Attributes:
        name: Its name.
        width: Which of its widths.
        head: What changes the width; its parameter ``channels`` is that of the first width.
        layers: Which operator each of the layers behind the head is.
    """

    name: str
    width: ForkNode
    head: OpNode
    layers: tuple[ForkNode, ...]


@dataclass(frozen=True)
class TrellisNode:
    """Stages of which a path takes one width each, with a stack of layers (VAR-NAS).

    Attributes:
        stages: The stages.
        operators: What may stand in a layer, by name.
        divide: A stage has its width divided by this many channels.
        place: Where it stands in the spec.
    """

    stages: tuple[StageNode, ...]
    operators: tuple[tuple[str, OpNode], ...]
    divide: int = 1
    place: str = ""

    def forks(self) -> tuple[ForkNode, ...]:
        """All decisions, stage by stage, the width before the layers."""
        return tuple(fork for stage in self.stages for fork in (stage.width, *stage.layers))


Node = (
    OpNode
    | SequenceNode
    | SumNode
    | ChoiceNode
    | MixNode
    | InputsNode
    | DepthNode
    | CellsNode
    | AdaptiveNode
    | TrellisNode
)


@dataclass(frozen=True)
class NetworkNodes:
    """The three parts of a network.

    Attributes:
        input: (N, C, T, V, M) -> (N*M, C, T, V), or of videos (N, C, T, H, W) -> the same.
        body: Operators on what the input gives, one after the other.
        head: What the body gives -> (N, classes).
    """

    input: OpNode
    body: SequenceNode
    head: OpNode
