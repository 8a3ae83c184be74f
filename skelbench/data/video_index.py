"""How much there is of each video, found out once and kept: a line of JSON for each file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skelbench.data.alone import alone
from skelbench.data.sources import Progress
from skelbench.data.videos import Extent, VideoFile, VideoSource
from skelbench.errors import DataError

Found = Extent | str
"""How much there is of a video, or why it cannot be used."""
WORKERS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class VideoIndex:
    """A file of what is known of the video files of a data set.

    A line holds for a file as long as its size and time of change do. Lines are written as files are
    looked into, so that an interrupted run goes on; a last line that was cut short is passed over.

    Attributes:
        path: The file.
    """

    path: Path

    @classmethod
    def under(cls, cache: Path, dataset: str, root: Path) -> VideoIndex:
        """The index of the videos under ``root``, kept in the folder ``cache``."""
        place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
        return cls(cache / f"{dataset}-videos-{place}.jsonl")

    def look_up(self, files: Sequence[VideoFile], progress: Progress | None = None) -> list[Found]:
        """What there is of each file; those not known yet are looked into side by side.

        Raises:
            DataError: The cache cannot be written.
        """
        with alone(self.path):
            known = self._known()
            stamps = [_stamp(file.path) for file in files]
            new = [i for i, stamp in enumerate(stamps) if stamp and stamp not in known]
            with self._appending() as lines:
                for number, extent in look_into([files[i] for i in new], progress):
                    known[stamps[new[number]]] = extent
                    lines.write(_line(stamps[new[number]], extent))
        return [known[stamp] if stamp else _look(file) for stamp, file in zip(stamps, files, strict=True)]

    def _known(self) -> dict[Stamp, Found]:
        if not self.path.exists():
            return {}
        return dict(filter(None, map(_entry, self.path.read_text(encoding="utf-8").splitlines())))

    def _appending(self) -> Any:
        try:
            torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
            lines = self.path.open("a", encoding="utf-8", buffering=1)
            lines.write("\n" if torn else "")
            return lines
        except OSError as error:
            raise DataError(f"the cache cannot be written: {error.strerror}", where=self.path) from error


Stamp = tuple[str, int, int]
"""A file's path, size and time of change; empty where there is no file."""


def look_into(
    sources: Sequence[VideoSource], progress: Progress | None = None, workers: int = WORKERS
) -> Iterator[tuple[int, Found]]:
    """How much there is of each video, by its place in ``sources``, in the order in which it is found."""
    with ThreadPoolExecutor(workers, thread_name_prefix="probe") as pool:
        waiting = {pool.submit(_look, source): i for i, source in enumerate(sources)}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                yield waiting[future], future.result()
                if progress:
                    progress(done, len(sources))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _look(source: VideoSource) -> Found:
    try:
        return source.extent()
    except DataError as error:
        return error.problems[0].what


def _stamp(path: Path) -> Any:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (str(path), stat.st_size, stat.st_mtime_ns)


def _line(stamp: Stamp, found: Found) -> str:
    told = {"fault": found} if isinstance(found, str) else asdict(found)
    return json.dumps({"file": list(stamp), **told}) + "\n"


def _entry(line: str) -> tuple[Stamp, Found] | None:
    """A line of the index; None where it is none."""
    try:
        entry = json.loads(line)
        path, size, time = entry.pop("file")
        return (path, size, time), str(entry["fault"]) if "fault" in entry else Extent(**entry)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
