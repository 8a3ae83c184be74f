"""Parameters of the data set ``skeletons``: where what stands in somebody's own files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from skelbench.components import Params
from skelbench.layouts import LayoutOptions

Positive = Annotated[int, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]
IGNORED = "-"
"""Stands for a value in the place of a channel that is not read."""
SCORE = "score"
OFFICIAL = "official"


class SplitParams(Params):
    """Who is trained on. Each key gives protocols of its own; the first one's is the default.

    Attributes:
        train: A file below the data that lists what is trained on, an id or a file's name a line; with it
            protocol ``official``. What no list names is left out where ``test`` is given, else tested.
        test: The list of what is tested.
        name: The split of a pickle that has several, such as ``xsub``; with it ``official``.
        subjects: Performers that are trained on: protocol ``subjects``.
        leave_out: How many performers there are, from 1, or which: protocols ``loso-1`` and so on, each of
            which tests one of them.
        folds: How many parts: protocols ``fold-1`` and so on, each of which tests one; performers, where they
            are known, stay together.
        share: Share of the recordings that is trained on: protocol ``share``.
    """

    train: Text | None = None
    test: Text | None = None
    name: Text | None = None
    subjects: tuple[int | Text, ...] = ()
    leave_out: Positive | tuple[int | Text, ...] = ()
    folds: Annotated[int, Field(ge=2, le=1000)] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _lists_go_together(self) -> SplitParams:
        if self.test is not None and self.train is None:
            raise ValueError("the list 'test' needs the list 'train'")
        return self

    @property
    def left_out(self) -> tuple[int | str, ...]:
        """The performers that a protocol each leaves out."""
        given = self.leave_out
        return tuple(range(1, given + 1)) if isinstance(given, int) else given

    def protocols(self) -> tuple[str, ...]:
        """The protocols, the default first."""
        found = [OFFICIAL] if self.train or self.name else []
        found += ["subjects"] if self.subjects else []
        found += [f"loso-{subject}" for subject in self.left_out]
        found += [f"fold-{number}" for number in range(1, (self.folds or 0) + 1)]
        found += ["share"] if self.share is not None else []
        return tuple(found) or (OFFICIAL,)


class SkeletonsParams(Params):
    """Parameters of a data set of skeletons in files of one's own.

    Attributes:
        files: Which files are recordings, as a pattern of their paths below the data: ``{label}`` is the
            number of the class, ``{class}`` its name, ``{subject}``, ``{camera}``, ``{split}`` (train, test
            or val) and ``{frame}`` (a file for each frame) what they say, any other name is part of the id,
            ``{label:02d}`` two digits or more, ``*`` anything. None: one file holds all recordings.
        layout: The skeleton: a registered layout, or ``joints`` and ``bones`` of one's own.
        classes: How many there are, or their names in order.
        labels: What stands for each class in files, in order, where it is not a number from ``first_label``.
        first_label: The number of the first class.
        persons: The most persons in a recording.
        channels: What the values of a joint are, in order: ``x``, ``y``, ``z``, ``score``; ``-`` is not read.
        skip: Values at the beginning of a row that are not read, such as the number of the frame.
        axes: The order of an array's axes, of N recordings, T frames, M persons, V joints, C channels, as in
            ``NTMVC``; of a row that holds a frame, of M, V and C. None: as it fits.
        header: How the columns of a table with a header are named, as in ``{channel}{joint}`` or
            ``{joint}_{channel}``; a joint's number or name, ``{person}`` from 0. None: by their order.
        missing: What is done about values that are missing: ``refuse`` them, or take them for ``zero``.
        x: The name of the array of coordinates in a file that holds several; None: the usual ones.
        y: The name of the array of classes; None: the usual ones.
        ids: The name of the array of ids; None: recordings are numbered.
        who: The name of the array of performers, where there is one.
        lengths: The name of the array of numbers of frames; None: frames of zeros at the end are no frames.
        part: The name of the array that says who is in train (true, or ``train``); None: the usual ones.
        fps: Frames a second, by which ``skelbench predict`` tells times.
        split: See `SplitParams`.
    """

    files: Text | None = None
    layout: Text | LayoutOptions = "kinect20"
    classes: Annotated[int, Field(ge=2)] | Annotated[tuple[Text, ...], Field(min_length=2)] = 10
    labels: tuple[int | Text, ...] | None = None
    first_label: int = 0
    persons: Annotated[int, Field(gt=0, le=100)] = 1
    channels: Annotated[tuple[Text, ...], Field(min_length=1)] = ("x", "y", "z")
    skip: Annotated[int, Field(ge=0)] = 0
    axes: Annotated[str, Field(pattern="^[NTMVC]{2,5}$")] | None = None
    header: Text | None = None
    missing: Literal["refuse", "zero"] = "refuse"
    x: Text | None = None
    y: Text | None = None
    ids: Text | None = None
    who: Text | None = None
    lengths: Text | None = None
    part: Text | None = None
    fps: Annotated[float, Field(gt=0)] | None = None
    split: SplitParams = SplitParams()

    @model_validator(mode="after")
    def _fits(self) -> SkeletonsParams:
        count = self.class_count
        if isinstance(self.classes, tuple) and len(set(self.classes)) < count:
            raise ValueError("classes have names of their own")
        if self.labels is not None and len(set(self.labels)) != count:
            raise ValueError(f"labels names what stands for each of the {count} classes, once")
        kept = self.kept
        if not kept or len(set(kept)) < len(kept) or SCORE in kept[:-1]:
            raise ValueError("channels are named once each, the score after the coordinates")
        if self.axes is not None and len(set(self.axes)) < len(self.axes):
            raise ValueError("axes names each axis once")
        return self

    @property
    def class_count(self) -> int:
        """How many classes there are."""
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    @property
    def kept(self) -> tuple[str, ...]:
        """The channels that are read."""
        return tuple(name for name in self.channels if name != IGNORED)

    def declared(self) -> Mapping[str, Any]:
        """See `skelbench.components.Params`."""
        own = self.layout.layout() if isinstance(self.layout, LayoutOptions) else None
        return {
            "classes": self.class_count,
            "persons": self.persons,
            "channels": len(self.kept),
            "axes": len([name for name in self.kept if name != SCORE]),
            "subjects": self.who is not None or "{subject" in (self.files or ""),
            "layout": own.name if own else self.layout,
            "own_layout": own,
            "protocols": self.split.protocols(),
        }
