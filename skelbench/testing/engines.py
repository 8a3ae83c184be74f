"""Conformance suite for execution engines: subclass, name the engine, run pytest."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from skelbench.components import Engine
from skelbench.errors import SpecError, WorkFailed
from skelbench.search import Proposal, Sample
from skelbench.space.trials import Asked
from skelbench.testing.named import NamedComponent
from skelbench.testing.params import checked_params
from skelbench.testing.replay import TabulatedSpace

TRIALS = 4
PATIENCE = 3.0
"""Seconds in which a trial that takes no time is done on a busy machine."""


class EngineConformance(NamedComponent):
    """What every engine must do: carry trials that take no time.

    Attributes:
        params: Parameters of the component, as in a spec.
    """

    kind = "engine"
    params: ClassVar[Mapping[str, Any]] = {}

    def test_unknown_parameters_are_refused(self, component: Engine) -> None:
        """The parameters fit the model, and one more does not."""
        checked_params(component, self.params)
        with pytest.raises(SpecError, match="no_such_parameter"):
            checked_params(component, {**self.params, "no_such_parameter": 1})

    def test_it_carries_trials(self, component: Engine, tmp_path: Path) -> None:
        """Each architecture asked for is evaluated once, and each gets the fitness of its own."""
        space = TabulatedSpace.of_choices(1, TRIALS)
        search = Listed(space)
        best = self.carry(component, search, Rating(space), tmp_path)
        assert search.told == {str(sample): space.fitness(sample) for sample in space.enumerate()}
        assert best.fitness == space.table.max()

    def test_a_failed_trial_is_one_trial(self, component: Engine, tmp_path: Path) -> None:
        """What a trial raises is told as a failure, and the others go on."""
        space = TabulatedSpace.of_choices(1, TRIALS)
        search, first = Listed(space), next(space.enumerate())
        self.carry(component, search, Failing(space, first), tmp_path)
        failed = [name for name, fitness in search.told.items() if fitness is None]
        assert failed == [str(first)]
        assert len(search.told) == TRIALS

    def test_the_failure_of_all_is_told(self, component: Engine, tmp_path: Path) -> None:
        """A search without one fitness has no answer."""
        space = TabulatedSpace.of_choices(1, TRIALS)
        with pytest.raises(WorkFailed, match="this one fails"):
            self.carry(component, Listed(space), Failing(space), tmp_path)

    def test_a_trial_that_ends_its_process_is_one_trial(self, component: Engine, tmp_path: Path) -> None:
        """Where there are workers, one that dies is replaced, and its trial fails when it does so again."""
        if not component.workers:
            pytest.skip("the engine has no workers")
        space = TabulatedSpace.of_choices(1, TRIALS)
        search, first = Listed(space), next(space.enumerate())
        self.carry(component, search, Failing(space, first, fatal=True), tmp_path)
        assert [name for name, fitness in search.told.items() if fitness is None] == [str(first)]
        assert len(search.told) == TRIALS

    def test_a_trial_that_hangs_is_one_trial(self, component: Engine, tmp_path: Path) -> None:
        """Where there are workers, a trial fails that is not done in time."""
        if not component.workers:
            pytest.skip("the engine has no workers")
        space = TabulatedSpace.of_choices(1, TRIALS)
        search, first = Listed(space), next(space.enumerate())
        self.carry(component, search, Hanging(space, first), tmp_path, timeout=PATIENCE)
        assert [name for name, fitness in search.told.items() if fitness is None] == [str(first)]
        assert len(search.told) == TRIALS

    def carry(
        self, component: Engine, search: Listed, evaluate: Any, folder: Path, timeout: float | None = None
    ) -> Proposal:
        """A whole search by the engine, in a run folder of its own."""
        from skelbench.engine.journal import Journal  # late: NNI takes seconds
        from skelbench.engine.nas import search_by_trials
        from skelbench.results.store import RunFolder

        engine = component.load()(**checked_params(component, self.params))
        journal = Journal(RunFolder.create(folder, "engine", "0" * 64, 0))
        return search_by_trials(search, search.space.points, evaluate, journal, engine, timeout)


@dataclass(frozen=True)
class Rating:
    """Gives the fitness of a table.

    Attributes:
        space: The table.
    """

    space: TabulatedSpace

    def __call__(self, asked: Asked) -> float:
        """The fitness of an architecture."""
        return self.space.fitness(asked.sample)


@dataclass(frozen=True)
class Failing:
    """Gives the fitness of a table, but not of every architecture.

    Attributes:
        space: The table.
        which: The architecture that fails; None: all of them.
        fatal: It ends the process instead.
    """

    space: TabulatedSpace
    which: Sample | None = None
    fatal: bool = False

    def __call__(self, asked: Asked) -> float:
        """The fitness, if all is well."""
        if self.which in (None, asked.sample) and self.fatal:
            os._exit(1)
        if self.which in (None, asked.sample):
            raise ValueError("this one fails")
        return self.space.fitness(asked.sample)


@dataclass(frozen=True)
class Hanging:
    """Gives the fitness of a table, of one architecture after an hour.

    Attributes:
        space: The table.
        which: The architecture that takes so long.
    """

    space: TabulatedSpace
    which: Sample

    def __call__(self, asked: Asked) -> float:
        """The fitness in the end."""
        if asked.sample == self.which:
            time.sleep(3600)
        return self.space.fitness(asked.sample)


class Listed:
    """A search that asks for every architecture at once (implements `skelbench.search.Search`).

    Args:
        space: A small space.

    Attributes:
        space: The space.
        told: By architecture the fitness that it was told.
    """

    def __init__(self, space: TabulatedSpace) -> None:
        self.space = space
        self.told: dict[str, float | None] = {}
        self._best = Proposal()

    def training_weights(self, epoch: int) -> Any:
        """Nothing: trials have weights of their own."""
        raise TypeError("this search is for independent trials")

    def ask(self, generation: int) -> Sequence[Proposal]:
        """Everything in the first generation."""
        return [] if generation else [Proposal(sample) for sample in self.space.enumerate()]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Keep it all."""
        for proposal, value in zip(proposals, fitness, strict=True):
            self.told[str(proposal.sample)] = value
            if value is not None and (self._best.fitness is None or value > self._best.fitness):
                self._best = Proposal(proposal.sample, fitness=value)

    def best(self) -> Proposal:
        """The best one told of."""
        return self._best

    def figures(self) -> dict[str, Any]:
        """How many were told."""
        return {"evaluated": len(self.told)}

    def state(self) -> dict[str, Any]:
        """What was told."""
        return {"told": self.told}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self.told = dict(state["told"])
