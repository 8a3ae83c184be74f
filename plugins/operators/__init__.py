"""Operators of networks: inputs, graph convolutions, attention, policies, edges of cells, heads."""

from __future__ import annotations

from skelbench import hookimpl
from skelbench.components import Operator, Params

from .block_params import LinearEmbedParams
from .modern import MODERN
from .params import (
    AdaptiveBlockParams,
    BlockParams,
    DataBnParams,
    EsanBlockParams,
    EsanEmbedParams,
    HeadParams,
    HiddenPolicyParams,
    ImageStemParams,
    PixelsParams,
    PolicyParams,
    R2plus1dParams,
    SgnHeadParams,
    SgnSpatialParams,
    TransformerPolicyParams,
    VideoStemParams,
)
from .sgn_params import SgnClipParams, SgnEmbedParams, SgnJointsParams


def _edge(name: str, summary: str, attribute: str = "") -> Operator:
    """An operator on the edges of a cell, by default the function of its name."""
    target = f"skelbench_plugins.operators.cells:{attribute or name}"
    return Operator(name=name, summary=summary, target=target, contract="cell")


def _policy(name: str, summary: str, attribute: str, params: type[Params] = Params) -> Operator:
    """A policy of an adaptive node."""
    target = f"skelbench_plugins.operators.policies:{attribute}"
    return Operator(name=name, summary=summary, target=target, params=params, contract="policy")


_POLICIES = (
    _policy("conv_policy", "a convolution over three frames chooses (AdaSGN)", "ConvPolicy", PolicyParams),
    _policy("conv2_policy", "two convolutions over three frames choose", "TwoConvPolicy", HiddenPolicyParams),
    _policy("lstm_policy", "an LSTM over frames chooses", "LstmPolicy", HiddenPolicyParams),
    _policy(
        "transformer_policy",
        "self-attention among frames chooses",
        "TransformerPolicy",
        TransformerPolicyParams,
    ),
    _policy("random_policy", "every model is as likely: the baseline of a learned choice", "RandomPolicy"),
    _policy(
        "fuse_policy", "the mean of all models on all frames: the baseline that saves nothing", "FusePolicy"
    ),
)

_CELLS = (
    _edge("conv3", "ReLU, 3x3 convolution, batch normalisation"),
    _edge("sep3", "separable 3x3 convolution, twice"),
    _edge("sep5", "separable 5x5 convolution, twice"),
    _edge("dil3", "separable 3x3 convolution over every other position"),
    _edge("dil5", "separable 5x5 convolution over every other position"),
    _edge("max3", "largest of 3x3 positions"),
    _edge("avg3", "mean of 3x3 positions, padding not counted"),
    _edge("skip", "the input as it is; at stride 2 a factorised reduction"),
    _edge("se", "squeeze-and-excitation; at stride 2 a plain factorised reduction (SAR-NAS)"),
    _edge("zero", "no edge: zeros", "Zero"),
)

_VIDEO = (
    Operator(
        name="pixels",
        summary="bytes of a video, normalised",
        target="skelbench_plugins.operators.video:Pixels",
        params=PixelsParams,
        contract="video_input",
    ),
    Operator(
        name="video_stem",
        summary="a (2+1)D convolution that halves rows and columns",
        target="skelbench_plugins.operators.video:VideoStem",
        params=VideoStemParams,
        contract="video",
    ),
    Operator(
        name="r2plus1d_block",
        summary="residual block of (2+1)D convolutions (R(2+1)D, VAR-NAS)",
        target="skelbench_plugins.operators.video:R2plus1dBlock",
        params=R2plus1dParams,
        contract="video",
        reach="dilation",
    ),
    Operator(
        name="identity",
        summary="the input as it is: a skip connection",
        target="skelbench_plugins.operators.ends:identity",
        contract="video",
        also=("skeleton",),
    ),
    Operator(
        name="video_pool_linear",
        summary="mean over frames, rows and columns, then a linear layer",
        target="skelbench_plugins.operators.video:VideoPoolLinear",
        params=HeadParams,
        contract="video_head",
    ),
)

_OPERATORS = (
    Operator(
        name="data_bn",
        summary="batch normalisation of each coordinate of each joint; folds persons into the batch",
        target="skelbench_plugins.operators.ends:DataBn",
        params=DataBnParams,
        contract="input",
    ),
    Operator(
        name="linear_embed",
        summary="data_bn, then each joint's coordinates brought to a width by a 1x1 convolution",
        target="skelbench_plugins.operators.ends:LinearEmbed",
        params=LinearEmbedParams,
        contract="input",
    ),
    Operator(
        name="stgcn_block",
        summary="graph convolution with skip, then temporal convolution (2s-AGCN, SGCN)",
        target="skelbench_plugins.operators.stgcn:AdaptiveBlock",
        params=AdaptiveBlockParams,
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
    Operator(
        name="esan_embed",
        summary="embeds joints and bones, their motion, joint type and frame index; persons apart (ESAN)",
        target="skelbench_plugins.operators.esan:EsanEmbed",
        params=EsanEmbedParams,
        contract="input",
    ),
    Operator(
        name="esan_block",
        summary="self-attention among joints, frames or both (ESAN)",
        target="skelbench_plugins.operators.esan:EsanBlock",
        params=EsanBlockParams,
    ),
    Operator(
        name="esan_head",
        summary="largest over joints, temporal convolution, largest over frames, linear layer (ESAN)",
        target="skelbench_plugins.operators.esan:EsanHead",
        contract="head",
    ),
    Operator(
        name="sgn_embed",
        summary="embeds position, velocity and type of joints, or of learned mixtures of them (SGN, AdaSGN)",
        target="skelbench_plugins.operators.sgn:SgnEmbed",
        params=SgnEmbedParams,
        contract="input",
    ),
    Operator(
        name="sgn_clip",
        summary="positions and velocities of joints, for modules that see one frame at a time (AdaSGN)",
        target="skelbench_plugins.operators.sgn:SgnClip",
        params=SgnClipParams,
        contract="input",
    ),
    Operator(
        name="sgn_joints",
        summary="embeds what sgn_clip gives, of joints or of learned mixtures of them (AdaSGN)",
        target="skelbench_plugins.operators.sgn:SgnJoints",
        params=SgnJointsParams,
    ),
    Operator(
        name="sgn_spatial",
        summary="graph convolutions on one learned graph per frame, then the largest over joints (SGN)",
        target="skelbench_plugins.operators.sgn:SgnSpatial",
        params=SgnSpatialParams,
    ),
    Operator(
        name="sgn_head",
        summary="frame index, two convolutions over frames, largest over frames, linear layer (SGN)",
        target="skelbench_plugins.operators.sgn:SgnHead",
        params=SgnHeadParams,
        contract="head",
    ),
    Operator(
        name="skeleton_image",
        summary="an image of frames by joints, the persons side by side (SAR-NAS)",
        target="skelbench_plugins.operators.image:SkeletonImage",
        contract="input",
    ),
    Operator(
        name="image_stem",
        summary="3x3 convolution and batch normalisation, before the cells (SAR-NAS)",
        target="skelbench_plugins.operators.image:ImageStem",
        params=ImageStemParams,
    ),
    *MODERN,
    *_POLICIES,
    *_CELLS,
    *_VIDEO,
)


@hookimpl
def register_operators() -> tuple[Operator, ...]:
    """The operators of the shipped spaces and of the networks that they are compared with."""
    return _OPERATORS
