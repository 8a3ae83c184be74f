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


Node = OpNode | SequenceNode | SumNode | ChoiceNode | MixNode | InputsNode | DepthNode


@dataclass(frozen=True)
class NetworkNodes:
    """The three parts of a network.

    Attributes:
        input: (N, C, T, V, M) -> (N*M, C, T, V).
        body: Skeleton operators, one after the other.
        head: (N*M, C, T, V) -> (N, classes).
    """

    input: OpNode
    body: SequenceNode
    head: OpNode
