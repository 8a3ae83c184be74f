"""Scoring a finished run again, from its stored network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skelbench.engine.complexity import complexity
from skelbench.engine.identity import SCHEME, defining_hash, run_hash
from skelbench.engine.reopen import reopen
from skelbench.engine.start import store_identities, stored_identities
from skelbench.engine.training import score_network, store_network
from skelbench.errors import RunFolderError
from skelbench.results.record import Record
from skelbench.results.record_parts import RunIdentity
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder


def rescore(path: Path, data: Path | None = None, views: int | None = None) -> Record:
    """Score a finished run's network on the test split again.

    Args:
        path: The run folder.
        data: Where the recordings are now; None is where the run had them.
        views: Clips per recording; None is the run's own number, and must give its metrics again.

    Returns:
        The new record; with another number of views it stands in a run folder of its own.

    Raises:
        RunFolderError: The run is not finished, or its network is gone.
        DataError: The recordings are gone, or they are others than the run's.
    """
    record = RunFolder(path).finished()
    opened = reopen(path, data, (f"evaluate.views={views}",) if views else ())
    job, network = opened.job, opened.network
    checked, loaded, run = job.checked, job.data, job.folder
    scores, metrics = score_network(job, network)
    scored = checked.spec.evaluate.views * checked.spec.evaluate.crops
    if scored == record.views:
        return _confirmed(record, metrics, path)
    fixed = None if record.strategy else opened.architecture
    started = stored_identities(run)
    identity = run_hash(checked, fixed, record.synthetic, started)
    folder = RunFolder.create(path.parent, run.spec, identity, run.seed)
    with folder.lock():
        loaded.confirm(folder)
        for name in (SPEC, ARCHITECTURE):
            if (path / name).exists():
                folder.write_text(name, checked.resolved.dump() if name == SPEC else run.read_text(name))
        store_identities(folder, started)
        store_network(network, folder)
        folder.save_scores(scores.ids, scores.labels, scores.scores)
        changes: dict[str, Any] = {
            "metrics": metrics,
            "views": scored,
            "run": folder.name,
            "identity": RunIdentity(scheme=SCHEME, hash=identity),
        }
        if record.origin is not None:
            command = (*record.origin.command, "--set", f"evaluate.views={views}")
            again = {"command": command, "spec": checked.resolved.digest}
            changes["origin"] = record.origin.model_copy(update=again)
        changes |= complexity(network, checked.clip_shape())
        rescored = record.model_copy(update={**changes, "spec_hash": defining_hash(checked, fixed, started)})
        return folder.write_record(rescored)


def _confirmed(record: Record, metrics: dict[str, float], path: Path) -> Record:
    if metrics != record.metrics:
        raise RunFolderError(
            f"the metrics are {metrics} and the record says {record.metrics}",
            where=path,
            remedy="The network, the device or the library changed since; run again",
        )
    return record
