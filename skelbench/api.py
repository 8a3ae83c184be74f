"""skelbench from Python: the functions that ``import skelbench`` offers.

Each does what the command of its name does, quietly, and raises `skelbench.errors.SkelbenchError` where the
command prints one. What is heavy is imported when a function needs it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skelbench.results.collection import Place, Records, load_records
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder, Scores

if TYPE_CHECKING:
    from torch import nn

    from skelbench.engine.job import RunOptions
    from skelbench.tables.catalog import OpenTable

__all__ = ["Record", "Records", "Run", "describe", "load_records", "open_run", "open_table", "run", "train"]

Sets = Mapping[str, Any] | Iterable[str]


def run(
    spec: Place,
    *,
    data: Place | None = None,
    profile: str | None = None,
    seed: int = 0,
    seeds: str | Iterable[int] | None = None,
    sets: Sets = (),
    stages: Iterable[str] = (),
    progress: bool = False,
    **options: Any,
) -> Record | Records:
    """Search, derive, retrain and evaluate by a spec, as ``skelbench run`` does.

    A run that is finished already is not run again; an interrupted one goes on.

    Args:
        spec: A spec file or the name of a shipped spec.
        data: Raw data or a store; None takes the built-in synthetic data.
        profile: A profile of the spec.
        seed: Seed of everything random.
        seeds: Several seeds in its place, numbers or as in ``"0..4"``: a run for each.
        sets: Changes of single keys: ``{"train.epochs": 30}``, or texts such as ``"train.epochs=30"``.
        stages: Only these stages of the spec.
        progress: Show lines and bars on standard error.
        **options: More fields of `skelbench.engine.job.RunOptions`: ``runs``, ``resume``,
            ``accelerator``, ``devices``, ``start``, ``workers`` (a number or ``"auto"``: runs side by side,
            or what one search tries; it takes a script guarded by ``if __name__ == "__main__":``), ``ray``.

    Returns:
        The record; of several seeds, or of a spec with stages, the records of all runs.

    Raises:
        SkelbenchError: The input is wrong, or the work failed.
    """
    from skelbench.engine.finished import finished_record

    given = _options(data, profile, seed, sets, progress, options)
    wanted = list(stages)
    found = None if wanted or seeds is not None else finished_record(str(spec), given)
    if found is not None:
        return found
    from skelbench.engine.study import run_study  # imports torch

    several = seeds if seeds is None or isinstance(seeds, str) else ",".join(map(str, seeds))
    made = run_study(str(spec), given, wanted, several)
    return Records(made) if isinstance(made, list) else made


def train(
    spec: Place,
    arch: Place,
    *,
    data: Place | None = None,
    profile: str | None = None,
    seed: int = 0,
    sets: Sets = (),
    progress: bool = False,
    **options: Any,
) -> Record:
    """Train and evaluate one fixed architecture by a spec's recipe, as ``skelbench train`` does.

    Args:
        spec: A spec file or the name of a shipped spec.
        arch: An architecture named in the spec, or an architecture file.
        data: As in `run`.
        profile: As in `run`.
        seed: As in `run`.
        sets: As in `run`.
        progress: As in `run`.
        **options: As in `run`.

    Returns:
        The record.

    Raises:
        SkelbenchError: The input is wrong, or the work failed.
    """
    from skelbench.engine.finished import finished_record

    given = _options(data, profile, seed, sets, progress, options)
    found = finished_record(str(spec), given, str(arch))
    if found is not None:
        return found
    from skelbench.engine.run import run_spec  # imports torch

    return run_spec(str(spec), given, architecture=str(arch))


def describe(
    spec: Place, arch: Place | None = None, *, profile: str | None = None, sets: Sets = ()
) -> dict[str, Any]:
    """Size of a space, and cost of an architecture or of the supernet, as ``skelbench describe --json``.

    Args:
        spec: A spec file or the name of a shipped spec.
        arch: An architecture's name or file; None describes the supernet.
        profile: A profile of the spec.
        sets: As in `run`.

    Returns:
        See `skelbench.engine.describe.describe_spec`.

    Raises:
        SpecError: The spec or the architecture is wrong.
    """
    from skelbench.engine.describe import describe_spec

    name = None if arch is None else str(arch)
    return describe_spec(str(spec), name, profile=profile, sets=_sets(sets))


def open_run(path: Place) -> Run:
    """A finished run on disk.

    Args:
        path: Its folder.

    Raises:
        RunFolderError: There is no run, or it is not finished.
    """
    return Run(Path(path))


class Run:
    """A finished run; what is heavy is read when it is asked for.

    Args:
        path: Its folder.

    Attributes:
        path: Its folder.
        record: Its record.

    Raises:
        RunFolderError: There is no run, or it is not finished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = RunFolder(path)
        self.record: Record = self._folder.finished()

    def __repr__(self) -> str:
        """Its folder."""
        return f"Run({str(self.path)!r})"

    @cached_property
    def scores(self) -> Scores:
        """``ids`` (n,), ``labels`` (n,) and ``scores`` (n, classes) of the test clips.

        Raises:
            RunFolderError: They are missing or damaged.
        """
        return self._folder.load_scores()

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The lines of the journal: a dict for each trial, generation and epoch, with its ``kind``.

        Raises:
            RunFolderError: A line is damaged.
        """
        return self._folder.trials()

    @cached_property
    def spec(self) -> str:
        """The resolved spec as YAML; `run` and `train` take it from a file."""
        return self._folder.read_text(SPEC)

    @cached_property
    def architecture(self) -> str | None:
        """The architecture that was found, as YAML; None where the spec names it."""
        return self._folder.read_text(ARCHITECTURE) if (self.path / ARCHITECTURE).exists() else None

    @cached_property
    def network(self) -> nn.Module:
        """The trained network in evaluation mode, (N, C, T, V, M) -> (N, classes); of videos (N, C, T, H, W).

        The recordings are not needed.

        Raises:
            RunFolderError: The weights are gone or damaged.
        """
        from skelbench.engine.reopen import open_network

        return open_network(self._folder).eval()


def _options(
    data: Place | None, profile: str | None, seed: int, sets: Sets, progress: bool, more: Mapping[str, Any]
) -> RunOptions:
    from skelbench.engine.job import RunOptions

    given = dict(more)
    if "runs" in given:
        given["runs"] = Path(given["runs"])
    if "start" in given:
        given["start"] = tuple(given["start"])
    root = None if data is None else Path(data)
    return RunOptions(data=root, profile=profile, seed=seed, sets=_sets(sets), progress=progress, **given)


def _sets(sets: Sets) -> tuple[str, ...]:
    if isinstance(sets, Mapping):
        return tuple(f"{key}={json.dumps(value)}" for key, value in sets.items())
    return tuple(sets)


def open_table(name: Place) -> OpenTable:
    """A table of trained architectures, for searches without training.

    Args:
        name: A table's name, with its content's hash where that matters (``ucla-slots@1a2b3c4d5e6f``), or a
            file.

    Returns:
        The table; ``session(repetition)`` begins a search on it.

    Raises:
        SkelbenchError: There is no such table, or its file is damaged.
    """
    from skelbench.tables.catalog import open_table as opened

    return opened(str(name))
