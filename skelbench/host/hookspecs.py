"""The hooks that a plugin may implement; `skelbench.hookimpl` marks an implementation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

from skelbench.components import (
    Column,
    Dataset,
    Engine,
    GraphModule,
    Layout,
    Metric,
    Operator,
    Strategy,
    Table,
)

if TYPE_CHECKING:
    from skelbench.results.record import Record

hookspec = pluggy.HookspecMarker("skelbench")
hookimpl = pluggy.HookimplMarker("skelbench")
"""Marks the function of a plugin that implements the hook of its name."""


@hookspec
def register_operators() -> Iterable[Operator]:  # type: ignore[empty-body]
    """Modules that may stand in a network."""


@hookspec
def register_graph_modules() -> Iterable[GraphModule]:  # type: ignore[empty-body]
    """Modules that make the graph of a graph convolution."""


@hookspec
def register_layouts() -> Iterable[Layout]:  # type: ignore[empty-body]
    """Skeleton layouts."""


@hookspec
def register_strategies() -> Iterable[Strategy]:  # type: ignore[empty-body]
    """Search strategies."""


@hookspec
def register_engines() -> Iterable[Engine]:  # type: ignore[empty-body]
    """Execution engines."""


@hookspec
def register_datasets() -> Iterable[Dataset]:  # type: ignore[empty-body]
    """Data sets."""


@hookspec
def register_metrics() -> Iterable[Metric]:  # type: ignore[empty-body]
    """Metrics over scores and labels."""


@hookspec
def register_columns() -> Iterable[Column]:  # type: ignore[empty-body]
    """Further leaderboard columns."""


@hookspec
def register_tables() -> Iterable[Table]:  # type: ignore[empty-body]
    """Tables of trained architectures."""


@hookspec
def before_run(spec: dict[str, Any], context: dict[str, Any]) -> None:
    """Called once before work starts.

    Args:
        spec: The resolved spec as plain data; changing it changes nothing.
        context: ``folder`` (the run folder), ``seed`` and ``device``.
    """


@hookspec
def after_trial(trial: dict[str, Any], context: dict[str, Any]) -> None:
    """Called for each trial once it stands in the journal.

    Args:
        trial: The trial's line of ``trials.jsonl``.
        context: As for `before_run`.
    """


@hookspec
def after_run(record: Record, context: dict[str, Any]) -> None:
    """Called once with the run's record after it is stored.

    Args:
        record: The record as it stands in ``record.json``.
        context: As for `before_run`.
    """
