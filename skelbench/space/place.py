"""Where a node stands and what may stand there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from skelbench.components import Component, Operator
from skelbench.spec.yaml import Path


@dataclass(frozen=True)
class Want:
    """What may stand at a place.

    Attributes:
        kind: The component kind.
        contract: The contract of an operator, or None for any.
    """

    kind: Literal["operator", "graph_module"]
    contract: str | None = None

    def refusal(self, component: Component) -> str:
        """Why a component of the kind may not stand there; empty where it may."""
        if self.contract is None or not isinstance(component, Operator):
            return ""
        kept = (component.contract, *component.also)
        if self.contract in kept:
            return ""
        return f"operator '{component.name}' ({', '.join(kept)}) cannot stand here: {self.contract} is needed"


@dataclass(frozen=True)
class Here:
    """A place in a network.

    Attributes:
        path: The path in the spec, before repeats are unrolled.
        name: What a label is derived from: ``body.3.graph``, counted after unrolling.
        block: Number (from 1) of the body's element, 0 outside the body.
    """

    path: Path
    name: str
    block: int = 0

    def into(self, *steps: str | int) -> Here:
        """A place further inside the spec."""
        return replace(self, path=(*self.path, *steps))

    def named(self, step: str | int, block: int | None = None) -> Here:
        """The same place with its own name for derived labels."""
        return replace(self, name=f"{self.name}.{step}", block=self.block if block is None else block)

    def at(self, step: str) -> Here:
        """A parameter's place."""
        return self.into(step).named(step)

    @property
    def place(self) -> str:
        """The path as text: ``network.body[3].graph``."""
        first, *steps = map(str, self.path)
        return first + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps)
