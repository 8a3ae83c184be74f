"""One run in progress: everything that its steps need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skelbench.check.checked import Checked
from skelbench.console import Screen
from skelbench.engine.data import LoadedData
from skelbench.engine.identity import Identity
from skelbench.host.registry import Registry
from skelbench.results.store import RunFolder
from skelbench.spec.data_file import is_data_file


@dataclass(frozen=True)
class RunOptions:
    """What the command line adds to a spec.

    Attributes:
        data: Raw data, a store, or a file that describes data; None means the spec's own root, else synthetic
            data.
        profile: A profile of the spec.
        sets: Changes of single keys.
        seed: Seed of everything random.
        runs: Where run folders go.
        resume: Go on where an interrupted run stopped; otherwise start afresh and set that run aside.
        accelerator: See `skelbench.training.devices.check_devices`.
        devices: How many devices share the training of one architecture.
        cuda_graph: Replay each step of the final training as one CUDA graph.
        keep_epochs: Keep the weights of every epoch of the final training.
        workers: Worker processes of the search, a number or ``auto``; None: the spec's engine as it is.
        ray: Workers on Ray: the address of a cluster, or ``local``; None: the spec's engine.
        label: What stands before each line of progress.
        progress: Show lines and bars on standard error.
        discard: Remove what ``resume`` set aside once the new run is finished.
        start: Finished runs as ``NAME=RUN``, whose weights stand for those of the architecture NAME.
    """

    data: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    seed: int = 0
    runs: Path = Path("runs")
    resume: bool = True
    accelerator: str = "auto"
    devices: int = 1
    start: tuple[str, ...] = ()
    workers: int | str | None = None
    ray: str | None = None
    label: str = ""
    progress: bool = True
    discard: bool = False
    cuda_graph: bool = False
    keep_epochs: bool = False

    @property
    def data_file(self) -> Path | None:
        """A description of data, if that is what is given."""
        return self.data if is_data_file(self.data) else None

    @property
    def root(self) -> Path | None:
        """Where the recordings are, if that is what is given."""
        return None if is_data_file(self.data) else self.data

    @property
    def stores(self) -> Path:
        """Where synthetic recordings and stores made of raw files are kept."""
        return self.runs / ".stores"


@dataclass(frozen=True)
class Job:
    """A run in progress.

    Attributes:
        registry: All components.
        checked: The checked spec.
        data: The data.
        folder: The run folder.
        options: What the command line added.
        screen: Where progress is shown.
        sources: The finished runs that the architecture starts from, by their architectures' names.
        given: Identities of those among them that were given with ``--start``.
    """

    registry: Registry
    checked: Checked
    data: LoadedData
    folder: RunFolder
    options: RunOptions
    screen: Screen
    sources: Mapping[str, RunFolder] = field(default_factory=dict)
    given: Mapping[str, Identity] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """Torch's name of the device that is computed on."""
        from skelbench.training.devices import device_kind  # imports torch, which options do without

        return device_kind(self.options.accelerator)

    @property
    def context(self) -> dict[str, Any]:
        """What hooks are told."""
        return {"folder": self.folder.path, "seed": self.options.seed, "device": self.device}
