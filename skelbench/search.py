"""What a strategy author writes against: a search asks for evaluations and is told their results.

A search never trains and never touches data. The engine gets each candidate's fitness, either
from one weight-sharing supernet (``weights: shared``) or by training it alone (``weights: own``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from skelbench.components import NodeKind
from skelbench.recipe import DeriveOptions

Sample = dict[str, Any]
"""One architecture by label: choice -> option name; mix -> list of names; inputs -> list of
indices; value -> the value; depth -> the number of repetitions."""

Weights = dict[str, np.ndarray]
"""Architecture weights by label: one float per option, in the order of `Point.options`."""


@dataclass(frozen=True)
class Point:
    """One decision of a space.

    Attributes:
        label: Its label; every place with the same label takes the same decision.
        kind: The node kind.
        options: What may be chosen: option names, values, depths or input indices.
        choose: For ``inputs``, how many are chosen; None for any non-empty set (``mix``); else 1.
    """

    label: str
    kind: NodeKind
    options: tuple[Any, ...]
    choose: int | None = 1


class Space(Protocol):
    """What a search knows of its space."""

    @property
    def points(self) -> tuple[Point, ...]:
        """Every decision, each label once, in the order of the spec."""

    def size(self) -> int:
        """The exact number of different architectures."""

    def sample(self, rng: np.random.Generator) -> Sample:
        """One random architecture in canonical form: each active decision drawn evenly."""

    def enumerate(self) -> Iterator[Sample]:
        """Every different architecture once, in a fixed order."""

    def canonical(self, sample: Sample) -> Sample:
        """The same architecture without inactive labels, in the order of the spec."""


@dataclass(frozen=True)
class Proposal:
    """A candidate to evaluate: an architecture, or weights over all options.

    Attributes:
        sample: The architecture, or None where ``weights`` stand for it.
        weights: Weights by label, normalised to sum 1 each, or None.
        fitness: The fitness where it is known already and need not be taken again.
        kept: Whether it was kept from an earlier generation.
    """

    sample: Sample | None = None
    weights: Weights | None = None
    fitness: float | None = None
    kept: bool = False


class Search(Protocol):
    """One search in progress; a strategy's target makes it.

    The target is called as ``target(space, seed=int, weights="shared" | "own", epochs=int,
    derive=DeriveOptions, **params)``: ``epochs`` is the number of supernet epochs, and of no meaning
    with ``weights="own"``; ``derive`` says how weights become an architecture, for `decode`; ``params``
    are all parameters of the component's model, with defaults filled in.
    """

    def training_weights(self, epoch: int) -> Weights:
        """Shared weights only: the weights under which the supernet trains in ``epoch``."""

    def ask(self, generation: int) -> Sequence[Proposal]:
        """The candidates of a generation.

        With shared weights it is called after each epoch and may answer with none. With own
        weights it is called until it answers with none, which ends the search.
        """

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """The fitness of what was asked, higher is better; None where a trial failed."""

    def best(self) -> Proposal:
        """The search's answer so far."""

    def figures(self) -> dict[str, Any]:
        """Figures of the last generation for the log and the journal (plain JSON data)."""

    def state(self) -> dict[str, Any]:
        """All that is needed to go on, as plain JSON data."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""


WeightMode = Literal["shared", "own"]


def decode(points: Sequence[Point], weights: Weights, options: DeriveOptions) -> Sample:
    """Turn weights into one architecture (not yet canonical).

    Args:
        points: The decisions.
        weights: For every label non-negative weights that sum to 1.
        options: Threshold or argmax; decisions with a fixed number take the largest in any case.

    Returns:
        A sample with every label of ``points``.
    """
    return {point.label: _decide(point, weights[point.label], options) for point in points}


def _decide(point: Point, weight: np.ndarray, options: DeriveOptions) -> Any:
    order = np.argsort(-weight, kind="stable")
    if point.kind in ("choice", "value", "depth"):
        return point.options[order[0]]
    if point.choose is not None:
        return [point.options[i] for i in sorted(order[: point.choose])]
    if options.by == "argmax":
        return [point.options[order[0]]]
    kept = [i for i in range(len(weight)) if weight[i] > options.threshold or i == order[0]]
    return [point.options[i] for i in kept]


def as_weights(points: Sequence[Point], sample: Sample) -> Weights:
    """Weights that stand for an architecture: evenly over what it chooses, zero elsewhere.

    Decisions that ``sample`` leaves out (inactive ones) get even weights.
    """
    out: Weights = {}
    for point in points:
        chosen = sample.get(point.label, list(point.options))
        names = chosen if isinstance(chosen, list) else [chosen]
        weight = np.array([float(option in names) for option in point.options])
        out[point.label] = weight / weight.sum()
    return out
