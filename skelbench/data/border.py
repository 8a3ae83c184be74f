"""The border between a reader and everything else: whatever a reader returns is checked here, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.archives import check_file
from skelbench.data.called import called
from skelbench.data.dataset import Clip, Clips, Reader
from skelbench.data.video.dataset import Video, VideoArray, VideoReader
from skelbench.errors import DataError

_ABOUT = ("subject", "camera", "setup")
FARTHEST = 1e6
"""No coordinate of a body is larger, in metres, millimetres or pixels."""
_SMALLEST, _LARGEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max


@dataclass(frozen=True)
class Border:
    """Calls a reader and hands on what it returns, once that is known to be sound.

    Attributes:
        component: The data set, whose description the recordings must agree with.
        layout: Its skeleton; None leaves the number of joints to others.
    """

    component: Dataset
    layout: Layout | None = None

    def reader(self) -> Any:
        """The data set's reader, which has been told the skeleton where it has a method ``use_layout``."""
        made = self.component.reader()
        if self.layout is not None and hasattr(made, "use_layout"):
            called(self.component.name, "its parameters", lambda: made.use_layout(self.layout))
        return made

    def sources(self, reader: Reader, root: Path) -> Sequence[Any]:
        """The readable things under ``root``.

        Raises:
            DataError: There is none, or the reader fails.
        """
        found = called(self.component.name, root, lambda: list(reader.sources(root)))
        if not found:
            raise DataError("there is nothing to read", where=root, remedy=self._forms())
        self.class_names(reader, root)
        return found

    def read(self, reader: Reader, source: Any, root: Path) -> list[Clip]:
        """The recordings of one source.

        Raises:
            DataError: The reader fails, or a recording does not agree with the data set's description; names
                the file and the recording.
        """
        where = place(source, root)
        check_file(Path(where))
        given = called(self.component.name, where, lambda: list(reader.read(source)))
        return [self._sound(clip, where) for clip in given]

    def file(self, reader: Any, *paths: Path) -> np.ndarray:
        """The coordinates of a recording in a file, or of a `FolderReader` in several, (T, M, V, C) float32.

        Raises:
            DataError: The reader fails, or they do not agree with the data set's description.
        """
        for path in paths:
            check_file(path)
        where, one = str(paths[0]), len(paths) == 1
        read = (lambda: reader.frames(paths[0])) if one else (lambda: reader.joined(paths))
        return self.frames(called(self.component.name, where, read), where)

    def bundle(self, reader: Any, path: Path) -> Iterator[tuple[str, np.ndarray]]:
        """The recordings of a `BundleReader`'s file by their ids, one after the other, (T, M, V, C) float32.

        Raises:
            DataError: The reader fails, or one does not agree with the data set's description.
        """
        check_file(path)
        name, where = self.component.name, str(path)
        given = called(name, where, lambda: iter(reader.unlabelled(path)))
        while (one := called(name, where, lambda: next(given, None))) is not None:
            yield str(one[0]), self.frames(one[1], f"{where}, recording '{one[0]}'")

    def videos(self, reader: VideoReader, root: Path, protocol: str) -> list[Video]:
        """Every video that a protocol lists.

        Raises:
            DataError: The reader fails, or what it says of a video does not agree with the description.
        """
        listed = called(self.component.name, root, lambda: list(reader.videos(root, protocol)))
        for video in listed:
            if not isinstance(video, Video):
                raise _fault(
                    str(root), f"the reader gives a {type(video).__name__}", "Give a skelbench.data.Video"
                )
            if not isinstance(video.id, str) or not video.id:
                raise _fault(str(root), f"a video has the id {_shown(video.id)}", "Give it a text of its own")
            where = f"{root}, video '{video.id}'"
            check_label(video.label, self.component, where)
            for name in _ABOUT:
                check_number(name, getattr(video, name), where)
            if not isinstance(video.train, bool | np.bool_):
                raise _fault(where, f"its train is {_shown(video.train)}", "Give true or false")
            if not hasattr(video.source, "name"):
                remedy = "Give a VideoFile, a VideoArray or a VideoSource of your own"
                raise _fault(where, f"its source is {_shown(video.source)}", remedy)
            if isinstance(video.source, VideoArray):
                _check_pixels(video.source.frames, self.component, where)
        return listed

    def class_names(self, reader: Any, where: object) -> tuple[str, ...]:
        """The names of the classes, one for each.

        Raises:
            DataError: They are as many as other classes, or no texts.
        """
        count = self.component.classes
        names: tuple[Any, ...] = called(self.component.name, where, lambda: tuple(reader.class_names))
        if len(names) != count or not all(isinstance(name, str) and name for name in names):
            what = f"data set '{self.component.name}' has {count} classes and its reader names {len(names)}"
            raise DataError(what, where=where, remedy="Give each class one name, a text")
        return names

    def left_out(self, reader: Any, root: Path) -> tuple[str, ...]:
        """What the reader says that it left out of its sources, in lines for people."""
        found: tuple[str, ...] = called(
            self.component.name, root, lambda: tuple(map(str, getattr(reader, "dropped", ())))
        )
        return found

    def _forms(self) -> str:
        return f"Give one of: {'; '.join(self.component.forms)}" if self.component.forms else ""

    # --- one recording -----------------------------------------------------------------------

    def _sound(self, clip: Any, where: str) -> Clip:
        if not isinstance(clip, Clip):
            raise _fault(where, f"the reader gives a {type(clip).__name__}", "Give a skelbench.data.Clip")
        if not isinstance(clip.id, str) or not clip.id:
            raise _fault(where, f"a recording has the id {_shown(clip.id)}", "Give it a text of its own")
        where = f"{where}, recording '{clip.id}'"
        label = check_label(clip.label, self.component, where)
        about: dict[str, Any] = {name: check_number(name, getattr(clip, name), where) for name in _ABOUT}
        return replace(clip, label=label, frames=self.frames(clip.frames, where), **about)

    def frames(self, frames: Any, where: str) -> np.ndarray:
        """Coordinates as float32.

        Raises:
            DataError: They do not agree with the data set's description, or are not finite.
        """
        if not isinstance(frames, np.ndarray) or frames.dtype.kind not in "fiu":
            kind = frames.dtype if isinstance(frames, np.ndarray) else type(frames).__name__
            raise _fault(where, f"its coordinates are {kind}", "Give an array of numbers (T, M, V, C)")
        if frames.ndim != 4:
            what = f"its coordinates have the shape {frames.shape}"
            raise _fault(where, what, "Give (T, M, V, C): frames, persons, joints, channels")
        for what, remedy in self._misfits(*frames.shape):
            raise _fault(where, what, remedy)
        with np.errstate(over="ignore"):
            single = frames.astype(np.float32, copy=False)
        wrong = np.argwhere(~np.isfinite(single))
        if len(wrong):
            frame, person, joint, channel = wrong[0]
            named = self.layout.joints[joint] if self.layout else f"joint {joint}"
            what = (
                f"{len(wrong)} coordinates are no finite numbers, the first in frame {frame}, "
                f"person {person}, {named}, channel {channel}"
            )
            raise _fault(where, what, "Put 0 where a joint was not seen, or leave the recording out")
        if single.size and (far := float(np.abs(single).max())) > FARTHEST:
            what = f"a coordinate is {far:.3g}, which is beyond any body in metres, millimetres or pixels"
            raise _fault(where, what, "Mend the file, or leave the recording out")
        return single

    def _misfits(self, frames: int, persons: int, joints: int, channels: int) -> Iterable[tuple[str, str]]:
        own = self.component
        if frames < 1:
            yield "it has no frame", "Leave the recording out"
        if not 1 <= persons <= own.persons:
            remedy = "Set 'persons' of the data set, or choose among them in the reader"
            yield f"it has {persons} persons, and data set '{own.name}' at most {own.persons}", remedy
        if self.layout is not None and joints != len(self.layout.joints):
            what = f"it has {joints} joints and layout '{self.layout.name}' has {len(self.layout.joints)}"
            yield what, "Name a layout with these joints (`skelbench list layout`)"
        if channels != own.channels:
            what = f"its joints have {channels} channels, and those of data set '{own.name}' {own.channels}"
            yield what, "Set 'channels' of the data set"


def _check_pixels(frames: Any, component: Dataset, where: str) -> None:
    kind = frames.dtype if isinstance(frames, np.ndarray) else type(frames).__name__
    shape: tuple[int, ...] = frames.shape if isinstance(frames, np.ndarray) else ()
    if kind != np.uint8 or len(shape) != 4 or shape[3] != component.channels or 0 in shape:
        what = f"its frames are {kind} of shape {shape}"
        raise _fault(where, what, f"Give bytes (T, H, W, {component.channels})")


def train_mask(reader: Reader, clips: Clips, protocol: str) -> np.ndarray:
    """Which recordings the protocol trains on, (n,) bool.

    Raises:
        DataError: The reader fails or gives something else.
    """
    where = f"{clips.dataset}, protocol '{protocol}'"
    mask = called(clips.dataset, where, lambda: np.asarray(reader.is_train(clips, protocol)))
    if mask.shape != (len(clips),) or mask.dtype != bool:
        what = f"the reader's is_train gives {mask.dtype} of shape {mask.shape}"
        remedy = f"Give a true or false for each of the {len(clips)} recordings"
        raise DataError(what, where=where, remedy=remedy)
    return mask


def check_label(label: Any, component: Dataset, where: str) -> int:
    """A label, known to be one of the data set's classes.

    Raises:
        DataError: It is no whole number, or none of them.
    """
    last = component.classes - 1
    if isinstance(label, bool | np.bool_) or not isinstance(label, Integral):
        remedy = f"Give the class as a whole number from 0 to {last}"
        raise _fault(where, f"its label is {_shown(label)}", remedy)
    if not 0 <= int(label) <= last:
        what = f"its label is {_shown(int(label))}, and data set '{component.name}' has classes 0 to {last}"
        raise _fault(where, what, "Count classes from 0, or set 'classes' of the data set")
    return int(label)


def check_number(name: str, value: Any, where: str) -> int:
    """A performer, camera or set-up, known to be a whole number.

    Raises:
        DataError: It is none.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise _fault(
            where, f"its {name} is {_shown(value)}", "Give a whole number, or -1 where it is unknown"
        )
    if not _SMALLEST <= int(value) <= _LARGEST:
        raise _fault(where, f"its {name} is {_shown(int(value))}", "Give a number of at most nine digits")
    return int(value)


def check_together(clips: Sequence[tuple[str, tuple[int, ...], str]], root: Path) -> None:
    """Check what no single recording can tell.

    Args:
        clips: Of each recording its id, its (M, V, C), and the file that it is from.
        root: Where they come from.

    Raises:
        DataError: There is no recording, two have one id, or they differ in (M, V, C); names the files.
    """
    if not clips:
        raise DataError("no usable recording", where=root, remedy="Check that it is complete")
    first, shape, place_of_first = clips[0]
    seen: dict[str, str] = {}
    for name, own, where in clips:
        if name in seen:
            what = f"two recordings have the id '{name}': {seen[name]} and {where}"
            raise DataError(what, where=root, remedy="Remove one of the copies, or give ids of their own")
        if own != shape:
            what = (
                f"recordings differ in (persons, joints, channels): '{first}' has {shape} ({place_of_first}) "
                f"and '{name}' {own} ({where})"
            )
            raise DataError(what, where=root, remedy="Give all recordings the same; absent persons are zero")
        seen[name] = where


def place(source: Any, root: Path) -> str:
    """The file that a source is, or the root."""
    path = getattr(source, "path", source)
    return str(path) if isinstance(path, str | Path) else str(root)


def _fault(where: str, what: str, remedy: str) -> DataError:
    return DataError(what, where=where, remedy=remedy)


def _shown(value: Any) -> str:
    """A value in a message, whatever it is."""
    if isinstance(value, str | float | np.floating | bool | np.bool_) or (
        isinstance(value, int) and abs(value) < 10**20
    ):
        return f"{value!r:.60}" if isinstance(value, str) else str(value)
    return f"a {type(value).__name__}"
