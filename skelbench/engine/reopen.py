"""Opening a run again: one in progress for a worker, a finished one with its trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from skelbench.check.checked import Checked
from skelbench.check.spec import check_architecture, check_spec
from skelbench.console import Screen
from skelbench.engine.choices import forced
from skelbench.engine.data import load_data
from skelbench.engine.job import Job, RunOptions
from skelbench.engine.training import load_network
from skelbench.errors import RunFolderError
from skelbench.host.registry import Registry, load_registry
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder
from skelbench.space.arch import NamedArchitecture
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec


@dataclass(frozen=True)
class Reopened:
    """A finished run.

    Attributes:
        job: Its spec, recordings and folder.
        record: What is known of it.
        architecture: What was trained.
        network: The architecture with the trained weights.
    """

    job: Job
    record: Record
    architecture: NamedArchitecture
    network: nn.Module


def open_job(path: Path, options: RunOptions) -> Job:
    """A run that another process has begun.

    Args:
        path: Its folder, which holds its spec with the place of its recordings.
        options: What the command line adds.
    """
    screen, registry, folder = Screen(quiet=True), load_registry(), RunFolder(path)
    checked = check_spec(load_spec(folder.path / SPEC), registry)
    root = Path(checked.spec.data.root or "")
    data = load_data(checked, root, options.stores, options.seed, screen)
    return Job(registry, checked, data, folder, options, screen)


def open_network(folder: RunFolder) -> nn.Module:
    """The trained network of a finished run, for which its recordings are not needed.

    Raises:
        RunFolderError: The run is not finished, or its network is gone.
    """
    return open_trained(folder, load_registry())[-1]


def open_trained(
    folder: RunFolder, registry: Registry, sets: Sequence[str] = (), whole: bool = False
) -> tuple[Record, Checked, NamedArchitecture, nn.Module]:
    """Record, spec, architecture and network of a finished run, for which its recordings are not needed.

    Args:
        folder: The run.
        registry: All components.
        sets: Changes of single keys of its spec.
        whole: All that was trained, also where the run was scored with a forced choice.

    Raises:
        RunFolderError: The run is not finished, or its network is gone.
    """
    record = folder.finished()
    if record.fusion:
        remedy = f"Name the runs it was made of: {', '.join(record.fusion)}"
        raise RunFolderError("fused scores have no network of their own", where=folder.path, remedy=remedy)
    checked = check_spec(load_spec(folder.path / SPEC, sets=sets), registry)
    # The one that was found or given as a file, else one that the spec names.
    stored = folder.path / ARCHITECTURE
    named = record.model.removesuffix(f".{record.forced}") if record.forced else record.model
    given = check_architecture(checked, registry, str(stored) if stored.exists() else named)
    network: nn.Module = build_network(given.network, given.sample, checked.context())
    load_network(network, folder)
    if record.forced and not whole:
        network = forced(network, record.forced)
    return record, checked, given, network


def reopen(
    path: Path, data: Path | None = None, sets: Sequence[str] = (), force: str | None = None
) -> Reopened:
    """Open a finished run with its network and its recordings.

    Args:
        path: The run folder.
        data: Where the recordings are now; None is where the run had them.
        sets: Changes of single keys of its spec.
        force: The one model that every frame takes, see `skelbench.engine.choices.forced`.

    Raises:
        SkelbenchError: The network has no such model.
        RunFolderError: The run is not finished, or its network is gone.
        DataError: The recordings are gone, or they are others than the run's.
    """
    folder, screen, registry = RunFolder(path), Screen(), load_registry()
    record, checked, given, network = open_trained(folder, registry, sets)
    network = forced(network, force) if force else network
    root = data or Path(checked.spec.data.root or "")
    options = RunOptions(data=root, seed=folder.seed, runs=path.parent)
    loaded = load_data(checked, root, options.stores, folder.seed, screen)
    if loaded.fingerprints != (record.split_fingerprint, record.data_fingerprint):
        raise RunFolderError("these are not the recordings of the run", where=root, remedy="Give its --data")
    job = Job(registry, checked, loaded, folder, options, screen)
    return Reopened(job, record, given, network)
