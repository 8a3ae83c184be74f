"""One trial: an architecture trained by itself, here or in a worker, and its fitness."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from skelbench.engine.candidates import Comparison, Evaluation
from skelbench.engine.job import Job, RunOptions
from skelbench.engine.reopen import open_job
from skelbench.host.processes import limit_memory
from skelbench.layers import prepare_for_inference
from skelbench.results.leftovers import TRIAL
from skelbench.results.store import RunFolder
from skelbench.space.network import build_network
from skelbench.space.trials import Asked
from skelbench.training.fit import fit
from skelbench.training.proxies import rate
from skelbench.training.seed import seed_everything


class Trials:
    """Gives the worth of an architecture.

    Sent to another process it opens the run there anew: recordings are read from their store, not sent.

    Args:
        job: The run in progress.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._folder = Path(mkdtemp(prefix=TRIAL, dir=job.folder.checkpoints))

    def __call__(self, asked: Asked) -> Evaluation:
        """One architecture on the validation clips, trained by itself on the rest of the training split.

        By a proxy: of the network untrained, on the first training batch.
        """
        job = self._job
        options = job.checked.spec.search_options()
        options = options.model_copy(update={"epochs": asked.epochs or options.epochs})
        seed_everything(job.options.seed)
        network = build_network(job.checked.search_network, asked.sample, job.checked.context())
        loader = job.data.train_loader(options, whole=False)
        if job.checked.spec.search.proxy is not None:
            x, y, *_ = next(iter(loader))
            return Evaluation(rate(job.checked.spec.search.proxy, network, x, y))
        accelerator = job.options.accelerator
        fit(network, options, loader, folder=self._folder, accelerator=accelerator, resume=False)
        validation = job.data.validation_loader(job.checked.spec.evaluate.batch_size)
        return Comparison.of(job.checked.spec.search).by_itself(prepare_for_inference(network), validation)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_trials, (self._job.folder.path.resolve(), self._job.options)


def open_trials(path: Path, options: RunOptions) -> Trials:
    """The trials of a run that another process has begun.

    Args:
        path: Its folder.
        options: What the command line adds.
    """
    job = open_job(path, options)
    if job.checked.spec.search.trial_memory is not None:
        limit_memory(job.checked.spec.search.trial_memory)
    return Trials(job)


def clear_trials(folder: RunFolder) -> None:
    """Remove what trials have left: their checkpoints are of no use once they have ended."""
    for path in folder.checkpoints.glob(f"{TRIAL}*"):
        shutil.rmtree(path, ignore_errors=True)
