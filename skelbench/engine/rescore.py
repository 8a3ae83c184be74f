"""Scoring a finished run again, from its stored network."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from skelbench.engine.complexity import complexity
from skelbench.engine.identity import SCHEME, defining_hash, run_hash
from skelbench.engine.reopen import Reopened, open_trained, reopen
from skelbench.engine.start import store_identities, stored_identities
from skelbench.engine.training import score_network, store_network
from skelbench.errors import RunFolderError
from skelbench.results.record import Record
from skelbench.results.record_parts import RunIdentity
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder


def rescore(
    path: Path, data: Path | None = None, views: int | None = None, force: str | None = None
) -> Record:
    """Score a finished run's network on the test split again.

    Args:
        path: The run folder.
        data: Where the recordings are now; None is where the run had them.
        views: Clips per recording; None is the run's own number, and must give its metrics again.
        force: The one model that every frame takes in an adaptive network, whose policy is not asked.

    Returns:
        The new record; with another number of views, or a forced choice, it stands in a folder of its own.

    Raises:
        RunFolderError: The run is not finished, or its network is gone.
        SkelbenchError: The network has no such choice.
        DataError: The recordings are gone, or they are others than the run's.
    """
    record = RunFolder(path).finished()
    opened = reopen(path, data, (f"evaluate.views={views}",) if views else (), force)
    job, run = opened.job, opened.job.folder
    scores, metrics = score_network(job, opened.network)
    options = job.checked.spec.evaluate
    scored = options.views * options.crops
    if scored == record.views and force is None:
        return _confirmed(record, metrics, path)
    folder, names = _folder(path, record, opened, force)
    with folder.lock():
        job.data.confirm(folder)
        for name in (SPEC, ARCHITECTURE):
            if (path / name).exists():
                folder.write_text(name, job.checked.resolved.dump() if name == SPEC else run.read_text(name))
        store_identities(folder, stored_identities(run))
        forced = bool(force or record.forced)
        store_network(open_trained(run, job.registry, whole=True)[-1] if forced else opened.network, folder)
        folder.save_scores(scores.ids, scores.labels, scores.scores)
        changes: dict[str, Any] = names | {"metrics": metrics, "views": scored, "run": folder.name}
        if forced:  # no one command makes such a run
            changes |= {"forced": force or record.forced, "origin": None, "latency": None}
        elif record.origin is not None:
            command = (*record.origin.command, "--set", f"evaluate.views={views}")
            again = {"command": command, "spec": job.checked.resolved.digest}
            changes["origin"] = record.origin.model_copy(update=again)
        if force:
            changes["model"] = f"{record.model}.{force}"
        changes |= complexity(opened.network, job.checked.clip_shape())
        rescored = record.model_copy(update=changes)
        return folder.write_record(rescored)


def _folder(
    path: Path, record: Record, opened: Reopened, force: str | None
) -> tuple[RunFolder, dict[str, Any]]:
    """The folder of what is scored otherwise, and the fields of its record that name it."""
    run, checked = opened.job.folder, opened.job.checked
    fixed = None if record.strategy else opened.architecture
    started = stored_identities(run)
    identity = run_hash(checked, fixed, record.synthetic, started)
    spec_hash = defining_hash(checked, fixed, started)
    if force := force or record.forced:
        identity, spec_hash = (
            hashlib.sha256(f"{one} {force}".encode()).hexdigest() for one in (identity, spec_hash)
        )
    folder = RunFolder.create(path.parent, run.spec, identity, run.seed)
    return folder, {"identity": RunIdentity(scheme=SCHEME, hash=identity), "spec_hash": spec_hash}


def _confirmed(record: Record, metrics: dict[str, float], path: Path) -> Record:
    if metrics != record.metrics:
        raise RunFolderError(
            f"the metrics are {metrics} and the record says {record.metrics}",
            where=path,
            remedy="The network, the device or the library changed since; run again",
        )
    return record
