"""The search step of a run: a strategy, carried by NNI's engine, to one architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skelbench.check import strategy
from skelbench.engine.complexity import counted_macs
from skelbench.engine.job import Job
from skelbench.engine.journal import Journal
from skelbench.engine.trial import Trials, clear_trials
from skelbench.engine.validate import validate_search
from skelbench.engine.watch import NoiseTwins, Watch
from skelbench.errors import SkelbenchError
from skelbench.results.health import SearchHealth
from skelbench.results.record_parts import Failure, SearchCost
from skelbench.results.store import ARCHITECTURE
from skelbench.search import Proposal, Sample, Search, decode
from skelbench.space.arch import Architecture, NamedArchitecture

SEARCHED = "searched"
NO_SIGNAL = "this search cannot tell its candidates apart"


@dataclass(frozen=True)
class SearchResult:
    """An architecture and what finding it cost.

    Attributes:
        architecture: The architecture.
        cost: The search's cost, None where nothing was searched.
        health: How far the search could tell candidates apart, None likewise.
        failures: Trials that failed.
    """

    architecture: NamedArchitecture
    cost: SearchCost | None = None
    health: SearchHealth | None = None
    failures: tuple[Failure, ...] = ()


def search_architecture(job: Job) -> SearchResult:
    """Search, or read what an interrupted run had found already.

    Raises:
        WorkFailed: Every trial failed.
    """
    reports = _Reports(job)
    journal = reports.journal = Journal(job.folder, reports, _watch(job))
    for place in journal.damaged:
        job.screen.say(f"warning: {place}: the line is damaged; it is kept in a file of its own")
    path = job.folder.path / ARCHITECTURE
    if not path.exists():
        sample = _search(job, journal)
        found = Architecture.of(job.checked.resolved, job.checked.space, SEARCHED, sample)
        job.folder.write_text(ARCHITECTURE, found.to_yaml())
    sample = Architecture.read(path).sample_in(job.checked.space)
    architecture = NamedArchitecture(SEARCHED, "found by search", job.checked.network, sample)
    health = journal.health()
    if health is not None and health.problem:
        job.screen.say(f"warning: {NO_SIGNAL} ({health.problem}); take its answer for a random one")
    return SearchResult(architecture, journal.cost(), health, journal.failures())


def _search(job: Job, journal: Journal) -> Sample:
    spec = job.checked.spec.search
    search = make_search(job)
    job.screen.say(f"searching with {spec.strategy.name} in {job.checked.space.size():,} architectures")
    carry = _on_supernet if spec.strategy.weights == "shared" else _by_trials
    best = carry(job, search, journal)
    sample = best.sample
    if sample is None and best.weights is not None:
        sample = decode(job.checked.space.points, best.weights, spec.derive)
    if sample is None:
        raise SkelbenchError(f"strategy '{spec.strategy.name}' answered with neither sample nor weights")
    return job.checked.space.canonical(sample)


def make_search(job: Job, seed: int | None = None) -> Any:
    """The strategy's search over the spec's space, not yet begun; its form says of what kind.

    Args:
        job: The run.
        seed: Another seed than the run's.
    """
    made = strategy.make_search(job.checked, job.options.seed if seed is None else seed)
    if use_macs := getattr(made, "use_macs", None):
        use_macs(counted_macs(job.checked))
    return validate_search(job.checked.strategy, made)


def _on_supernet(job: Job, search: Any, journal: Journal) -> Proposal:
    from skelbench.engine.supernet import search_with_shared_weights  # NNI, which it needs, takes seconds

    return search_with_shared_weights(job, search, journal, _engine(job))


def _by_trials(job: Job, search: Search, journal: Journal) -> Proposal:
    from skelbench.engine import nas

    spec = job.checked.spec.search
    try:
        return nas.search_by_trials(
            search,
            job.checked.space.points,
            Trials(job),
            journal,
            _engine(job),
            spec.trial_timeout,
            spec.most_failed,
            spec.ahead,
        )
    finally:
        clear_trials(job.folder)


def _engine(job: Job) -> Any:
    engine = job.checked.engine.make(**job.checked.engine_params)
    if advice := getattr(engine, "advice", ""):
        job.screen.say(f"warning: {advice}")
    spec, workers = job.checked.spec.search, getattr(engine, "count", 1)
    at_once = max(spec.ahead, job.checked.strategy_params.get("batch", 1))
    if job.checked.strategy.asks_ahead and spec.strategy.weights == "own" and at_once < workers:
        name = job.checked.strategy.name
        job.screen.say(
            f"note: {name} asks for {at_once} at a time; search.ahead={workers} gives all workers work"
        )
    return engine


def _watch(job: Job) -> Watch:
    spec = job.checked.spec.search
    twins = None
    if job.checked.strategy.form == "ask_tell":
        twins = NoiseTwins(lambda seed: make_search(job, seed), job.options.seed)
    return Watch(spec.fitness, "own" if spec.strategy.weights == "own" else spec.normalisation, twins)


class _Reports:
    """Shows the journal's lines, and says once when the search turns out to have no signal."""

    journal: Journal

    def __init__(self, job: Job) -> None:
        self._job = job
        self._warned = False

    def __call__(self, line: dict[str, Any]) -> None:
        job = self._job
        if line["kind"] == "epoch":
            job.screen.epoch("search", line, job.checked.spec.search.epochs)
        elif line["kind"] == "trial":
            job.screen.trial(line)
            job.registry.hooks.after_trial(trial=line, context=job.context)
        else:
            job.screen.generation(line)
            self._warn()

    def _warn(self) -> None:
        health = self.journal.health()
        problem = "" if health is None else health.problem
        if problem and not self._warned:
            self._job.screen.say(f"warning: so far {NO_SIGNAL} ({problem})")
        self._warned = bool(problem)
