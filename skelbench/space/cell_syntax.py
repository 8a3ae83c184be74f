"""The node ``cell`` of a spec: a stack of searched or given cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from skelbench.errors import did_you_mean
from skelbench.space.nodes import CellsNode, EdgesNode, KeptEdges, Node, OpNode, ValueNode
from skelbench.space.notes import Notes, is_whole
from skelbench.space.place import Here, Want

INPUTS = 2
ZERO = "zero"
_OPTIONAL = ("label", "nodes", "choose", "reduce_at", "drop_path", "from", "genotype")
_KINDS = ("normal", "reduce")
_MOST_CELLS, _MOST_NODES = 1000, 32
Edges = tuple[EdgesNode | KeptEdges, ...]
Values = Callable[[Any, Here], list[Any]]


class CellReader:
    """Reads one ``cell``.

    Args:
        notes: Where problems and labels are noted.
        options: Expands the mapping of named operators under ``from``.
        values: Reads a searched value.
    """

    def __init__(
        self,
        notes: Notes,
        options: Callable[[Mapping[str, Any], Here, Want], tuple[tuple[str, Node], ...]],
        values: Values,
    ) -> None:
        self._notes, self._options, self._values = notes, options, values

    def read(self, raw: Any, here: Here) -> CellsNode | None:
        """The stack of cells that ``raw`` describes, or None where something is wrong."""
        if not self._notes.has_keys(raw, here, _OPTIONAL, ("layers", "channels")):
            return None
        before = len(self._notes.problems)
        layers = self._layers(raw, here)
        channels = self._notes.whole(raw, "channels", here, None, 1, 1_000_000)
        reduce_at = self._reduce_at(raw, here, layers)
        drop_path = self._share(raw, here)
        operators, kinds = self._kinds(raw, here)
        if len(self._notes.problems) > before or layers is None or channels is None:
            return None
        node = CellsNode(layers, channels, reduce_at, operators, *kinds, drop_path, here.place)
        node = self._occurring(node, here)
        for edges in (*node.normal, *node.reduce):
            if isinstance(edges, EdgesNode):
                self._notes.decide(edges, here)
        return node

    # --- the stack ---------------------------------------------------------------------------

    def _occurring(self, node: CellsNode, here: Here) -> CellsNode:
        """``node`` without the kind of cell that occurs in no stack of its; the other is needed."""
        counts = node.layers.values if isinstance(node.layers, ValueNode) else (node.layers,)
        halved = [len(node.reductions(count)) for count in counts]
        full = [reductions == count for reductions, count in zip(halved, counts, strict=True)]
        if any(full) and not all(full):  # 'normal' would be decided where no cell asks for it
            what = f"of {min(counts)} cells, all are reductions, and of {max(counts)} are not"
            self._notes.fault(what, here.into("reduce_at"), "List fewer, or search no 'layers'")
        needed = {"normal": not all(full), "reduce": any(halved)}
        kinds = {kind: getattr(node, kind) if needed[kind] else () for kind in _KINDS}
        for kind in _KINDS:
            if needed[kind] and not kinds[kind]:
                what = f"the genotype has no '{kind}' cell"
                self._notes.fault(what, here.into("genotype", kind), f"Add '{kind}'")
        return replace(node, normal=kinds["normal"], reduce=kinds["reduce"])

    def _layers(self, raw: Mapping[str, Any], here: Here) -> int | ValueNode | None:
        given = raw["layers"]
        if not (isinstance(given, dict) and list(given) == ["value"]):
            return self._notes.whole(raw, "layers", here, None, 1, _MOST_CELLS)
        at = here.into("layers", "value")
        values = self._values(given["value"], at)
        wrong = [value for value in values if not is_whole(value, 1, _MOST_CELLS)]
        if wrong:
            self._notes.fault(f"'layers' is a number from 1 to {_MOST_CELLS}, not {wrong[0]!r}", at)
        if wrong or not values:
            return None
        return self._notes.decide(
            ValueNode(self._notes.label(given["value"], here.at("layers")), (*values,)), at
        )

    def _reduce_at(
        self, raw: Mapping[str, Any], here: Here, layers: int | ValueNode | None
    ) -> tuple[int, ...] | None:
        at, given = here.into("reduce_at"), raw.get("reduce_at")
        if layers is None:
            return None
        counts = layers.values if isinstance(layers, ValueNode) else (layers,)
        if given is None:
            if min(counts) < 3:
                what = f"{min(counts)} cells have no one and two thirds"
                self._notes.fault(
                    what, here.into("layers"), "Say with 'reduce_at' which cells halve the size"
                )
            return None
        last = min(counts) - 1
        if not isinstance(given, list) or not all(is_whole(one, 0, last) for one in given):
            self._notes.fault(f"'reduce_at' lists cells from 0 to {last}", at)
        elif sorted(set(given)) != given:
            self._notes.fault("'reduce_at' lists cells in rising order, each once", at)
        else:
            return tuple(given)
        return None

    def _share(self, raw: Mapping[str, Any], here: Here) -> float:
        share = raw.get("drop_path", 0.0)
        if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share < 1:
            return float(share)
        self._notes.fault(f"'drop_path' is a share from 0 to below 1, not {share!r}", here.into("drop_path"))
        return 0.0

    # --- the cells ---------------------------------------------------------------------------

    def _kinds(
        self, raw: Mapping[str, Any], here: Here
    ) -> tuple[tuple[tuple[str, OpNode], ...], tuple[Edges, Edges]]:
        if "genotype" in raw:
            return self._given(raw, here)
        operators = self._operators(raw.get("from"), here.into("from"))
        nodes = self._notes.whole(raw, "nodes", here, 4, 1, _MOST_NODES)
        choose = self._notes.whole(raw, "choose", here, 2, 1, INPUTS)
        names = [name for name, node in operators if node.component.name != ZERO]
        if operators and not names:
            self._notes.fault(f"a cell of '{ZERO}' alone has no edges", here.into("from"))
        prefix = f"{self._notes.label(raw, here)}." if "label" in raw else ""
        none = len(names) < len(operators)
        normal, reduce = (
            tuple(
                _edges(f"{prefix}{kind}.{INPUTS + k}", names, INPUTS + k, choose or 1, none)
                for k in range(nodes or 0)
            )
            for kind in _KINDS
        )
        return operators, (normal, reduce)

    def _operators(self, raw: Any, here: Here) -> tuple[tuple[str, OpNode], ...]:
        if not isinstance(raw, list | dict) or not raw:
            self._notes.fault("'from' lists the operators of an edge", here, "See 'skelbench list operator'")
            return ()
        found = self._options(
            {"from": raw}, Here(here.path[:-1], here.name, here.block), Want("operator", "cell")
        )
        for name, node in found:
            if not isinstance(node, OpNode) or any(isinstance(v, ValueNode) for v in node.params.values()):
                self._notes.fault(f"'{name}': on an edge of a cell stands one fixed operator", here)
            if "(" in name or ")" in name:
                self._notes.fault(f"the name of a cell's operator has no brackets: '{name}'", here)
        return tuple((name, node) for name, node in found if isinstance(node, OpNode))

    def _given(
        self, raw: Mapping[str, Any], here: Here
    ) -> tuple[tuple[tuple[str, OpNode], ...], tuple[Edges, Edges]]:
        """Cells that are written out: nothing of them is open."""
        genotype, at = raw["genotype"], here.into("genotype")
        for key in ("label", "nodes", "choose"):
            if key in raw:
                self._notes.fault(f"'{key}' has no meaning beside 'genotype'", here.into(key), "Leave it out")
        if not isinstance(genotype, dict):
            self._notes.fault("'genotype' is a mapping with the cells 'normal' and 'reduce'", at)
            return (), ((), ())
        if not self._notes.has_keys(genotype, at, _KINDS, ()):
            return (), ((), ())
        normal, reduce = ([*self._edges_of(genotype.get(kind, []), at.into(kind))] for kind in _KINDS)
        if normal and reduce and len(normal) != len(reduce):
            self._notes.fault("'normal' and 'reduce' have the same number of nodes", at)
        used: dict[str, Here] = {}
        for kind, edges in zip(_KINDS, (normal, reduce), strict=True):
            for k, edge in [(k, edge) for k, kept in enumerate(edges) for edge in kept.options]:
                used.setdefault(split_edge(edge)[0], at.into(kind, k))
        return self._used(used, raw, here), (tuple(normal), tuple(reduce))

    def _used(
        self, used: Mapping[str, Here], raw: Mapping[str, Any], here: Here
    ) -> tuple[tuple[str, OpNode], ...]:
        """The operators of a genotype, each by its first place in it."""
        if "from" not in raw:
            found = [self._operators([name], at.into("from")) for name, at in used.items()]
            return self._without_zero((one for operators in found for one in operators), used)
        operators = self._operators(raw["from"], here.into("from"))
        for name, at in used.items():
            if operators and name not in dict(operators):
                self._notes.fault(f"no operator '{name}'", at, did_you_mean(name, dict(operators)))
        return self._without_zero((one for one in operators if one[0] in used), used)

    def _without_zero(
        self, operators: Iterable[tuple[str, OpNode]], used: Mapping[str, Here]
    ) -> tuple[tuple[str, OpNode], ...]:
        """``operators``, of which ``zero`` can be none: it says that there is no edge."""
        found = tuple(operators)
        for name, operator in found:
            if operator.component.name == ZERO:
                self._notes.fault(f"'{name}' is no edge of an architecture", used[name], "Leave it out")
        return found

    def _edges_of(self, raw: Any, here: Here) -> list[KeptEdges]:
        if not isinstance(raw, list):
            self._notes.fault("a cell lists its nodes, each a list of edges like sep3(0)", here)
            return []
        return [self._kept(edges, INPUTS + k, here.into(k)) for k, edges in enumerate(raw)]

    def _kept(self, raw: Any, inputs: int, here: Here) -> KeptEdges:
        """The edges into a node in the order of their inputs, however they are written."""
        edges = raw if isinstance(raw, list) else []
        if not edges:
            self._notes.fault("a node lists its edges, like [sep3(0), max3(1)]", here)
        kept: dict[int, str] = {}
        for edge in edges:
            name, source = split_edge(edge)
            if not name or source is None:
                self._notes.fault(f"'{edge}' is no edge", here, "Write operator(input), like sep3(0)")
            elif source >= inputs:
                self._notes.fault(
                    f"node {inputs} has no input {source}", here, f"Its inputs are 0 to {inputs - 1}"
                )
            elif source in kept:
                what = f"node {inputs} takes one input twice"
                self._notes.fault(what, here, "Give each edge its own input")
            else:
                kept[source] = f"{name}({source})"
        return KeptEdges(tuple(kept[source] for source in sorted(kept)))


def split_edge(edge: Any) -> tuple[str, int | None]:
    """The operator's name and the input of an edge: ``sep3(0)`` -> ("sep3", 0)."""
    name, bracket, source = str(edge).partition("(")
    digits = source.removesuffix(")")
    return name, int(digits) if bracket and source.endswith(")") and digits.isdecimal() else None


def _edges(label: str, names: list[str], inputs: int, choose: int, none: bool) -> EdgesNode:
    pairs = [(f"{name}({source})", source) for source in range(inputs) for name in names]
    return EdgesNode(label, tuple(n for n, _ in pairs), tuple(s for _, s in pairs), choose, none)
