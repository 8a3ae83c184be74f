"""Searches by independent trials: each proposal is built and trained by itself."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import nni
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.strategy.base import Strategy

from skelbench.engine.journal import Journal
from skelbench.engine.nas.experiment import run_experiment
from skelbench.engine.validate import proposals_of
from skelbench.errors import WorkFailed
from skelbench.search import Point, Proposal, Sample, Search
from skelbench.space.build import FrozenTrial, TrialSpace

Evaluate = Callable[[Sample], float]


def search_by_trials(
    search: Search, points: Sequence[Point], evaluate: Evaluate, journal: Journal, engine: Any
) -> Proposal:
    """Evaluate every proposal as an independent trial of NNI's engine.

    Args:
        search: The search in progress.
        points: The decisions of the space.
        evaluate: Builds and trains one architecture and gives its fitness; it may raise.
        journal: Where trials are written, and read again after an interruption.
        engine: NNI's execution-engine configuration.

    Returns:
        The search's answer.

    Raises:
        WorkFailed: Every trial failed.
    """
    strategy = TrialStrategy(search, journal)
    evaluator = FunctionalEvaluator(_Trial(evaluate, strategy))
    run_experiment(TrialSpace(points), evaluator, strategy, engine)
    if all(trial["fitness"] is None for trial in journal.trials):
        last = journal.trials[-1].get("error", "") if journal.trials else "none was proposed"
        raise WorkFailed(
            f"every trial failed; the last one with {last}", remedy="See trials.jsonl for tracebacks"
        )
    return search.best()


class TrialStrategy(Strategy):
    """An NNI strategy that submits what a search asks for, one trial per proposal."""

    def __init__(self, search: Search, journal: Journal) -> None:
        super().__init__()
        self._search = search
        self._journal = journal
        self._failure: tuple[str, str] = ("", "")

    def _run(self) -> None:
        generation = self._journal.load(self._search)
        while proposals := proposals_of(self._search, generation):
            fitness = [self._fitness(generation, i, p) for i, p in enumerate(proposals)]
            self._search.tell(proposals, fitness)
            self._journal.generation(generation, self._search.figures())
            self._journal.save(generation, self._search)
            generation += 1

    def _fitness(self, generation: int, number: int, proposal: Proposal) -> float | None:
        known = self._journal.known(generation, number)
        if known is not None:
            return known["fitness"]
        if proposal.fitness is None:  # one seed trains an architecture once and for all
            proposal = replace(proposal, fitness=self._journal.fitness_of(proposal.sample))
        if proposal.fitness is not None:
            self._journal.trial(generation, number, proposal, fitness=proposal.fitness, seconds=0.0)
            return proposal.fitness
        started, self._failure = time.perf_counter(), ("", "")
        model = self.model_space.freeze(proposal.sample)
        self.engine.submit_models(model)
        self.engine.wait_models(model)
        error, trace = self._failure
        seconds = time.perf_counter() - started
        self._journal.trial(
            generation, number, proposal, fitness=model.metric, seconds=seconds, error=error, traceback=trace
        )
        return model.metric

    def failed(self, error: Exception) -> None:
        """Keep the failure of the running trial for the journal."""
        self._failure = (f"{type(error).__name__}: {error}", traceback.format_exc())

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the journal holds the state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: the journal holds the state."""


class _Trial:
    """What NNI calls for each submitted trial."""

    def __init__(self, evaluate: Evaluate, strategy: TrialStrategy) -> None:
        self._evaluate = evaluate
        self._strategy = strategy

    def __call__(self, model: FrozenTrial) -> None:
        try:
            nni.report_final_result(float(self._evaluate(model.sample)))
        except Exception as error:  # whatever a trial raises is its result; the search goes on
            self._strategy.failed(error)
            raise
