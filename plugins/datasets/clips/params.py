"""Parameters of the data set ``clips``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from skelbench.components import Params

Positive = Annotated[int, Field(gt=0)]


class ClipsParams(Params):
    """Parameters of a data set in one npz file.

    Attributes:
        classes: How many classes there are.
        channels: Channels of a pixel.
        frame_size: Rows and columns of the frames; None: ``data.video`` says what they are brought to.
        x: Name of the array of videos, (N, T, H, W) or (N, T, H, W, C) uint8.
        labels: Name of the array of classes, (N,) integers.
        first_label: The number of the first class.
        split: Name of the array that says who is in train, (N,): true or false, or ``train`` or ``test``.
        subjects: Name of the array of performers, (N,) integers, where there is one.
        ids: Name of the array of ids, (N,) text, where there is one; else videos are numbered.
    """

    classes: Positive = 10
    channels: Literal[1, 3] = 1
    frame_size: tuple[Positive, Positive] | None = None
    x: str = "x"
    labels: str = "labels"
    first_label: Literal[0, 1] = 0
    split: str = "split"
    subjects: str | None = None
    ids: str | None = None

    def declared(self) -> Mapping[str, Any]:
        """See `skelbench.components.Params`."""
        return {"subjects": self.subjects is not None}
