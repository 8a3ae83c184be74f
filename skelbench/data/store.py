"""A store: pre-processed recordings in one memory-mapped array, written once.

A store is a folder of three files:

- ``frames.npy``: all frames of all recordings, (sum T, M, V, C) float32, sorted by id;
- ``index.npz``: ``ids``, ``labels``, ``subjects``, ``cameras``, ``setups`` and ``offsets`` of `Clips`;
- ``store.json``: what is in it, and the sizes and SHA-256 sums to check it by.

While a store is being written, finished parts stand in ``<store>.partial``; writing goes on from
there after an interruption, and the store appears under its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from skelbench.components import Dataset, Layout
from skelbench.data.border import Border, check_together
from skelbench.data.dataset import Clips, Reader
from skelbench.data.fingerprint import TracedClips, combined_digest
from skelbench.data.parts import Part, Plan, open_parts, write_parts
from skelbench.data.preprocess import find
from skelbench.data.sources import Progress, is_synthetic, listing_fingerprint
from skelbench.errors import DataError, WorkFailed, of_storage

VERSION = 1
_FIELDS = ("ids", "labels", "subjects", "cameras", "setups", "offsets")
_AGAIN = "Delete it and run 'skelbench data prepare' again"


class StoreInfo(BaseModel):
    """What ``store.json`` says.

    Attributes:
        format: Always ``skelbench-store``.
        version: Version of the form of the store.
        dataset: The data set.
        layout: Its skeleton layout.
        class_names: Its classes.
        preprocess: The pre-processing that was applied.
        synthetic: Whether the recordings are synthetic.
        recordings: How many there are.
        raw_digest: `skelbench.data.fingerprint.raw_digest`.
        frames_bytes: Size of ``frames.npy``.
        frames_sha256: Its sum.
        index_sha256: The sum of ``index.npz``.
        left_out: What was there and not read, in lines for people; empty in stores from before it was kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["skelbench-store"] = "skelbench-store"
    version: int = VERSION
    dataset: str
    layout: str
    class_names: tuple[str, ...]
    preprocess: str
    synthetic: bool
    recordings: int
    raw_digest: str
    frames_bytes: int
    frames_sha256: str
    index_sha256: str
    left_out: tuple[str, ...] = ()


def is_store(path: Path) -> bool:
    """Whether ``path`` is a folder with a ``store.json``."""
    return (path / "store.json").is_file()


def described_by(component: Dataset, layout: Layout) -> str:
    """What recordings made of the same files depend on: the data set with its parameters, and the layout."""
    given = (
        component.params.model_validate(dict(component.given)).model_dump_json() if component.given else ""
    )
    return f"{component.name} {given} {layout.joints} {component.classes}"


def write_store(
    path: Path,
    component: Dataset,
    reader: Reader,
    root: Path,
    *,
    preprocess: str,
    layout: Layout,
    workers: int = 1,
    progress: Progress | None = None,
    resume: bool = True,
) -> None:
    """Read everything under ``root``, pre-process it and write it as a store.

    Args:
        path: The store to make; must not exist.
        component: The data set.
        reader: Its reader; is sent to the worker processes.
        root: Raw or prepared files.
        preprocess: A name of `skelbench.data.preprocess.PREPROCESSES`.
        layout: The skeleton.
        workers: Processes that read; 1 reads in this one.
        progress: Told how many sources are read.
        resume: Go on from the parts of an interrupted run over the same files; else start anew.

    Raises:
        DataError: The place is taken, a file is damaged or does not fit, or the disk is full.
    """
    find(preprocess)
    if path.exists():
        raise DataError("already exists", where=path, remedy="Choose another place, or delete it first")
    border = Border(component, layout)
    sources = border.sources(reader, root)
    key = hashlib.sha256(
        json.dumps([VERSION, described_by(component, layout), preprocess, listing_fingerprint(root)]).encode()
    ).hexdigest()
    partial = path.with_name(f"{path.name}.partial")
    plan = Plan(partial, root, key, component, reader, tuple(sources), preprocess, layout)
    with _disk_errors(path, partial):
        write_parts(plan, workers=workers, progress=progress, resume=resume)
        parts = open_parts(plan)
        check_together([one for part in parts for one in part.recordings()], root)
        made = partial / "store"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        left_out = border.left_out(reader, root)
        _assemble(made, plan, parts, synthetic=is_synthetic(root, sources), left_out=left_out)
        os.replace(made, path)
    shutil.rmtree(partial, ignore_errors=True)


def open_store(path: Path, *, deep: bool = False) -> Clips:
    """Recordings of a store; their frames are memory-mapped, read-only.

    Args:
        path: The store.
        deep: Also compare the sum of all frames, which reads them once.

    Raises:
        DataError: It is no store, is of another version, or does not match its sums.
    """
    info = _info(path)
    frames_file, index_file = path / "frames.npy", path / "index.npz"
    _check(frames_file.is_file() and frames_file.stat().st_size == info.frames_bytes, frames_file)
    _check(index_file.is_file() and _sum_of(index_file) == info.index_sha256, index_file)
    if deep:
        _check(_sum_of(frames_file) == info.frames_sha256, frames_file)
    try:
        frames = np.load(frames_file, mmap_mode="r", allow_pickle=False)
        with np.load(index_file, allow_pickle=False) as index:
            arrays = {name: index[name] for name in _FIELDS}
    except Exception as error:  # numpy, zipfile and zlib each have errors of their own for damage
        raise DataError(f"the store is damaged ({error})", where=path, remedy=_AGAIN) from error
    _check(len(frames) == arrays["offsets"][-1] and len(arrays["ids"]) == info.recordings, index_file)
    return TracedClips(
        dataset=info.dataset,
        layout=info.layout,
        class_names=info.class_names,
        frames=frames,
        synthetic=info.synthetic,
        preprocess=info.preprocess,
        raw_digest=info.raw_digest,
        left_out=info.left_out,
        **arrays,
    )


def _info(path: Path) -> StoreInfo:
    file = path / "store.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        version = data.get("version") if isinstance(data, dict) else None
        if isinstance(version, int) and version != VERSION:
            raise DataError(
                f"the store has version {version} and this skelbench reads {VERSION}",
                where=path,
                remedy=_AGAIN,
            )
        return StoreInfo.model_validate(data)
    except OSError as error:
        raise DataError("is no store", where=path, remedy="Make one with 'skelbench data prepare'") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise DataError("the store's description is damaged", where=file, remedy=_AGAIN) from error


def _check(sound: bool, file: Path) -> None:
    if not sound:
        raise DataError("the store is damaged: the file is missing or was changed", where=file, remedy=_AGAIN)


def _sum_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _disk_errors(path: Path, partial: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        failed = DataError(
            f"the store cannot be written: {error.strerror or error}",
            where=path,
            remedy=f"Make room or choose another place; a further run goes on from {partial}",
        )
        if of_storage(error):
            failed.exit_code = WorkFailed.exit_code
        raise failed from error


def _assemble(
    folder: Path, plan: Plan, parts: list[Part], *, synthetic: bool, left_out: tuple[str, ...]
) -> None:
    """Write the three files from the parts, recordings in the order of their ids."""
    index = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS[:-1]}
    order = np.argsort(index["ids"], kind="stable")
    index = {name: values[order] for name, values in index.items()}
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    index["offsets"] = np.concatenate([[0], np.cumsum(lengths[order])]).astype(np.int64)
    with (folder / "index.npz").open("wb") as stream:
        np.savez(stream, **index)  # type: ignore[arg-type]
    frames_sum = _write_frames(folder / "frames.npy", parts, order)
    digests = np.concatenate([part.digests for part in parts])[order]
    info = StoreInfo(
        dataset=plan.component.name,
        layout=plan.layout.name,
        class_names=tuple(plan.reader.class_names),
        preprocess=plan.preprocess,
        synthetic=synthetic,
        recordings=len(order),
        raw_digest=combined_digest(index["ids"], index["labels"], map(bytes, digests)),
        frames_bytes=(folder / "frames.npy").stat().st_size,
        frames_sha256=frames_sum,
        index_sha256=_sum_of(folder / "index.npz"),
        left_out=left_out,
    )
    (folder / "store.json").write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _write_frames(file: Path, parts: list[Part], order: np.ndarray) -> str:
    """Write all frames one recording after the other, and return the file's sum.

    Plain writing tells of a full disk by an error; writing into a memory map would end the process.
    """
    places = [(part, number) for part in parts for number in range(len(part.ids))]
    total = sum(len(part.frames) for part in parts)
    shape = (total, *next(part.frames.shape[1:] for part in parts if len(part.ids)))
    with file.open("w+b") as stream:
        _write_header(stream, shape)
        for place in order:
            part, number = places[place]
            stream.write(np.ascontiguousarray(part.recording(number)).data)
        stream.flush()
        os.fsync(stream.fileno())
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_header(stream: IO[bytes], shape: tuple[Any, ...]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": tuple(map(int, shape))}
    np.lib.format.write_array_header_1_0(stream, header)
