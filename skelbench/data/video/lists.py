"""The official lists of video data sets: which videos there are, of which class and part.

UCF101 (Soomro, Zamir, Shah, 2012): ``classInd.txt`` numbers 101 classes from 1, ``trainlist0N.txt`` and
``testlist0N.txt`` are three splits. Kinetics-400 (Kay et al., 2017): a table per part, or folders of classes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skelbench.errors import DataError, did_you_mean

SPLITS = (1, 2, 3)
VIDEO_ENDINGS = (".avi", ".mp4", ".mkv", ".webm", ".mov", ".m4v")
"""What names of video files end in."""
_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_AGAIN = "Fetch the list again from the data set's owners"


@dataclass(frozen=True)
class VideoEntry:
    """What a list says about a video.

    Attributes:
        path: Its file below the folder of videos, with ``/`` between folders.
        label: The 0-based class, or None where neither list nor folder tells it.
        part: ``train``, ``test``, or another name that the list gives.
    """

    path: str
    label: int | None
    part: str


@dataclass(frozen=True)
class KineticsEntry:
    """A line of a Kinetics table: ten seconds of a video.

    Attributes:
        youtube_id: The video's id of 11 characters.
        start: Where the clip begins in it, seconds.
        end: Where it ends.
        label: The name of its class, None in a part published without labels.
        part: ``train``, ``validate`` or ``test`` as the table says.
    """

    youtube_id: str
    start: int
    end: int
    label: str | None
    part: str

    @property
    def stems(self) -> tuple[str, str]:
        """Names, without ending, that the usual downloaders give its file."""
        return f"{self.youtube_id}_{self.start:06d}_{self.end:06d}", self.youtube_id


def ucf101_classes(path: Path) -> tuple[str, ...]:
    """The names of the classes by label, from ``classInd.txt``.

    Raises:
        DataError: It is missing, or a line is not the next number from 1 and a new name.
    """
    names: list[str] = []
    for where, line in _lines(path):
        number, _, name = line.partition(" ")
        if number != str(len(names) + 1) or not name or " " in name:
            what = f"'{len(names) + 1} NAME' should be here, not '{line[:60]}'"
            raise DataError(what, where=where, remedy=_AGAIN)
        if name in names:
            raise DataError(f"class '{name}' stands here a second time", where=where, remedy=_AGAIN)
        names.append(name)
    return tuple(names)


def ucf101_split(folder: Path, split: int) -> tuple[VideoEntry, ...]:
    """The videos of a split, the training part first, each part in the list's order.

    Args:
        folder: Where ``classInd.txt`` and the lists are.
        split: 1, 2 or 3.

    Raises:
        DataError: A list is missing or malformed, names a class that ``classInd.txt`` lacks, gives a label
            that is not the folder's, or names a video that stands in one of both lists already.
    """
    if split not in SPLITS:
        what = f"UCF101 has no split {split}"
        raise DataError(what, where=folder, remedy=f"Its splits: {', '.join(map(str, SPLITS))}")
    labels = {name: label for label, name in enumerate(ucf101_classes(folder / "classInd.txt"))}
    found: dict[str, VideoEntry] = {}
    for part in ("train", "test"):
        for where, line in _lines(folder / f"{part}list{split:02d}.txt"):
            entry = _ucf101_entry(line, part, labels, where)
            if entry.path in found:
                what = f"'{entry.path}' stands in the {found[entry.path].part} list already"
                raise DataError(what, where=where, remedy=_AGAIN)
            found[entry.path] = entry
    return tuple(found.values())


def _ucf101_entry(line: str, part: str, labels: Mapping[str, int], where: str) -> VideoEntry:
    path, *rest = line.split()
    steps = path.split("/")
    if len(steps) != 2 or not all(steps) or steps[0] in (".", "..") or len(rest) != (part == "train"):
        form = "CLASS/VIDEO NUMBER" if part == "train" else "CLASS/VIDEO"
        raise DataError(f"'{form}' should be here, not '{line[:60]}'", where=where, remedy=_AGAIN)
    if steps[0] not in labels:
        what = f"class '{steps[0]}' is not in classInd.txt"
        raise DataError(what, where=where, remedy=did_you_mean(steps[0], labels))
    label = labels[steps[0]]
    if rest and rest[0] != str(label + 1):
        what = f"number '{rest[0]}' contradicts the folder, whose class is number {label + 1}"
        raise DataError(what, where=where, remedy=_AGAIN)
    return VideoEntry(path, label, part)


def kinetics_table(path: Path) -> tuple[KineticsEntry, ...]:
    """The clips of a published table.

    Its columns are label, youtube_id, time_start, time_end and split, in any order; others are ignored.
    A part without labels has no column ``label``, or an empty one.

    Raises:
        DataError: The table is missing, lacks a column, has a malformed line, or names a clip twice.
    """
    rows = _rows(path)
    _, header = next(rows, ("", []))
    missing = [name for name in _COLUMNS[1:] if name not in header]
    if missing:
        what = f"there is no column {', '.join(missing)}"
        raise DataError(what, where=f"{path}:1", remedy=f"The columns of Kinetics: {', '.join(_COLUMNS)}")
    found: dict[tuple[str, int], KineticsEntry] = {}
    for where, row in rows:
        entry = _kinetics_entry(row, header, where)
        key = (entry.youtube_id, entry.start)
        if key in found:
            what = f"clip '{entry.stems[0]}' stands here a second time"
            raise DataError(what, where=where, remedy=_AGAIN)
        found[key] = entry
    if not found:
        raise DataError("there is no clip in it", where=path, remedy=_AGAIN)
    return tuple(found.values())


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """``file:line`` and the cells, for rows with something in them."""
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        for row in rows:
            if row:
                yield f"{path}:{rows.line_num}", row
    except csv.Error as error:
        where = f"{path}:{rows.line_num}"
        raise DataError(f"is no table of commas ({error})", where=where, remedy=_AGAIN) from error


def _kinetics_entry(row: Sequence[str], header: Sequence[str], where: str) -> KineticsEntry:
    if len(row) != len(header):
        what = f"{len(header)} columns should be here, not {len(row)}"
        raise DataError(what, where=where, remedy=_AGAIN)
    cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
    video, start, end, part = (cells[name] for name in _COLUMNS[1:])
    if not video or any(sign in video for sign in "/\\ "):
        raise DataError(f"'{video}' is no video's id", where=where, remedy=_AGAIN)
    if not (_is_number(start) and _is_number(end) and int(start) < int(end)):
        what = f"'{start}' to '{end}' is no time in whole seconds"
        raise DataError(what, where=where, remedy=_AGAIN)
    if not part:
        raise DataError("the split is missing", where=where, remedy=_AGAIN)
    return KineticsEntry(video, int(start), int(end), cells.get("label") or None, part)


def _is_number(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) < 9


def kinetics_classes(tables: Sequence[Sequence[KineticsEntry]]) -> tuple[str, ...]:
    """The names of the classes by label: all that the tables have, in alphabetical order.

    Raises:
        DataError: No clip has a label.
    """
    names = sorted({entry.label for table in tables for entry in table if entry.label is not None})
    if not names:
        raise DataError(
            "no clip of the tables has a label", remedy="Give the table of the training part, too"
        )
    return tuple(names)


def class_folders(root: Path, part: str, classes: Sequence[str] | None = None) -> tuple[VideoEntry, ...]:
    """The videos of one part kept in folders that are named after the classes, sorted by path.

    Args:
        root: The part's folder; paths are relative to it. Hidden files and other endings are passed over.
        part: The part's name.
        classes: Names by label (spaces may stand as ``_`` in a folder's name), or None for the folders'
            own names in alphabetical order.

    Raises:
        DataError: There is no such folder, no video in it, or a folder is no class.
    """
    if not root.is_dir():
        raise DataError("the folder of videos is missing", where=root, remedy="Give the folder of one part")
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = folders if classes is None else classes
    labels = {name: label for label, name in enumerate(names)}
    labels |= {name.replace(" ", "_"): label for name, label in labels.items()}
    entries = []
    for folder in folders:
        if folder not in labels:
            remedy = did_you_mean(folder, names)
            raise DataError(f"folder '{folder}' is no class", where=root, remedy=remedy)
        entries += [VideoEntry(f"{folder}/{name}", labels[folder], part) for name in _videos(root / folder)]
    if not entries:
        remedy = f"One folder per class should be here, with files in {', '.join(VIDEO_ENDINGS)}"
        raise DataError("there is no video", where=root, remedy=remedy)
    return tuple(entries)


def _videos(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix.lower() in VIDEO_ENDINGS and not path.name.startswith(".") and path.is_file()
    )


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """``file:line`` and the line, for lines with something in them.

    Raises:
        DataError: The file cannot be read, or has none.
    """
    lines = [(number, line.strip()) for number, line in enumerate(_text(path).splitlines(), start=1)]
    if not any(line for _, line in lines):
        raise DataError("the list is empty", where=path, remedy=_AGAIN)
    return ((f"{path}:{number}", line) for number, line in lines if line)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        remedy = "Put the owners' lists into this folder"
        raise DataError("the list is missing", where=path, remedy=remedy) from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path) from error
    except ValueError as error:
        raise DataError("is no text in UTF-8", where=path, remedy=_AGAIN) from error
