"""A search with shared weights: the run's supernet, and the workers that evaluate candidates on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from skelbench.engine import nas
from skelbench.engine.candidates import Comparison, Evaluation
from skelbench.engine.job import Job, RunOptions
from skelbench.engine.journal import Journal
from skelbench.engine.reopen import open_job
from skelbench.engine.workers.pool import Pool
from skelbench.errors import RunFolderError
from skelbench.results.sums import confirm_sum
from skelbench.search import Proposal, Sample, as_weights
from skelbench.space.build import SupernetSpace
from skelbench.training.batches import KeptBatches, LazyLoader
from skelbench.training.checkpoint import newest, stored
from skelbench.training.devices import precision_name, single_precision
from skelbench.training.fit import LAST, Epochs
from skelbench.training.seed import seed_everything
from skelbench.training.trainer import quiet, trainer_arguments


def search_with_shared_weights(job: Job, search: Any, journal: Journal, engine: Any) -> Proposal:
    """Train the run's supernet under a search.

    Args:
        job: The run.
        search: The search in progress.
        journal: Where epochs and trials are written.
        engine: Workers, which evaluate the candidates of a generation side by side
            (`skelbench.engine.workers.work.Workers`), or NNI's execution-engine configuration.

    Returns:
        The search's answer.

    Raises:
        WorkFailed: The supernet diverges, or workers cannot do their part.
    """
    options = job.checked.spec.search_options()
    folder = _folder(job)
    folder.mkdir(exist_ok=True)
    seed_everything(job.options.seed)
    bar = job.screen.bar("search", options.epochs * len(job.data.train_loader(options, whole=False)))
    with bar as advance, quiet(), single_precision(_tf32(job)), _workers(job, engine) as workers:
        epochs = Epochs(folder, None, journal.epoch, advance)
        training = supernet_job(job, callbacks=[epochs], workers=workers)
        supernet = SupernetSpace(job.checked.search_network, job.checked.context())
        carrier = engine if workers is None else nas.sequential_engine()
        if job.checked.strategy.form == "oneshot":
            best = nas.search_by_oneshot(search, job.checked.space, supernet, training, journal, carrier)
        else:
            gradient = job.checked.strategy.form == "gradient"
            module = nas.GradientModule if gradient else nas.SupernetModule
            best = nas.search_on_supernet(search, supernet, training, journal, carrier, module)
    for row in epochs.history:  # a crash between checkpoint and journal may have lost a line
        journal.epoch(row)
    return best


def supernet_job(
    job: Job, callbacks: list[Any] | None = None, workers: nas.CandidatePool | None = None
) -> nas.SupernetJob:
    """What it takes to train a run's supernet, and to evaluate candidates on it.

    Args:
        job: The run.
        callbacks: Lightning's, told of steps and epochs.
        workers: See `skelbench.engine.nas.SupernetJob`.
    """
    spec, options = job.checked.spec, job.checked.spec.search_options()
    held_out = job.data.inference_loader(spec.evaluate.batch_size)
    mixed = spec.search.reject_early is not None
    device = torch.device("cuda", 0) if job.device == "cuda" else None
    trainer = trainer_arguments(options, job.options.accelerator)
    return nas.SupernetJob(
        points=job.checked.space.points,
        options=options,
        trainer={**trainer, "callbacks": callbacks or []},
        loader=LazyLoader(job.data.train_loader(options, whole=False), device),
        validation=KeptBatches(job.data.validation_loader(spec.evaluate.batch_size, mixed=mixed)),
        active=spec.search.active,
        seed=job.options.seed,
        clip_shape=job.checked.clip_shape(),
        alphas=LazyLoader(job.data.alpha_loader(options), device),
        inference=None if held_out is None else KeptBatches(held_out),
        checkpoint=newest(_folder(job) / LAST, job.screen.say),
        comparison=Comparison.of(spec.search),
        workers=workers,
    )


class SupernetCandidates:
    """What a worker does with a candidate of a run's supernet.

    Sent to another process it opens the run there anew, and takes the weights from their file.

    Args:
        job: The run in progress.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    @cached_property
    def supernet(self) -> nas.FrozenSupernet:
        """The supernet in this process."""
        job = self._job
        space = SupernetSpace(job.checked.search_network, job.checked.context())
        return nas.FrozenSupernet(space, supernet_job(job), torch.device(job.device), _tf32(job))

    def __call__(self, candidate: nas.Candidate) -> Evaluation:
        """What it is worth."""
        return self.supernet.evaluate(candidate)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_candidates, (self._job.folder.path.resolve(), self._job.options)


def open_candidates(path: Path, options: RunOptions) -> SupernetCandidates:
    """`SupernetCandidates` of a run that another process has begun.

    Args:
        path: Its folder.
        options: What the command line adds.
    """
    candidates = SupernetCandidates(open_job(path, options))
    candidates.supernet  # noqa: B018 - built before the worker says that it can begin
    return candidates


def stored_supernet(job: Job, scratch: Path) -> Callable[[Sample], Evaluation]:
    """Rates architectures on the supernet of a run whose search has ended, as the search did.

    Args:
        job: The run.
        scratch: A folder for its weights, in use as long as what is returned.

    Raises:
        RunFolderError: The supernet is gone or was changed since, or was trained in a way in which single
            architectures cannot be rated on it.
    """
    path = newest(_folder(job) / LAST, job.screen.say)
    if path is None:
        remedy = "Run the search again with --no-resume"
        raise RunFolderError("the supernet of this run is gone", where=_folder(job), remedy=remedy)
    confirm_sum(job.folder.path, path.relative_to(job.folder.path).as_posix())
    content: Any = stored(path)
    inner = "training_module."
    state = {k.removeprefix(inner): x for k, x in content["state_dict"].items() if k.startswith(inner)}
    frozen = scratch / "supernet.pt"
    torch.save(state, frozen)
    supernet, points = SupernetCandidates(job).supernet, job.checked.space.points

    def rate(sample: Sample) -> Evaluation:
        try:
            weights = as_weights(points, sample)
            return supernet.evaluate(nas.Candidate(content["epoch"], frozen, weights))
        except RuntimeError as error:
            what = f"no architecture can be rated on the supernet of strategy '{job.checked.strategy.name}'"
            raise RunFolderError(what, where=path, remedy="Diagnose a run of another strategy") from error

    return rate


@contextmanager
def _workers(job: Job, engine: Any) -> Iterator[nas.CandidatePool | None]:
    """Workers for candidates, where the engine has any; they begin with the first generation."""
    if not hasattr(engine, "start"):
        yield None
        return
    with Pool(engine, SupernetCandidates(job)) as pool:
        candidates = nas.CandidatePool(pool, _folder(job).resolve())
        try:
            yield candidates
        finally:
            candidates.clear()


def _folder(job: Job) -> Path:
    return job.folder.checkpoints / "search"


def _tf32(job: Job) -> bool:
    return precision_name(job.checked.spec.search_options().precision, job.options.accelerator) == "tf32"
