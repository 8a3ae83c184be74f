"""Scoring a finished run again, from its stored network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skelbench.check import Checked, NamedArchitecture, check_architecture, check_spec
from skelbench.console import Screen
from skelbench.engine.choices import complexity
from skelbench.engine.evidence import defining_hash, run_hash
from skelbench.engine.job import Job, RunOptions
from skelbench.engine.material import load_material
from skelbench.engine.start import store_identities, stored_identities
from skelbench.engine.training import load_network, score_network, store_network
from skelbench.errors import RunFolderError
from skelbench.registry import Registry, load_registry
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec


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
    screen, registry, run = Screen(), load_registry(), RunFolder(path)
    record = run.record()
    if record is None:
        raise RunFolderError("the run is not finished", where=path, remedy="Run it to its end")
    sets = (f"evaluate.views={views or record.views}",)
    checked = check_spec(load_spec(path / SPEC, sets=sets), registry)
    root = data or Path(checked.spec.data.root or "")
    given = _architecture(checked, registry, run, record)
    options = RunOptions(data=root, seed=run.seed, runs=path.parent)
    material = load_material(checked, root, options.stores, run.seed, screen)
    if material.fingerprints != (record.split_fingerprint, record.data_fingerprint):
        raise RunFolderError("these are not the recordings of the run", where=root, remedy="Give its --data")
    network = build_network(given.network, given.sample, checked.context())
    load_network(network, run)
    job = Job(registry, checked, material, run, options, screen)
    scores, metrics = score_network(job, network)
    if checked.spec.evaluate.views == record.views:
        return _confirmed(record, metrics, path)
    fixed = None if record.strategy else given
    started = stored_identities(run)
    identity = run_hash(checked, fixed, record.synthetic, started)
    folder = RunFolder.create(path.parent, run.spec, identity, run.seed)
    with folder.lock():
        material.confirm(folder)
        for name in (SPEC, ARCHITECTURE):
            if (path / name).exists():
                folder.write_text(name, checked.resolved.dump() if name == SPEC else run.read_text(name))
        store_identities(folder, started)
        store_network(network, folder)
        folder.save_scores(scores.ids, scores.labels, scores.scores)
        changes: dict[str, Any] = {
            "metrics": metrics,
            "views": checked.spec.evaluate.views,
            "run": folder.name,
        }
        changes |= complexity(network, checked.clip_shape())
        rescored = record.model_copy(update={**changes, "spec_hash": defining_hash(checked, fixed, started)})
        folder.write_record(rescored)
        return rescored


def _architecture(checked: Checked, registry: Registry, run: RunFolder, record: Record) -> NamedArchitecture:
    """The one that was found or given as a file, else one that the spec names."""
    path = run.path / ARCHITECTURE
    return check_architecture(checked, registry, str(path) if path.exists() else record.model)


def _confirmed(record: Record, metrics: dict[str, float], path: Path) -> Record:
    if metrics != record.metrics:
        raise RunFolderError(
            f"the metrics are {metrics} and the record says {record.metrics}",
            where=path,
            remedy="The network, the device or the library changed since; run again",
        )
    return record
