"""How far joints lie from each other along bones, and graphs of all joints at one distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skelbench.components import Layout

from .bones import rewired


def links(layout: Layout) -> Tensor:
    """Which joints a bone connects, in either direction: (V, V), 0 or 1."""
    joints = len(layout.joints)
    graph = torch.zeros(joints, joints)
    for child, parent in layout.inward:
        graph[child, parent] = graph[parent, child] = 1.0
    return graph


def hops(graph: Tensor) -> Tensor:
    """The fewest links between any two nodes of an undirected graph (V, V): (V, V) int64.

    Nodes that no way leads between are V links apart, farther than any others.
    """
    nodes = len(graph)
    step = ((graph > 0) | torch.eye(nodes, dtype=torch.bool)).float()
    reached = torch.eye(nodes)
    distance = torch.zeros(nodes, nodes, dtype=torch.int64)
    for _ in range(nodes - 1):
        distance += reached == 0
        reached = ((reached @ step) > 0).float()
    return torch.where(reached > 0, distance, nodes)


def bones_between(layout: Layout, parents: Sequence[tuple[int, int]] = ()) -> Tensor:
    """`hops` of a layout with some other bones, with values even where networks are built without any.

    Args:
        layout: The skeleton.
        parents: Bones in the place of the layout's, as pairs of a child and its parent.
    """
    with torch.device("cpu"):
        return hops(links(rewired(layout, parents)))


def at_distance(graph: Tensor, scales: int) -> Tensor:
    """For k = 0 .. scales - 1 the graph of nodes exactly k links apart, each with itself as well.

    Every graph is normalised by the degrees of both ends. Liu et al., CVPR 2020 (MS-G3D), eq. 4.

    Args:
        graph: Undirected, (V, V).
        scales: K.

    Returns:
        (K, V, V).
    """
    distance, identity = hops(graph), torch.eye(len(graph))
    exact = [(distance == k).float() + (identity if k else 0) for k in range(scales)]
    return torch.stack([_by_degree(one) for one in exact])


def over_frames(graph: Tensor, frames: int) -> Tensor:
    """The graph of V joints in several frames: each joint meets itself and its neighbours in every frame.

    Args:
        graph: Undirected, (V, V).
        frames: F.

    Returns:
        (F V, F V), frame by frame.
    """
    return (graph + torch.eye(len(graph))).repeat(frames, frames)


def _by_degree(graph: Tensor) -> Tensor:
    scale = graph.sum(1).rsqrt()
    return scale[:, None] * graph * scale
