"""Searches by independent trials: each proposal is built and trained by itself."""

from __future__ import annotations

import json
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import nni
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.strategy.base import Strategy

from skelbench.engine.candidates import Evaluation
from skelbench.engine.journal import Generation, Journal
from skelbench.engine.machine import end_run, is_machines
from skelbench.engine.nas.experiment import run_experiment, sequential_engine
from skelbench.engine.nas.pool_engine import PoolEngine
from skelbench.engine.starts import LOST
from skelbench.engine.validate import proposals_of
from skelbench.engine.workers.pool import Pool
from skelbench.engine.workers.work import Answer
from skelbench.errors import WorkFailed, described
from skelbench.host import stopping
from skelbench.search import Point, Proposal, Search
from skelbench.space.build import FrozenTrial, TrialSpace
from skelbench.space.trials import Asked

Evaluate = Callable[[Asked], float | Evaluation]
"""Gives an architecture's fitness, with its answers where there are any (a table has none)."""


def search_by_trials(
    search: Search,
    points: Sequence[Point],
    evaluate: Evaluate,
    journal: Journal,
    engine: Any,
    timeout: float | None = None,
    most_failed: int | None = None,
    ahead: int = 1,
) -> Proposal:
    """Evaluate every proposal as an independent trial of NNI's engine.

    Args:
        search: The search in progress.
        points: The decisions of the space.
        evaluate: Builds and trains one architecture and gives its fitness; it may raise. Workers get it
            by pickle.
        journal: Where trials are written, and read again after an interruption.
        engine: Workers (`skelbench.engine.workers.work.Workers`), or NNI's execution-engine configuration.
        timeout: Seconds after which workers give up a trial; None: never.
        most_failed: The search ends where more trials than this fail; None: where all do.
        ahead: The search is asked for more until so many architectures are being tried.

    Returns:
        The search's answer.

    Raises:
        WorkFailed: Every trial failed, or more than may; workers cannot begin, or the machine failed one.
    """
    strategy = TrialStrategy(search, journal, most_failed, ahead)
    evaluator = FunctionalEvaluator(_Trial(evaluate, strategy))
    if hasattr(engine, "start"):
        pool = PoolEngine(Pool(engine, evaluate, timeout), strategy.ended)
        carried: dict[str, Any] = {"engine": sequential_engine(), "carrier": pool}
    else:
        carried = {"engine": engine}
    run_experiment(TrialSpace(points), evaluator, strategy, **carried, folder=journal.scratch)
    if all(trial["fitness"] is None for trial in journal.trials):
        last = journal.trials[-1].get("error", "") if journal.trials else "none was proposed"
        raise WorkFailed(
            f"every trial failed; the last one with {last}", remedy="See trials.jsonl for tracebacks"
        )
    journal.starts.close()
    return search.best()


class TrialStrategy(Strategy):
    """An NNI strategy that submits what a search asks for, one trial per architecture."""

    def __init__(
        self, search: Search, journal: Journal, most_failed: int | None = None, ahead: int = 1
    ) -> None:
        super().__init__()
        self._search = search
        self._journal = journal
        self._most_failed = most_failed
        self._ahead = ahead
        self._running: dict[str, tuple[int, int, Proposal]] = {}
        self._models: dict[tuple[int, int], Any] = {}
        self.fault: BaseException | None = None
        """What ended a trial through no fault of its own; NNI would go on with the next one."""

    def _run(self) -> None:
        generation, asked = self._journal.load(self._search)
        self._confirm_failures()
        waiting = deque(asked)
        for number, proposals in waiting:
            self._begun(number, proposals)
        while True:
            self._ask(generation, waiting)
            if not waiting:
                return
            _, proposals = waiting.popleft()
            self._search.tell(proposals, self._evaluated(generation, proposals))
            self._journal.generation(generation, self._search.figures())
            self._journal.save(generation, self._search, waiting)
            generation += 1

    def _ask(self, generation: int, waiting: deque[Generation]) -> None:
        """Ask until enough is being tried; told in the order of asking, a search sees not who was fast."""
        while sum(len(proposals) for _, proposals in waiting) < self._ahead:
            number = generation + len(waiting)
            proposals = proposals_of(self._search, number)
            if not proposals:
                return
            waiting.append((number, proposals))
            self._begun(number, proposals)

    def _begun(self, generation: int, proposals: Sequence[Proposal]) -> None:
        """Have tried what is not tried already; the same architecture twice, one after the other."""
        for number, proposal in enumerate(proposals):
            if not self._settled(generation, number, proposal) and _key(proposal) not in self._running:
                self._models[generation, number] = self._submitted(generation, number, proposal)

    def _evaluated(self, generation: int, proposals: Sequence[Proposal]) -> list[float | None]:
        """The fitness of each; what is proposed again while it is being trained waits for that."""
        while any(self._journal.known(generation, number) is None for number in range(len(proposals))):
            self._begun(generation, proposals)
            own = [place for place in self._models if place[0] == generation]
            self.engine.wait_models(*map(self._models.pop, own))
            self._confirm_failures()
        lines = [self._journal.known(generation, number) for number in range(len(proposals))]
        return [line["fitness"] if line else None for line in lines]

    def _settled(self, generation: int, number: int, proposal: Proposal) -> bool:
        """Whether nothing is to be trained; a fitness that is known already is written down then."""
        if self._journal.known(generation, number) is not None:
            return True
        if proposal.fitness is None:  # one seed trains an architecture once and for all
            proposal = replace(proposal, fitness=self._journal.fitness_of(proposal))
        if proposal.fitness is not None:
            self._journal.trial(generation, number, proposal, fitness=proposal.fitness, seconds=0.0)
        elif self._journal.starts.lost(_key(proposal)):
            self._journal.trial(generation, number, proposal, fitness=None, seconds=0.0, error=LOST)
            return True
        return proposal.fitness is not None

    def _confirm_failures(self) -> None:
        """See that no more trials have failed than may.

        Raises:
            WorkFailed: More have.
        """
        failed = self._journal.failures()
        if self._most_failed is not None and len(failed) > self._most_failed:
            what = f"{len(failed)} trials have failed, the last one with {failed[-1].error}"
            raise WorkFailed(what, remedy="See trials.jsonl for tracebacks; search.most_failed allows more")

    def _submitted(self, generation: int, number: int, proposal: Proposal) -> Any:
        self._running[_key(proposal)] = generation, number, proposal
        model = self.model_space.freeze(Asked(dict(proposal.sample or {}), proposal.epochs))
        self.engine.submit_models(model)
        if self.fault is not None:
            end_run(self.fault)
        self._confirm_failures()
        return model

    def begin(self, asked: Asked) -> None:
        """A trial begins in this process, which it may end."""
        self._journal.starts.begin(_key(asked))

    def left(self, asked: Asked, fault: BaseException) -> None:
        """A trial has not come to its end, through no fault of its own.

        A device that has stopped working may have been stopped by the trial: that start counts.
        """
        self.fault = KeyboardInterrupt() if stopping.stopped() else fault
        if type(fault).__name__ != "AcceleratorError":
            self._journal.starts.end(_key(asked))

    def ended(self, asked: Asked, answer: Answer) -> None:
        """Write down what became of a trial."""
        generation, number, proposal = self._running.pop(_key(asked))
        found = None if answer.error else Evaluation.of(answer.value)
        self._journal.trial(
            generation,
            number,
            proposal,
            fitness=None if found is None else found.fitness,
            seconds=answer.seconds,
            answers=None if found is None else found.answers,
            error=answer.error,
            traceback=answer.traceback,
        )

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the journal holds the state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: the journal holds the state."""


class _Trial:
    """What NNI calls for each trial that it runs in this process."""

    def __init__(self, evaluate: Evaluate, strategy: TrialStrategy) -> None:
        self._evaluate = evaluate
        self._strategy = strategy

    def __call__(self, model: FrozenTrial) -> None:
        self._strategy.begin(model.asked)
        try:
            answer, error = self._answer(model.asked)
            self._strategy.ended(model.asked, answer)
        except BaseException as fault:  # of the machine, or there is no room to write the answer down
            self._strategy.left(model.asked, fault)
            raise
        if error is not None:
            raise error
        nni.report_final_result(answer.value.fitness)

    def _answer(self, asked: Asked) -> tuple[Answer, BaseException | None]:
        """A trial's answer, and what it raised; the machine's faults are raised."""
        started = time.perf_counter()
        try:
            found = Evaluation.of(self._evaluate(asked))
        except BaseException as error:  # what a candidate raises is its result; the search goes on
            if is_machines(error) or stopping.stopped():
                raise
            seconds = time.perf_counter() - started
            return Answer(None, described(error), traceback.format_exc(), seconds), error
        return Answer(found, seconds=time.perf_counter() - started), None


def _key(asked: Asked | Proposal) -> str:
    """What is trained once: an architecture, and for how many epochs where they are fewer than usual."""
    whole = json.dumps(asked.sample, sort_keys=True)
    return whole if asked.epochs is None else f"{whole} for {asked.epochs} epochs"
