"""The search step of a run: a strategy, carried by NNI's engine, to one architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from skelbench.engine.candidates import Comparison
from skelbench.engine.job import Job
from skelbench.engine.journal import Journal
from skelbench.engine.trial import Trials, clear_trials
from skelbench.engine.validate import validate_search
from skelbench.engine.watch import NoiseTwins, Watch
from skelbench.errors import SkelbenchError, SpecError
from skelbench.recipe import TrainOptions
from skelbench.results.health import SearchHealth
from skelbench.results.record import Failure, SearchCost
from skelbench.results.store import ARCHITECTURE
from skelbench.search import Proposal, Sample, Search, decode
from skelbench.space.arch import Architecture, NamedArchitecture
from skelbench.training.batches import KeptBatches, LazyLoader
from skelbench.training.devices import precision_name, single_precision
from skelbench.training.fit import LAST, Epochs
from skelbench.training.seed import seed_everything
from skelbench.training.trainer import quiet, trainer_arguments

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
    spec = job.checked.spec.search
    search = job.checked.strategy.make(
        job.checked.space,
        seed=job.options.seed if seed is None else seed,
        weights=spec.strategy.weights,
        epochs=spec.epochs,
        derive=spec.derive,
        **job.checked.strategy_params,
    )
    return validate_search(job.checked.strategy, search)


def _on_supernet(job: Job, search: Any, journal: Journal) -> Proposal:
    from skelbench.engine import nas
    from skelbench.space.build import SupernetSpace

    spec, options = job.checked.spec, job.checked.spec.search_options()
    _refuse_untrainable(options, job.checked.strategy.form)
    folder = job.folder.checkpoints / "search"
    folder.mkdir(exist_ok=True)
    seed_everything(job.options.seed)
    loader = job.data.train_loader(options, whole=False)
    held_out = job.data.inference_loader(spec.evaluate.batch_size)
    device = torch.device("cuda", 0) if job.device == "cuda" else None
    tf32 = precision_name(options.precision, job.options.accelerator) == "tf32"
    bar = job.screen.bar("search", options.epochs * len(loader))
    with bar as advance, quiet(), single_precision(tf32):
        epochs = Epochs(folder, None, journal.epoch, advance)
        trainer = trainer_arguments(options, job.options.accelerator)
        training = nas.SupernetJob(
            points=job.checked.space.points,
            options=options,
            trainer={**trainer, "callbacks": [epochs]},
            loader=LazyLoader(loader, device),
            validation=KeptBatches(job.data.validation_loader(spec.evaluate.batch_size)),
            active=spec.search.active,
            seed=job.options.seed,
            clip_shape=job.checked.clip_shape(),
            alphas=LazyLoader(job.data.alpha_loader(options), device),
            inference=None if held_out is None else KeptBatches(held_out),
            checkpoint=folder / LAST if (folder / LAST).exists() else None,
            comparison=Comparison.of(spec.search),
        )
        supernet = SupernetSpace(job.checked.search_network, job.checked.context())
        best = _carry(job, search, supernet, training, journal)
    for row in epochs.history:  # a crash between checkpoint and journal may have lost a line
        journal.epoch(row)
    return best


def _refuse_untrainable(options: TrainOptions, form: str) -> None:
    """See that a supernet can be trained by a recipe.

    Raises:
        SpecError: It cannot.
    """
    if options.precision == "16":
        raise SpecError(
            "a supernet is not trained in half precision, whose scaled gradients a search would mistake",
            where="search.train.precision",
            remedy="Set search.train.precision to bf16",
        )
    if options.accumulate > 1 and form == "oneshot":
        raise SpecError(
            "NNI's one-shot strategies make a step of every batch",
            where="search.train.accumulate",
            remedy="Set search.train.accumulate to 1",
        )


def _carry(job: Job, search: Any, supernet: Any, training: Any, journal: Journal) -> Proposal:
    """Train the supernet in the way that the form of the search asks for."""
    from skelbench.engine import nas

    form, engine = job.checked.strategy.form, _engine(job)
    if form == "oneshot":
        return nas.search_by_oneshot(search, job.checked.space, supernet, training, journal, engine)
    module = nas.GradientModule if form == "gradient" else nas.SupernetModule
    return nas.search_on_supernet(search, supernet, training, journal, engine, module)


def _by_trials(job: Job, search: Search, journal: Journal) -> Proposal:
    from skelbench.engine import nas

    spec = job.checked.spec.search
    try:
        return nas.search_by_trials(
            search, job.checked.space.points, Trials(job), journal, _engine(job), spec.trial_timeout
        )
    finally:
        clear_trials(job.folder)


def _engine(job: Job) -> Any:
    engine = job.checked.engine.make(**job.checked.engine_params)
    if advice := getattr(engine, "advice", ""):
        job.screen.say(f"warning: {advice}")
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
