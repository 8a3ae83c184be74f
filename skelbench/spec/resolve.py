"""From a file, or the name of a shipped spec, to one resolved spec: extends, profile, --set, hash."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any

from skelbench.errors import SpecError, did_you_mean
from skelbench.spec.data_file import with_layouts
from skelbench.spec.layer import Layer, apply_data, apply_set
from skelbench.spec.schema import Spec, validate
from skelbench.spec.search_schema import ComponentSpec
from skelbench.spec.yaml import Marks, Path, dump_yaml, load_yaml

SHIPPED = "skelbench_spaces"
_LONGEST_CHAIN = 20
_OWN = ("name", "summary", "reported")
_NOT_PART_OF_THE_RUN = ("summary", "reported", "departures", "architectures", "stages")
_OF_THE_SEARCH = ("network", "search")
_ENGINE: Path = ("search", "engine")
_ANY_ENGINE = {"name": "sequential"}
"""What stands for every engine in a hash: no result depends on it. The name is that of the only one there
was when the first records were made."""
_NAMED = ("profiles", "architectures")
_SPEC = re.compile(r"^skelbench\s*:", re.MULTILINE)
_MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Resolved:
    """A spec with everything applied.

    Attributes:
        spec: The validated spec.
        data: The same as plain data, as written.
        marks: Where each value comes from.
        hash: Sha256 (64 hex) of what defines a run.
        path: The file or shipped name that it began with.
        profile: The profile in use, or an empty string.
        profiles: Names of all its profiles.
        notes: What was changed so that it fits other data than its own, in lines for people.
    """

    spec: Spec
    data: dict[str, Any]
    marks: Marks
    hash: str
    path: str
    profile: str = ""
    profiles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def recipe_hash(self) -> str:
        """Sha256 of what defines a run of a given architecture: all but the space and its search."""
        return spec_hash({key: value for key, value in self.data.items() if key not in _OF_THE_SEARCH})

    @property
    def table_hash(self) -> str:
        """Sha256 of what defines a table of trainings: all but how its space is searched."""
        return spec_hash({key: value for key, value in self.data.items() if key != "search"})

    def with_root(self, root: FilePath) -> Resolved:
        """The same with the data's place written in, which is not part of the hash."""
        data = {**self.data, "data": {**self.data["data"], "root": str(root.resolve())}}
        return replace(self, data=data)

    def with_changes(self, changes: Mapping[Path, Any], place: str) -> Resolved:
        """The same with other values, None taking one out; ``place`` names where they come from in messages.

        Raises:
            SpecError: A value is wrong.
        """
        data, places = copy.deepcopy(self.data), dict(self.marks.places)
        for path, value in changes.items():
            at: Any = data
            for step in path[:-1]:
                at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
            at.pop(path[-1], None)
            if value is not None:
                at[path[-1]] = value
            places = {p: where for p, where in places.items() if p[: len(path)] != path} | {path: place}
        marks = Marks(places)
        return replace(self, spec=validate(data, marks), data=data, marks=marks, hash=spec_hash(data))

    def with_engine(self, name: str, params: dict[str, Any], place: str) -> Resolved:
        """The same run carried out by another engine, which ``place`` names in messages."""
        engine = ComponentSpec.model_validate({"name": name, **params})
        search = self.spec.search.model_copy(update={"engine": engine})
        places = {p: at for p, at in self.marks.places.items() if p[:2] != _ENGINE}
        spec = self.spec.model_copy(update={"search": search})
        return replace(self, spec=spec, marks=Marks({**places, _ENGINE: place}))

    def dump(self) -> str:
        """YAML of the resolved spec; loading it gives the same hash."""
        return dump_yaml(self.data)

    @property
    def digest(self) -> str:
        """Sha256 of `portable`, by which the spec file beside a record is known."""
        return hashlib.sha256(self.portable().encode()).hexdigest()

    def portable(self) -> str:
        """YAML of the resolved spec without the data's place, which is one machine's."""
        data = {key: value for key, value in self.data["data"].items() if key != "root"}
        return dump_yaml({**self.data, "data": data})


def load_spec(
    name: str | FilePath,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    data: FilePath | None = None,
) -> Resolved:
    """Load, merge and validate a spec.

    Args:
        name: A file, or the name of a shipped spec.
        profile: A profile of the spec.
        sets: Changes such as ``train.epochs=30``.
        data: A file that describes other data, which replace the spec's.

    Raises:
        SpecError: Every fault of the first step that finds any, with file and line.
    """
    layer = _extended(str(name), None, ())
    _drop_removed(layer)
    profiles = layer.data.pop("profiles", None) or {}
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise SpecError(
            "'profiles' holds a mapping of changes by name", where=Marks(layer.places).at(("profiles",))
        )
    if profile is not None:
        _apply_profile(layer, profiles, profile)
        _drop_removed(layer)
    if data is not None:
        apply_data(layer, data)
    for change in sets:
        apply_set(layer, change)
    marks = Marks(layer.places)
    folder = FilePath(name).parent if FilePath(name).is_file() else FilePath()
    layer.data = with_layouts(layer.data, folder)
    spec = validate(layer.data, marks)
    return Resolved(spec, layer.data, marks, spec_hash(layer.data), str(name), profile or "", tuple(profiles))


def spec_hash(data: dict[str, Any]) -> str:
    """Sha256 of what defines a run, whatever the order of keys."""
    kept = {k: v for k, v in data.items() if k not in _NOT_PART_OF_THE_RUN}
    kept["data"] = {k: v for k, v in kept.get("data", {}).items() if k != "root"}
    if "cache_gib" in (video := kept["data"].get("video", {})):  # no result depends on it
        kept["data"]["video"] = {k: v for k, v in video.items() if k != "cache_gib"}
    if "engine" in kept.get("search", {}):
        kept["search"] = {**kept["search"], "engine": _ANY_ENGINE}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def shipped_names() -> list[str]:
    """Names of the specs that come with skelbench."""
    return sorted(f.name.removesuffix(".yaml") for f in files(SHIPPED).iterdir() if f.name.endswith(".yaml"))


def _extended(name: str, beside: FilePath | None, chain: tuple[str, ...]) -> Layer:
    """A file on top of what it extends: all but the base's name, summary and reported figures."""
    text, shown, folder = _read(name, beside)
    if len(chain) > _LONGEST_CHAIN:
        raise SpecError(f"more than {_LONGEST_CHAIN} specs extend each other", where=shown)
    if shown in chain:
        raise SpecError(f"specs extend each other in a circle: {' -> '.join((*chain, shown))}", where=shown)
    if chain and not _SPEC.search(text):  # what else stands in the file is nobody's business
        raise SpecError("this is no spec: no line begins with 'skelbench:'", where=shown)
    data, marks = load_yaml(text, shown)
    if not isinstance(data, dict):
        raise SpecError("a spec is a mapping that begins with 'skelbench: 1'", where=shown)
    layer = Layer(data, dict(marks.places))
    base_name = data.pop("extends", None)
    if base_name is None:
        return layer
    if not isinstance(base_name, str):
        raise SpecError("'extends' names one spec", where=marks.at(("extends",)))
    base = _extended(base_name, folder, (*chain, shown))
    for key in _OWN:  # they speak of the base alone
        base.data.pop(key, None)
        base.places.pop((key,), None)
    base.overlay(layer)
    base.places[()] = marks.at(())
    return base


def _read(name: str, beside: FilePath | None) -> tuple[str, str, FilePath | None]:
    """The text of a spec, what to call it, and the folder that its ``extends`` is relative to."""
    path = beside / name if beside is not None else FilePath(name)
    if _is_file(path):
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise SpecError(f"is too large for a spec: more than {_MOST_BYTES:,} bytes", where=path)
            return path.read_text(encoding="utf-8-sig"), str(path), path.parent
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"cannot be read: {error}", where=path) from error
    stem = name.removesuffix(".yaml")
    if stem in shipped_names():
        return (files(SHIPPED) / f"{stem}.yaml").read_text(encoding="utf-8"), f"{stem}.yaml", None
    remedy = f"Name a file or a shipped spec. {did_you_mean(FilePath(stem).name[:100], shipped_names())}"
    raise SpecError("there is no such spec", where=name[:200], remedy=remedy)


def _is_file(path: FilePath) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _drop_removed(layer: Layer) -> None:
    """Take out what an extended spec has, or one without its profile, and this one sets to null."""
    for section in [name for name in _NAMED if name in layer.data]:
        entries = layer.data[section]
        if entries is None:
            del layer.data[section]
        elif isinstance(entries, dict):
            layer.data[section] = {name: entry for name, entry in entries.items() if entry is not None}


def _apply_profile(layer: Layer, profiles: dict[str, Any], profile: str) -> None:
    if profile not in profiles:
        raise SpecError(
            f"the spec has no profile '{profile}'",
            where=Marks(layer.places).at(("profiles",)),
            remedy=did_you_mean(profile, profiles),
        )
    layer.overlay(Layer(profiles[profile], Marks(layer.places).under(("profiles", profile))))
