"""What a strategy author writes against: a search never builds networks and never touches data.

A `Search` asks for evaluations and is told their results. The engine gets each candidate's fitness,
either from one weight-sharing supernet (``weights: shared``) or by training it alone (``weights: own``).
A `GradientSearch` has weights of its own that learn by gradients of a supernet's losses. A `OneShot`
names a one-shot strategy of NNI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from skelbench.components import NodeKind
from skelbench.recipe import DeriveOptions

if TYPE_CHECKING:
    import torch

Sample = dict[str, Any]
"""One architecture by label: choice -> option name; mix -> list of names; inputs -> list of
indices; value -> the value; depth -> the number of repetitions; cell -> list of edges; trellis -> the
width of a stage, or the name of a layer's operator."""

Weights = dict[str, np.ndarray]
"""Architecture weights by label: one float per option, in the order of `Point.options`."""


@dataclass(frozen=True)
class Point:
    """One decision of a space.

    Attributes:
        label: Its label; every place with the same label takes the same decision.
        kind: The node kind.
        options: What may be chosen: option names, values, depths or input indices; for ``cell``
            the edges into one node of a cell, ``"sep3(0)"``.
        choose: For ``inputs`` and ``cell``, how many are chosen; None for any non-empty set
            (``mix``); else 1.
        groups: For ``cell``, the input that each option takes; options of one group exclude each
            other. Else empty.
        none: For ``cell``, whether a weighted sum may also hold nothing of an input: the operator
            ``zero``, which no architecture keeps.
        under: For ``trellis``, the label of the decision that its weights depend on: they are a matrix
            then, with a row for each option of that decision (see `weight_shape`). The layers of a
            stage hang on its width, a width on that of the stage before.
        out: For the last width of a trellis, the label under which its supernet finds how to weigh the
            last candidates where it adds them up; without such weights it takes the mean of the rows of the
            width's.
    """

    label: str
    kind: NodeKind
    options: tuple[Any, ...]
    choose: int | None = 1
    groups: tuple[int, ...] = ()
    none: bool = False
    under: str = ""
    out: str = ""

    @property
    def several(self) -> bool:
        """Whether a decision is a list of options; else it is one of them."""
        return self.kind in ("mix", "inputs", "cell")


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
        epochs: Own weights: train it for so many epochs, fewer than a whole trial has; None: a whole one.
    """

    sample: Sample | None = None
    weights: Weights | None = None
    fitness: float | None = None
    kept: bool = False
    epochs: int | None = None


class Search(Protocol):
    """One search in progress; a strategy's target makes it.

    The target is called as ``target(space, seed=int, weights="shared" | "own", epochs=int,
    derive=DeriveOptions, **params)``: ``epochs`` is the number of supernet epochs, with ``weights="own"``
    that of a whole trial; ``derive`` says how weights become an architecture, for `decode`; ``params``
    are all parameters of the component's model, with defaults filled in. A search for cheap architectures
    as well has a method ``use_macs(macs)``: before it is asked for the first time it is handed a function
    that gives the MACs of an architecture for one clip (with ``weights="own"``).
    """

    def training_weights(self, epoch: int) -> Weights:
        """Shared weights only: the weights under which the supernet trains in ``epoch``."""

    def ask(self, generation: int) -> Sequence[Proposal]:
        """The candidates of a generation.

        With shared weights it is called after each epoch and may answer with none. With own
        weights it is called until it answers with none, which ends the search. Where a component says
        ``asks_ahead`` it may be called again before `tell`; `state` then covers what it waits for.
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
"""How a candidate gets its weights: from one supernet, or by being trained."""

TensorWeights = Mapping[str, "torch.Tensor"]
"""Weights by label, of the shape that `weight_shape` says, through which gradients flow; they need not sum
to 1. In a trellis an option of weight 0 is not computed."""


class Bilevel(Protocol):
    """A supernet in the middle of its training, as a gradient search sees it in one step.

    Attributes:
        shared: The supernet's weights w.
        lr: The present learning rate of w.
        costs: By label, the MACs of each option, summed over the places of the label; in the shape of the
            weights.
    """

    @property
    def shared(self) -> Sequence[torch.Tensor]:
        """See above."""

    @property
    def lr(self) -> float:
        """See above."""

    @property
    def costs(self) -> Mapping[str, np.ndarray]:
        """See above."""

    def train_loss(self, weights: TensorWeights) -> torch.Tensor:
        """The loss on the step's training batch, with the options weighted so."""

    def validation_loss(self, weights: TensorWeights) -> torch.Tensor:
        """The loss on a batch that w is never trained on, with the options weighted so."""


class GradientSearch(Protocol):
    """A search whose weights learn by gradients, beside those of the supernet.

    Its target is called like that of a `Search`, always with ``weights="shared"``. In each step of
    the supernet the engine first calls `step`, then trains w under `training_weights`. A search with an
    attribute ``alternates`` that is true has `step` called once for each batch of its own clips at the
    beginning of an epoch instead, without a training loss.
    """

    def to(self, device: torch.device) -> None:
        """Move what learns to the supernet's device."""

    def training_weights(self, epoch: int) -> TensorWeights:
        """The weights under which w takes its next step, without gradients."""

    def step(self, epoch: int, problem: Bilevel) -> None:
        """Let the search's own weights learn, or do nothing in this epoch; w is left as it was."""

    def ask(self, epoch: int) -> Sequence[Proposal]:
        """After an epoch, architectures to evaluate on recordings that nothing learns from, or none.

        It is asked only where the spec holds such recordings out (``search.inference``).
        """

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """The fitness of what was asked, higher is better."""

    def best(self) -> Proposal:
        """The search's answer so far, as an architecture."""

    def figures(self) -> dict[str, Any]:
        """Figures for the log and the journal after an epoch (plain JSON data)."""

    def state(self) -> dict[str, Any]:
        """All that is needed to go on, as plain JSON data."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""


@dataclass(frozen=True)
class OneShot:
    """A one-shot strategy of NNI, which mutates the supernet and trains it its own way.

    Attributes:
        name: The class in ``nni.nas.strategy``.
        arguments: Its arguments.
        evaluations: How many architectures drawn at random are evaluated on the trained supernet,
            the best of which is the answer; 0 takes the strategy's own weights.
        seed: Seed of that draw.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    evaluations: int = 0
    seed: int = 0


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
    if not point.several:
        return point.options[order[0]]
    if point.choose is not None:
        return [point.options[i] for i in sorted(_first_of_groups(point, order)[: point.choose])]
    if options.by == "argmax":
        return [point.options[order[0]]]
    least = options.threshold / (len(weight) if options.relative else 1)
    kept = [i for i in range(len(weight)) if weight[i] > least or i == order[0]]
    return [point.options[i] for i in kept]


def _first_of_groups(point: Point, order: np.ndarray) -> list[int]:
    """Of ``order``, what no earlier member of the same group excludes."""
    groups = point.groups or range(len(point.options))
    taken: dict[int, int] = {}
    for i in order:
        taken.setdefault(groups[i], int(i))
    return list(taken.values())


def weight_shape(points: Sequence[Point], point: Point) -> tuple[int, ...]:
    """The shape of a gradient search's weights of a decision: a number per option, or a matrix of them.

    Args:
        points: All decisions.
        point: The decision.
    """
    rows = [len(other.options) for other in points if point.under and other.label == point.under]
    return (*rows, len(point.options))


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
