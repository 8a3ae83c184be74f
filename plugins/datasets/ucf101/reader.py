"""UCF101: videos of 101 human actions, by the owners' lists.

Soomro, Zamir, Shah: UCF101: a dataset of 101 human actions classes from videos in the wild, 2012. Videos of
a group (``g01`` to ``g25``) are parts of the same longer video, and no split has a group in both parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from skelbench.data import Video, VideoFile
from skelbench.data.video.lists import VideoEntry, ucf101_classes, ucf101_split
from skelbench.errors import DataError, did_you_mean

from ..common.video_synthetic import spread, write_marker, write_moving_shape, write_text

CLASSES = 101
EXPECTED = {"split1": (9537, 3783), "split2": (9586, 3734), "split3": (9624, 3696)}
"""The complete set's (train, test) videos by protocol."""
LISTS = "ucfTrainTestlist"
_FOLDERS = ("UCF-101", "videos", ".")
_GROUP = re.compile(r"_g(\d+)_c\d+")
_GROUPS, _TESTED = 25, 7  # groups in all, and in the test part of each split
_NAMES = tuple(f"Class{number:03d}" for number in range(1, CLASSES + 1))


class Ucf101Reader:
    """Reads ``UCF-101/CLASS/v_CLASS_gGG_cCC.avi`` by the lists in ``ucfTrainTestlist/``.

    The videos may also stand in ``videos/`` or beside the lists, with or without folders of classes.
    A video's group stands for its performer.
    """

    def __init__(self) -> None:
        self.class_names: tuple[str, ...] = _NAMES

    def videos(self, root: Path, protocol: str) -> Sequence[Video]:
        """Every video of both lists of a split, the training part first.

        Raises:
            DataError: There are no lists, one is missing or damaged, or there is no such protocol.
        """
        if protocol not in EXPECTED:
            raise DataError(f"UCF101 has no protocol '{protocol}'", remedy=did_you_mean(protocol, EXPECTED))
        lists = root / LISTS if (root / LISTS).is_dir() else root
        if not (lists / "classInd.txt").is_file():
            remedy = f"Give the folder that holds UCF-101/ (or videos/) and {LISTS}/"
            raise DataError("no UCF101 here: there is no classInd.txt", where=lists, remedy=remedy)
        self.class_names = ucf101_classes(lists / "classInd.txt")
        if len(self.class_names) != CLASSES:
            what = f"{len(self.class_names)} classes, where UCF101 has {CLASSES}"
            raise DataError(what, where=lists / "classInd.txt", remedy="Give the owners' list")
        folder = next(root / name for name in _FOLDERS if (root / name).is_dir())
        flat = {path.name: path for path in folder.glob("*.avi")}
        return [_video(entry, folder, flat) for entry in ucf101_split(lists, int(protocol[-1]))]

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Videos in (train, test) of the complete set."""
        return EXPECTED.get(protocol)

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write small videos and all lists; each class goes round the groups that the splits test.

        Raises:
            DataError: The classes do not exist, or writing fails.
        """
        made = spread(clips, CLASSES, classes)
        write_marker(root)
        listed: dict[str, int] = {}
        for number, label, turn in made:
            again, place = divmod(turn + label, _GROUPS)
            path = f"{_NAMES[label]}/v_{_NAMES[label]}_g{_ORDER[place]:02d}_c{again + 1:02d}.avi"
            write_moving_shape(root / "UCF-101" / path, label, seed, number)
            listed[path] = label
        _write_lists(root / LISTS, listed)


def _video(entry: VideoEntry, folder: Path, flat: Mapping[str, Path]) -> Video:
    name = Path(entry.path)
    path = flat.get(name.name, folder / entry.path)
    return Video(name.stem, entry.label or 0, VideoFile(path), entry.part == "train", _group(entry.path))


def _group(path: str) -> int:
    found = _GROUP.search(path)
    if found is None:
        raise DataError(f"'{path}' names no group", remedy="Names of videos end in _gGG_cCC.avi")
    return int(found[1])


def _round() -> tuple[int, ...]:
    """Groups in an order that takes those of each split's test part, and those of none, by turns."""
    columns = [range(first, min(first + _TESTED, _GROUPS + 1)) for first in (1, 8, 15, 22)]
    return tuple(column[row] for row in range(_TESTED) for column in columns if row < len(column))


_ORDER = _round()


def _write_lists(folder: Path, listed: Mapping[str, int]) -> None:
    numbered = [f"{number} {name}\n" for number, name in enumerate(_NAMES, start=1)]
    write_text(folder / "classInd.txt", "".join(numbered))
    for split in (1, 2, 3):
        tested = range(_TESTED * (split - 1) + 1, _TESTED * split + 1)
        test = [f"{path}\n" for path in sorted(listed) if _group(path) in tested]
        train = [f"{path} {listed[path] + 1}\n" for path in sorted(listed) if _group(path) not in tested]
        write_text(folder / f"testlist{split:02d}.txt", "".join(test))
        write_text(folder / f"trainlist{split:02d}.txt", "".join(train))
