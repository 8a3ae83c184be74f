"""The node ``adaptive`` of a spec: models of which a policy chooses one for each frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skelbench.space.nodes import AdaptiveNode, Node, ValueNode
from skelbench.space.notes import Notes
from skelbench.space.place import Here, Want

_OPTIONAL = ("alpha", "alpha_scale", "warmup")
_SCALES = ("gmacs", "released")
POLICY = Want("operator", "policy")


class AdaptiveReader:
    """Reads one ``adaptive``.

    Args:
        notes: Where problems and labels are noted.
        node: Expands one node.
        options: Expands the mapping of named models under ``from``.
        values: Reads a searched value.
    """

    def __init__(
        self,
        notes: Notes,
        node: Callable[[Any, Here, Want], Node | None],
        options: Callable[[Mapping[str, Any], Here, Want], tuple[tuple[str, Node], ...]],
        values: Callable[[Any, Here], list[Any]],
    ) -> None:
        self._notes, self._node, self._options, self._values = notes, node, options, values

    def read(self, raw: Any, here: Here, want: Want) -> AdaptiveNode | None:
        """The node that ``raw`` describes, or None where something is wrong."""
        if not self._notes.has_keys(raw, here, _OPTIONAL, ("policy", "from")):
            return None
        before = len(self._notes.problems)
        policy = self._node(raw["policy"], here.into("policy").named("policy"), POLICY)
        options = self._models(raw, here, want)
        alpha = self._alpha(raw, here)
        warmup, scale = raw.get("warmup", 0.0), raw.get("alpha_scale", "gmacs")
        if not _number(warmup) or warmup >= 1:
            self._notes.fault(f"'warmup' is a share from 0 to below 1, not {warmup!r}", here.into("warmup"))
        if scale not in _SCALES:
            self._notes.fault(
                f"unknown 'alpha_scale': {scale!r}", here.into("alpha_scale"), f"Valid: {', '.join(_SCALES)}"
            )
        if len(self._notes.problems) > before or policy is None:
            return None
        return AdaptiveNode(policy, options, alpha, scale, float(warmup), here.place)

    def _models(self, raw: Mapping[str, Any], here: Here, want: Want) -> tuple[tuple[str, Node], ...]:
        given, at = raw["from"], here.into("from")
        if not isinstance(given, dict) or len(given) < 2:
            self._notes.fault("'from' names two models or more", at, "Write {name: module, ...}")
            return ()
        for name in given:
            if "." in name:  # a name is a part of the module's path
                self._notes.fault(f"a model's name cannot hold '.': '{name}'", at.into(name))
        return self._options({"from": given}, here, want)

    def _alpha(self, raw: Mapping[str, Any], here: Here) -> float | ValueNode:
        given = raw.get("alpha", 0.0)
        searched = isinstance(given, dict) and list(given) == ["value"]
        at = here.into("alpha", "value") if searched else here.into("alpha")
        values = self._values(given["value"], at) if searched else [given]
        for value in values:
            if not _number(value):
                self._notes.fault(f"'alpha' is a number from 0 on, not {value!r}", at)
                return 0.0
        if not searched or not values:
            return float(given) if not searched else 0.0
        label = self._notes.label(given["value"], here.at("alpha"))
        return self._notes.decide(ValueNode(label, tuple(values)), at)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
