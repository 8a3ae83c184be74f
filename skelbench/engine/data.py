"""A run's data: recordings, their split, and loaders for search, training and test."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skelbench.check.checked import Checked
from skelbench.console import Count, Screen
from skelbench.data.dataset import Clips, Recordings
from skelbench.data.fingerprint import raw_digest, short
from skelbench.data.lock import one_at_a_time
from skelbench.data.made import synthesise
from skelbench.data.open import Split, open_clips, split
from skelbench.data.remarks import remarks
from skelbench.data.video.cache import FrameCache
from skelbench.data.video.dataset import Videos
from skelbench.data.video.index import WORKERS
from skelbench.data.video.open import open_videos
from skelbench.errors import RunFolderError
from skelbench.recipe import TrainOptions
from skelbench.results.store import RunFolder

if TYPE_CHECKING:
    from skelbench.data.loader import ClipLoader
    from skelbench.data.video.loader import VideoLoader

    Loader = ClipLoader | VideoLoader

RECORDINGS = "recordings.json"
CLASSES = "classes.json"
SYNTHETIC_CLASSES, SYNTHETIC_SEED = 10, 0
_MOST_LISTED = 20


@dataclass(frozen=True)
class LoadedData:
    """Recordings and their split.

    Attributes:
        checked: The checked spec.
        clips: Every recording, skeletons pre-processed.
        split: Indices of train, validation and test.
        seed: The run's seed.
        cache: Keeps decoded frames of videos; None for none.
    """

    checked: Checked
    clips: Recordings
    split: Split
    seed: int
    cache: FrameCache | None = None

    def train_loader(self, options: TrainOptions, *, whole: bool) -> Loader:
        """Random clips of the training split, with the validation clips in it if ``whole``."""
        indices = self.split.whole_train if whole else self.split.train
        return self._random_loader(indices, options, options.repeat)

    def alpha_loader(self, options: TrainOptions) -> Loader:
        """Random clips of the validation recordings, which the supernet's weights are not trained on."""
        return self._random_loader(self.split.validation, options, repeat=1)

    def validation_loader(self, batch_size: int, *, mixed: bool = False) -> Loader:
        """One clip of each validation recording, in their order or ``mixed``: any part is like all."""
        chosen = self.split.validation
        if mixed:
            chosen = np.random.default_rng(len(chosen)).permutation(chosen)
        return self._loader(chosen, batch_size=batch_size)

    def inference_loader(self, batch_size: int) -> Loader | None:
        """One clip of each recording of the third part of the training split; None where there is none."""
        held_out = self.split.inference
        return self._loader(held_out, batch_size=batch_size) if len(held_out) else None

    def test_loader(self) -> Loader:
        """The views of each test recording, of a video with all their crops."""
        options = self.checked.spec.evaluate
        crops = {"crops": options.crops} if isinstance(self.clips, Videos) else {}
        return self._loader(self.split.test, batch_size=options.batch_size, views=options.views, **crops)

    def _random_loader(self, indices: np.ndarray, options: TrainOptions, repeat: int) -> Loader:
        augment = {"augment": options.augment} if isinstance(self.clips, Clips) else {}
        return self._loader(
            indices,
            batch_size=min(options.batch_size, len(indices) * repeat),
            repeat=repeat,
            shuffle=True,
            training=True,
            drop_last=True,
            **augment,
        )

    def _loader(self, indices: np.ndarray, **options: Any) -> Loader:
        from skelbench.data.loader import ClipLoader  # they import torch, which a finished run does without
        from skelbench.data.video.loader import VideoLoader

        data, layout = self.checked.spec.data, self.checked.layout
        if isinstance(self.clips, Videos):
            _, channels, _, height, width = self.checked.clip_shape()
            options |= {"shape": (channels, height, width), "workers": WORKERS, "cache": self.cache}
            return VideoLoader(self.clips, indices, video=data.video, seed=self.seed, **options)
        if not isinstance(self.clips, Clips):
            raise TypeError(f"there is no loader of {type(self.clips).__name__}")
        clip = data.clip
        if clip.persons is None:
            clip = clip.model_copy(update={"persons": self.checked.dataset.persons})
        return ClipLoader(
            self.clips, indices, clip=clip, stream=data.stream, layout=layout, seed=self.seed, **options
        )

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the split, and of the recordings as they were before any pre-processing."""
        return self.split.fingerprint, short(raw_digest(self.clips))

    def confirm(self, folder: RunFolder) -> None:
        """Bind a run folder to these recordings.

        Raises:
            RunFolderError: The run in the folder is on other recordings.
        """
        text = json.dumps(dict(zip(("split", "data"), self.fingerprints, strict=True)), indent=2) + "\n"
        if not (folder.path / RECORDINGS).exists():
            folder.write_text(RECORDINGS, text)
        elif folder.read_text(RECORDINGS) != text:
            raise RunFolderError(
                "the run in this folder is on other recordings",
                where=folder.path,
                remedy="Choose another folder with --runs, or run it again with --no-resume",
            )
        if not (folder.path / CLASSES).exists():
            folder.write_text(CLASSES, json.dumps(self.clips.class_names, indent=2) + "\n")


def all_tested(count: int) -> Split:
    """A split of recordings without labels, all of them for a test."""
    none = np.zeros(0, np.int64)
    return Split(none, none, np.arange(count), "")


def stored_classes(folder: RunFolder, checked: Checked) -> tuple[str, ...]:
    """The names of a run's classes, as its recordings had them.

    Raises:
        RunFolderError: The file is damaged.
    """
    if not (folder.path / CLASSES).exists():  # a run from before they were kept
        return tuple(checked.dataset.reader().class_names)
    try:
        names = json.loads(folder.read_text(CLASSES))
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RunFolderError("the file is damaged", where=folder.path / CLASSES, remedy="Remove it")
    return tuple(names)


def load_data(
    checked: Checked, root: Path, cache: Path, seed: int, screen: Screen, held_out: int = 0
) -> LoadedData:
    """Read the recordings under ``root``, or the store made of them before, and split them.

    Args:
        checked: The spec.
        root: Where the recordings are.
        cache: Where stores made of raw files are kept.
        seed: The run's seed.
        screen: Where progress is shown.
        held_out: Seed of what is held out of the training split. Runs all hold out the same, so that seeds
            differ in training alone.

    Raises:
        DataError: See `skelbench.data.open` and `skelbench.data.video.open`.
    """
    spec = checked.spec
    screen.say(f"reading {checked.dataset.name} from {root}")
    with screen.count("reading") as count:
        clips = _recordings(checked, root, cache, count)
    if isinstance(clips, Videos) and clips.left_out:
        screen.say("\n  ".join([f"left out {len(clips.left_out)} videos:", *_first(clips.left_out)]))
    options = spec.train.validation
    parts = split(clips, checked.dataset.reader(), checked.protocol, options, held_out, spec.search.inference)
    counts = f"{len(parts.train)} train, {len(parts.validation)} validation, {len(parts.test)} test clips"
    screen.say(f"{checked.protocol}: {counts}, split {parts.fingerprint[:12]}")
    for line in () if screen.quiet else remarks(clips, np.isin(np.arange(len(clips)), parts.whole_train)):
        screen.say(f"note: {line}")
    frames = FrameCache(cache / "frames", gib) if (gib := spec.data.video.cache_gib) else None
    return LoadedData(checked, clips, parts, seed, frames)


def _recordings(checked: Checked, root: Path, cache: Path, progress: Count) -> Recordings:
    data = checked.spec.data
    if checked.dataset.modality == "video":
        return open_videos(
            checked.dataset, root, checked.protocol, data.video, cache=cache, progress=progress
        )
    return open_clips(
        checked.dataset,
        root,
        preprocess=data.preprocess,
        layout=checked.layout,
        cache=cache,
        progress=progress,
    )


def _first(told: tuple[str, ...]) -> list[str]:
    rest = len(told) - _MOST_LISTED
    more = [f"and {rest} more; `skelbench data check` names them all"] if rest > 0 else []
    return [*told[:_MOST_LISTED], *more]


def synthetic_root(checked: Checked, cache: Path, screen: Screen) -> Path:
    """The built-in synthetic recordings of the data set, written once in its own raw format."""
    classes = min(SYNTHETIC_CLASSES, checked.dataset.classes)
    root = cache / f"{checked.dataset.name}-synthetic-{checked.dataset.made}-{classes}"
    with one_at_a_time(root):
        if not root.exists():
            _synthesise(checked, root, classes, screen)
    return root


def _synthesise(checked: Checked, root: Path, classes: int, screen: Screen) -> None:
    made = checked.dataset.made
    screen.say(f"no --data given: making {made} synthetic recordings of {classes} classes")
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    synthesise(checked.dataset, checked.layout, partial, clips=made, seed=SYNTHETIC_SEED, classes=classes)
    partial.rename(root)
