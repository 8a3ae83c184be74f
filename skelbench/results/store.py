"""The folder of a run: everything it leaves on disk, written so that a crash costs at most one line."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import RunFolderError
from skelbench.results import journal
from skelbench.results.arrays import of_scores
from skelbench.results.files import disk, read_regular, write_atomic
from skelbench.results.lines import check_answers, check_line
from skelbench.results.lock import exclusive
from skelbench.results.record import RECORD, Record
from skelbench.results.sums import confirm_sum, sums_of

IDENTITY = "run.json"
SPEC = "spec.resolved.yaml"
TRIALS = "trials.jsonl"
ANSWERS = "answers.jsonl"
ARCHITECTURE = "architecture.yaml"
SCORES = "scores.npz"
CHECKPOINTS = "checkpoints"
LOCK = "lock"
MOST_IDENTITY = 100_000
_MOST_NAMED = 8


@dataclass(frozen=True)
class Scores:
    """The network's scores on the test split, by sample id.

    Attributes:
        ids: Sample ids, (n,) str.
        labels: 0-based classes, (n,) int64.
        scores: (n, classes) float32, averaged over views.
    """

    ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.ids.shape != (n,) or self.labels.shape != (n,) or self.scores.shape[:-1] != (n,):
            shapes = f"{self.ids.shape}, {self.labels.shape}, {self.scores.shape}"
            raise RunFolderError(f"ids, labels and scores have shapes {shapes}, not (n,), (n,), (n, classes)")
        if len(np.unique(self.ids)) != n:
            raise RunFolderError("sample ids occur more than once, so scores cannot be joined by id")


def read_scores(path: Path) -> Scores:
    """The scores stored in a file.

    Raises:
        RunFolderError: They are missing or damaged.
    """
    return of_scores(path, lambda stored: Scores(stored["ids"], stored["labels"], stored["scores"]))


def run_name(spec: str, spec_hash: str, seed: int) -> str:
    """The name of a run's folder: ``<spec>-<first 8 of the hash>-<seed>``.

    Raises:
        RunFolderError: The spec's name cannot be part of a folder's name.
    """
    if Path(spec).name != spec:
        raise RunFolderError(f"the spec name '{spec}' cannot be a folder's name", remedy="Rename the spec")
    return f"{spec}-{spec_hash[:8]}-{seed}"


class RunFolder:
    """One run on disk.

    Args:
        path: The folder, which must have been made by `create`.

    Raises:
        RunFolderError: There is no run at ``path``, or its identity cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        identity = _identity(path)
        self.spec: str = identity["spec"]
        self.spec_hash: str = identity["spec_hash"]
        self.seed: int = identity["seed"]

    @classmethod
    def create(cls, runs: Path, spec: str, spec_hash: str, seed: int) -> RunFolder:
        """The folder of a run under ``runs``: made, or opened where it exists already.

        Raises:
            RunFolderError: It cannot be made, or the folder of that name holds another spec or seed.
        """
        path = runs / run_name(spec, spec_hash, seed)
        wanted = {"spec": spec, "spec_hash": spec_hash, "seed": seed}
        if (path / IDENTITY).exists():
            _refuse_another(path, wanted)
        else:
            _refuse_foreign(path)
            _begin(path, wanted)
        return cls(path)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The folder for checkpoints; it exists afterwards."""
        folder = self.path / CHECKPOINTS
        with disk(folder, "make the folder"):
            folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from writing this run; the system frees it if this one dies.

        Raises:
            RunFolderError: Another process has it.
        """
        with exclusive(self.path / LOCK):
            yield

    def holds_work(self) -> bool:
        """Whether there are trials, weights, scores or a record, which would have to be made again."""
        files = [self.path / name for name in (RECORD, SCORES, TRIALS)]
        return any(map(os.path.lexists, files)) or any((self.path / CHECKPOINTS).glob("**/*.*"))

    def set_aside(self) -> Path:
        """Move the run to the first free ``.previous-N`` beside it, where no table looks, and say where.

        Raises:
            RunFolderError: It cannot be moved; then it stays as it is.
        """
        places = (self.path.parent / f".previous-{n}" / self.name for n in itertools.count(1))
        place = next(place for place in places if not place.exists())
        with disk(self.path, "set the earlier run aside"):
            place.parent.mkdir(exist_ok=True)
            self.path.rename(place)
        return place

    def write_text(self, name: str, text: str) -> None:
        """Store a text file of the run, whole or not at all."""
        write_atomic(self.path / name, text)

    def read_text(self, name: str) -> str:
        """A text file of the run.

        Raises:
            RunFolderError: It is missing or cannot be read.
        """
        with disk(self.path / name, "read"):
            return (self.path / name).read_text(encoding="utf-8")

    def append_trial(self, trial: Mapping[str, Any]) -> None:
        """Add one line to the journal of trials (see `skelbench.results.journal.append`)."""
        journal.append(self.path / TRIALS, trial)

    def trials(self) -> list[dict[str, Any]]:
        """Every sound line of the journal (see `skelbench.results.journal.read`)."""
        return journal.read(self.path / TRIALS)

    def repair(self) -> list[str]:
        """Set damaged lines of both journals aside (see `skelbench.results.journal.repair`); says which."""
        damaged = journal.repair(self.path / TRIALS, check_line)
        return damaged + journal.repair(self.path / ANSWERS, check_answers)

    def append_answers(self, answers: Mapping[str, Any]) -> None:
        """Add one trial's answers on the validation clips to theirs."""
        journal.append(self.path / ANSWERS, answers)

    def answers(self) -> list[dict[str, Any]]:
        """The answers of every trial that has any (see `skelbench.results.answers`)."""
        return journal.read(self.path / ANSWERS, check_answers)

    def save_scores(self, ids: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> None:
        """Store scores by sample id, whole or not at all.

        Args:
            ids: Sample ids, (n,).
            labels: 0-based classes, (n,).
            scores: (n, classes).
        """
        kept = Scores(
            np.asarray(ids, dtype=str), np.asarray(labels, np.int64), np.asarray(scores, np.float32)
        )
        buffer = BytesIO()
        np.savez(buffer, ids=kept.ids, labels=kept.labels, scores=kept.scores)
        write_atomic(self.path / SCORES, buffer.getvalue())

    def load_scores(self) -> Scores:
        """The stored scores.

        Raises:
            RunFolderError: They are missing, damaged, or others than when the run ended.
        """
        confirm_sum(self.path, SCORES)
        return read_scores(self.path / SCORES)

    def record(self) -> Record | None:
        """The record of the finished run, or None while it is not finished."""
        path = self.path / RECORD
        return Record.read(path) if path.exists() else None

    def finished(self) -> Record:
        """The record of a run that has to be finished.

        Raises:
            RunFolderError: It is not, or it has failed.
        """
        record = self.record()
        if record is None or record.status != "ok":
            raise RunFolderError("the run is not finished", where=self.path, remedy="Finish it first")
        return record

    def write_record(self, record: Record) -> Record:
        """Store the record with the sums of what the run leaves, and give it so; that finishes the run."""
        whole = record.model_copy(update={"files": sums_of(self.path)})
        whole.write(self.path / RECORD)
        return whole


def _identity(path: Path) -> dict[str, Any]:
    if path.is_dir() and not (path / IDENTITY).exists():
        _refuse_folder_of_runs(path)
    with disk(path / IDENTITY, "open the run"):
        content = read_regular(path / IDENTITY, MOST_IDENTITY)
    try:
        identity = json.loads(content)
        spec, spec_hash, seed = identity["spec"], identity["spec_hash"], identity["seed"]
        return {"spec": str(spec), "spec_hash": str(spec_hash), "seed": int(seed)}
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise RunFolderError(
            "the run's identity is damaged", where=path / IDENTITY, remedy="Remove the folder and run again"
        ) from error


def _refuse_folder_of_runs(path: Path) -> None:
    runs = sorted(identity.parent.name for identity in path.glob(f"*/{IDENTITY}"))
    if runs:
        some = ", ".join(runs[:_MOST_NAMED]) + (", ..." if len(runs) > _MOST_NAMED else "")
        remedy = f"Name one of them, such as {path / runs[0]}"
        raise RunFolderError(f"this is a folder of runs: {some}", where=path, remedy=remedy)


def _refuse_another(path: Path, wanted: Mapping[str, Any]) -> None:
    found = _identity(path)
    if found == wanted:
        return
    differing = ", ".join(f"{key} {found[key]}" for key in wanted if found[key] != wanted[key])
    raise RunFolderError(
        f"the folder holds another run ({differing})",
        where=path,
        remedy="Choose another folder with --runs, or remove this one",
    )


def _begin(path: Path, identity: Mapping[str, Any]) -> None:
    """Make the folder with the run's identity in it, or leave none."""
    try:
        write_atomic(path / IDENTITY, json.dumps(identity, indent=2) + "\n")
    except RunFolderError:
        with suppress(OSError):
            path.rmdir()
        raise


def _refuse_foreign(path: Path) -> None:
    """A folder with content but no identity was not made by `RunFolder.create`."""
    with disk(path, "open the run"):
        if path.exists() and any(entry.name[:1] != "." for entry in path.iterdir()):
            raise RunFolderError(
                "the folder is not empty and holds no run",
                where=path,
                remedy="Choose another folder with --runs, or remove this one",
            )
