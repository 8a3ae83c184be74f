"""What this plugin registers. Nothing heavy is imported here: targets are named, not loaded."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from skelbench import hookimpl
from skelbench.components import (
    ALL_NODE_KINDS,
    Column,
    Dataset,
    GraphModule,
    Metric,
    Operator,
    Params,
    Strategy,
)


class GateParams(Params):
    """Parameters of ``example.gate``.

    Attributes:
        reduction: How much narrower the hidden layer is than the input.
    """

    reduction: Annotated[int, Field(gt=0)] = 4


class ClimbParams(Params):
    """Parameters of ``example.climb``.

    Attributes:
        evaluations: Architectures to evaluate.
    """

    evaluations: Annotated[int, Field(gt=0)] = 20


@hookimpl
def register_operators() -> list[Operator]:
    """A skeleton operator: (N, C, T, V) -> (N, C, T, V)."""
    return [
        Operator(
            name="example.gate",
            summary="Scales every channel by a gate computed from its mean",
            target="skelbench_example.modules:Gate",
            params=GateParams,
        )
    ]


@hookimpl
def register_graph_modules() -> list[GraphModule]:
    """A graph module: (N, C, T, V) -> (K, V, V)."""
    return [
        GraphModule(
            name="example.uniform",
            summary="Every joint takes the mean of all joints",
            target="skelbench_example.modules:Uniform",
        )
    ]


@hookimpl
def register_strategies() -> list[Strategy]:
    """A strategy for independent trials."""
    return [
        Strategy(
            name="example.climb",
            summary="Changes one decision of the best architecture at a time",
            target="skelbench_example.climb:Climb",
            params=ClimbParams,
            searches={"own": ALL_NODE_KINDS},
        )
    ]


@hookimpl
def register_datasets() -> list[Dataset]:
    """A data set of CSV files."""
    return [
        Dataset(
            name="example.csv",
            summary="Recordings of 20 joints, one CSV file each",
            target="skelbench_example.csv_data:CsvReader",
            layout="ucla20",
            classes=4,
            protocols=("odd-even",),
            forms=("a folder of aAA_sSS_nNN.csv",),
        )
    ]


@hookimpl
def register_metrics() -> list[Metric]:
    """A metric over scores and labels."""
    return [
        Metric(
            name="example.worst_class",
            summary="Top-1 accuracy of the class that is recognised worst, percent",
            target="skelbench_example.figures:worst_class",
        )
    ]


@hookimpl
def register_columns() -> list[Column]:
    """A leaderboard column."""
    return [
        Column(
            name="example.trials",
            summary="Architectures that the search evaluated",
            target="skelbench_example.figures:trials",
        )
    ]


@hookimpl
def after_run(record: Any, context: dict[str, Any]) -> None:
    """Leave a line of text in the run folder."""
    figures = ", ".join(f"{name} {value:.1f} %" for name, value in record.metrics.items())
    (context["folder"] / "example.txt").write_text(f"{record.run}: {figures}\n")
