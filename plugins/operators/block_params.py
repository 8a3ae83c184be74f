"""Parameters of the residual block and of the graph and temporal convolutions that stand in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from skelbench.components import Params, Slot

from .params import Above0, HeadParams, Positive, odd

Init = Literal["kaiming_fan_out", "torch"]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class ResidualBlockParams(Params):
    """Parameters of a residual block.

    Attributes:
        channels: Output channels; None: as the input has. The modules inside give as many if they say none.
        spatial: What mixes joints; None: nothing.
        temporal: What mixes frames; None: nothing.
        stride: Step between frames, taken by the temporal module if it says none, and by the residual.
        residual: ``auto``: identity, or a 1x1 convolution where the shape changes; ``conv``: a 1x1
            convolution in any case; ``none``.
        activation: What follows the sum.
        init: How the residual convolution begins: ``kaiming_fan_out`` with a bias of 0, or as in ``torch``.
    """

    channels: Positive | None = None
    spatial: Annotated[Any, Slot("operator", "skeleton")] = None
    temporal: Annotated[Any, Slot("operator", "skeleton", at="output")] = None
    stride: Positive = 1
    residual: Literal["auto", "conv", "none"] = "auto"
    activation: Literal["relu", "none"] = "relu"
    init: Init = "kaiming_fan_out"


class UnitParams(Params):
    """Parameters of a graph convolution without its temporal one.

    Attributes:
        channels: Output channels; None: those of the block around it, or as the input has.
        graph: The graph of the convolution.
    """

    channels: Positive | None = None
    graph: Annotated[Any, Slot("graph_module")] = "adjacency.learned"


class GraphUnitParams(UnitParams):
    """Parameters of a graph convolution on features of each subset.

    Attributes:
        init: ``kaiming_fan_out``: the branch begins at 1e-6, so that the unit begins as its skip
            connection; ``torch``: as torch has it (ST-GCN++).
    """

    init: Init = "kaiming_fan_out"


class CtrUnitParams(UnitParams):
    """Parameters of a graph convolution whose topology is refined channel by channel.

    Attributes:
        reduction: Input channels for each channel that the refinement is computed in; of an input of fewer
            than 16 channels it has 8.
    """

    reduction: Positive = 8


class TemporalParams(Params):
    """Parameters of a temporal convolution.

    Attributes:
        channels: Output channels; None: those of the block around it, or as the input has.
        kernel: Frames that it sees, odd.
        stride: Step between frames; None: that of the block around it, or 1.
    """

    channels: Positive | None = None
    kernel: Positive = 9
    stride: Positive | None = None

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        return odd(kernel, "frame")


class MultiBranchParams(TemporalParams):
    """Parameters of parallel temporal convolutions, one a dilation, beside a pool and a 1x1 convolution.

    The channels are divided evenly; the first branch takes what is left over.

    Attributes:
        kernel: Frames of each convolution, odd.
        dilations: Step between the frames of each convolution's kernel.
        transform: One normalisation for all branches, ReLU and a 1x1 convolution after them, instead of a
            normalisation at the end of each (ST-GCN++).
        init: ``kaiming_fan_out``, or as in ``torch``.
    """

    kernel: Positive = 5
    dilations: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1, 2)
    transform: bool = False
    init: Init = "kaiming_fan_out"


class NormalHeadParams(HeadParams):
    """Parameters of the head.

    Attributes:
        std: Standard deviation of the weights at first; the bias begins at 0.
    """

    std: Above0 = 0.01
