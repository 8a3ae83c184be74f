"""Descriptions of the operators that hand-made networks since DD-Net are made of."""

from __future__ import annotations

from skelbench.components import Operator

from .block_params import (
    BlockGraphConvParams,
    CtrUnitParams,
    DistanceMotionParams,
    FrameConvsParams,
    GraphUnitParams,
    HypergraphAttentionParams,
    MaxDenseParams,
    MultiBranchBlockParams,
    MultiBranchParams,
    MultiScaleParams,
    NormalHeadParams,
    ResidualBlockParams,
    SpaceTimeParams,
    TemporalParams,
    UnitParams,
)
from .skateformer_params import SkateBlockParams, SkateEmbedParams
from .topology_params import JointEmbedParams, TopologyBlocksParams

_AT = "skelbench_plugins.operators"

MODERN = (
    Operator(
        name="residual_block",
        summary="a spatial and a temporal module of one's choice, with a residual (CTR-GCN, ST-GCN++)",
        target=f"{_AT}.blocks:ResidualBlock",
        params=ResidualBlockParams,
    ),
    Operator(
        name="graph_conv",
        summary="graph convolution with skip: joints are gathered, then channels mixed (2s-AGCN)",
        target=f"{_AT}.blocks:graph_conv",
        params=UnitParams,
    ),
    Operator(
        name="graph_conv.subsets",
        summary="graph convolution with skip: features of each subset, then joints gathered (ST-GCN++)",
        target=f"{_AT}.blocks:GraphUnit",
        params=GraphUnitParams,
    ),
    Operator(
        name="ctr_graph_conv",
        summary="graph convolution with a topology refined for each channel and clip (CTR-GCN)",
        target=f"{_AT}.ctrgcn:CtrUnit",
        params=CtrUnitParams,
    ),
    Operator(
        name="block_graph_conv",
        summary="graph convolution in groups of channels, on graphs that know distances (BlockGCN)",
        target=f"{_AT}.blockgc:BlockGraphConv",
        params=BlockGraphConvParams,
    ),
    Operator(
        name="joint_embed",
        summary="linear map of each joint's coordinates with a vector for its place, normalised (BlockGCN)",
        target=f"{_AT}.topology:JointEmbed",
        params=JointEmbedParams,
        contract="input",
    ),
    Operator(
        name="topology_blocks",
        summary="an embedding and blocks that are told how far apart all joints lie (BlockGCN)",
        target=f"{_AT}.topology:TopologyBlocks",
        params=TopologyBlocksParams,
        contract="input",
    ),
    Operator(
        name="skate_embed",
        summary="joints by body part, persons side by side, with their places in the clip (SkateFormer)",
        target=f"{_AT}.skateformer:SkateEmbed",
        params=SkateEmbedParams,
        contract="input",
    ),
    Operator(
        name="skate_block",
        summary="graphs, temporal convolution, attention in partitions of frames and joints (SkateFormer)",
        target=f"{_AT}.skateformer:SkateBlock",
        params=SkateBlockParams,
    ),
    Operator(
        name="hypergraph_attention",
        summary="attention among joints that knows distances and groups of joints (Hyperformer)",
        target=f"{_AT}.hyperformer:HypergraphAttention",
        params=HypergraphAttentionParams,
    ),
    Operator(
        name="temporal_conv",
        summary="one convolution over frames, normalised",
        target=f"{_AT}.blocks:temporal_conv",
        params=TemporalParams,
    ),
    Operator(
        name="multi_branch_conv",
        summary="dilated convolutions over frames, a pool and a 1x1 convolution side by side (MS-G3D)",
        target=f"{_AT}.multi_branch:MultiBranch",
        params=MultiBranchParams,
    ),
    Operator(
        name="mean_pool_linear.normal",
        summary="mean_pool_linear whose weights begin small and whose bias begins at zero (ST-GCN++)",
        target=f"{_AT}.blocks:NormalMeanPoolLinear",
        params=NormalHeadParams,
        contract="head",
    ),
    Operator(
        name="multi_scale_graph_conv",
        summary="graph convolution with weights for each distance between joints (MS-G3D)",
        target=f"{_AT}.msg3d:multi_scale_graph_conv",
        params=MultiScaleParams,
    ),
    Operator(
        name="space_time_graph_conv",
        summary="multi-scale graph convolution over all joints of a window of frames (MS-G3D)",
        target=f"{_AT}.msg3d:SpaceTimeGraphConv",
        params=SpaceTimeParams,
    ),
    Operator(
        name="multi_branch_block",
        summary="multi_branch_conv with a residual (MS-G3D)",
        target=f"{_AT}.msg3d:multi_branch_block",
        params=MultiBranchBlockParams,
    ),
    Operator(name="relu", summary="negative values become zero", target=f"{_AT}.blocks:relu"),
    Operator(
        name="distance_motion_embed",
        summary="embeds distances between joints and motion at two scales (DD-Net)",
        target=f"{_AT}.ddnet:DistanceMotion",
        params=DistanceMotionParams,
        contract="input",
    ),
    Operator(
        name="frame_convs",
        summary="two convolutions over frames and a pool that halves them (DD-Net)",
        target=f"{_AT}.ddnet:FrameConvs",
        params=FrameConvsParams,
    ),
    Operator(
        name="max_pool_dense",
        summary="largest over frames and joints, two hidden layers, a linear layer (DD-Net)",
        target=f"{_AT}.ddnet:MaxDenseHead",
        params=MaxDenseParams,
        contract="head",
    ),
)
