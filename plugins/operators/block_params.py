"""Parameters of the residual block and of the graph and temporal convolutions that stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from skelbench.components import BuildContext, Params, Slot
from skelbench.errors import SpecError

from ..graphs.bones import rewired
from .params import Above0, DataBnParams, HeadParams, Positive, Share, odd

Init = Literal["kaiming_fan_out", "torch"]


class LinearEmbedParams(DataBnParams):
    """Parameters of an input that brings normalised coordinates to the width of a network.

    Attributes:
        channels: Output channels.
    """

    channels: Positive


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


Parents = tuple[tuple[int, int], ...]
"""Bones in the place of the layout's: pairs of a child and its parent, counted from 0."""


def parent_misfits(parents: Parents, context: BuildContext) -> Iterator[tuple[str, str, str]]:
    """(what, parameter, remedy) of bones that the layout cannot have."""
    try:
        rewired(context.layout, parents)
    except SpecError as error:
        for problem in error.problems:
            yield f"has bones that cannot be: {problem.what}", "parents", problem.remedy


class BlockGraphConvParams(Params):
    """Parameters of a graph convolution in groups of channels.

    Attributes:
        channels: Output channels; None: those of the block around it, or as the input has.
        groups: Groups of channels with graphs of their own, which divide the channels of input and output.
        parents: Bones in the place of the layout's: pairs of a child and its parent, counted from 0.
    """

    channels: Positive | None = None
    groups: Positive = 8
    parents: Parents = ()

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """Bones of other joints than the layout's."""
        yield from parent_misfits(self.parents, context)


class HypergraphAttentionParams(Params):
    """Parameters of attention among joints.

    Attributes:
        channels: Output channels; None: those of the block around it, or as the input has.
        heads: Attention heads, which divide the channels.
        groups: The group of each joint, in the order of the layout; None: those known for ntu25 and ucla20,
            of other layouts five parts by the bones.
        projection_groups: Groups of the 1x1 convolution behind the heads, which divide the channels.
        parents: Bones in the place of the layout's: pairs of a child and its parent, counted from 0.
    """

    channels: Positive | None = None
    heads: Positive = 4
    groups: tuple[int, ...] | None = None
    projection_groups: Positive = 4
    parents: Parents = ()

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """Groups and bones of other joints than the layout's."""
        count, name = len(context.layout.joints), context.layout.name
        if self.groups is not None and len(self.groups) != count:
            what = f"groups {len(self.groups)} joints, and layout '{name}' has {count}"
            yield what, "groups", "Give one number for each joint, in the order of the layout"
        yield from parent_misfits(self.parents, context)


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


class MultiScaleParams(Params):
    """Parameters of a disentangled multi-scale graph convolution.

    Attributes:
        channels: Output channels; None: those of the block around it, or as the input has.
        scales: How many distances between joints have weights of their own, from 0.
    """

    channels: Positive | None = None
    scales: Positive = 13


class SpaceTimeParams(Params):
    """Parameters of a multi-scale graph convolution over windows of frames.

    Attributes:
        channels: Output channels; None: those of the block around it, or as the input has.
        embed: Channels inside; None: as the output has.
        window: Frames of a window, odd.
        stride: Step between windows; None: that of the block around it, or 1.
        scales: How many distances have weights of their own, from 0.
    """

    channels: Positive | None = None
    embed: Positive | None = None
    window: Positive = 3
    stride: Positive | None = None
    scales: Positive = 6

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int) -> int:
        return odd(window, "frame")


class MultiBranchBlockParams(MultiBranchParams):
    """Parameters of parallel temporal convolutions with a residual.

    Attributes:
        activation: What follows the sum.
    """

    kernel: Positive = 3
    dilations: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1, 2, 3, 4)
    init: Init = "torch"
    activation: Literal["relu", "none"] = "relu"


class DistanceMotionParams(Params):
    """Parameters of the input of DD-Net.

    Attributes:
        embed: Channels of each of the three embeddings: distances, slow and fast motion.
        dropout: Share of channels dropped in training.
        port: As in the PyTorch port: frames are normalised in the place of channels, distances divided by
            their mean, positions left uncentred.
    """

    embed: Positive = 64
    dropout: Share = 0.1
    port: bool = False


class FrameConvsParams(Params):
    """Parameters of two convolutions over frames.

    Attributes:
        channels: Output channels; None: as the input has.
        pool: Whether frames are halved behind them.
        dropout: Share of channels dropped in training.
        port: As in the PyTorch port of DD-Net: frames are normalised in the place of channels.
    """

    channels: Positive | None = None
    pool: bool = True
    dropout: Share = 0.0
    port: bool = False


class MaxDenseParams(Params):
    """Parameters of the head of DD-Net.

    Attributes:
        hidden: Channels of the two hidden layers.
        dropout: Share of hidden channels dropped in training.
        port: As in the PyTorch port: hidden layers have a bias beside their normalisation.
    """

    hidden: Positive = 128
    dropout: Share = 0.5
    port: bool = False
