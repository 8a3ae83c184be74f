"""Graph modules: what makes the graph of a graph convolution on a skeleton.

Every graph has three subsets (identity, inward, outward) and weighs in entry ``[k, i, j]`` what
joint j takes from joint i.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skelbench import hookimpl
from skelbench.components import GraphModule, Params

_FIXED = "skelbench_plugins.graphs.fixed"
_LEARNED = "skelbench_plugins.graphs.learned"
_DYNAMIC = "skelbench_plugins.graphs.dynamic"
_RELEASED = "skelbench_plugins.graphs.released"


class AdjacencyParams(Params):
    """Parameters of the skeleton's own graph.

    Attributes:
        normalise: ``subset`` divides each column of each subset by its sum (2s-AGCN), ``degree``
            each column of all subsets by their common sum (ST-GCN).
    """

    normalise: Literal["subset", "degree"] = "subset"


class PolynomialParams(Params):
    """Parameters of a Chebyshev polynomial of the skeleton's graph.

    Attributes:
        normalise: ``none`` is eq. 3 of SGCN; ``columns`` divides each column by the sum of its sizes.
            On ntu25 these are up to 2.6, 5.4 and 11.2 for orders 2, 3 and 4 in the mean over the
            inward subset's columns, against 1 for every other module, so that the polynomials outweigh
            the others in an even mix.
    """

    normalise: Literal["none", "columns"] = Field("none", json_schema_extra={"late": True})


class EmbeddingParams(Params):
    """Parameters of a dynamic graph.

    Attributes:
        embed: Channels E of an embedding; None is a quarter of the operator's output channels.
    """

    embed: Annotated[int, Field(gt=0)] | None = None


class ReleasedEmbeddingParams(EmbeddingParams):
    """Parameters of the released spatial-temporal graph.

    Attributes:
        dead: Also hold the convolutions that the released code makes and never runs.
    """

    dead: bool = False


class LearnedAdjacencyParams(Params):
    """Parameters of a learned graph that begins as the skeleton's own.

    Attributes:
        transpose: Let joints take what they would give: a parent begins with the sum of its children in the
            place of their mean (CTR-GCN).
        parents: Bones in the place of the layout's: pairs of a child and its parent, counted from 0.
    """

    transpose: bool = False
    parents: tuple[tuple[int, int], ...] = ()


def _graph(name: str, target: str, summary: str, params: type[Params] = Params) -> GraphModule:
    return GraphModule(name=name, target=target, summary=summary, params=params)


_MODULES = (
    _graph("adjacency", f"{_FIXED}:Adjacency", "the skeleton's bones, fixed", AdjacencyParams),
    _graph(
        "adjacency.weighted",
        f"{_FIXED}:WeightedAdjacency",
        "the bones times a learned importance (ST-GCN)",
        AdjacencyParams,
    ),
    _graph("learned", f"{_FIXED}:Learned", "a free graph per block, starting near zero (2s-AGCN)"),
    _graph(
        "adjacency.learned",
        f"{_LEARNED}:LearnedAdjacency",
        "a free graph per block, the bones at first (CTR-GCN, ST-GCN++)",
        LearnedAdjacencyParams,
    ),
    _graph(
        "learned.normalised",
        f"{_LEARNED}:NormalisedLearned",
        "a free graph per block with columns of length 1, no bones at first (CTR-GCN's baseline)",
    ),
    _graph("cheb.l", f"{_FIXED}:cheb_l", "Chebyshev polynomial of order 1: L, the bones themselves"),
    *(
        _graph(
            f"cheb.l{order}",
            f"{_FIXED}:cheb_l{order}",
            f"Chebyshev polynomial of order {order} of L",
            PolynomialParams,
        )
        for order in (2, 3, 4)
    ),
    _graph("cheb.l4n", f"{_FIXED}:cheb_l4n", "order 4, softmax over the sources"),
    _graph(
        "dynamic.s", f"{_DYNAMIC}:Spatial", "likeness of joints, embedded frame by frame", EmbeddingParams
    ),
    _graph(
        "dynamic.t", f"{_DYNAMIC}:Temporal", "likeness of joints, embedded over 9 frames", EmbeddingParams
    ),
    _graph(
        "dynamic.st",
        f"{_DYNAMIC}:SpatialTemporal",
        "likeness of joints, embedded by frame and then over 9 frames",
        EmbeddingParams,
    ),
    _graph("released.cheb.l2", f"{_RELEASED}:search_l2", "2 A^2 - I, powers by element"),
    _graph("released.cheb.l3", f"{_RELEASED}:search_l3", "4 A^3 - 3 A, powers by element"),
    _graph("released.cheb.l4", f"{_RELEASED}:search_l4", "8 A^4 - 8 A^2 + I, powers by element"),
    _graph("released.cheb.l4n", f"{_RELEASED}:search_l4n", "the same over V, softmax over the sources"),
    _graph("released.model.l3", f"{_RELEASED}:model_l3", "4 A^2 - A - 2 I, powers by element"),
    _graph(
        "released.model.l4n",
        f"{_RELEASED}:model_l4n",
        "(8 A^4 - 4 A^2 - 4 A + I) / V, powers by element, softmax over the sources",
    ),
    _graph(
        "released.dynamic.st",
        f"{_RELEASED}:SpatialTemporal",
        "frame by frame in two subsets, over 9 frames in the third",
        ReleasedEmbeddingParams,
    ),
)


@hookimpl
def register_graph_modules() -> tuple[GraphModule, ...]:
    """The graph modules of the shipped spaces and of the networks that they are compared with."""
    return _MODULES
