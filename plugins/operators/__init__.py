"""Operators of skeleton networks: input normalisation, graph-convolution blocks, heads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from skelbench import hookimpl
from skelbench.components import Operator, Params, Slot

Positive = Annotated[int, Field(gt=0)]


class DataBnParams(Params):
    """Parameters of the input normalisation.

    Attributes:
        persons: ``apart``: each person of a clip has statistics of its own (2s-AGCN); ``together``:
            all persons share them (ST-GCN).
    """

    persons: Literal["apart", "together"] = "apart"


class BlockParams(Params):
    """Parameters of a graph convolution followed by a temporal one.

    Attributes:
        channels: Output channels.
        graph: The graph of the convolution.
        stride: Step between frames.
        kernel: Frames of the temporal convolution, odd.
        residual: ``auto``: identity, or a 1x1 convolution where the shape changes; ``none``.
        dropout: Share of activations dropped in training.
    """

    channels: Positive
    graph: Annotated[Any, Slot("graph_module")]
    stride: Positive = 1
    kernel: Positive = 9
    residual: Literal["auto", "none"] = "auto"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError("an even kernel has no middle frame; take an odd one")
        return kernel


class HeadParams(Params):
    """Parameters of the head.

    Attributes:
        dropout: Share of pooled features dropped in training.
    """

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


_OPERATORS = (
    Operator(
        name="data_bn",
        summary="batch normalisation of each coordinate of each joint; folds persons into the batch",
        target="skelbench_plugins.operators.ends:DataBn",
        params=DataBnParams,
        contract="input",
    ),
    Operator(
        name="stgcn_block",
        summary="graph convolution with skip, then temporal convolution (2s-AGCN, SGCN)",
        target="skelbench_plugins.operators.stgcn:AdaptiveBlock",
        params=BlockParams,
    ),
    Operator(
        name="stgcn_block.original",
        summary="graph convolution, then temporal convolution, as in ST-GCN",
        target="skelbench_plugins.operators.stgcn:OriginalBlock",
        params=BlockParams,
    ),
    Operator(
        name="mean_pool_linear",
        summary="mean over frames, joints and persons, then a linear layer",
        target="skelbench_plugins.operators.ends:MeanPoolLinear",
        params=HeadParams,
        contract="head",
    ),
)


@hookimpl
def register_operators() -> tuple[Operator, ...]:
    """The operators of ST-GCN, 2s-AGCN and SGCN."""
    return _OPERATORS
