"""Recordings of skeletons whose classes nobody knows: single files, folders of them, and plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.dataset import FileReader, Reader
from skelbench.errors import DataError


@dataclass(frozen=True)
class Unlabelled:
    """One recording without a class.

    Attributes:
        id: A name: that of its file, or of its array.
        frames: Coordinates, (T, M, V, C) float32; absent persons are zero.
    """

    id: str
    frames: np.ndarray


def read_unlabelled(component: Dataset, layout: Layout, path: Path) -> Iterator[Unlabelled]:
    """Recordings of a file or folder, one after the other.

    A reader that can take single files (`FileReader`) gets those that its patterns name; anything else is
    read as the data set itself, and labels that stand there are not looked at.

    Args:
        component: The data set in whose form the recordings are.
        layout: The skeleton.
        path: A file, or a folder that is not searched through.

    Raises:
        DataError: Nothing there can be read, a file is damaged, or a recording does not fit.
    """
    if not path.exists():
        raise DataError("no such file or folder", where=path, remedy="Give a file or folder that is there")
    reader = component.reader()
    files = _files(reader, path)
    if files:
        found: Iterator[Unlabelled] = (Unlabelled(file.name, reader.frames(file)) for file in files)
    else:
        found = _recordings(component, reader, path)
    for one in found:
        yield Unlabelled(one.id, checked_frames(one.frames, layout, component.channels, f"{path}: {one.id}"))


def _files(reader: Any, path: Path) -> list[Path]:
    if not isinstance(reader, FileReader):
        return []
    listed = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    return [file for file in listed if _fits(file.name, reader.patterns)]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    wanted = any(fnmatch(name, pattern) for pattern in patterns)
    return wanted and not any(fnmatch(name, p[1:]) for p in patterns if p.startswith("!"))


def _recordings(component: Dataset, reader: Reader, path: Path) -> Iterator[Unlabelled]:
    """What the reader finds; of a single file that it knows in its folder alone, that one."""
    try:
        sources = reader.sources(path)
    except DataError:
        if not path.is_file():
            raise
        sources = [source for source in reader.sources(path.parent) if source == path]
    if not len(sources):
        forms = "; ".join(component.forms) or "what its reader knows"
        what = f"nothing here can be read as '{component.name}'"
        raise DataError(what, where=path, remedy=f"Give {forms}, or arrays with --npz")
    for source in sources:
        for clip in reader.read(source):
            yield Unlabelled(clip.id, clip.frames)


def read_arrays(path: Path, layout: Layout, channels: int, persons: int) -> Iterator[Unlabelled]:
    """Recordings of an npy file, or of the arrays of an npz file; nothing in it is executed.

    Args:
        path: The file. An array is one recording (T, V, C) or (T, M, V, C), M at most ``persons``; or
            several: (N, T, V, C) where its second size is more than ``persons``, or (N, T, M, V, C).
        layout: The skeleton, V joints.
        channels: C.
        persons: Most persons of a recording.

    Raises:
        DataError: The file is damaged, or an array does not fit.
    """
    for name, array in load_arrays(path):
        where = f"{path}: {name}"
        if array.ndim not in (3, 4, 5) or array.dtype.kind not in "fiu":
            what = f"has shape {array.shape} of {array.dtype}, which is no recording"
            shapes = f"(T, {len(layout.joints)}, {channels}) or (T, M, {len(layout.joints)}, {channels})"
            raise DataError(what, where=where, remedy=f"Give numbers of shape {shapes}")
        if array.ndim == 4 and array.shape[1] > persons:
            array = array[:, :, None]
        several = array if array.ndim == 5 else (array if array.ndim == 4 else array[:, None])[None]
        for number, frames in enumerate(several):
            own = name if len(several) == 1 else f"{name}/{number}"
            if frames.shape[1] > persons:
                what = f"shows {frames.shape[1]} persons, and the network takes {persons}"
                raise DataError(what, where=where, remedy=f"Keep the {persons} that move most")
            yield Unlabelled(own, checked_frames(frames, layout, channels, where))


def load_arrays(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of an npy or npz file by name; pickled objects are refused.

    Raises:
        DataError: It is missing, damaged, or empty.
    """
    remedy = "Give a file of numpy.save or numpy.savez that holds numbers"
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                yield path.stem, loaded
                return
            with loaded:
                if not loaded.files:
                    raise DataError("holds no array", where=path, remedy=remedy)
                for name in loaded.files:
                    yield name, loaded[name]
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=path, remedy=remedy) from error
    except (ValueError, EOFError, KeyError) as error:
        raise DataError(f"is damaged or holds no numbers ({error})", where=path, remedy=remedy) from error
    except Exception as error:  # zipfile and zlib each have errors of their own for damage
        if isinstance(error, DataError):
            raise
        raise DataError(f"is damaged ({error})", where=path, remedy=remedy) from error


def checked_frames(frames: Any, layout: Layout, channels: int, where: object) -> np.ndarray:
    """Coordinates (T, M, V, C) as float32.

    Raises:
        DataError: They are of another layout, there is no frame, or one is no finite number.
    """
    found = np.asarray(frames)
    if found.ndim != 4 or found.shape[2:] != (len(layout.joints), channels) or not len(found):
        what = f"has coordinates of shape {found.shape} (T, M, V, C)"
        remedy = f"'{layout.name}' has {len(layout.joints)} joints, of {channels} channels each here"
        raise DataError(what, where=where, remedy=remedy)
    with np.errstate(over="ignore"):
        found = found.astype(np.float32, copy=False)
    if not np.isfinite(found).all():
        frame = int(np.flatnonzero(~np.isfinite(found).all(axis=(1, 2, 3)))[0])
        what = f"a coordinate in frame {frame + 1} is no finite number"
        raise DataError(what, where=where, remedy="Put zeros where a person or joint was not seen")
    return found


def spans(frames: int, window: int | None, stride: int | None = None) -> list[tuple[int, int]]:
    """First frame and end of every window over a recording; the last one ends with it.

    Args:
        frames: Frames of the recording.
        window: Frames of a window; None, or more than there are, takes all of them at once.
        stride: Frames from one window to the next; None is half a window.

    Raises:
        DataError: A number is below 1.
    """
    if window is None:
        return [(0, frames)]
    step = max(1, window // 2) if stride is None else stride
    if min(window, step) < 1:
        raise DataError("windows and their strides have at least one frame", where="--window")
    if frames <= window:
        return [(0, frames)]
    return [(start, start + window) for start in (*range(0, frames - window, step), frames - window)]
