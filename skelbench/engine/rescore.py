"""Scoring a finished run again, from its stored network."""

from __future__ import annotations

from pathlib import Path

from skelbench.check import Checked, NamedArchitecture, check_architecture, check_spec
from skelbench.console import Screen
from skelbench.engine.evidence import run_hash
from skelbench.engine.job import Job, RunOptions
from skelbench.engine.material import load_material
from skelbench.engine.training import evaluate_network, load_network
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
    folder = run
    if checked.spec.evaluate.views != record.views:
        folder = RunFolder.create(path.parent, run.spec, run_hash(checked, given, record.synthetic), run.seed)
    job = Job(registry, checked, material, folder, options, screen)
    with folder.lock():
        metrics = {k: round(v, 4) for k, v in evaluate_network(job, network).items()}
        return _store(folder, record, metrics, checked)


def _architecture(checked: Checked, registry: Registry, run: RunFolder, record: Record) -> NamedArchitecture:
    """The one that was found or given as a file, else one that the spec names."""
    path = run.path / ARCHITECTURE
    return check_architecture(checked, registry, str(path) if path.exists() else record.model)


def _store(folder: RunFolder, record: Record, metrics: dict[str, float], checked: Checked) -> Record:
    views = checked.spec.evaluate.views
    if views == record.views:
        if metrics != record.metrics:
            raise RunFolderError(
                f"the metrics are {metrics} and the record says {record.metrics}",
                where=folder.path,
                remedy="The network, the device or the library changed since; run again",
            )
        return record
    changes = {"metrics": metrics, "views": views, "spec_hash": checked.resolved.hash, "run": folder.name}
    rescored = record.model_copy(update=changes)
    folder.write_record(rescored)
    return rescored
