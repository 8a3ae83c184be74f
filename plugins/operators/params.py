"""Parameters of the operators: for checking, for help and for their defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from skelbench.components import Params, Slot

LATE: dict[str, JsonValue] = {"late": True}
Positive = Annotated[int, Field(gt=0)]
Above0 = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


def odd(kernel: int, what: str) -> int:
    """``kernel`` itself.

    Raises:
        ValueError: It is even.
    """
    if kernel % 2 == 0:
        raise ValueError(f"an even kernel has no middle {what}; take an odd one")
    return kernel


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
        depthwise: Whether the temporal convolution sees each channel by itself.
        residual: ``auto``: identity, or a 1x1 convolution where the shape changes; ``none``.
        dropout: Share of activations dropped in training.
    """

    channels: Positive
    graph: Annotated[Any, Slot("graph_module")]
    stride: Positive = 1
    kernel: Positive = 9
    depthwise: bool = Field(False, json_schema_extra=LATE)
    residual: Literal["auto", "none"] = "auto"
    dropout: Share = 0.0

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        return odd(kernel, "frame")


class AdaptiveBlockParams(BlockParams):
    """Parameters of the block of 2s-AGCN and SGCN: those of a graph and a temporal convolution, and one more.

    Attributes:
        gain: First weight of the normalisation of the graph branch. The released 1e-6 lets the block begin as
            its skip connection: right for thousands of steps, while after some hundreds the graph is
            hardly in use yet; 0.1 is in use from the start.
    """

    gain: Above0 = Field(1e-6, json_schema_extra=LATE)


class HeadParams(Params):
    """Parameters of the head.

    Attributes:
        dropout: Share of pooled features dropped in training.
    """

    dropout: Share = 0.0


class EsanEmbedParams(Params):
    """Parameters of the input of the self-attention network.

    Attributes:
        channels: Output channels, even: half embed the coordinates, half the joint type.
        representation: ``J`` (joints), ``B`` (bones) or ``J+B``. The data's stream stays ``joint``.
    """

    channels: Annotated[int, Field(gt=0, multiple_of=2)] = 128
    representation: Literal["J", "B", "J+B"] = "J+B"


class EsanBlockParams(Params):
    """Parameters of a self-attention block.

    Attributes:
        channels: Output channels.
        type: What attends to what: ``st`` joints of all frames, ``s1`` joints in each frame, ``s2``
            joints once for all frames, ``t1`` frames of each joint, ``t2`` frames once for all
            joints; ``v`` is ``s1`` with a convolution over frames as residual.
        directed: Whether attention from i to j and from j to i have scores of their own.
        scale: Of the scores: ``none`` as in the paper, with which undirected ``s2`` and ``t2`` begin nearly
            one-hot; ``root`` divides by the root of the number of products summed; ``mean`` averages over
            frames (``s2``) or joints (``t2``) and divides by the root of the channels.
    """

    channels: Positive
    type: Literal["st", "s1", "s2", "t1", "t2", "v"] = "v"
    directed: bool = False
    scale: Literal["none", "root", "mean"] = Field("none", json_schema_extra=LATE)


class SgnSpatialParams(Params):
    """Parameters of the spatial module.

    Attributes:
        layers: Output channels of each graph convolution.
        hidden: Channels of the two embeddings whose products make the graph.
    """

    layers: Annotated[tuple[Positive, ...], Field(min_length=1)] = (128, 256, 256)
    hidden: Positive = 256


class SgnHeadParams(Params):
    """Parameters of the temporal module and classifier.

    Attributes:
        features: Channels that the largest over frames is taken of.
        hidden: Channels between the two layers that embed the frame index.
        dropout: Share of channels dropped in training between the convolutions.
    """

    features: Positive = 512
    hidden: Positive = 64
    dropout: Share = 0.2


class PolicyParams(Params):
    """Parameters of a policy that learns.

    Attributes:
        temperature: Of the softened draw in the first epoch and at the end of training, falling by the
            same factor each epoch. The released code begins with 5 and multiplies by 0.956, which comes
            to 0.0226 after 120 epochs.
    """

    temperature: tuple[Above0, Above0] = (5.0, 0.0226)


class HiddenPolicyParams(PolicyParams):
    """Parameters of a policy with a hidden layer.

    Attributes:
        hidden: Its channels.
    """

    hidden: Positive = 64


class TransformerPolicyParams(HiddenPolicyParams):
    """Parameters of the policy with self-attention.

    Attributes:
        heads: Attention heads, which divide ``hidden``.
    """

    heads: Positive = 4

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"{self.heads} heads do not divide {self.hidden} channels")
        return self


class ImageStemParams(Params):
    """Parameters of the first convolution over an image.

    Attributes:
        channels: Output channels.
    """

    channels: Positive


Step = Positive | tuple[Positive, Positive, Positive]
"""Steps between frames, rows and columns, or one for all three."""


class PixelsParams(Params):
    """Parameters of the input of a video's pixels.

    Attributes:
        mean: Of all channels in [0, 1], or of each channel.
        std: Standard deviation, likewise.
    """

    mean: float | tuple[float, ...] = 0.45
    std: Above0 | tuple[Above0, ...] = 0.225


class VideoStemParams(Params):
    """Parameters of a video network's first layer.

    Attributes:
        channels: Output channels.
        kernel: Rows and columns of the spatial kernel, odd.
        mid: Channels between the spatial and the temporal convolution; None: as the output has.
        stride: Steps between frames, rows and columns of the output, or one for all.
    """

    channels: Positive
    kernel: Positive = 3
    mid: Positive | None = None
    stride: Step = (1, 2, 2)

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        return odd(kernel, "place")


class R2plus1dParams(Params):
    """Parameters of a residual block of (2+1)D convolutions.

    Attributes:
        channels: Output channels; None: as the input has.
        stride: Steps between frames, rows and columns of the output, or one for all.
        dilation: Steps between the three frames of a temporal kernel.
        mid: Channels between the two halves of a convolution: ``out`` as the output has, ``r2plus1d`` so
            many that it has the weights of a 3x3x3 convolution.
        convs: How many (2+1)D convolutions.
    """

    channels: Positive | None = None
    stride: Step = 1
    dilation: Positive = 1
    mid: Literal["out", "r2plus1d"] = "out"
    convs: Literal[1, 2] = 2
