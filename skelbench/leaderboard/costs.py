"""Parameters and MACs of our networks that reported figures name, kept so that tables need no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from skelbench.errors import Problem, RunFolderError, fault_in_words
from skelbench.leaderboard.reported import Reported
from skelbench.results.files import disk, write_atomic
from skelbench.results.part import Part

COSTS = "costs.yaml"
_HEAD = (
    "# Parameters and MACs of one clip of the networks that reported.yaml names, by data set;\n"
    "# written by `skelbench leaderboard -o`. No MACs: they depend on the recordings.\n"
)


class Cost(Part):
    """What a network of ours costs.

    Attributes:
        params: Trainable parameters.
        macs: Multiply-accumulates of one clip, None where models are chosen frame by frame.
    """

    params: Annotated[int, Field(gt=0)]
    macs: Annotated[int, Field(gt=0)] | None = None


Costs = dict[str, Cost]
Counter = Callable[[Reported], Cost]
"""Counts what the network that a figure names costs; it needs torch, which tables do without."""
_READ = TypeAdapter(Costs)


def key(figure: Reported) -> str:
    """Where the cost of a figure's network stands, empty where it names none."""
    return f"{figure.network} {figure.dataset}" if figure.network else ""


def read_costs(folder: Path) -> Costs:
    """The costs in a folder of leaderboards, none where there is no such file.

    Raises:
        RunFolderError: The file is faulty.
    """
    path = folder / COSTS
    if not path.exists():
        return {}
    with disk(path, "read the costs"):
        text = path.read_text(encoding="utf-8")
    try:
        return _READ.validate_python(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise RunFolderError("the file is not YAML", where=path, remedy=f"Remove {COSTS}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False)
        problems = [Problem(f"{(*f['loc'], COSTS)[0]}: {fault_in_words(f)}", str(path)) for f in faults]
        raise RunFolderError.of(problems) from error


def completed(known: Costs, figures: Iterable[Reported], counted: Counter) -> Costs:
    """The costs of all networks that figures name: those known, the others counted."""
    named = {key(figure): figure for figure in figures if figure.network}
    return {name: known.get(name) or counted(figure) for name, figure in sorted(named.items())}


def write_costs(folder: Path, costs: Costs) -> None:
    """Write the costs into a folder of leaderboards; no file where there are none."""
    if costs:
        lines = (f'"{name}": {{{_fields(cost)}}}\n' for name, cost in costs.items())
        write_atomic(folder / COSTS, _HEAD + "".join(lines))


def _fields(cost: Cost) -> str:
    return ", ".join(f"{name}: {count}" for name, count in cost.model_dump(exclude_none=True).items())
