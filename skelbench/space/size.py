"""The space that a network opens: its decisions, their exact number, samples and canonical forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from skelbench.components import NodeKind
from skelbench.errors import Problem, SpecError, did_you_mean
from skelbench.search import Point, Sample
from skelbench.space.nodes import NetworkNodes
from skelbench.space.tree import (
    OPEN,
    Open,
    Part,
    all_open,
    all_opened,
    by_input,
    inside,
    labels_in,
    next_open,
    opened,
    outcomes,
    parts,
    point_of,
)

if TYPE_CHECKING:
    import numpy as np

_T = TypeVar("_T", bound=Sequence[Any])


class SearchSpace:
    """The decisions of a checked network (implements `skelbench.search.Space`).

    Args:
        network: The network, its labels filled in.

    Raises:
        SpecError: A label stands for two different decisions.
    """

    def __init__(self, network: NetworkNodes) -> None:
        self._roots: tuple[Part, ...] = (network.input, network.body, network.head)
        self._by_label: dict[str, Point] = {}
        for node in all_open(self._roots):
            point = point_of(node)
            if self._by_label.setdefault(node.label, point) != point:
                raise SpecError(f"the label '{node.label}' stands for two different decisions")

    @property
    def points(self) -> tuple[Point, ...]:
        """Every decision, each label once, in the order of the spec."""
        return tuple(self._by_label.values())

    def kinds(self) -> frozenset[NodeKind]:
        """The kinds of decision that occur."""
        return frozenset(point.kind for point in self.points)

    def size(self) -> int:
        """The exact number of different architectures; decisions that play no part do not count."""
        return _count(self._roots, {})

    def sample(self, rng: np.random.Generator) -> Sample:
        """One random architecture in canonical form: each active decision drawn evenly."""
        return self._ordered(_walk(self._roots, lambda point: _draw(point, rng)))

    def enumerate(self) -> Iterator[Sample]:
        """Every different architecture once, lazily, in a fixed order."""
        return map(self._ordered, _each(self._roots, {}))

    def canonical(self, sample: Sample) -> Sample:
        """The same architecture without inactive labels, in the order of the spec.

        Raises:
            SpecError: Every unknown label, unknown option and missing decision.
        """
        faults = self.faults(sample)
        if faults:
            raise SpecError.of(problem for _, problem in faults)
        return self._ordered(_walk(self._roots, lambda point: _settle(point, sample[point.label])))

    def faults(self, sample: Sample) -> list[tuple[str, Problem]]:
        """What is wrong with ``sample``: (label, problem) pairs, none where `canonical` accepts it."""
        faults: list[tuple[str, Problem]] = []
        settled: Sample = {}
        for label, given in sample.items():
            if label not in self._by_label:
                remedy = did_you_mean(label, self._by_label)
                faults.append((label, Problem(f"the space has no label '{label}'", remedy=remedy)))
                continue
            try:
                settled[label] = _settle(self._by_label[label], given)
            except SpecError as error:
                faults.append((label, error.problems[0]))
        if not faults:
            faults = [(p.label, _missing(p)) for p in self._needed(settled) if p.label not in settled]
        return faults

    def _needed(self, settled: Sample) -> list[Point]:
        """The active decisions; those without an answer open nothing further."""
        needed: dict[str, Point] = {}
        pending = list(self._roots)
        while pending:
            node = pending.pop(0)
            if isinstance(node, OPEN):
                needed[node.label] = point_of(node)
                pending[:0] = opened(node, settled[node.label]) if node.label in settled else ()
            else:
                pending[:0] = parts(node)
        return list(needed.values())

    def _ordered(self, sample: Sample) -> Sample:
        return {label: sample[label] for label in self._by_label if label in sample}


def _walk(roots: Sequence[Part], decide: Callable[[Point], Any]) -> Sample:
    """Decide every active decision once."""
    decided: Sample = {}
    node, rest = next_open(roots, decided)
    while node is not None:
        decided[node.label] = decide(point_of(node))
        node, rest = next_open([node, *rest], decided)
    return decided


def _each(pending: Sequence[Part], decided: Sample) -> Iterator[Sample]:
    node, rest = next_open(pending, decided)
    if node is None:
        yield decided
        return
    for outcome in outcomes(point_of(node)):
        yield from _each([node, *rest], {**decided, node.label: outcome})


def _draw(point: Point, rng: np.random.Generator) -> Any:
    options = point.options
    if point.kind == "mix":
        while True:  # every non-empty set is equally likely; a draw is empty at most half the time
            chosen = [
                option for option, taken in zip(options, rng.random(len(options)) < 0.5, strict=True) if taken
            ]
            if chosen:
                return chosen
    if point.kind == "inputs":
        return [options[i] for i in sorted(rng.choice(len(options), point.choose or 1, replace=False))]
    if point.kind == "cell":
        inputs = by_input(point)
        taken = sorted(rng.choice(len(inputs), point.choose or 1, replace=False))
        return [inputs[i][int(rng.integers(len(inputs[i])))] for i in taken]
    return options[int(rng.integers(len(options)))]


def _settle(point: Point, given: Any) -> Any:
    """A decision in canonical form.

    Raises:
        SpecError: It is none of the point's options, or not as many as the point asks for.
    """
    where = f"the {point.kind} '{point.label}'"
    if not point.several:
        return _option(point, given, where)
    if not isinstance(given, list | tuple) or not given:
        raise SpecError(f"{where} takes a list, not {given!r}", remedy=f"Choose from {_shown(point)}")
    chosen = [_option(point, one, where) for one in given]
    if len(set(chosen)) < len(chosen):
        raise SpecError(f"{where} names an option twice", remedy="Name each once")
    if point.choose is not None and len(chosen) != point.choose:
        raise SpecError(f"{where} takes {point.choose} of its options, not {len(chosen)}")
    groups = [group for option, group in zip(point.options, point.groups, strict=False) if option in chosen]
    if len(set(groups)) < len(groups):
        raise SpecError(f"{where} takes one input twice", remedy="Give each edge an input of its own")
    return [option for option in point.options if option in chosen]


def _option(point: Point, given: Any, where: str) -> Any:
    for option in point.options:
        if option == given and isinstance(option, bool) == isinstance(given, bool):
            return option
    names = [str(option) for option in point.options]
    name, _, source = str(given).partition("(")
    if point.kind == "cell" and source and any(option.startswith(f"{name}(") for option in names):
        inputs = ", ".join(map(str, sorted(set(point.groups))))
        raise SpecError(f"{where} has no input {source.rstrip(')')}", remedy=f"Its inputs are {inputs}")
    raise SpecError(f"{where} has no option {given!r}", remedy=did_you_mean(given, names))


def _missing(point: Point) -> Problem:
    return Problem(f"no decision for the {point.kind} '{point.label}'", remedy=f"Choose from {_shown(point)}")


def _shown(point: Point) -> str:
    return ", ".join(map(str, point.options))


def _count(nodes: Sequence[Part], decided: Sample) -> int:
    """How many ways there are to decide what is open in all of ``nodes`` together.

    Places that share a label are decided as one. Decisions that have no label in common are
    independent: their numbers multiply. Where labels are entangled, each outcome is tried.
    """
    together: dict[str, list[Open]] = {}
    node, rest = next_open(nodes, decided)
    while node is not None:
        together.setdefault(node.label, []).append(node)
        node, rest = next_open(rest, decided)
    return math.prod(_count_group(group, decided) for group in _entangled(list(together.values()), decided))


def _count_group(group: list[list[Open]], decided: Sample) -> int:
    first, *others = group
    point = point_of(first[0])
    rest = [node for nodes in others for node in nodes]
    itself = any(point.label in labels_in(inside(node)) for node in first)
    if rest or itself or point.kind in ("choice", "depth"):
        return sum(
            _count([*all_opened(first, outcome), *rest], {**decided, point.label: outcome})
            for outcome in outcomes(point)
        )
    if point.kind == "mix":
        return _count_mix(first, point, decided)
    if point.kind == "cell":
        chosen = itertools.combinations(map(len, by_input(point)), point.choose or 1)
        return sum(math.prod(sizes) for sizes in chosen)
    return math.comb(len(point.options), point.choose or 1)


def _count_mix(nodes: list[Open], point: Point, decided: Sample) -> int:
    """Non-empty sets of options, each option with what it opens: prod(1 + s_i) - 1 if independent."""
    total = 1
    options = [all_opened(nodes, [option]) for option in point.options]
    for group in _entangled(options, decided):
        total *= 1 + sum(
            _count([node for option in chosen for node in option], decided)
            for n in range(1, len(group) + 1)
            for chosen in itertools.combinations(group, n)
        )
    return total - 1


def _entangled(bundles: Sequence[_T], decided: Sample) -> list[list[_T]]:
    """Bundles of nodes grouped so that bundles of different groups have no open label in common."""
    groups: list[tuple[set[str], list[_T]]] = []
    for bundle in bundles:
        labels, members = labels_in(bundle) - decided.keys(), [bundle]
        for group in [g for g in groups if g[0] & labels]:
            labels, members = labels | group[0], [*group[1], *members]
            groups.remove(group)
        groups.append((labels, members))
    return [members for _, members in groups]
