"""Diagnosing a search: architectures rated as it rates them, then trained by themselves."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.console import Screen
from skelbench.engine.candidates import Comparison, Evaluation
from skelbench.engine.job import Job
from skelbench.engine.reopen import reopen
from skelbench.engine.supernet import stored_supernet
from skelbench.errors import DataError, SpecError
from skelbench.layers import prepare_for_inference
from skelbench.results import journal
from skelbench.results.diagnosis import FEWEST, Diagnosis, Judged, spread_out
from skelbench.results.lock import exclusive
from skelbench.search import Sample
from skelbench.space.network import build_network
from skelbench.tables.catalog import open_table
from skelbench.training.fit import fit
from skelbench.training.seed import seed_everything

FOLDER, JOURNAL = "diagnosis", "journal.jsonl"
_SEED = 20_261_127
"""Of the draw of architectures: other than any run's, so that none is drawn that a search began with."""


@dataclass(frozen=True)
class DiagnoseOptions:
    """What the command line says.

    Attributes:
        data: Where the recordings are now; None: where the run had them.
        train: How many architectures are trained by themselves.
        seeds: Trainings of each.
        rated: How many are drawn at random and rated by the supernet.
        table: A table whose trainings are taken in the place of new ones; all that it holds are rated.
    """

    data: Path | None = None
    train: int = 12
    seeds: int = 1
    rated: int = 60
    table: str | None = None


def diagnose(path: Path, options: DiagnoseOptions) -> Diagnosis:
    """Hold a search's fitness against what architectures reach when they are trained by themselves.

    Architectures are drawn at random and rated on the stored supernet, or taken from the journal of a search
    that trained each candidate by itself. Of these some, spread over the whole range of fitness, are trained
    by the spec's recipe without the validation clips, and tell their top-1 there. The test split has no part
    in it. All is kept in the run's folder, and the same command goes on where it stopped.

    Args:
        path: A finished run that searched.
        options: What the command line says.

    Raises:
        SpecError: There are too few architectures.
        RunFolderError: The run has not searched, or its supernet is gone.
        DataError: The recordings or the table are others than the run's.
    """
    job = reopen(path, options.data).job
    search = job.checked.spec.search
    own = search.strategy.weights == "own"
    folder = job.folder.path / FOLDER
    folder.mkdir(exist_ok=True)
    by = "accuracy" if search.fitness == "accuracy" else "cross-entropy"
    with exclusive(folder / "lock"):
        if options.table is not None:
            return _by_table(job, options.table, f"{by} on the supernet")
        notes = Notes(folder / JOURNAL)
        rated = _tried(job) if own else _rated(job, notes, options.rated)
        if min(len(rated), options.train) < FEWEST:
            what = f"{min(len(rated), options.train)} architectures are too few to rank"
            raise SpecError(what, remedy=f"Train {FEWEST} or more, of a search that has tried as many")
        chosen = [rated[at] for at in spread_out([fitness for _, fitness in rated], options.train)]
        judged = _trained(job, notes, chosen, range(options.seeds))
    epochs = job.checked.spec.train.epochs
    fitness = f"{by} of trials" if own else f"{by} on the supernet"
    return Diagnosis(job.folder.name, fitness, f"validation top-1 after {epochs} epochs", len(rated), judged)


class Notes:
    """What a diagnosis has found out, each on disk at once.

    Args:
        path: The journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = {
            _key(line["choices"], line["seed"]): line["figure"] for line in journal.read(path, _sound)
        }

    def take(self, choices: Sample, seed: int | None, find: Callable[[], float]) -> float:
        """A figure, found out now or before: an architecture's fitness, or with a seed its top-1."""
        key = _key(choices, seed)
        if key not in self._known:
            self._known[key] = find()
            journal.append(self._path, {"choices": choices, "seed": seed, "figure": self._known[key]})
        return self._known[key]


def _key(choices: Mapping[str, Any], seed: int | None) -> str:
    return json.dumps([dict(choices), seed], sort_keys=True)


def _sound(line: dict[str, Any]) -> None:
    """See that a line can be used; raises what it likes where it cannot."""
    _key(line["choices"], line["seed"])
    float(line["figure"])


def _tried(job: Job) -> list[tuple[Sample, float]]:
    """Each architecture that a search has trained by itself, with its fitness."""
    lines = [line for line in job.folder.trials() if line["kind"] == "trial"]
    found = {_key(line["choices"], None): line for line in lines if line.get("fitness") is not None}
    return [(line["choices"], line["fitness"]) for line in found.values()]


def _rated(job: Job, notes: Notes, count: int) -> list[tuple[Sample, float]]:
    """Architectures drawn at random, with their fitness on the run's supernet."""
    rng = np.random.default_rng(_SEED)
    samples: dict[str, Sample] = {}
    for _ in range(20 * count):
        sample = job.checked.space.sample(rng)
        samples.setdefault(_key(sample, None), sample)
        if len(samples) == count:
            break
    with tempfile.TemporaryDirectory(dir=job.folder.checkpoints) as scratch:
        rate = stored_supernet(job, Path(scratch))
        with Screen().bar("rated", len(samples)) as advance:
            return [(s, _rating(notes, rate, s, advance)) for s in samples.values()]


def _rating(
    notes: Notes, rate: Callable[[Sample], Evaluation], sample: Sample, advance: Callable[[float], None]
) -> float:
    found = notes.take(sample, None, lambda: rate(sample).fitness)
    advance(1)
    return found


def _trained(
    job: Job, notes: Notes, chosen: Sequence[tuple[Sample, float]], seeds: Sequence[int]
) -> tuple[Judged, ...]:
    """The chosen architectures, each trained by itself once a seed."""
    screen, judged = Screen(), []
    with screen.bar("trainings", len(chosen) * len(seeds)) as advance:
        for sample, fitness in chosen:
            figures = []
            for seed in seeds:
                figures.append(notes.take(sample, seed, partial(_top1, job, sample, seed)))
                advance(1)
            screen.say(f"fitness {fitness:.3f}  by itself {', '.join(f'{x:.1f} %' for x in figures)}")
            judged.append(Judged(sample, fitness, tuple(figures)))
    return tuple(judged)


def _top1(job: Job, sample: Sample, seed: int) -> float:
    """Top-1 on the validation clips, in percent, of an architecture trained by itself on the other ones."""
    checked = job.checked
    options = checked.spec.train
    seed_everything(seed)
    network = build_network(checked.network, sample, checked.context())
    loader = job.data.train_loader(options, whole=False)
    with tempfile.TemporaryDirectory(dir=job.folder.checkpoints) as scratch:
        fit(network, options, loader, folder=Path(scratch), accelerator=job.options.accelerator, resume=False)
    validation = job.data.validation_loader(checked.spec.evaluate.batch_size)
    found = Comparison().by_itself(prepare_for_inference(network), validation).answers
    if found is None:
        raise TypeError("an evaluation without answers")
    return float(found.top1)


def _by_table(job: Job, name: str, fitness: str) -> Diagnosis:
    """All complete networks of a table, rated on the supernet and held against the table's own trainings.

    Raises:
        DataError: The table is of another space or of other recordings.
    """
    table = open_table(name)
    if [p.label for p in table.points] != [p.label for p in job.checked.space.points]:
        raise DataError(
            f"the table {table.name} is of another space than the run", remedy="Give the run's table"
        )
    if table.header["split"] != job.data.split.fingerprint:
        raise DataError(
            f"the table {table.name} has another split than the run", remedy="Give the run's table"
        )
    figures = table.test()
    numbers = {row: table.header["networks"][row] for row in np.flatnonzero(table.trained).tolist()}
    samples = {row: table.header["architectures"][number] for row, number in numbers.items()}
    with tempfile.TemporaryDirectory(dir=job.folder.checkpoints) as scratch:
        rate = stored_supernet(job, Path(scratch))
        notes = Notes(job.folder.path / FOLDER / JOURNAL)
        with Screen().bar("rated", len(samples)) as advance:
            judged = tuple(
                Judged(sample, _rating(notes, rate, sample, advance), tuple(map(float, figures[row])))
                for row, sample in samples.items()
            )
    if len(judged) < FEWEST:
        raise SpecError(f"the table {table.name} holds {len(judged)} networks, too few to rank")
    return Diagnosis(job.folder.name, fitness, f"test top-1 of {table.name}", len(judged), judged)
