"""Kinetics-400: videos of 400 human actions from the web, by the published tables or in folders of classes.

Kay et al.: The Kinetics human action video dataset, 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from skelbench.data import Video, VideoFile
from skelbench.data.video.lists import (
    VIDEO_ENDINGS,
    KineticsEntry,
    class_folders,
    kinetics_classes,
    kinetics_table,
)
from skelbench.errors import DataError, did_you_mean

from ..common.video_synthetic import spread, write_marker, write_moving_shape, write_text

CLASSES = 400
CLASS_LIST = "classes.txt"
_PARTS = {"train": ("train",), "val": ("val", "validate", "validation")}
_NAMES = tuple(f"class {number:03d}" for number in range(1, CLASSES + 1))


class Kinetics400Reader:
    """Reads the folders ``train/`` and ``val/``, by ``train.csv`` and ``val.csv`` where these stand there.

    With tables a video is found by its name (``ID_START_END`` or ``ID``) anywhere in its part's folder;
    without them it stands in a folder named after its class. Labels follow the alphabetical order of the
    classes, or that of ``classes.txt``, a name a line.
    """

    def __init__(self) -> None:
        self.class_names: tuple[str, ...] = _NAMES

    def videos(self, root: Path, protocol: str) -> Sequence[Video]:
        """Every video of the training part, and of the validation part, which is tested on.

        Raises:
            DataError: A part is missing, a table is damaged, there are not 400 classes, or there is no such
                protocol.
        """
        if protocol != "val":
            raise DataError(f"Kinetics-400 has no protocol '{protocol}'", remedy="Its protocol: val")
        tables = _parts([root, root / "annotations"], ".csv")
        folders = _parts([root], "")
        if len(tables) == len(_PARTS):
            return self._by_tables(root, tables, folders)
        if len(folders) == len(_PARTS):
            return self._by_folders(root, folders)
        remedy = "Give the folder that holds train/ and val/, with train.csv and val.csv if you have them"
        raise DataError("no Kinetics-400 here", where=root, remedy=remedy)

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown: videos vanish from the web, and hardly two copies hold the same."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write small videos in folders of classes, and ``classes.txt``; one in three of a class is for test.

        Raises:
            DataError: The classes do not exist, or writing fails.
        """
        made = spread(clips, CLASSES, classes)
        write_marker(root)
        write_text(root / CLASS_LIST, "".join(f"{name}\n" for name in _NAMES))
        for number, label, turn in made:
            part = "val" if (turn + label) % 3 == 1 else "train"
            path = root / part / _NAMES[label] / f"made-{number:06d}_000000_000010.mp4"
            write_moving_shape(path, label, seed, number)
        for part in _PARTS:
            (root / part).mkdir(exist_ok=True)

    def _by_tables(self, root: Path, tables: Mapping[str, Path], folders: Mapping[str, Path]) -> list[Video]:
        entries = {part: kinetics_table(table) for part, table in tables.items()}
        self.class_names = _classes(root, kinetics_classes(list(entries.values())))
        labels = {name: label for label, name in enumerate(self.class_names)}
        videos = []
        for part, listed in entries.items():
            folder = folders.get(part, root / part)
            files = _files(folder)
            for entry in listed:
                source = VideoFile(_file_of(entry, files, folder))
                label = _label_of(entry, labels, tables[part])
                videos.append(Video(f"{part}/{entry.stems[0]}", label, source, part == "train"))
        return videos

    def _by_folders(self, root: Path, folders: Mapping[str, Path]) -> list[Video]:
        own = sorted(path.name for path in folders["train"].iterdir() if path.is_dir())
        self.class_names = _classes(root, own)
        videos = []
        for part, folder in folders.items():
            for entry in class_folders(folder, part, self.class_names):
                name, source = f"{part}/{Path(entry.path).stem}", VideoFile(folder / entry.path)
                videos.append(Video(name, entry.label or 0, source, part == "train"))
        return videos


def _parts(folders: Sequence[Path], ending: str) -> dict[str, Path]:
    """The file or folder of each part that there is, under any of its usual names."""
    found = {}
    for part, names in _PARTS.items():
        paths = [folder / f"{name}{ending}" for folder in folders for name in names]
        there = [path for path in paths if path.exists()]
        if there:
            found[part] = there[0]
    return found


def _classes(root: Path, found: Sequence[str]) -> tuple[str, ...]:
    listed = root / CLASS_LIST
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [line.strip() for line in lines if line.strip()]
    if len(set(found)) != CLASSES or len(found) != CLASSES:
        what = f"{len(set(found))} classes, where Kinetics-400 has {CLASSES}"
        remedy = f"Give the complete tables, or name all classes in {CLASS_LIST}, one a line"
        raise DataError(what, where=listed if listed.is_file() else root, remedy=remedy)
    return tuple(found)


def _files(folder: Path) -> dict[str, Path]:
    """The videos below a folder by their names without ending."""
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in VIDEO_ENDINGS}


def _file_of(entry: KineticsEntry, files: Mapping[str, Path], folder: Path) -> Path:
    found = next((files[stem] for stem in entry.stems if stem in files), None)
    return found or folder / f"{entry.stems[0]}.mp4"


def _label_of(entry: KineticsEntry, labels: Mapping[str, int], table: Path) -> int:
    if entry.label is None or entry.label not in labels:
        what = f"clip '{entry.stems[0]}' has the label '{entry.label}', which is no class"
        raise DataError(what, where=table, remedy=did_you_mean(entry.label, labels))
    return labels[entry.label]
