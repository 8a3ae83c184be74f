"""Parameters of the data set ``videos``: somebody's own video files, a folder for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from skelbench.components import Params

Text = Annotated[str, Field(min_length=1)]
OFFICIAL, SHARE = "official", "share"
SPLITS = ("split1", "split2", "split3")
"""The protocols of HMDB51's lists."""


class VideoSplitParams(Params):
    """Who is trained on; without any key the folders ``train`` and ``test`` (or ``val``) say it.

    Attributes:
        train: A file below the data that lists what is trained on, ``CLASS/VIDEO`` or a video's name a line:
            protocol ``official``. What no list names is left out where ``test`` is given, else tested.
        test: The list of what is tested.
        lists: The folder of HMDB51's lists below the data, ``CLASS_test_splitN.txt`` with lines ``VIDEO 1``
            (trained on), ``VIDEO 2`` (tested) or ``VIDEO 0`` (neither): protocols ``split1`` to ``split3``.
        share: Share of the videos that is trained on: protocol ``share``.
    """

    train: Text | None = None
    test: Text | None = None
    lists: Text | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _lists_go_together(self) -> VideoSplitParams:
        if self.test is not None and self.train is None:
            raise ValueError("the list 'test' needs the list 'train'")
        return self

    def protocols(self) -> tuple[str, ...]:
        """The protocols, the default first."""
        found = [OFFICIAL] if self.train else []
        found += SPLITS if self.lists else []
        found += [SHARE] if self.share is not None else []
        return tuple(found) or (OFFICIAL,)


class VideosParams(Params):
    """Parameters of a data set of video files in folders of classes.

    Attributes:
        classes: How many there are, or their names in order: those of the folders.
        split: See `VideoSplitParams`.
    """

    classes: Annotated[int, Field(ge=2)] | Annotated[tuple[Text, ...], Field(min_length=2)] = 10
    split: VideoSplitParams = VideoSplitParams()

    @property
    def class_count(self) -> int:
        """How many classes there are."""
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    def declared(self) -> Mapping[str, Any]:
        """See `skelbench.components.Params`."""
        return {"classes": self.class_count, "protocols": self.split.protocols()}
