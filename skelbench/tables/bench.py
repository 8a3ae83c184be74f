"""Strategies side by side on a table: many repetitions, each with a seed that all strategies share."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skelbench.components import Strategy
from skelbench.errors import DataError, SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Search
from skelbench.tables.compare import budgets
from skelbench.tables.fronts import Fronts
from skelbench.tables.quality import measure_quality
from skelbench.tables.session import Outcome, Session, Truth
from skelbench.tables.table import Objective, Table

PATIENCE = 500
"""Proposals in a row without a new evaluation after which a search is held to have no more to ask."""


@dataclass(frozen=True)
class BenchOptions:
    """How strategies are compared.

    Attributes:
        evaluations: Most evaluations of a search; several shorter trainings count as much as a whole one of
            as many epochs.
        repetitions: Searches of each strategy.
        objective: What searches see.
        most_gmacs: Architectures with more GMACs are no part of the space.
        seed: Added to the number of each repetition.
    """

    evaluations: int = 200
    repetitions: int = 200
    objective: Objective = "cross_entropy"
    most_gmacs: float | None = None
    seed: int = 0


class Entry(NamedTuple):
    """One that takes part.

    Attributes:
        strategy: The strategy.
        params: What its parameters are instead of the defaults.
        label: What it is called, where one strategy takes part twice; else empty.
    """

    strategy: Strategy
    params: Mapping[str, Any] = {}
    label: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.label or self.strategy.name


@dataclass(frozen=True)
class Result:
    """All searches of one strategy.

    Attributes:
        strategy: What it is called.
        regret: (repetitions, evaluations) points; where a search ended early, its last regret goes on.
        regret_shrunken: The same against the best with its luck taken out.
        seconds: (repetitions, evaluations) seconds of training up to each evaluation.
        evaluations: What each search paid for, in whole trainings, (repetitions,).
        holes: Proposals that the table has no measurement of, all together.
        own_seconds: Seconds that the strategy itself took for one search, on average.
        fronts: (repetitions, budgets) percent of the table's hypervolume of top-1 against MACs, see `Fronts`.
    """

    strategy: str
    regret: np.ndarray
    regret_shrunken: np.ndarray
    seconds: np.ndarray
    evaluations: np.ndarray
    holes: int
    own_seconds: float
    fronts: np.ndarray


class Field:
    """The space of a bench: the table's complete architectures, those that cost too much left out.

    Args:
        table: The table.
        options: How strategies are compared.

    Raises:
        DataError: Nothing is left.
        SpecError: There are more evaluations than architectures, or none.
    """

    def __init__(self, table: Table, options: BenchOptions) -> None:
        self.table, self.options = table, options
        self.allowed = np.array(table.trained)
        if options.most_gmacs is not None:
            self.allowed &= table.arrays["macs"] <= options.most_gmacs * 1e9
        kept = table.complete & self.allowed[table.arrays["network"]]
        if not kept.any():
            raise DataError(f"no complete architecture of {table.name} is left", remedy="Raise --max-gmacs")
        self.space = table.part(kept)
        self.holes = int((~table.complete).sum())
        if options.evaluations < 1 or options.repetitions < 1:
            raise SpecError("a bench needs one evaluation and one repetition at least")
        if options.evaluations > self.space.size():
            raise SpecError(
                f"{options.evaluations} evaluations are more than the {self.space.size()} architectures",
                where="--evaluations",
                remedy=f"Give {self.space.size()} at most",
            )
        best = None if options.most_gmacs is not None else _shrunken_best(table)
        self.truth = Truth(table, self.allowed, best)
        self.fronts = Fronts(table, self.allowed)

    def run(self, entry: Entry) -> Result:
        """Every repetition of one strategy, whose parameters are complete."""
        started = time.perf_counter()
        outcomes = [self.search(entry.strategy, entry.params, i) for i in range(self.options.repetitions)]
        each = (time.perf_counter() - started) / self.options.repetitions
        return Result(
            entry.name,
            np.stack([self._by_budget(outcome, outcome.regret) for outcome in outcomes]),
            np.stack([self._by_budget(outcome, outcome.regret_shrunken) for outcome in outcomes]),
            np.stack([self._by_budget(outcome, outcome.seconds) for outcome in outcomes]),
            np.array([outcome.epochs[-1:].sum() / self.table.epochs for outcome in outcomes]),
            sum(outcome.holes for outcome in outcomes),
            each,
            np.stack([self._fronts_by_budget(outcome) for outcome in outcomes]),
        )

    def search(self, strategy: Strategy, params: Mapping[str, Any], repetition: int) -> Outcome:
        """One search, from its beginning to the end of its budget.

        Raises:
            WorkFailed: The strategy fails.
        """
        number = self.options.seed + repetition
        session = Session(self.table, number, self.options.objective, truth=self.truth, allowed=self.allowed)
        search: Search = strategy.make(
            self.space,
            seed=number,
            weights="own",
            epochs=self.table.epochs,
            derive=DeriveOptions(),
            **params,
        )
        if use_macs := getattr(search, "use_macs", None):
            use_macs(self.table.macs)
        drive(search, session, self.options.evaluations * self.table.epochs)
        return session.close()

    def _by_budget(self, outcome: Outcome, curve: np.ndarray) -> np.ndarray:
        """What a curve has come to after one whole training, two, and so on; NaN where there was nothing."""
        budgets = self.table.epochs * np.arange(1, self.options.evaluations + 1)
        if not len(curve):
            return np.full(len(budgets), np.nan)
        return curve[np.searchsorted(outcome.epochs, budgets, side="right") - 1]

    def _fronts_by_budget(self, outcome: Outcome) -> np.ndarray:
        """The share of the front after each budget, of the networks that were trained to the end by then."""
        whole = outcome.lengths == self.table.epochs
        found = []
        for budget in budgets(self.options.evaluations):
            done = whole & (outcome.epochs <= budget * self.table.epochs)
            found.append(self.fronts.share(outcome.rows[done], outcome.figures[done]))
        return np.array(found)


def drive(search: Search, session: Session, epochs: int) -> None:
    """Run a search as the engine does, with a session in place of trainings, until its epochs are spent."""
    idle = generation = 0
    while session.epochs < epochs and idle < PATIENCE:
        proposals = tuple(search.ask(generation))
        if not proposals:
            return
        before = session.evaluations
        fitness: list[float | None] = []
        for proposal in proposals:
            if session.epochs >= epochs:
                return
            fitness.append(proposal.fitness if proposal.fitness is not None else session.propose(proposal))
        search.tell(proposals, fitness)
        idle = 0 if session.evaluations > before else idle + len(proposals)
        generation += 1


def fitted_params(strategy: Strategy, evaluations: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """A strategy's parameters, validated; where it has the parameter ``evaluations`` it gets the budget.

    Raises:
        SpecError: The strategy does not search with own weights, or a parameter does not fit.
    """
    from pydantic import ValidationError

    if "own" not in strategy.searches:
        raise SpecError(
            f"strategy '{strategy.name}' ranks architectures by a supernet; a table has none",
            where="--strategies",
            remedy="Run it with `skelbench run` and place its answer with `skelbench table score`",
        )
    fields = strategy.params.model_fields
    told = {"evaluations": evaluations} if "evaluations" in fields else {}
    if "generations" in fields:
        told["generations"] = evaluations  # the budget ends it
    try:
        model = strategy.params.model_validate({**told, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SpecError(f"strategy '{strategy.name}': {where} {first['msg']}".replace("  ", " ")) from error
    return {name: getattr(model, name) for name in fields}


def run_bench(table: Table, entries: Sequence[Entry], options: BenchOptions) -> list[Result]:
    """Every strategy's repetitions.

    Raises:
        SpecError: See `Field` and `fitted_params`.
        DataError: See `Field`.
    """
    field = Field(table, options)
    fitted = [
        entry._replace(params=fitted_params(entry.strategy, options.evaluations, entry.params))
        for entry in entries
    ]
    return [field.run(entry) for entry in fitted]


def _shrunken_best(table: Table) -> float | None:
    try:
        return measure_quality(table).shrunken_best
    except DataError:
        return None
