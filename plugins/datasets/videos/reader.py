"""The reader of ``videos``: video files of one's own, a folder for each class.

HMDB51's lists: Kuehne, Jhuang, Garrote, Poggio, Serre: HMDB: a large video database for human motion
recognition, ICCV 2011.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skelbench.data import Video, VideoFile
from skelbench.data.video.lists import VIDEO_ENDINGS
from skelbench.errors import DataError, did_you_mean

from ..common.video_synthetic import MARKER, spread, write_marker, write_moving_shape
from ..skeletons.params import SplitParams
from ..skeletons.split import draw, listed_part, read_lists
from .params import OFFICIAL, SHARE, VideosParams

_PARTS = {"train": ("train", "training"), "test": ("test", "testing", "val", "validation")}
_MARKS = {"1": True, "2": False, "0": None}
"""What HMDB51's lists write behind a video."""


class VideosReader:
    """Reads ``CLASS/VIDEO``, or ``train/CLASS/VIDEO`` and ``test/CLASS/VIDEO``.

    Args:
        params: The fields of `VideosParams`.

    Attributes:
        params: The parameters.
        class_names: The names of the classes; those of the folders once `videos` has found them.
    """

    def __init__(self, **params: Any) -> None:
        self.params = VideosParams(**params)
        given = self.params.classes
        numbered = tuple(f"class {number}" for number in range(1, self.params.class_count + 1))
        self.class_names: tuple[str, ...] = given if isinstance(given, tuple) else numbered

    def videos(self, root: Path, protocol: str) -> Sequence[Video]:
        """Every video of the folders that the split puts in a part, or that its lists name.

        Raises:
            DataError: There is no such protocol, there are other classes, or a list is missing or damaged.
        """
        split = self.params.split
        if not root.is_dir():
            raise DataError(
                "is no folder", where=root, remedy="Give the folder that holds those of the classes"
            )
        if protocol not in split.protocols():
            what = f"data set 'videos' has no protocol '{protocol}'"
            raise DataError(what, remedy=did_you_mean(protocol, split.protocols()))
        if (root / MARKER).is_file() or (protocol == OFFICIAL and not split.train):
            return self._by_parts(root)
        self._name_classes([root])
        if protocol == SHARE:
            found = self._found(root)
            return [_video(name, label, path, draw(name) < (split.share or 0)) for name, label, path in found]
        return self._by_lists(root) if protocol == OFFICIAL else self._by_hmdb51(root, protocol)

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown: the videos are somebody's own."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write small videos in folders of parts and classes, which are read so whatever the split.

        Raises:
            DataError: The classes do not exist, or writing fails.
        """
        write_marker(root)
        for number, label, turn in spread(clips, self.params.class_count, classes):
            part = "test" if (turn + label) % 3 == 1 else "train"
            name = self.class_names[label].replace(" ", "_")
            write_moving_shape(root / part / name / f"made-{number:06d}.mp4", label, seed, number)

    # --- inner -------------------------------------------------------------------------------

    def _name_classes(self, folders: Sequence[Path]) -> None:
        """Take the folders' names for the classes, where the parameters only count them."""
        lists, named = self.params.split.lists, self.params.classes
        found = {path.name for folder in folders for path in folder.iterdir() if path.is_dir()}
        names = sorted(name for name in found if name[0] != "." and name != lists)
        if isinstance(named, tuple):
            known = {spelt for name in named for spelt in (name, name.replace(" ", "_"))}
            if strange := [name for name in names if name not in known]:
                what = f"folder '{strange[0]}' is no class"
                raise DataError(what, where=folders[0], remedy=did_you_mean(strange[0], named))
            return
        if len(names) != named:
            some = f" ({', '.join(names[:5])} ...)" if names else ""
            what = f"{len(names)} folders of classes{some}, and 'classes' says {named}"
            remedy = f"Set classes: {len(names)}" if len(names) > 1 else "Give a folder of folders of videos"
            raise DataError(what, where=folders[0], remedy=remedy)
        self.class_names = tuple(names)

    def _by_parts(self, root: Path) -> list[Video]:
        folders = {
            part: next((root / name for name in names if (root / name).is_dir()), None)
            for part, names in _PARTS.items()
        }
        there = {part: folder for part, folder in folders.items() if folder is not None}
        if len(there) < len(folders):
            what = f"there are no folders {' and '.join(set(folders) - set(there))}"
            remedy = "Set 'split' of the data set: share, or lists of what is trained on and tested"
            raise DataError(what, where=root, remedy=remedy)
        if not (root / MARKER).is_file():
            self._name_classes(list(there.values()))
        return [
            _video(f"{part}/{name}", label, path, part == "train")
            for part, folder in there.items()
            for name, label, path in self._found(folder)
        ]

    def _found(self, folder: Path) -> Iterator[tuple[str, int, Path]]:
        """Name, class and file of every video in the folders of classes."""
        for label, name in enumerate(self.class_names):
            spelt = (folder / name, folder / name.replace(" ", "_"))
            own = next((path for path in spelt if path.is_dir()), None)
            for path in sorted(own.iterdir()) if own else ():
                if path.suffix.lower() in VIDEO_ENDINGS and not path.name.startswith("."):
                    yield f"{name}/{path.stem}", label, path

    def _by_lists(self, root: Path) -> list[Video]:
        split = SplitParams(train=self.params.split.train, test=self.params.split.test)
        lists, videos = read_lists(root, split), []
        for name, label, path in self._found(root):
            names = (name, f"{path.parent.name}/{path.name}", path.name, path.stem)
            part = listed_part(names, lists, split)
            if part is not None:
                videos.append(_video(name, label, path, bool(part)))
        return videos

    def _by_hmdb51(self, root: Path, protocol: str) -> list[Video]:
        folder = root / str(self.params.split.lists)
        videos = []
        for label, name in enumerate(self.class_names):
            for file, train in _hmdb51_list(folder / f"{name}_test_{protocol}.txt").items():
                if train is not None:
                    path = root / name / file
                    videos.append(_video(f"{name}/{path.stem}", label, path, train))
        return videos


def _video(name: str, label: int, path: Path, train: bool) -> Video:
    return Video(name, label, VideoFile(path), train)


def _hmdb51_list(path: Path) -> Mapping[str, bool | None]:
    """The videos of a class, each with whether it is trained on; None: it is in no part.

    Raises:
        DataError: The list is missing, or a line is none of its form.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Put HMDB51's lists there, or correct 'split.lists'"
        raise DataError("the list cannot be read", where=path, remedy=remedy) from error
    found: dict[str, bool | None] = {}
    for number, line in enumerate(lines, start=1):
        name, _, mark = line.strip().rpartition(" ")
        if not line.strip():
            continue
        if mark not in _MARKS or not name.strip() or "/" in name or "\\" in name:
            what = f"'VIDEO 0', 'VIDEO 1' or 'VIDEO 2' should be here, not '{line[:60]}'"
            raise DataError(what, where=f"{path}:{number}", remedy="Fetch the list again")
        if name.strip() in found:
            what = f"'{name.strip()}' stands here a second time"
            raise DataError(what, where=f"{path}:{number}", remedy="Take one of the lines out")
        found[name.strip()] = _MARKS[mark]
    return found
