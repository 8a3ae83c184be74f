"""The node ``trellis`` of a spec: stages of widths, each with a stack of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from skelbench.space.nodes import ForkNode, Node, OpNode, StageNode, TrellisNode
from skelbench.space.notes import Notes, is_whole
from skelbench.space.place import Here, Want
from skelbench.space.tree import all_open

_MOST_LAYERS, _WIDEST = 100, 1_000_000
_SAID_BY_STAGE = ("channels", "stride")


class TrellisReader:
    """Reads one ``trellis``.

    Args:
        notes: Where problems and labels are noted.
        node: Expands one node.
        options: Expands the mapping of named operators under ``from``.
    """

    def __init__(
        self,
        notes: Notes,
        node: Callable[[Any, Here, Want], Node | None],
        options: Callable[[Mapping[str, Any], Here, Want], tuple[tuple[str, Node], ...]],
    ) -> None:
        self._notes, self._node, self._options = notes, node, options

    def read(self, raw: Any, here: Here, want: Want) -> TrellisNode | None:
        """The trellis that ``raw`` describes, or None where something is wrong."""
        if not self._notes.has_keys(raw, here, ("label", "divide"), ("head", "from", "stages")):
            return None
        before = len(self._notes.problems)
        divide = self._notes.whole(raw, "divide", here, 1, 1, _WIDEST)
        operators = self._operators(raw, here, want)
        head = self._head(raw["head"], here.into("head"), want)
        if head is None or divide is None:
            return None
        stages = _Stages(self._notes, self._node, want, head, tuple(dict(operators)), divide)
        prefix = f"{self._notes.label(raw, here)}." if "label" in raw else ""
        found = stages.read(raw["stages"], here.into("stages"), prefix)
        if len(self._notes.problems) > before:
            return None
        node = TrellisNode(found, operators, divide, here.place)
        for fork in node.forks():
            self._notes.decide(fork, here)
        return node

    def _operators(self, raw: Mapping[str, Any], here: Here, want: Want) -> tuple[tuple[str, OpNode], ...]:
        options = self._options({"from": raw["from"]}, here, want)
        plain = tuple((name, node) for name, node in options if isinstance(node, OpNode))
        if len(plain) < len(options) or any(all_open([node for _, node in plain])):
            what = "a layer's options are operators in which nothing is searched"
            self._notes.fault(what, here.into("from"))
        return plain

    def _head(self, raw: Any, here: Here, want: Want) -> dict[str, Any] | None:
        """The head as it is written; its own parameters are known to be right."""
        given = {"op": raw} if isinstance(raw, str) else raw
        if not isinstance(given, dict) or "op" not in given:
            self._notes.fault("the head of a trellis is one operator", here, "Write {op: name, ...}")
            return None
        said = [key for key in _SAID_BY_STAGE if key in given]
        if said:
            self._notes.fault(
                f"each stage says the '{said[0]}' of its head", here.into(said[0]), "Leave it out"
            )
            return None
        node = self._node({**given, "channels": 1, "stride": 1}, here, want)
        if node is not None and any(all_open([node])):
            self._notes.fault("nothing can be searched in the head of a trellis", here)
        return given


class _Stages:
    """Reads the stages of one trellis.

    Args:
        notes: Where problems and labels are noted.
        node: Expands one node.
        want: What may stand where the trellis stands.
        head: The head as it is written.
        operators: The names of the operators of a layer.
        divide: What widths are divided by.
    """

    def __init__(
        self,
        notes: Notes,
        node: Callable[[Any, Here, Want], Node | None],
        want: Want,
        head: dict[str, Any],
        operators: tuple[str, ...],
        divide: int,
    ) -> None:
        self._notes, self._node, self._want = notes, node, want
        self._head, self._operators, self._divide = head, operators, divide

    def read(self, raw: Any, here: Here, prefix: str) -> tuple[StageNode, ...]:
        """The stages, each decision hung on the one before."""
        stages: list[StageNode] = []
        for name, given, at in self._named(raw, here):
            under = stages[-1].width.label if stages else ""
            stage = self._stage(given, at, prefix + name, under)
            stages += [stage] if stage is not None else []
        if stages:
            last = stages[-1]
            stages[-1] = replace(last, width=replace(last.width, out=f"{last.width.label}.out"))
        return tuple(stages)

    def _named(self, raw: Any, here: Here) -> Iterator[tuple[str, Any, Here]]:
        """Each stage with its name and place; those of a list are stage1, stage2, ..."""
        if not isinstance(raw, list | dict) or not raw:
            self._notes.fault("'stages' lists the stages", here, "Write [{widths: [48, 64]}, ...]")
        elif isinstance(raw, dict):
            yield from ((name, given, here.into(name)) for name, given in raw.items())
        else:
            yield from ((f"stage{i + 1}", given, here.into(i)) for i, given in enumerate(raw))

    def _stage(self, raw: Any, here: Here, name: str, under: str) -> StageNode | None:
        if not self._notes.has_keys(raw, here, ("stride", "layers"), ("widths",)):
            return None
        if "/" in name:
            self._notes.fault(f"a stage's name cannot hold '/': '{name}'", here)
        widths = self._widths(raw["widths"], here.into("widths"))
        layers = self._notes.whole(raw, "layers", here, 0, 0, _MOST_LAYERS)
        if not widths or layers is None:
            return None
        said = {"channels": widths[0] // self._divide, "stride": raw.get("stride", 1)}
        head = self._node({**self._head, **said}, here, self._want)
        width = ForkNode(f"{name}.width", widths, under)
        forks = (ForkNode(f"{name}.layer{k + 1}", self._operators, width.label) for k in range(layers))
        return StageNode(name, width, head, tuple(forks)) if isinstance(head, OpNode) else None

    def _widths(self, raw: Any, here: Here) -> tuple[int, ...]:
        if not isinstance(raw, list) or not raw or not all(is_whole(one, 1, _WIDEST) for one in raw):
            what = "'widths' lists the channels to choose from, one at least"
            self._notes.fault(what, here, "Write [48, 56, 64]")
            return ()
        uneven = [width for width in raw if width % self._divide]
        if uneven:
            what = f"a width of {uneven[0]} does not divide by {self._divide} ('divide')"
            self._notes.fault(what, here, f"Take multiples of {self._divide}")
        elif len(set(raw)) < len(raw):
            self._notes.fault("'widths' lists a width twice", here, "Name each once")
        else:
            return tuple(raw)
        return ()
