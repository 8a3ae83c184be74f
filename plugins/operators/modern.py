"""Operators of hand-made networks since MS-G3D, described: CTR-GCN, ST-GCN++ and what they are made of."""

from __future__ import annotations

from skelbench.components import Operator

from .block_params import (
    CtrUnitParams,
    GraphUnitParams,
    MultiBranchParams,
    NormalHeadParams,
    ResidualBlockParams,
    TemporalParams,
    UnitParams,
)

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
)
