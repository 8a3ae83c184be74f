"""Loading all that a run will call before it begins, so that a broken plugin is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from skelbench.check.checked import Checked
from skelbench.components import Component
from skelbench.errors import PluginError, Problem
from skelbench.space.nodes import OpNode


def load_targets(checked: Checked) -> None:
    """Import what the checked spec names.

    Raises:
        PluginError: Something cannot be imported; all of it is told.
    """
    problems: list[Problem] = []
    for component in _named(checked):
        try:
            component.load()
        except PluginError as error:
            problems += error.problems
    if problems:
        raise PluginError.of(problems)


def _named(checked: Checked) -> list[Component]:
    """Every component once."""
    networks = [checked.network, checked.search_network, *(a.network for a in checked.architectures.values())]
    found = [checked.dataset, checked.strategy, checked.engine, *checked.metrics, *_operators(networks)]
    return list({(component.kind, component.name): component for component in found}.values())


def _operators(value: Any) -> Iterator[Component]:
    """The components in nodes, however deep."""
    if isinstance(value, OpNode):
        yield value.component
        yield from _operators(value.params)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _operators(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _operators(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _operators(part)
