"""One search on a table: it sees validation figures of one seed, and its worth is told at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skelbench.errors import DataError, SpecError
from skelbench.search import Proposal, Sample
from skelbench.tables.space import Key, key_of
from skelbench.tables.table import Objective, Table


@dataclass(frozen=True)
class Outcome:
    """What a search was worth.

    Attributes:
        evaluations: Architectures that were evaluated.
        incumbents: After each evaluation, the row of the network that was best on validation so far.
        regret: After each evaluation, by how many points of test top-1 the incumbent is below the best.
        regret_shrunken: The same against the best with its luck taken out.
        seconds: Seconds of training up to each evaluation.
        epochs: Epochs of training up to each evaluation.
        rows: The network of each evaluation.
        figures: What each evaluation gave.
        lengths: Epochs of the training that each evaluation is of.
        holes: How often an architecture was asked for that was not measured.
    """

    evaluations: int
    incumbents: np.ndarray
    regret: np.ndarray
    regret_shrunken: np.ndarray
    seconds: np.ndarray
    epochs: np.ndarray
    rows: np.ndarray
    figures: np.ndarray
    lengths: np.ndarray
    holes: int

    @property
    def final(self) -> float:
        """The regret at the end; NaN where nothing was evaluated."""
        return float(self.regret[-1]) if len(self.regret) else float("nan")


class Paid(NamedTuple):
    """One evaluation that was paid for.

    Attributes:
        row: Its network.
        figure: What it gave.
        incumbent: The network that was best on validation then.
        seconds: Seconds of its training.
        epochs: Epochs of training up to it.
        length: Epochs of its own training.
    """

    row: Any
    figure: Any
    incumbent: Any
    seconds: Any
    epochs: Any
    length: Any


class Truth:
    """What the incumbents of many sessions are held against, taken from a table once.

    Args:
        table: The table.
        allowed: Rows that an answer may have; None for all that are trained.
        shrunken_best: See `skelbench.tables.quality.Quality`; None is the plain best.
    """

    def __init__(
        self, table: Table, allowed: np.ndarray | None = None, shrunken_best: float | None = None
    ) -> None:
        self._test = table.truth
        usable = table.trained if allowed is None else table.trained & allowed
        if not usable.any():
            raise DataError(f"the table {table.name} has no architecture to search for")
        self.best = float(self._test[usable].max())
        self.shrunken_best = self.best if shrunken_best is None else shrunken_best

    def outcome(self, paid: Sequence[Paid], holes: int) -> Outcome:
        """What a session's incumbents were worth."""
        columns = [np.array(column) for column in zip(*paid, strict=True)] or [np.empty(0)] * len(
            Paid._fields
        )
        told = Paid(*columns)
        incumbents = told.incumbent.astype(int)
        test = self._test[incumbents]
        return Outcome(
            len(paid),
            incumbents,
            self.best - test,
            self.shrunken_best - test,
            np.cumsum(told.seconds),
            told.epochs.astype(int),
            told.row.astype(int),
            told.figure.astype(float),
            told.length.astype(int),
            holes,
        )


class Session:
    """A search in progress.

    A repetition's number fixes which seed's trainings it sees, whatever searches. An architecture that was
    evaluated before costs nothing; one that was evaluated for fewer epochs costs the rest. Two architectures
    that are one network are trained twice, as a run would train them.

    Args:
        table: The table.
        repetition: The number.
        objective: What evaluations give.
        truth: Shared by sessions of one table; made where it is None.
        allowed: Rows that may be evaluated; None for all that are trained.
    """

    def __init__(
        self,
        table: Table,
        repetition: int = 0,
        objective: Objective = "cross_entropy",
        *,
        truth: Truth | None = None,
        allowed: np.ndarray | None = None,
    ) -> None:
        if repetition < 0:
            raise SpecError(f"there is no repetition {repetition}", remedy="Count from 0")
        self._table, self._objective = table, objective
        self._truth = truth or Truth(table, allowed)
        self._allowed = table.trained if allowed is None else table.trained & allowed
        self.seed = repetition % len(table.seeds)
        self._shown: dict[int, np.ndarray] = {}
        self._spent: dict[int, np.ndarray] = {}
        self._known: dict[Key, int] = {}
        self._paid: list[Paid] = []
        self._best = (0, float("-inf"))
        self._holes = 0

    @property
    def evaluations(self) -> int:
        """Evaluations that were paid for."""
        return len(self._paid)

    @property
    def epochs(self) -> int:
        """Epochs of training that were paid for."""
        return self._paid[-1].epochs if self._paid else 0

    def evaluate(self, sample: Sample, epochs: int | None = None) -> float:
        """The validation figure of a canonical architecture, higher is better.

        Args:
            sample: The architecture.
            epochs: One of the table's fidelities; None is a whole training.

        Raises:
            SpecError: It is not of the space, or there is no such fidelity.
            DataError: It is a hole.
        """
        row = self._table.row(sample)
        if not self._allowed[row]:
            raise DataError(f"{sample} is not among the architectures that may be searched")
        return self._value(key_of(sample), row, self._fidelity(epochs))

    def propose(self, proposal: Proposal) -> float | None:
        """The figure of a proposal; None, as of a failed trial, where the table has a hole."""
        if proposal.sample is None:
            raise SpecError("a proposal has no sample, and a table knows architectures alone")
        try:
            return self.evaluate(proposal.sample, proposal.epochs)
        except DataError:
            self._holes += 1
            return None

    def _value(self, asked: Key, row: int, epochs: int) -> float:
        """The figure of a row after some epochs, as the architecture that was asked for."""
        value = float(self._column(row, epochs))
        before = self._known.get(asked, 0)
        if epochs > before:
            self._known[asked] = epochs
            self._pay(row, epochs, before, value)
        return value

    def close(self) -> Outcome:
        """What the search was worth; it is told nothing before."""
        return self._truth.outcome(self._paid, self._holes)

    def _fidelity(self, epochs: int | None) -> int:
        if epochs is None:
            return self._table.epochs
        if epochs not in self._table.fidelities:
            known = ", ".join(map(str, self._table.fidelities))
            raise SpecError(f"the table has no trainings of {epochs} epochs", remedy=f"It has {known}")
        return epochs

    def _column(self, row: int, epochs: int) -> float:
        if epochs not in self._shown:
            self._shown[epochs] = self._table.validation(self._objective, epochs)[:, self.seed]
            self._spent[epochs] = self._table.seconds(epochs)[:, self.seed]
        return float(self._shown[epochs][row])

    def _pay(self, row: int, epochs: int, before: int, value: float) -> None:
        spent = float(self._spent[epochs][row])
        if before:
            spent -= float(self._spent[before][row])
        better = (epochs, value) > self._best  # longer trainings count before shorter ones
        incumbent = row if better else self._paid[-1].incumbent
        self._paid.append(Paid(row, value, incumbent, spent, self.epochs + epochs - before, epochs))
        self._best = max(self._best, (epochs, value))
