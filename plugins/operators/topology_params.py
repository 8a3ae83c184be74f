"""Parameters of blocks that know the topology of the whole skeleton."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from skelbench.components import BuildContext, Params, Slot

from .params import Positive


class JointEmbedParams(Params):
    """Parameters of an embedding of joints and their places.

    Attributes:
        channels: Output channels; None: those of the module around it.
    """

    channels: Positive | None = None


class TopologyBlocksParams(Params):
    """Parameters of blocks to which the topology of the whole skeleton is added.

    Attributes:
        width: Channels that ``embed`` gives and the first block gets.
        embed: What brings coordinates to that many channels.
        blocks: A list of blocks, one after the other.
        functions: Learned functions of the lengths at which components of the skeleton join.
        scaled: Distances are brought to [0, 1] over each ``clip``, or as in the released code over the
            ``batch``, by which the scores of a clip depend on the others of its batch.
        between: Links are as long as ``joints`` are apart, or as in the released code as the ``rows`` of
            the matrix of these distances are from each other.
        persons: Each person gets its ``own`` clip's topology, or as in the released code that of a clip
            ``tiled`` over the batch, which is another's where there are two persons.
    """

    width: Positive = 128
    embed: Annotated[Any, Slot("operator", "input", channels="width")] = "joint_embed"
    blocks: Annotated[Any, Slot("operator", "skeleton", at="output", channels="width")]
    functions: Positive = 64
    scaled: Literal["clip", "batch"] = "clip"
    between: Literal["joints", "rows"] = "joints"
    persons: Literal["own", "tiled"] = "own"

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """A skeleton of one joint, whose topology is empty."""
        if len(context.layout.joints) < 2:
            what = f"links joints, and layout '{context.layout.name}' has one"
            yield what, "embed", "Take a graph module or blocks without a topology"
