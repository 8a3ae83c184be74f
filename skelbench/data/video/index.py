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

import numpy as np

from skelbench.data.lock import one_at_a_time
from skelbench.data.sources import Progress
from skelbench.data.video.dataset import Extent, VideoFile, VideoSource
from skelbench.errors import DataError, described

Inspection = Extent | str
"""How much there is of a video, or why it cannot be used."""
WORKERS = min(8, os.cpu_count() or 1)
_SMALL = (16, 16)  # rows and columns that frames are brought to which nobody looks at


@dataclass(frozen=True)
class VideoIndex:
    """A file of what is known of the video files of a data set.

    A line holds for a file as long as its size and time of change do, and the last of several counts. Lines
    are written as files are looked into, so that an interrupted run goes on; a line cut short is passed over.

    Attributes:
        path: The file.
    """

    path: Path

    @classmethod
    def under(cls, cache: Path, dataset: str, root: Path) -> VideoIndex:
        """The index of the videos under ``root``, kept in the folder ``cache``."""
        place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
        return cls(cache / f"{dataset}-videos-{place}.jsonl")

    def look_up(
        self, files: Sequence[VideoFile], progress: Progress | None = None, *, decode: bool = False
    ) -> list[Inspection]:
        """What there is of each file; those not known yet are looked into side by side.

        Args:
            files: The files.
            progress: Told how many of those not known yet are done.
            decode: Decode every frame, unless that was done before.

        Raises:
            DataError: The cache cannot be written.
        """
        with one_at_a_time(self.path):
            lines = self._known()
            stamps = [_stamp(file.path) for file in files]
            missing = [i for i, stamp in enumerate(stamps) if stamp and not _does(lines.get(stamp), decode)]
            with self._appending() as end:
                for number, found in look_into([files[i] for i in missing], progress, decode=decode):
                    line = _Line(stamps[missing[number]], found, decode)
                    lines[line.stamp] = line
                    end.write(line.text())
        return [lines[s].found if s else _look(file) for s, file in zip(stamps, files, strict=True)]

    def _known(self) -> dict[Stamp, _Line]:
        if not self.path.exists():
            return {}
        lines = map(_Line.of, self.path.read_text(encoding="utf-8", errors="replace").splitlines())
        return {line.stamp: line for line in lines if line is not None}

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


@dataclass(frozen=True)
class _Line:
    """What the index says of a file.

    Attributes:
        stamp: The file.
        found: What there is of it.
        decoded: Whether every frame was decoded.
    """

    stamp: Stamp
    found: Inspection
    decoded: bool

    @classmethod
    def of(cls, text: str) -> _Line | None:
        """A line as it stands in the index; None where it is none."""
        try:
            entry = json.loads(text)
            path, size, time = entry.pop("file")
            decoded, fault = bool(entry.pop("decoded")), entry.get("fault")
            return cls((path, size, time), str(fault) if fault else Extent(**entry), decoded)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def text(self) -> str:
        """The line as it stands in the index."""
        told = {"fault": self.found} if isinstance(self.found, str) else asdict(self.found)
        return json.dumps({"file": list(self.stamp), "decoded": self.decoded, **told}) + "\n"


def _does(line: _Line | None, decode: bool) -> bool:
    """Whether what is known of a file is enough."""
    return line is not None and (line.decoded or not decode or isinstance(line.found, str))


def look_into(
    sources: Sequence[VideoSource], progress: Progress | None = None, *, decode: bool = False
) -> Iterator[tuple[int, Inspection]]:
    """How much there is of each video, by its place in ``sources``, in the order in which it is found.

    Args:
        sources: The videos.
        progress: Told how many are done.
        decode: Decode every frame, which finds damage that counting frames does not.
    """
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="probe") as pool:
        waiting = {pool.submit(_look, source, decode): i for i, source in enumerate(sources)}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                yield waiting[future], future.result()
                if progress:
                    progress(done, len(sources))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _look(source: VideoSource, decode: bool = False) -> Inspection:
    try:
        extent = source.extent()
        if decode:
            source.read(np.arange(extent.frames), size=_SMALL)
        return extent
    except DataError as error:
        return error.problems[0].what
    except Exception as error:  # a source may be a stranger's
        return f"cannot be read ({described(error)})"


def _stamp(path: Path) -> Any:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (str(path), stat.st_size, stat.st_mtime_ns)
