"""From the node syntax of a spec to checked nodes; every fault is gathered, none ends the expansion."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from skelbench.components import GraphModule, Operator, slots_of
from skelbench.errors import SpecError, did_you_mean
from skelbench.host.registry import Registry
from skelbench.space.adaptive_syntax import AdaptiveReader
from skelbench.space.cell_syntax import CellReader
from skelbench.space.nodes import (
    ChoiceNode,
    MixNode,
    NetworkNodes,
    Node,
    OpNode,
    SequenceNode,
    SumNode,
    ValueNode,
)
from skelbench.space.notes import Notes, is_whole
from skelbench.space.options import option_names, read_depth, read_inputs, read_values
from skelbench.space.place import Here, Want
from skelbench.space.trellis_syntax import TrellisReader
from skelbench.spec.params import validated_params
from skelbench.spec.yaml import Marks

FORMS = ("op", "repeat", "choice", "mix", "sum", "inputs", "depth", "cell", "adaptive", "trellis")
"""The keys that a node may begin with."""
_MOST_NODES = 20_000
_SKELETON = ("input", "skeleton", "head")
_VIDEO = ("video_input", "video", "video_head")
"""The contracts of a network's input, body and head."""


class Expander(Notes):
    """Expands one network; every fault is kept in ``problems``, so that all are told at once.

    Args:
        registry: Where components come from.
        marks: Places in the spec.
    """

    def __init__(self, registry: Registry, marks: Marks) -> None:
        super().__init__(marks)
        self._registry = registry
        self._count = 0

    def network(
        self, raw: Mapping[str, Any], *path: str, others: Mapping[str, Any] = MappingProxyType({})
    ) -> NetworkNodes | None:
        """The nodes of ``raw`` (input, body, head), or None where there are problems.

        Args:
            raw: The three parts in node syntax.
            path: Where they stand in the spec.
            others: Parts in the place of those, which stand under ``search.network``.
        """
        parts = {**raw, **others}
        here = {k: Here((*(("search", "network") if k in others else path), k), k) for k in parts}
        contracts = _VIDEO if self._takes_video(parts["input"]) else _SKELETON
        first = self._end(parts["input"], here["input"], contracts[0])
        body = self._sequence(parts["body"], here["body"], Want("operator", contracts[1]), blocks=True)
        last = self._end(parts["head"], here["head"], contracts[2])
        if self.problems or first is None or body is None or last is None:
            return None
        return NetworkNodes(first, body, last)

    def _takes_video(self, raw: Any) -> bool:
        """Whether the input of a network takes videos; what the others are follows from it."""
        name = raw.get("op") if isinstance(raw, dict) else raw
        found = self._registry.find("operator", name) if isinstance(name, str) else None
        return isinstance(found, Operator) and found.contract == _VIDEO[0]

    def _end(self, raw: Any, here: Here, contract: str) -> OpNode | None:
        node = self._node(raw, here, Want("operator", contract))
        if node is not None and not isinstance(node, OpNode):
            self.fault(f"the {contract} of a network is one operator", here)
            return None
        return node

    def _node(self, raw: Any, here: Here, want: Want) -> Node | None:
        self._count += 1
        if self._count > _MOST_NODES:
            raise SpecError(f"the network has more than {_MOST_NODES} nodes", where=self.marks.at(here.path))
        if isinstance(raw, str):
            return self._op(raw, {}, here, want)
        if isinstance(raw, list) or (isinstance(raw, dict) and "repeat" in raw):
            return self._sequence(raw if isinstance(raw, list) else [raw], here, want)
        if not isinstance(raw, dict) or not raw:
            self.fault(f"{raw!r} is no module", here, "Write a component's name, {op: name} or a list")
            return None
        if "op" in raw:
            return self._op(raw["op"], {k: v for k, v in raw.items() if k != "op"}, here, want)
        return self._form(raw, here, want)

    def _form(self, raw: dict[str, Any], here: Here, want: Want) -> Node | None:
        key, *others = sorted(raw, key=lambda k: k not in FORMS)
        if key not in FORMS:
            self.fault(f"a module cannot begin with '{key}'", here.into(key), did_you_mean(key, FORMS))
            return None
        if others:
            what = f"unknown key '{others[0]}' beside '{key}'"
            self.fault(what, here.into(others[0]), f"Put it inside '{key}'")
            return None
        forms: dict[str, Callable[[Any, Here, Want], Node | None]] = {
            "choice": partial(self._pick, ChoiceNode),
            "mix": partial(self._pick, MixNode),
            "sum": self._sum,
            "depth": self._depth,
            "inputs": self._stray_inputs,
            "cell": self._cell,
            "adaptive": self._adaptive,
            "trellis": self._trellis,
        }
        return forms[key](raw[key], here.into(key), want)

    # --- operators and their parameters ------------------------------------------------------

    def _op(self, name: Any, params: dict[str, Any], here: Here, want: Want) -> OpNode | None:
        component = self._registry.find(want.kind, name) if isinstance(name, str) else None
        if not isinstance(component, Operator | GraphModule):
            self.fault(f"unknown {want.kind.replace('_', ' ')} '{name}'", here, self._remedy(want, str(name)))
            return None
        if refusal := want.refusal(component):
            self.fault(refusal, here, did_you_mean(name, self._fitting(want)))
            return None
        return OpNode(component, self._params(component, params, here), here.place, here.block)

    def _remedy(self, want: Want, name: str) -> str:
        other = "operator" if want.kind == "graph_module" else "graph_module"
        if self._registry.find(other, name) is not None:
            return f"That name is in use for the kind '{other.replace('_', ' ')}'"
        advice, names = self._registry.remedy(want.kind, name), self._registry.names(want.kind)
        return advice.replace(did_you_mean(name, names), did_you_mean(name, self._fitting(want)), 1)

    def _fitting(self, want: Want) -> list[str]:
        """The names of what may stand at such a place."""
        components = (entry.component for entry in self._registry.entries(want.kind))
        return [component.name for component in components if not want.refusal(component)]

    def _params(self, component: Operator | GraphModule, raw: dict[str, Any], here: Here) -> dict[str, Any]:
        searched = {k: v["value"] for k, v in raw.items() if isinstance(v, dict) and list(v) == ["value"]}
        options = {k: read_values(self, v, here.into(k, "value")) for k, v in searched.items()}
        if not all(options.values()):
            return self._slots(component, dict(raw), here)
        given = {**raw, **{k: values[0] for k, values in options.items()}}
        params = self._valid(component, given, here)
        for name, values in options.items() if params else ():
            rest = [
                self._valid(component, {**given, name: value}, here, {name: index}).get(name)
                for index, value in enumerate(values[1:], start=1)
            ]
            label = self.label(searched[name], here.at(name))
            params[name] = self.decide(ValueNode(label, (params[name], *rest)), here.into(name))
        return self._slots(component, params or dict(raw), here)  # slots are looked into in any case

    def _valid(
        self,
        component: Operator | GraphModule,
        given: dict[str, Any],
        here: Here,
        options: Mapping[str, int] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Validated parameters, or none; ``options`` says which option of a searched one is tried."""
        places = {name: (*here.path, name, "value", "from", index) for name, index in options.items()}
        params, problems = validated_params(component, given, self.marks, here.path, places)
        self.problems += [problem for problem in problems if problem not in self.problems]
        return params

    def _slots(self, component: Operator | GraphModule, params: dict[str, Any], here: Here) -> dict[str, Any]:
        """``params`` with the modules in its slots expanded."""
        for name, slot in slots_of(component).items():
            if params.get(name) is None:
                continue
            if isinstance(params[name], ValueNode):
                self.fault(f"'{name}' holds a module, not a value", here.into(name), "Use 'choice'")
            else:
                params[name] = self._node(
                    params[name], here.into(name).named(name), Want(slot.kind, slot.contract)
                )
        return params

    # --- nodes that hold others --------------------------------------------------------------

    def _sequence(self, raw: Any, here: Here, want: Want, *, blocks: bool = False) -> SequenceNode | None:
        if want.kind == "graph_module":
            self.fault("a list cannot stand where one graph is wanted", here, "Add graphs up with 'sum'")
            return None
        if not isinstance(raw, list) or not raw:
            self.fault("a list of modules is wanted here", here)
            return None
        children: list[Node | None] = []
        number = 0
        for item, at in self._unrolled(raw, here):
            if isinstance(item, dict) and "inputs" in item:
                inputs = at.into("inputs").named(f"inputs{len(children)}")
                children.append(self._inputs(item["inputs"], inputs, len(children)))
                continue
            number += 1
            children.append(self._node(item, at.named(number, block=number if blocks else at.block), want))
        return SequenceNode(tuple(child for child in children if child is not None))

    def _unrolled(self, raw: list[Any], here: Here) -> Iterator[tuple[Any, Here]]:
        """Each element of a sequence, repeated ones several times."""
        for index, item in enumerate(raw):
            at = here.into(index)
            if not (isinstance(item, dict) and "repeat" in item):
                yield item, at
                continue
            times, rest = item["repeat"], {k: v for k, v in item.items() if k != "repeat"}
            if not is_whole(times, 1, sys.maxsize):
                self.fault(f"'repeat' is a number from 1 on, not {times!r}", at.into("repeat"))
            elif list(rest) == ["body"] and isinstance(rest["body"], list):
                for _ in range(min(times, _MOST_NODES)):
                    yield from self._unrolled(rest["body"], at.into("body"))
            else:
                for _ in range(min(times, _MOST_NODES)):
                    yield rest, at

    def _inputs(self, raw: Any, here: Here, before: int) -> Node | None:
        return read_inputs(self, raw, here, before)

    def _stray_inputs(self, raw: Any, here: Here, want: Want) -> None:
        self.fault("'inputs' stands only in a list, after the modules whose outputs it takes", here)

    def _pick(self, form: type[ChoiceNode | MixNode], raw: Any, here: Here, want: Want) -> Node | None:
        options = self._options(raw, here, want)
        return self.decide(form(self.label(raw, here), options), here) if options else None

    def _options(self, raw: Any, here: Here, want: Want) -> tuple[tuple[str, Node], ...]:
        if not self.has_keys(raw, here, ("label",), ("from",)):
            return ()
        given, at = raw["from"], here.into("from")
        if not isinstance(given, list | dict) or not given:
            self.fault("'from' lists the modules to choose from", at)
            return ()
        named = given if isinstance(given, dict) else dict(zip(option_names(given), given, strict=True))
        steps = list(given) if isinstance(given, dict) else list(range(len(given)))
        options = []
        for step, (name, item) in zip(steps, named.items(), strict=True):
            if "/" in name:
                self.fault(f"an option's name cannot hold '/': '{name}'", at.into(step))
            node = self._node(item, at.into(step).named(name), want)
            options += [(name, node)] if node is not None else []
        return tuple(options)

    def _sum(self, raw: Any, here: Here, want: Want) -> Node | None:
        if not isinstance(raw, list) or not raw:
            self.fault("'sum' lists the modules that are added up", here)
            return None
        terms = [self._node(item, here.into(i).named(i + 1), want) for i, item in enumerate(raw)]
        return SumNode(tuple(term for term in terms if term is not None))

    def _cell(self, raw: Any, here: Here, want: Want) -> Node | None:
        if self._is_graph(want, "cell", here) or self._is_video(want, "cell", here):
            return None
        return CellReader(self, self._options, partial(read_values, self)).read(raw, here)

    def _adaptive(self, raw: Any, here: Here, want: Want) -> Node | None:
        if self._is_graph(want, "adaptive", here) or self._is_video(want, "adaptive", here):
            return None
        return AdaptiveReader(self, self._node, self._options, partial(read_values, self)).read(
            raw, here, want
        )

    def _trellis(self, raw: Any, here: Here, want: Want) -> Node | None:
        if self._is_graph(want, "trellis", here):
            return None
        return TrellisReader(self, self._node, self._options).read(raw, here, want)

    def _is_graph(self, want: Want, form: str, here: Here) -> bool:
        if want.kind == "graph_module":
            self.fault(f"'{form}' cannot stand where one graph is wanted", here)
        return want.kind == "graph_module"

    def _is_video(self, want: Want, form: str, here: Here) -> bool:
        if want.contract == "video":
            self.fault(f"'{form}' works on skeletons and cannot stand in a network of videos", here)
        return want.contract == "video"

    def _depth(self, raw: Any, here: Here, want: Want) -> Node | None:
        if self._is_graph(want, "depth", here):
            return None
        return read_depth(self, raw, here, lambda at: self._node(raw["of"], at, want), _MOST_NODES)
