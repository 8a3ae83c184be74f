"""Recordings of skeletons whose classes nobody knows: single files, folders of them, and plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.archives import check_file
from skelbench.data.border import Border
from skelbench.data.called import called
from skelbench.data.dataset import BundleReader, FileReader, FolderReader, Reader
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

    A reader that can take single files (`FileReader`) or files of many recordings (`BundleReader`) gets those
    that its patterns name, one that puts files together (`FolderReader`) what belongs together; anything else
    is read as the data set itself, and labels that stand there are not looked at.

    Args:
        component: The data set in whose form the recordings are.
        layout: The skeleton.
        path: A file, or a folder.

    Raises:
        DataError: Nothing there can be read, a file is damaged, or a recording does not fit.
    """
    if not path.exists():
        raise DataError("no such file or folder", where=path, remedy="Give a file or folder that is there")
    border = Border(component, layout)
    reader = border.reader()
    together = _together(component, reader, path)
    files = [] if together else _files(reader, path)
    if together:
        yield from (Unlabelled(name, border.file(reader, *paths)) for name, paths in together.items())
    elif files:
        for file in files:
            if _fits(file.name, getattr(reader, "bundles", ())):
                yield from (Unlabelled(*one) for one in border.bundle(reader, file))
            else:
                yield Unlabelled(file.name, border.file(reader, file))
    else:
        yield from _recordings(border, reader, path)


def _together(component: Dataset, reader: Any, path: Path) -> dict[str, Sequence[Path]]:
    if not isinstance(reader, FolderReader) or not path.is_dir():
        return {}
    return called(component.name, path, lambda: dict(reader.gathered(path)))


def _files(reader: Any, path: Path) -> list[Path]:
    single = reader.patterns if isinstance(reader, FileReader) else ()
    patterns = (*single, *(reader.bundles if isinstance(reader, BundleReader) else ()))
    listed = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    return [file for file in listed if _fits(file.name, patterns)]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    wanted = any(fnmatch(name, pattern) for pattern in patterns)
    return wanted and not any(fnmatch(name, p[1:]) for p in patterns if p.startswith("!"))


def _recordings(border: Border, reader: Reader, path: Path) -> Iterator[Unlabelled]:
    """What the reader finds; of a single file that it knows in its folder alone, that one."""
    try:
        sources = border.sources(reader, path)
    except DataError:
        if not path.is_file():
            raise
        sources = [source for source in border.sources(reader, path.parent) if source == path]
    if not len(sources):
        forms = "; ".join(border.component.forms) or "what its reader knows"
        what = f"nothing here can be read as '{border.component.name}'"
        raise DataError(what, where=path, remedy=f"Give {forms}, or arrays with --npz")
    for source in sources:
        for clip in border.read(reader, source, path):
            yield Unlabelled(clip.id, clip.frames)


def read_arrays(component: Dataset, layout: Layout, path: Path) -> Iterator[Unlabelled]:
    """Recordings of an npy file, or of the arrays of an npz file; nothing in it is executed.

    Args:
        component: The data set in whose form the recordings are: C channels and at most M persons.
        layout: The skeleton, V joints.
        path: The file. An array is one recording (T, V, C) or (T, M, V, C); or several: (N, T, V, C) where
            its second size is no number of persons, or (N, T, M, V, C).

    Raises:
        DataError: The file is damaged, or an array does not fit.
    """
    border = Border(component, layout)
    for name, array in load_arrays(path):
        where = f"{path}: {name}"
        if array.ndim not in (3, 4, 5):
            ends = f"{len(layout.joints)}, {component.channels})"
            remedy = f"Give numbers of shape (T, {ends} or (T, M, {ends}"
            raise DataError(f"has shape {array.shape}, which is no recording", where=where, remedy=remedy)
        if array.ndim == 4 and array.shape[1] > component.persons:
            array = array[:, :, None]
        several = array if array.ndim == 5 else (array if array.ndim == 4 else array[:, None])[None]
        for number, frames in enumerate(several):
            yield Unlabelled(name if len(several) == 1 else f"{name}/{number}", border.frames(frames, where))


def load_arrays(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of an npy or npz file by name; pickled objects are refused.

    Raises:
        DataError: It is missing, damaged, or empty.
    """
    remedy = "Give a file of numpy.save or numpy.savez that holds numbers"
    check_file(path)
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
