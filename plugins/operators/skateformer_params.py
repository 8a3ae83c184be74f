"""Parameters of attention within partitions of frames and joints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from skelbench.components import BuildContext, Params

from .params import Above0, Positive, Share


class SkateEmbedParams(Params):
    """Parameters of an embedding of joints by body part.

    Attributes:
        channels: Output channels, even.
        parts: Joints of each body part, counted from 0, as many in each; joints that stand in none are left
            out. Empty: all joints in their order.
    """

    channels: Annotated[int, Field(gt=0, multiple_of=2)]
    parts: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...] = ()

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """Joints that the layout has not."""
        count = len(context.layout.joints)
        if beyond := [joint for part in self.parts for joint in part if joint >= count]:
            what = (
                f"has a part with joint {beyond[0]}, and layout '{context.layout.name}' has 0 to {count - 1}"
            )
            yield what, "parts", "Count joints from 0"


class SkateBlockParams(Params):
    """Parameters of a block of graphs, temporal convolution and attention within partitions.

    Attributes:
        near: Neighbouring joints of a partition; they divide the joints of all persons. None: all joints.
        far: Joints of a partition that lie apart; likewise.
        window: Frames of a partition; they divide the frames, where there are more than these. None: all.
        groups: Groups of channels, each with a graph and temporal convolutions of its own; four times as many
            divide the channels.
        heads: Heads of attention in each kind of partition; eight times as many divide the channels.
        mlp: The width of the MLP, in widths of the block.
        dropout: Share of attention dropped in training.
        drop_path: Share of samples that leave the block out towards the end of training.
        scale: Scores are divided by the root of the ``width`` of a head, or as in the released code by that
            of the number of ``heads``.
        bias: The learned bias of near joints knows the ``frames`` between two tokens; as in the released
            code it is that of the ``tokens``, and knows joints instead.
    """

    near: Positive | None = None
    far: Positive | None = None
    window: Positive | None = None
    groups: Positive = 1
    heads: Positive = 1
    mlp: Above0 = 4.0
    dropout: Share = 0.5
    drop_path: Share = 0.0
    scale: Literal["width", "heads"] = "width"
    bias: Literal["frames", "tokens"] = "frames"
