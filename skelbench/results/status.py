"""How far runs have come, from what lies in their folders."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.results import journal
from skelbench.results.lock import HOLDER
from skelbench.results.record import RECORD, Record
from skelbench.results.store import IDENTITY, LOCK, SPEC, TRIALS, RunFolder

State = Literal["finished", "failed", "running", "interrupted", "damaged"]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_AGES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class RunStatus:
    """Where a run stands.

    Attributes:
        run: Name of its folder.
        path: The folder.
        state: ``running`` where the process that writes it lives on this machine; ``damaged`` where its
            folder cannot be read.
        trials: Candidates that its search has evaluated.
        epochs: Epochs of the supernet that are done.
        of_epochs: Of how many; None where its search has none, or where that is not known.
        seconds: Time since something of it was last written.
        record: Its record, None while there is none.
        problem: What is wrong with it, empty where nothing is.
    """

    run: str
    path: Path
    state: State
    trials: int = 0
    epochs: int = 0
    of_epochs: int | None = None
    seconds: float = 0.0
    record: Record | None = None
    problem: str = ""

    @property
    def progress(self) -> str:
        """What is done of it, in words."""
        if self.record is not None:
            return "done" if self.record.status == "ok" else "given up"
        done = [f"{self.trials} candidates"] if self.trials else []
        if self.epochs:
            done.insert(0, f"epoch {self.epochs}{f' of {self.of_epochs}' if self.of_epochs else ''}")
        if self.of_epochs and self.epochs >= self.of_epochs:
            done.append("training what was found")
        return ", ".join(done) or "begun"

    @property
    def age(self) -> str:
        """Time since something of it was last written, in its largest unit."""
        size, unit = next((pair for pair in _AGES if self.seconds >= pair[0]), _AGES[-1])
        return f"{self.seconds / size:.0f} {unit}"

    @property
    def headline(self) -> str:
        """Its metrics and cost where it is finished, else what is wrong with it."""
        if self.record is None or self.record.status != "ok":
            return self.problem
        parts = [f"{name} {value:.2f} %" for name, value in self.record.metrics.items()]
        if self.record.macs is not None:
            parts.append(f"{self.record.macs / 1e9:.3g} GMACs")
        return ", ".join(parts)

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data, but of the record its metrics and costs."""
        said = asdict(replace(self, record=None)) | {"path": str(self.path), "progress": self.progress}
        del said["record"]
        if self.record is not None:
            said |= self.record.model_dump(mode="json", include={"metrics", "params", "macs"})
        return said


def run_statuses(folder: Path) -> list[RunStatus]:
    """Where the runs in a folder stand, those written last first.

    Raises:
        RunFolderError: There is no such folder.
    """
    if not folder.is_dir():
        raise RunFolderError("there is no such folder of runs", where=folder, remedy="Check --runs")
    found = [run_status(path.parent) for path in folder.glob(f"*/{IDENTITY}")]
    return sorted(found, key=lambda status: (status.seconds, status.run))


def run_status(path: Path) -> RunStatus:
    """Where one run stands; a folder that cannot be read is told as such.

    Raises:
        RunFolderError: There is no run.
    """
    if not (path / IDENTITY).exists():
        RunFolder(path)  # says what is there instead
    try:
        return _status(path)
    except SkelbenchError as error:
        return RunStatus(path.name, path, "damaged", seconds=_age(path), problem=error.problems[0].what)


def _status(path: Path) -> RunStatus:
    folder = RunFolder(path)
    record = folder.record()
    lines = [] if record is not None and record.status == "ok" else journal.read(path / TRIALS)
    trials = [line for line in lines if line.get("kind") == "trial"]
    failed = [str(line["error"]) for line in trials if "error" in line]
    if record is not None:
        failed += [failure.error for failure in record.failures]
        state: State = "finished" if record.status == "ok" else "failed"
    else:
        state = "running" if _writer_lives(path) else "interrupted"
    return RunStatus(
        run=path.name,
        path=path,
        state=state,
        trials=record.search.trials if record and record.search else len(trials),
        epochs=sum(line.get("kind") == "epoch" for line in lines),
        of_epochs=None if record else _epochs(path),
        seconds=_age(path),
        record=record,
        problem=f"{len(failed)} trials failed, the last: {failed[-1]}" if failed else "",
    )


def _writer_lives(path: Path) -> bool:
    with suppress(OSError, ValueError):
        process = int((path / (LOCK + HOLDER)).read_text(encoding="ascii"))
        try:
            os.kill(process, 0)
        except PermissionError:  # it lives and is another user's
            return True
        return True
    return False


def _epochs(path: Path) -> int | None:
    """Epochs of the search by the resolved spec, None where it has no shared weights or says none."""
    with suppress(OSError, yaml.YAMLError, AttributeError, UnicodeDecodeError):
        spec = yaml.load((path / SPEC).read_text(encoding="utf-8"), Loader=_Loader)
        epochs = (spec.get("search") or {}).get("epochs")
        return epochs if isinstance(epochs, int) else None
    return None


def _age(path: Path) -> float:
    written = [path / name for name in (RECORD, TRIALS, IDENTITY)] + list(path.glob("checkpoints/**/*"))
    times = []
    for file in written:
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    return round(max(time.time() - max(times, default=time.time()), 0.0), 1)
