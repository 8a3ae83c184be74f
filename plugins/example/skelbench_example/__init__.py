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
    Slot,
    Strategy,
)

Count = Annotated[int, Field(gt=0)]


class ShiftParams(Params):
    """Parameters of ``example.shift``.

    Attributes:
        frames: From how many frames earlier and later channels are taken.
    """

    frames: Count = 1


class RefinedGraphParams(Params):
    """Parameters of the graph module ``example.ctr``.

    Attributes:
        embed: Channels of an embedding, of which the differences between joints are taken.
    """

    embed: Count = 8


class RefinedConvParams(RefinedGraphParams):
    """Parameters of the operator ``example.ctr_conv``; beside those of the graph module:

    Attributes:
        channels: Output channels.
        graph: The topology that all channels share.
    """

    channels: Count
    graph: Annotated[Any, Slot("graph_module")] = "adjacency"


class ClimbParams(Params):
    """Parameters of ``example.climb``.

    Attributes:
        evaluations: Architectures to evaluate.
    """

    evaluations: Count = 20


@hookimpl
def register_operators() -> list[Operator]:
    """Skeleton operators: (N, C, T, V) -> (N, C', T, V)."""
    return [
        Operator(
            name="example.shift",
            summary="Shifts channels over joints and frames, then mixes them (Shift-GCN)",
            target="skelbench_example.shift:Shift",
            params=ShiftParams,
        ),
        Operator(
            name="example.ctr_conv",
            summary="Graph convolution by a graph of each channel's own (CTR-GCN)",
            target="skelbench_example.topology:RefinedConv",
            params=RefinedConvParams,
        ),
    ]


@hookimpl
def register_graph_modules() -> list[GraphModule]:
    """A graph module: (N, C, T, V) -> (N, K, V, V)."""
    return [
        GraphModule(
            name="example.ctr",
            summary="A learned topology refined by the differences of joints, the same for all channels",
            target="skelbench_example.topology:RefinedGraph",
            params=RefinedGraphParams,
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
