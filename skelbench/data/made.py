"""Synthetic recordings of any data set: its own, or where its reader makes none, those of its skeleton."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.border import Border
from skelbench.data.dataset import Clip, Clips
from skelbench.data.sources import SYNTHETIC_MARKER
from skelbench.data.store import write_store
from skelbench.data.synthetic import generate
from skelbench.errors import DataError

_PERFORMERS, _CAMERAS, _SETUPS = 8, 3, 4
_FRAMES = (20, 60)


def synthesise(
    component: Dataset, layout: Layout, root: Path, *, clips: int, seed: int, classes: int | None = None
) -> None:
    """Write synthetic recordings of a data set.

    A reader that has ``synthesise`` writes them in the data set's own raw form. For any other reader of
    skeletons a store is written, of recordings that agree with the data set's description.

    Args:
        component: The data set.
        layout: Its skeleton.
        root: The folder to make or fill.
        clips: How many recordings.
        seed: Seed of everything that differs between them.
        classes: Only the first so many classes occur; None for all.

    Raises:
        DataError: The data set is of videos and makes none, or writing fails.
    """
    reader = Border(component, layout).reader()
    if hasattr(reader, "synthesise"):
        reader.synthesise(root, clips=clips, seed=seed, classes=classes)
        return
    if component.modality == "video":
        what = f"data set '{component.name}' makes no synthetic videos"
        raise DataError(what, remedy="Give recordings with --data, or add 'synthesise' to its reader")
    made = _Made(component, layout, clips, seed, min(classes or component.classes, component.classes))
    marked = root.with_name(f".{root.name}.made")
    try:
        marked.mkdir(parents=True, exist_ok=True)
        (marked / SYNTHETIC_MARKER).write_text("Made by skelbench data synth; no real recordings.\n")
        write_store(root, component, made, marked, preprocess="none", layout=layout)
    finally:
        shutil.rmtree(marked, ignore_errors=True)


def with_channels(space: np.ndarray, component: Dataset) -> np.ndarray:
    """Joints (T, M, V, 3) with the channels that a data set declares; what is no coordinate is 1."""
    axes = min(3, component.channels if component.axes is None else component.axes)
    out = np.ones((*space.shape[:3], component.channels), dtype=np.float32)
    out[..., :axes] = space[..., :axes]
    return out


class _Made:
    """A reader of recordings that are made as they are read; each is a source of its own.

    Performers, cameras and set-ups go round at different steps, so that every usual protocol has two parts.
    """

    def __init__(self, component: Dataset, layout: Layout, clips: int, seed: int, classes: int) -> None:
        self.component, self.layout = component, layout
        self.clips, self.seed, self.classes = clips, seed, classes
        named = tuple(component.reader().class_names)
        usual = tuple(f"class {number}" for number in range(1, component.classes + 1))
        self.class_names = named if len(named) == component.classes else usual

    def sources(self, root: Path) -> Sequence[int]:
        return range(self.clips)

    def read(self, source: int) -> Sequence[Clip]:
        label, turn = source % self.classes, source // self.classes
        rng = np.random.default_rng([self.seed, source])
        subject, camera = 1 + turn % _PERFORMERS, 1 + turn % _CAMERAS
        space = generate(
            self.layout, label, subject, camera, rng, int(rng.integers(*_FRAMES)), self.component.persons
        )
        return [
            Clip(
                f"made-{source:06d}",
                label,
                with_channels(space, self.component),
                subject,
                camera,
                1 + turn % _SETUPS,
            )
        ]

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        mask: np.ndarray = self.component.reader().is_train(clips, protocol)
        return mask

    def expected(self, protocol: str) -> tuple[int, int] | None:
        return None
