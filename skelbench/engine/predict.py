"""Classes of recordings that nobody has labelled, by the trained networks of finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from skelbench.check.checked import Checked
from skelbench.console import Screen
from skelbench.data.dataset import Clip, Clips, Recordings
from skelbench.data.preprocess import preprocess
from skelbench.data.unlabelled import Unlabelled, read_arrays, read_unlabelled, spans
from skelbench.data.video.unlabelled import VideoWindow, as_videos, video_windows
from skelbench.engine.data import LoadedData, all_tested, stored_classes
from skelbench.engine.reopen import open_trained
from skelbench.errors import DataError, RunFolderError
from skelbench.host.registry import Registry, load_registry
from skelbench.layers import prepare_for_inference
from skelbench.results.record import Record
from skelbench.results.store import RunFolder
from skelbench.training.devices import check_devices, device_kind
from skelbench.training.evaluate import predict
from skelbench.training.scores import shares
from skelbench.training.seed import seed_everything

_FRAMES_AT_ONCE = 32_768
_VIDEOS_AT_ONCE = 256
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """What is to be classified.

    Attributes:
        paths: Files and folders.
        arrays: A file of plain arrays, see `skelbench.data.unlabelled.read_arrays`.
        window: Frames of a window over each recording; None takes recordings as a whole.
        stride: Frames from one window to the next; None is half a window.
        fps: Frames a second; None is what the data set's parameter ``fps`` or the files say.
    """

    paths: tuple[Path, ...] = ()
    arrays: Path | None = None
    window: int | None = None
    stride: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Prediction:
    """The classes of one recording, or of a window of it.

    Attributes:
        id: The recording.
        start: Its first frame, counted from 0.
        stop: The frame after its last.
        rate: Frames a second, None where unknown.
        probabilities: Of each class, (classes,) float32; they sum to 1.
    """

    id: str
    start: int
    stop: int
    rate: float | None
    probabilities: np.ndarray

    def best(self, count: int, names: Sequence[str]) -> list[dict[str, Any]]:
        """The most probable classes, best first: number, name and probability of each."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [
            {"class": int(i), "label": names[i], "probability": float(self.probabilities[i])} for i in order
        ]


@dataclass(frozen=True)
class Trained:
    """A finished run whose network is ready.

    Attributes:
        path: Its folder.
        record: Its record.
        checked: Its spec.
        network: The network prepared for inference.
        class_names: One name per class.
    """

    path: Path
    record: Record
    checked: Checked
    network: nn.Module
    class_names: tuple[str, ...]

    @classmethod
    def open(cls, path: Path, registry: Registry) -> Trained:
        """The run in a folder; its recordings are not needed."""
        folder = RunFolder(path)
        record, checked, _, network = open_trained(folder, registry)
        return cls(path, record, checked, prepare_for_inference(network), stored_classes(folder, checked))

    def probabilities(self, recordings: Recordings, device: str) -> np.ndarray:
        """Of every recording, (n, classes), in the order of their ids."""
        data = LoadedData(self.checked, recordings, all_tested(len(recordings)), self.record.seed)
        seed_everything(self.record.seed)  # a policy may draw
        return predict(self.network, data.test_loader(), device).scores


def classify(
    runs: Sequence[Path],
    source: Source,
    weights: Sequence[float] | None = None,
    accelerator: str = "auto",
    screen: Screen | None = None,
) -> tuple[tuple[str, ...], list[Prediction]]:
    """Classify recordings by the network of a run, or by several together.

    Args:
        runs: Folders of finished runs on one data set; the probabilities of several are averaged.
        source: What is to be classified.
        weights: A number for each run; None for equal parts.
        accelerator: See `skelbench.training.devices.check_devices`.
        screen: Where progress is shown.

    Returns:
        The names of the classes, and what was found, in the order of the files.

    Raises:
        RunFolderError: A run is not finished or its network is gone, or runs tell other classes apart.
        DataError: There is nothing to classify, or something cannot be read.
    """
    if not source.paths and source.arrays is None:
        raise DataError("there is nothing to classify", remedy="Name files or folders, or give --npz")
    check_devices(accelerator)
    registry, part = load_registry(), shares(len(runs), weights)
    opened = [Trained.open(path, registry) for path in runs]
    for other in opened[1:]:
        _refuse_other(opened[0], other)
    device, found = device_kind(accelerator), []
    with (screen or Screen(quiet=True)).count("classified") as count:
        for windows in _windows(opened[0].checked, source):
            recordings = [_recordings(run.checked, windows) for run in opened]
            each = [run.probabilities(r, device) for run, r in zip(opened, recordings, strict=True)]
            mean = sum(share * scores for share, scores in zip(part, each, strict=True))
            found += [
                Prediction(name, start, stop, rate, np.asarray(scores, np.float32))
                for (name, start, stop, rate, _), scores in zip(windows, np.asarray(mean), strict=True)
            ]
            count(len(found), len(found))
    if not found:
        raise DataError("there is no recording in it", remedy="Name files or folders, or give --npz")
    return opened[0].class_names, found


def _refuse_other(first: Trained, other: Trained) -> None:
    """Runs whose probabilities cannot be averaged."""
    remedy = "Give runs on one data set"
    for what in ("dataset", "layout"):
        one, two = getattr(first.record, what), getattr(other.record, what)
        if one != two:
            said = f"the {what} is {two}, and {one} in {first.path}"
            raise RunFolderError(said, where=other.path, remedy=remedy)
    if first.class_names != other.class_names:
        raise RunFolderError(f"the classes are others than in {first.path}", where=other.path, remedy=remedy)


# --- reading -------------------------------------------------------------------------------------

Window = tuple[str, int, int, float | None, Any]
"""Recording, first frame, end, frames a second, and the frames or the video."""


def _windows(checked: Checked, source: Source) -> Iterator[list[Window]]:
    """Windows of all recordings, as many at once as memory has room for in any case."""
    if checked.dataset.modality == "video":
        found = video_windows(source.paths, source.arrays, checked.dataset, source.window, source.stride)
        listed = ((n, w.start, w.start + w.frames, source.fps or w.rate, w) for n, w in found)
        yield from _groups(listed, lambda window: 1, _VIDEOS_AT_ONCE)
        return
    rate = source.fps or checked.dataset.given.get("fps")
    cut = (
        (one.id, start, stop, rate, one.frames[start:stop])
        for one in _skeletons(checked, source)
        for start, stop in spans(len(one.frames), source.window, source.stride)
    )
    yield from _groups(cut, lambda window: window[2] - window[1], _FRAMES_AT_ONCE)


def _skeletons(checked: Checked, source: Source) -> Iterator[Unlabelled]:
    for path in source.paths:
        yield from read_unlabelled(checked.dataset, checked.layout, path)
    if source.arrays is not None:
        yield from read_arrays(checked.dataset, checked.layout, source.arrays)


def _groups(items: Iterable[T], size: Any, most: int) -> Iterator[list[T]]:
    """Items in groups that are full when their sizes reach ``most``."""
    group: list[T] = []
    held = 0
    for item in items:
        group.append(item)
        held += size(item)
        if held >= most:
            yield group
            group, held = [], 0
    if group:
        yield group


def _recordings(checked: Checked, windows: Sequence[Window]) -> Recordings:
    """Windows as a data set, each a recording of its own, in their order."""
    if checked.dataset.modality == "video":
        videos: list[VideoWindow] = [window[-1] for window in windows]
        return as_videos(videos, checked.dataset, checked.spec.data.video)
    persons = max(frames.shape[1] for *_, frames in windows)
    clips = [
        Clip(f"{number:09d}", 0, _padded(frames, persons)) for number, (*_, frames) in enumerate(windows)
    ]
    raw = Clips.of(clips, dataset=checked.dataset.name, layout=checked.layout.name, class_names=())
    return preprocess(raw, checked.spec.data.preprocess, checked.layout)


def _padded(frames: np.ndarray, persons: int) -> np.ndarray:
    absent = persons - frames.shape[1]
    return np.pad(frames, ((0, 0), (0, absent), (0, 0), (0, 0))) if absent else frames
