"""Walking the tree of nodes: which decisions there are, and what each brings into play."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from skelbench.search import Point, Sample
from skelbench.space.nodes import (
    AdaptiveNode,
    CellsNode,
    ChoiceNode,
    DepthNode,
    EdgesNode,
    ForkNode,
    InputsNode,
    MixNode,
    Node,
    OpNode,
    SequenceNode,
    SumNode,
    TrellisNode,
    ValueNode,
)

Open = ChoiceNode | MixNode | InputsNode | ValueNode | DepthNode | EdgesNode | ForkNode
Part = Node | ValueNode | EdgesNode | ForkNode
OPEN = (ChoiceNode, MixNode, InputsNode, ValueNode, DepthNode, EdgesNode, ForkNode)
_NODES = (OpNode, SequenceNode, SumNode, CellsNode, AdaptiveNode, TrellisNode, *OPEN)


def point_of(node: Open) -> Point:
    """The decision that an open node asks for."""
    match node:
        case ChoiceNode():
            return Point(node.label, "choice", tuple(name for name, _ in node.options))
        case MixNode():
            return Point(node.label, "mix", tuple(name for name, _ in node.options), None)
        case InputsNode():
            return Point(node.label, "inputs", node.sources, node.choose)
        case ValueNode():
            return Point(node.label, "value", node.values)
        case DepthNode():
            return Point(node.label, "depth", node.counts)
        case EdgesNode():
            return Point(node.label, "cell", node.options, node.choose, node.inputs, node.none)
        case ForkNode():
            return Point(node.label, "trellis", node.options, under=node.under, out=node.out)


def opened(node: Open, decision: Any) -> tuple[Node, ...]:
    """The nodes that come into play once ``node`` is decided."""
    match node:
        case ChoiceNode():
            return tuple(option for name, option in node.options if name == decision)
        case MixNode():
            return tuple(option for name, option in node.options if name in decision)
        case DepthNode():
            return node.repetitions[:decision]
        case _:
            return ()


def parts(node: Part) -> tuple[Part, ...]:
    """The nodes of a node that is not open itself."""
    match node:
        case OpNode():
            return tuple(value for value in node.params.values() if isinstance(value, _NODES))
        case SequenceNode():
            return node.children
        case SumNode():
            return node.terms
        case AdaptiveNode(policy, options, alpha):
            models = tuple(model for _, model in options)
            return (policy, *models, *((alpha,) if isinstance(alpha, ValueNode) else ()))
        case CellsNode():
            return tuple(part for part in (node.layers, *node.normal, *node.reduce) if isinstance(part, OPEN))
        case TrellisNode():
            return node.forks()
        case _:
            return ()


def inside(node: Part) -> tuple[Part, ...]:
    """The nodes of a node, whatever is decided."""
    match node:
        case ChoiceNode() | MixNode():
            return tuple(option for _, option in node.options)
        case DepthNode():
            return node.repetitions
        case _:
            return parts(node)


def all_open(nodes: Iterable[Part]) -> Iterator[Open]:
    """Every open node in ``nodes``, however deep, whatever is decided."""
    for node in nodes:
        if isinstance(node, OPEN):
            yield node
        yield from all_open(inside(node))


def next_open(pending: Sequence[Part], decided: Sample) -> tuple[Open | None, list[Part]]:
    """The first undecided node, and what comes after it."""
    rest = list(pending)
    while rest:
        node = rest.pop(0)
        if not isinstance(node, OPEN):
            rest[:0] = parts(node)
        elif node.label in decided:
            rest[:0] = opened(node, decided[node.label])
        else:
            return node, rest
    return None, rest


def outcomes(point: Point) -> Iterator[Any]:
    """Every way to decide a point."""
    if point.kind == "mix":
        sizes = range(1, len(point.options) + 1)
        return (list(chosen) for n in sizes for chosen in itertools.combinations(point.options, n))
    if point.kind == "inputs":
        return (list(chosen) for chosen in itertools.combinations(point.options, point.choose or 1))
    if point.kind == "cell":
        of_inputs = itertools.combinations(by_input(point), point.choose or 1)
        return (list(chosen) for options in of_inputs for chosen in itertools.product(*options))
    return iter(point.options)


def by_input(point: Point) -> list[tuple[Any, ...]]:
    """The edges of a ``cell`` decision that each input may take."""
    pairs = list(zip(point.groups, point.options, strict=True))
    return [tuple(option for i, option in pairs if i == group) for group in sorted(set(point.groups))]


def all_opened(nodes: Iterable[Open], decision: Any) -> list[Node]:
    """What several places with one label bring into play by one decision."""
    return [child for node in nodes for child in opened(node, decision)]


def labels_in(nodes: Iterable[Part]) -> set[str]:
    """The labels of all decisions in ``nodes``."""
    return {node.label for node in all_open(nodes)}
