"""Runs that are finished already, answered without what trains networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skelbench.check.checked import Checked
from skelbench.check.fit import fit_to_data, sets_dataset
from skelbench.check.spec import check_architecture, check_spec
from skelbench.console import Screen
from skelbench.engine.data import load_data
from skelbench.engine.identity import run_hash
from skelbench.engine.job import RunOptions
from skelbench.host.registry import Registry, load_registry
from skelbench.results.record import RECORD, Record
from skelbench.results.store import RunFolder, run_name
from skelbench.space.arch import NamedArchitecture
from skelbench.spec.resolve import Resolved, load_spec

WITHOUT_DATA = ("planted", "motions", "quick")
"""Profiles that a run without data takes, the first of its spec; a fixed architecture the last."""


def resolve_spec(
    spec: str, options: RunOptions, registry: Registry, architecture: str | None = None
) -> tuple[Resolved, bool]:
    """A spec as a run takes it, and whether it runs on the built-in synthetic recordings.

    Without recordings and without a profile it is the quick profile, where there is one. On other data than
    the spec's own, what does not fit them is changed (see `skelbench.check.fit`).

    Raises:
        SpecError: The spec is wrong.
    """
    given: dict[str, Any] = {"sets": options.sets, "data": options.data_file}
    resolved = load_spec(spec, profile=options.profile, **given)
    synthetic = options.root is None and resolved.spec.data.root is None
    names = WITHOUT_DATA[-1:] if architecture else WITHOUT_DATA
    small = next((name for name in names if name in resolved.profiles), None)
    if synthetic and options.profile is None and small is not None:
        resolved = load_spec(spec, profile=small, **given)
    if options.data_file is not None or sets_dataset(options.sets):
        resolved = fit_to_data(resolved, registry)
    return resolved, synthetic


def finished_record(spec: str, options: RunOptions, architecture: str | None = None) -> Record | None:
    """The record of a run that is finished already; None where anything is left to do or to find out.

    What needs torch to be found out, such as whether a device is there, is left to the run itself.

    Args:
        spec: A spec file or the name of a shipped spec.
        options: What the command line adds.
        architecture: Name or file of an architecture; None is the search.

    Raises:
        SkelbenchError: The spec or the architecture is wrong, or the run is on other recordings.
    """
    engine_given = options.workers is not None or options.ray is not None
    device_given = options.accelerator != "auto" or options.devices != 1 or options.cuda_graph
    to_be_checked = device_given or engine_given
    if not options.resume or options.start or to_be_checked:
        return None
    registry, screen = load_registry(), Screen(quiet=not options.progress)
    resolved, synthetic = resolve_spec(spec, options, registry, architecture)
    if architecture is None and resolved.spec.stages:
        return None
    checked = check_spec(resolved, registry)
    given = check_architecture(checked, registry, architecture) if architecture else None
    if given is not None and given.start is not None:
        return None
    folders = {made: _finished(checked, given, options, made) for made in (True, False)}
    if synthetic:
        return _announced(folders[True], screen)
    root = options.root or resolved.spec.data.root
    if root is None or not any(folders.values()):
        return None
    data = load_data(checked, Path(root), options.stores, options.seed, Screen(quiet=True))
    folder = folders[data.clips.synthetic]
    if folder is not None:
        data.confirm(folder)
    return _announced(folder, screen)


def _finished(
    checked: Checked, given: NamedArchitecture | None, options: RunOptions, synthetic: bool
) -> RunFolder | None:
    name = f"{checked.spec.name}.{given.name}" if given else checked.spec.name
    path = options.runs / run_name(name, run_hash(checked, given, synthetic), options.seed)
    return RunFolder(path) if (path / RECORD).is_file() else None


def _announced(folder: RunFolder | None, screen: Screen) -> Record | None:
    if folder is None:
        return None
    screen.say(f"{folder.path} is finished; --no-resume runs it again")
    return folder.record()
