"""A spec while it is being put together: plain data, each value with its place, changed layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from skelbench.errors import SpecError
from skelbench.spec.data_file import load_data_file
from skelbench.spec.schema import merges
from skelbench.spec.yaml import Marks, Path, load_yaml


@dataclass
class Layer:
    """Plain data and places that are still being put together."""

    data: Any
    places: dict[Path, str]

    def overlay(self, other: Layer, path: Path = ()) -> None:
        """Merge mappings key by key (see `merges`); everything else is replaced whole."""
        mine, theirs = self.at(path), other.at(path)
        if not (isinstance(mine, dict) and isinstance(theirs, dict)):
            raise SpecError("expected a mapping", where=Marks(other.places).at(path))
        for key, value in theirs.items():
            below = (*path, key)
            if merges(mine.get(key), value):
                self.overlay(other, below)
            else:
                mine[key] = value
                self._take_places(other, below)

    def at(self, path: Path) -> Any:
        """The value at a path."""
        value = self.data
        for step in path:
            value = value[step]
        return value

    def _take_places(self, other: Layer, path: Path) -> None:
        n = len(path)
        for old in [p for p in self.places if p[:n] == path]:
            del self.places[old]
        self.places.update({p: place for p, place in other.places.items() if p[:n] == path})


def apply_data(layer: Layer, path: FilePath) -> None:
    """Put other data in the place of a spec's: the data set, its protocol, and what else the file says."""
    given, marks = load_data_file(path)
    own = layer.data.get("data")
    if isinstance(own, dict):
        for key in ("dataset", "protocol", "layout", "root"):
            own.pop(key, None)
    layer.overlay(Layer({"data": given}, dict(marks.places)))


def apply_set(layer: Layer, change: str) -> None:
    """Change one value; the schema says later whether its key is valid.

    Raises:
        SpecError: It is not of the form ``a.b=value``, or its place does not exist.
    """
    key, separator, text = change.partition("=")
    place = f"--set {key}"
    if not separator or not key:
        raise SpecError(f"'{change}' is not of the form a.b=value", where="--set")
    value, _ = load_yaml(text, place)
    steps = key.split(".")
    at = layer.data
    for step in steps[:-1]:
        at = _step(at, step, place)
    last = _index(at, steps[-1], place)
    if len(steps) > 1 and isinstance(at, dict) and not merges(at, {last: value}):
        at.clear()  # another component: the parameters of the one before mean nothing to it
    at[last] = value
    path = tuple(int(s) if s.isdigit() else s for s in steps)
    for old in [p for p in layer.places if p[: len(path)] == path]:
        del layer.places[old]
    layer.places[path] = place


def _step(at: Any, step: str, place: str) -> Any:
    if isinstance(at, dict) and step not in at:
        at[step] = {}
    return at[_index(at, step, place)]


def _index(at: Any, step: str, place: str) -> str | int:
    if isinstance(at, dict):
        return step
    if isinstance(at, list) and step.isdigit() and int(step) < len(at):
        return int(step)
    size = f"a list of {len(at)}" if isinstance(at, list) else "a single value"
    raise SpecError(f"'{step}' does not exist: it would be inside {size}", where=place)
