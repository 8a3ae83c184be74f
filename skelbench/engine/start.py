"""Trained weights that an architecture starts from: where they are, whether they fit, and their loading."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import nn

from skelbench.check.checked import Checked
from skelbench.check.spec import check_architecture
from skelbench.engine.identity import Identity
from skelbench.engine.training import stored_weights
from skelbench.errors import Problem, RunFolderError, SpecError, did_you_mean
from skelbench.host.registry import Registry
from skelbench.results.store import RunFolder
from skelbench.space.arch import NamedArchitecture
from skelbench.space.network import build_network
from skelbench.spec.schema import StartSpec
from skelbench.training.frozen import frozen

_BUT_HEAD = {"input": "input", "body": "body"}
START = "start.json"
"""File of a run with the identities of the runs that were given with ``--start``."""


def confirm_start(checked: Checked, architecture: NamedArchitecture, starts: Iterable[str]) -> None:
    """Confirm, before any work, that all weights fit which an architecture starts from.

    Args:
        checked: The spec.
        architecture: One that may start from others, and these again from others.
        starts: Runs given with ``--start``, as ``NAME=RUN``.

    Raises:
        SpecError: Every part that is missing or has other weights; a run is given that nothing starts from.
        RunFolderError: A given run is not finished, or its weights are another network's, damaged or missing.
    """
    given = given_runs(starts, architecture)
    if architecture.start is not None:
        network = _confirmed(checked, architecture, architecture.start)
        for name, run in given.items():
            taken_parts(run, architecture.start.weights[name], network)


def given_architecture(
    checked: Checked, registry: Registry, name: str, starts: Iterable[str]
) -> NamedArchitecture:
    """An architecture, which starts from a run of itself if ``--start`` names it.

    Such a run may be of another data set: everything but the head, which tells its classes apart, is taken.

    Args:
        checked: The spec.
        registry: All components.
        name: See `skelbench.check.spec.check_architecture`.
        starts: Runs given with ``--start``, as ``NAME=RUN``.

    Raises:
        SpecError: There is no such architecture, or ``starts`` has another form.
    """
    given = check_architecture(checked, registry, name)
    if given.start is not None or given.name not in [parse_start(text)[0] for text in starts]:
        return given
    # Not validated, as a file may give an architecture any name.
    return replace(given, start=StartSpec.model_construct(weights={given.name: dict(_BUT_HEAD)}, freeze=0.0))


# --- runs given with --start ---------------------------------------------------------------------


def given_runs(starts: Iterable[str], architecture: NamedArchitecture | None) -> dict[str, RunFolder]:
    """The runs that are given as ``NAME=RUN``, by the name of the architecture whose weights they hold.

    Args:
        starts: As given.
        architecture: The one that starts from them; None for a search.

    Raises:
        SpecError: One is not of that form, or ``architecture`` does not start from NAME.
        RunFolderError: There is no finished run at RUN.
    """
    found: dict[str, RunFolder] = {}
    for text in starts:
        name, path = parse_start(text)
        sources = architecture.start.weights if architecture and architecture.start else {}
        if name not in sources or architecture is None:
            who = f"'{architecture.name}'" if architecture else "a search"
            remedy = did_you_mean(name, sources) if sources else "Leave out --start"
            raise SpecError(f"{who} does not start from '{name}'", where="--start", remedy=remedy)
        if name in found:
            raise SpecError(f"'{name}' is given twice", where="--start", remedy="Give it once")
        found[name] = RunFolder(path)
        found[name].finished()
    return found


def parse_start(text: str) -> tuple[str, Path]:
    """Name and folder of ``NAME=RUN``.

    Raises:
        SpecError: It is not of that form.
    """
    name, _, path = text.partition("=")
    if not name or not path:
        raise SpecError(f"'{text}' is not of the form NAME=RUN", where="--start")
    return name, Path(path)


def identities(runs: Mapping[str, RunFolder]) -> dict[str, Identity]:
    """The identity of each run."""
    return {name: Identity(run.spec_hash, run.seed) for name, run in runs.items()}


def store_identities(folder: RunFolder, given: Mapping[str, Identity]) -> None:
    """Keep in a run's folder what was given with ``--start``."""
    if given:
        folder.write_text(
            START, json.dumps({name: asdict(run) for name, run in given.items()}, indent=2) + "\n"
        )


def stored_identities(folder: RunFolder) -> dict[str, Identity]:
    """What was given with ``--start`` to the run of a folder.

    Raises:
        RunFolderError: The file is damaged.
    """
    if not (folder.path / START).exists():
        return {}
    try:
        stored = json.loads(folder.read_text(START))
        return {name: Identity(str(run["spec_hash"]), int(run["seed"])) for name, run in stored.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        where = folder.path / START
        raise RunFolderError("the file is damaged", where=where, remedy="Run it again") from error


# --- whether they fit ----------------------------------------------------------------------------


def _confirmed(checked: Checked, architecture: NamedArchitecture, start: StartSpec) -> nn.Module:
    """The network of an architecture, into which the weights of its sources, and theirs, are known to fit."""
    network = _built(checked, architecture)
    if architecture.name in start.weights:
        return network
    problems = _misfits(checked, architecture.name, start, network)
    if problems:
        raise SpecError.of(problems)
    for name in start.weights:
        source = checked.architectures[name]
        if source.start is not None:
            _confirmed(checked, source, source.start)
    return network


def _built(checked: Checked, architecture: NamedArchitecture) -> nn.Module:
    return build_network(architecture.network, architecture.sample, checked.context())


def _misfits(checked: Checked, name: str, start: StartSpec, network: nn.Module) -> list[Problem]:
    """Every part that one of two networks lacks or that has other weights, each with its place."""
    marks, place = checked.resolved.marks, ("architectures", name, "start")
    found: list[Problem] = []
    for source, parts in start.weights.items():
        other = _built(checked, checked.architectures[source])
        for there, here in parts.items():
            where = marks.at((*place, "weights", source, there))
            sides = ((source, other, there), (name, network, here))
            missing = [
                Problem(
                    f"architecture '{who}' has no part '{part}'", where, did_you_mean(part, _paths(whole))
                )
                for who, whole, part in sides
                if part not in _paths(whole)
            ]
            differing = _difference(_below(other.state_dict(), there), _below(network.state_dict(), here))
            found += missing
            if differing and not missing:
                what = f"'{there}' of '{source}' does not fit '{here}' of '{name}': {differing}"
                found.append(Problem(what, where, "Take a part with the same weights"))
    if not found and start.freeze and not _left_to_learn(network, start):
        what = f"architecture '{name}' has nothing to learn while all of it is frozen"
        found.append(Problem(what, marks.at((*place, "freeze")), "Leave out 'freeze', or one of the parts"))
    return found


def _paths(network: nn.Module) -> list[str]:
    return [path for path, _ in network.named_modules(remove_duplicate=False) if path]


def _left_to_learn(network: nn.Module, start: StartSpec) -> bool:
    held = {id(parameter) for part in loaded_parts(network, start) for parameter in part.parameters()}
    return any(p.requires_grad and id(p) not in held for p in network.parameters())


def _below(state: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The weights of a part, by their names in it."""
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The first weight that is not the same on both sides, or an empty text."""
    for name in dict.fromkeys([*there, *here]):
        if name not in here or name not in there:
            return f"{name} is {'there' if name in there else 'here'} alone"
        if there[name].shape != here[name].shape:
            return f"{name} is {_size(there[name])} there and {_size(here[name])} here"
    return ""


def _size(weight: Any) -> str:
    return " x ".join(map(str, weight.shape)) or "a single number"


# --- loading -------------------------------------------------------------------------------------


@contextmanager
def starting(network: nn.Module, start: StartSpec | None, sources: Mapping[str, RunFolder]) -> Iterator[None]:
    """Give a network the weights that it starts from; within, they are frozen for their time.

    Args:
        network: The architecture with fresh weights.
        start: What it starts from, if it does.
        sources: A finished run for each architecture that it starts from.

    Raises:
        RunFolderError: Weights are missing, damaged, or another network's; none are loaded then.
    """
    if start is None:
        yield
        return
    found: dict[str, dict[str, Any]] = {}
    for name, parts in start.weights.items():
        found |= taken_parts(sources[name], parts, network)
    for part, weights in found.items():
        network.get_submodule(part).load_state_dict(weights)
    with frozen(network, loaded_parts(network, start), start.freeze):
        yield


def taken_parts(run: RunFolder, parts: Mapping[str, str], network: nn.Module) -> dict[str, dict[str, Any]]:
    """The weights of a run that parts of a network take, by the part's path in it.

    Raises:
        RunFolderError: They are missing or damaged, or have other names or shapes.
    """
    weights, found = stored_weights(run), {}
    for there, here in parts.items():
        found[here] = _below(weights, there)
        wanted = network.get_submodule(here).state_dict()
        missing = f"it has no part '{there}'" if wanted and not found[here] else ""
        differing = missing or _difference(found[here], wanted)
        if differing:
            what = f"the weights in {run.path} are of another network: {differing} ('{there}' for '{here}')"
            raise RunFolderError(what, remedy="Give a run of a network with these parts")
    return found


def loaded_parts(network: nn.Module, start: StartSpec) -> list[nn.Module]:
    """The parts of a network that get weights."""
    return [network.get_submodule(here) for parts in start.weights.values() for here in parts.values()]
