"""What a run leaves as evidence: its identity and its record."""

from __future__ import annotations

import datetime
from typing import Any

from pydantic_core import to_jsonable_python
from torch import nn

from skelbench.check.checked import Checked
from skelbench.data.dataset import Clips, Recordings
from skelbench.data.video.dataset import Videos
from skelbench.engine.complexity import complexity
from skelbench.engine.identity import SCHEME, defining_hash
from skelbench.engine.job import Job
from skelbench.engine.origin import origin_of
from skelbench.engine.search import SearchResult
from skelbench.layers import prepare_for_inference
from skelbench.results.record import Record
from skelbench.results.record_parts import (
    ClipCounts,
    Environment,
    Latency,
    RunIdentity,
    StrategyUsed,
    Training,
)
from skelbench.training.cost import latency
from skelbench.training.fit import FitResult
from skelbench.training.seed import environment


def make_record(
    job: Job, found: SearchResult, network: nn.Module, trained: FitResult, metrics: dict[str, float]
) -> Record:
    """The record of a finished run."""
    checked, spec = job.checked, job.checked.spec
    split, data = job.data.fingerprints
    return Record(
        spec=spec.name,
        spec_hash=defining_hash(checked, None if found.cost else found.architecture, job.given),
        space=spec.name,
        model=found.architecture.name,
        architecture=found.architecture.hash[:12],
        choices=found.architecture.sample,
        strategy=_strategy(checked) if found.cost else None,
        plugins=job.registry.versions(),
        dataset=checked.dataset.name,
        layout=checked.layout.name,
        protocol=checked.protocol,
        stream=checked.stream,
        split_fingerprint=split,
        data_fingerprint=data,
        clips=_counts(job),
        seed=job.options.seed,
        selection=spec.evaluate.selection,
        views=spec.evaluate.views * spec.evaluate.crops,
        clip=checked.clip_options(),
        metrics=metrics,
        latency=measure_latency(job, network),
        search=found.cost,
        health=found.health,
        training=_training(trained),
        environment=Environment(**environment(job.device)),
        synthetic=job.data.clips.synthetic,
        left_out=_left_out(job.data.clips),
        profile=checked.resolved.profile,
        date=datetime.datetime.now(datetime.UTC).date(),
        run=job.folder.name,
        failures=found.failures,
        started_from={name: run.name for name, run in job.sources.items()},
        pretrained_on=_pretrained_on(job),
        identity=RunIdentity(scheme=SCHEME, hash=job.folder.spec_hash),
        origin=origin_of(job, None if found.cost else found.architecture),
        **complexity(network, checked.clip_shape()),
    )


def _left_out(recordings: Recordings) -> tuple[str, ...]:
    """What of the data set was not used; of videos how many, as their paths are nobody else's business."""
    if isinstance(recordings, Videos):
        count = len(recordings.left_out)
        return (f"{count} videos are missing or cannot be used",) if count else ()
    return recordings.left_out if isinstance(recordings, Clips) else ()


def _pretrained_on(job: Job) -> str:
    """The other data sets that the weights which training began with have learned from."""
    learned = {run.finished().dataset for run in job.sources.values()} - {job.checked.dataset.name}
    return "+".join(sorted(learned))


def _strategy(checked: Checked) -> StrategyUsed:
    chosen = checked.spec.search.strategy
    params: dict[str, Any] = {"weights": chosen.weights, "epochs": checked.spec.search_options().epochs}
    return StrategyUsed(name=chosen.name, params=to_jsonable_python({**params, **checked.strategy_params}))


def _counts(job: Job) -> ClipCounts:
    split = job.data.split
    if job.checked.spec.evaluate.selection == "last":
        return ClipCounts(train=len(split.whole_train), validation=0, test=len(split.test))
    return ClipCounts(train=len(split.train), validation=len(split.validation), test=len(split.test))


def _training(trained: FitResult) -> Training:
    return Training(
        epochs=trained.epochs,
        seconds=trained.seconds,
        lr=trained.lr,
        batch_size=trained.batch_size,
        precision=trained.precision,
    )


def measure_latency(job: Job, network: nn.Module) -> Latency:
    """Median time of one test clip on the run's device, of the network prepared for inference."""
    clips, _, _ = next(iter(job.data.test_loader()))
    timed = latency(prepare_for_inference(network), clips, job.device)
    return Latency(ms=timed.ms, device=timed.device, threads=timed.threads, batch=1)
