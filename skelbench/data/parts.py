"""The parts of a store in the making: read by several processes, kept across interruptions."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.border import Border, check_together
from skelbench.data.dataset import Clips, Reader
from skelbench.data.fingerprint import recording_digest
from skelbench.data.preprocess import preprocess
from skelbench.data.sources import MOST_NAMED, Progress, read_each
from skelbench.errors import DataError, Problem, WorkFailed
from skelbench.host.processes import help_process

_SOURCES_PER_PART = 128


@dataclass(frozen=True)
class Plan:
    """What is to be read, and how.

    Attributes:
        folder: Where the parts stand.
        root: What is read.
        key: Names the files and options; parts of another key are of no use.
        component: The data set.
        reader: Its reader.
        sources: Everything to read.
        preprocess: The name of the pre-processing.
        layout: The skeleton.
    """

    folder: Path
    root: Path
    key: str
    component: Dataset
    reader: Reader
    sources: tuple[Any, ...]
    preprocess: str
    layout: Layout

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-len(self.sources) // _SOURCES_PER_PART)

    def part_sources(self, part: int) -> tuple[Any, ...]:
        """The sources of one part."""
        return self.sources[part * _SOURCES_PER_PART : (part + 1) * _SOURCES_PER_PART]

    def part_folder(self, part: int) -> Path:
        """Where one part stands once it is done."""
        return self.folder / f"part-{part:06d}"


@dataclass(frozen=True)
class Part:
    """Some recordings: the fields of `Clips`, their files, and digests of raw coordinates, (n, 32) uint8."""

    ids: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray
    cameras: np.ndarray
    setups: np.ndarray
    offsets: np.ndarray
    places: np.ndarray
    digests: np.ndarray
    frames: np.ndarray

    def recordings(self) -> list[tuple[str, tuple[int, ...], str]]:
        """Id, (M, V, C) and file of each."""
        shape = self.frames.shape[1:]
        return [
            (name, shape, where) for name, where in zip(self.ids.tolist(), self.places.tolist(), strict=True)
        ]

    def recording(self, number: int) -> np.ndarray:
        """The frames of one recording, (T, M, V, C)."""
        return self.frames[self.offsets[number] : self.offsets[number + 1]]


def write_parts(plan: Plan, *, workers: int, progress: Progress | None, resume: bool) -> None:
    """Read all sources and write the parts that are not there yet.

    Raises:
        DataError: Sources are damaged or do not fit; names all of them up to `MOST_NAMED`.
        OSError: The disk is full or not writable.
        WorkFailed: A reading process was killed.
    """
    _open_journal(plan, resume)
    waiting = [part for part in range(plan.parts) if not plan.part_folder(part).is_dir()]
    done = len(plan.sources) - sum(len(plan.part_sources(part)) for part in waiting)
    if progress:
        progress(done, len(plan.sources))
    for part in _written(plan, waiting, workers):
        done += len(plan.part_sources(part))
        if progress:
            progress(done, len(plan.sources))


def open_parts(plan: Plan) -> list[Part]:
    """All parts, their frames memory-mapped."""
    return [_open_part(plan.part_folder(part)) for part in range(plan.parts)]


def _open_part(folder: Path) -> Part:
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        fields = {name: index[name] for name in index.files}
    mode: Literal["r"] | None = "r" if len(fields["ids"]) else None
    return Part(**fields, frames=np.load(folder / "frames.npy", mmap_mode=mode, allow_pickle=False))


def _open_journal(plan: Plan, resume: bool) -> None:
    """Keep the parts of an interrupted run with the same key, and remove any others."""
    journal = plan.folder / "key.txt"
    if not (resume and journal.is_file() and journal.read_text() == plan.key):
        shutil.rmtree(plan.folder, ignore_errors=True)
    plan.folder.mkdir(parents=True, exist_ok=True)
    journal.write_text(plan.key)


def _written(plan: Plan, parts: list[int], workers: int) -> Iterator[int]:
    """Write parts, and give the number of each that is there."""
    jobs = {part: replace(plan, sources=plan.part_sources(part)) for part in parts}
    damaged: list[Problem] = []
    for part, finish in _finished(plan, jobs, workers):
        try:
            finish()
        except DataError as error:
            damaged += error.problems
            if len(damaged) >= MOST_NAMED:
                break
        yield part
    if damaged:
        raise DataError.of(damaged[:MOST_NAMED])


def _finished(plan: Plan, jobs: dict[int, Plan], workers: int) -> Iterator[tuple[int, Callable[[], None]]]:
    """Each part with what sees it written, or raises why it cannot be."""
    if workers <= 1 or len(jobs) <= 1:
        yield from ((part, partial(_write_part, job, plan.part_folder(part))) for part, job in jobs.items())
        return
    # Fresh processes: forking one that runs threads (torch, progress bars) can deadlock.
    context = multiprocessing.get_context("spawn")
    before = multiprocessing.active_children()
    with ProcessPoolExecutor(
        min(workers, len(jobs)), context, initializer=help_process, initargs=(os.getpid(),)
    ) as pool:
        futures = {pool.submit(_write_part, job, plan.part_folder(part)): part for part, job in jobs.items()}
        try:
            for future in as_completed(futures):
                if isinstance(error := future.exception(), BrokenProcessPool):
                    raise WorkFailed(
                        "a reading process was killed", remedy="Use fewer workers, or free memory"
                    ) from error
                yield futures[future], future.result
        except BaseException:  # an interruption, or too many damaged files: nobody waits for the other parts
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                if child not in before:
                    child.kill()
            raise


def _write_part(job: Plan, target: Path) -> None:
    """Write the recordings of all sources of ``job``; the part appears only when it is whole."""
    made = target.with_name(f"{target.name}.tmp-{os.getpid()}")
    made.mkdir()
    try:
        _fill(made, job)
        os.replace(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(folder: Path, job: Plan) -> None:
    read = list(read_each(Border(job.component, job.layout), job.reader, job.sources, job.root))
    places = {clip.id: where for clip, where in read}
    if read:
        check_together([(clip.id, clip.frames.shape[1:], where) for clip, where in read], job.root)
        names = job.reader.class_names
        clips = [clip for clip, _ in read]
        raw = Clips.of(clips, dataset=job.component.name, layout=job.component.layout, class_names=names)
        frames = preprocess(raw, job.preprocess, job.layout).frames
    else:
        raw, frames = _EMPTY, _EMPTY.frames
    digests = [recording_digest(raw.clip(number).frames) for number in range(len(raw))]
    np.save(folder / "frames.npy", frames)
    np.savez(
        folder / "index.npz",
        ids=raw.ids,
        labels=raw.labels,
        subjects=raw.subjects,
        cameras=raw.cameras,
        setups=raw.setups,
        offsets=raw.offsets,
        places=np.array([places[name] for name in raw.ids.tolist()], dtype=str),
        digests=np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32),
    )


def _none(kind: type) -> np.ndarray:
    return np.zeros(0, dtype=kind)


_EMPTY = Clips(
    dataset="",
    layout="",
    class_names=(),
    ids=_none(str),
    labels=_none(np.int64),
    subjects=_none(np.int32),
    cameras=_none(np.int32),
    setups=_none(np.int32),
    offsets=np.zeros(1, dtype=np.int64),
    frames=np.zeros((0, 0, 0, 0), dtype=np.float32),
)
