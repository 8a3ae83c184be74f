"""Strict YAML: plain data with the place of every value; duplicate keys and surprises are errors.

Scalars follow YAML 1.2: ``1e-3`` is a number and ``no`` a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from skelbench.errors import SpecError

Path = tuple[str | int, ...]
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_MOST_VALUES = 200_000
_MOST_CHARACTERS = 4_000_000
_MOST_DIGITS = 400
_DEEPEST = 60


@dataclass(frozen=True)
class Marks:
    """Where values come from.

    Attributes:
        places: Path of a value -> ``file:line``.
    """

    places: Mapping[Path, str] = field(default_factory=dict)

    def at(self, path: Path) -> str:
        """The place of ``path``, or of the nearest value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return ""

    def under(self, path: Path) -> dict[Path, str]:
        """The places of ``path`` and all below it, relative to it."""
        n = len(path)
        return {p[n:]: place for p, place in self.places.items() if p[:n] == path}


def path_of(place: str) -> Path:
    """The path of a place such as ``network.body[3].graph``."""
    return tuple(int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", place))


def load_yaml(text: str, name: str) -> tuple[Any, Marks]:
    """Read one YAML document.

    Args:
        text: The document.
        name: What to call it in messages, usually the file.

    Raises:
        SpecError: It is not strict YAML; says the line.
    """
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        what = (error.problem or error.context or "").replace("\t", "\\t")
        remedy = "Indent with spaces" if "\\t" in what else ""
        raise SpecError(f"not YAML: {what}", where=where, remedy=remedy) from error
    except yaml.reader.ReaderError as error:
        where = f"{name}:{text[: error.position].count(chr(10)) + 1}"
        raise SpecError(f"not text: it holds the character {error.character:#x}", where=where) from error
    reader = _Reader(name)
    return (reader.read(node, ()) if node is not None else None), Marks(reader.places)


@lru_cache(maxsize=8)
def _composed(text: str) -> yaml.Node | None:
    """The nodes of a document; checking every profile of a spec reads the same text again."""
    return yaml.compose(text, Loader=_Composer)


def parse_scalar(text: str) -> Any:
    """A plain scalar's value by YAML 1.2's core rules."""
    if text.lower() in _WORDS and text in (text.lower(), text.capitalize(), text.upper()):
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text) and len(text) <= _MOST_DIGITS:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def dump_yaml(data: Any) -> str:
    """YAML that `load_yaml` reads back as the same data."""
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110
    )


class _Composer(yaml.SafeLoader):
    """Composes nodes; refuses written tags and depths that no spec needs."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(None, None, "tags such as '!!str' are not allowed", event.start_mark)
        if self._depth >= _DEEPEST:
            raise yaml.MarkedYAMLError(None, None, f"nested deeper than {_DEEPEST}", event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if parse_scalar(value) != value or value == "<<" else None
    if any(character in value for character in "\r\x85\u2028\u2029"):
        style = '"'  # only there are they escaped; elsewhere they end lines
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


class _Reader:
    """Turns composed nodes into plain data, noting places."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[Path, str] = {}
        self._open: set[int] = set()
        self._characters = 0

    def place(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.places.setdefault(path, self.place(node))
        if len(self.places) > _MOST_VALUES:
            raise SpecError("the document grows too large through its aliases", where=self.name)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise SpecError("an alias stands inside what it names", where=self.place(node))
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read(child, (*path, i)) for i, child in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        self._characters += len(node.value)
        if self._characters > _MOST_CHARACTERS:
            raise SpecError("the document grows too large through its aliases", where=self.name)
        value = parse_scalar(node.value) if node.style is None else node.value
        if isinstance(value, float) and math.isinf(value):
            raise SpecError(f"the number {node.value[:40]} is too large", where=self.place(node))
        self._refuse_halves(node)
        return value

    def _refuse_halves(self, node: yaml.ScalarNode) -> None:
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            raise SpecError("half a character (a surrogate) stands here", where=self.place(node))

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in out:
                first = self.places[(*path, key)]
                raise SpecError(
                    f"the key '{key}' stands twice, first at {first}",
                    where=self.place(key_node),
                    remedy="Keep one of the two",
                )
            self.places[(*path, key)] = self.place(key_node)
            out[key] = self.read(value_node, (*path, key))
        return out

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise SpecError("a key must be a word", where=self.place(node))
        self._refuse_halves(node)
        if node.value == "<<" and node.style is None:
            raise SpecError(
                "merge keys ('<<') are not allowed", where=self.place(node), remedy="Write it out"
            )
        return node.value
