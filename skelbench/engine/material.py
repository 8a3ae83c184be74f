"""A run's data: recordings, their split, and loaders for search, training and test."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.check import Checked
from skelbench.console import Screen
from skelbench.data.dataset import Clips
from skelbench.data.fingerprint import raw_digest, short
from skelbench.data.loader import ClipLoader
from skelbench.data.open import Split, open_clips, split
from skelbench.errors import RunFolderError
from skelbench.recipe import TrainOptions
from skelbench.results.store import RunFolder

RECORDINGS = "recordings.json"
SYNTHETIC_CLIPS, SYNTHETIC_CLASSES, SYNTHETIC_SEED = 240, 10, 0


@dataclass(frozen=True)
class Material:
    """Recordings and their split.

    Attributes:
        checked: The checked spec.
        clips: Every recording, pre-processed.
        split: Indices of train, validation and test.
        seed: The run's seed.
    """

    checked: Checked
    clips: Clips
    split: Split
    seed: int

    def train_loader(self, options: TrainOptions, *, whole: bool) -> ClipLoader:
        """Random clips of the training split, with the validation clips in it if ``whole``."""
        indices = self.split.whole_train if whole else self.split.train
        return self._random_loader(indices, options, options.repeat)

    def alpha_loader(self, options: TrainOptions) -> ClipLoader:
        """Random clips of the validation recordings, which the supernet's weights are not trained on."""
        return self._random_loader(self.split.validation, options, repeat=1)

    def validation_loader(self, batch_size: int) -> ClipLoader:
        """One clip of each validation recording."""
        return self._loader(self.split.validation, batch_size=batch_size)

    def test_loader(self) -> ClipLoader:
        """The views of each test recording."""
        options = self.checked.spec.evaluate
        return self._loader(self.split.test, batch_size=options.batch_size, views=options.views)

    def _random_loader(self, indices: np.ndarray, options: TrainOptions, repeat: int) -> ClipLoader:
        return self._loader(
            indices,
            batch_size=min(options.batch_size, len(indices) * repeat),
            augment=options.augment,
            repeat=repeat,
            shuffle=True,
            training=True,
            drop_last=True,
        )

    def _loader(self, indices: np.ndarray, **options: Any) -> ClipLoader:
        data = self.checked.spec.data
        clip, layout = data.clip, self.checked.layout
        if clip.persons is None:
            clip = clip.model_copy(update={"persons": self.checked.dataset.persons})
        return ClipLoader(
            self.clips, indices, clip=clip, stream=data.stream, layout=layout, seed=self.seed, **options
        )

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the split, and of the raw coordinates."""
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


def load_material(checked: Checked, root: Path, cache: Path, seed: int, screen: Screen) -> Material:
    """Read the recordings under ``root``, or the store made of them before, and split them.

    Raises:
        DataError: See `skelbench.data.open`.
    """
    data = checked.spec.data
    screen.say(f"reading {checked.dataset.name} from {root}")
    with screen.count("reading") as count:
        clips = open_clips(
            checked.dataset,
            root,
            preprocess=data.preprocess,
            layout=checked.layout,
            cache=cache,
            progress=count,
        )
    reader = checked.dataset.load()()
    # The held-out recordings are the same for every seed, so that seeds differ in training alone.
    parts = split(clips, reader, checked.protocol, checked.spec.train.validation, seed=0)
    counts = f"{len(parts.train)} train, {len(parts.validation)} validation, {len(parts.test)} test clips"
    screen.say(f"{checked.protocol}: {counts}, split {parts.fingerprint[:12]}")
    return Material(checked, clips, parts, seed)


def synthetic_root(checked: Checked, cache: Path, screen: Screen) -> Path:
    """The built-in synthetic recordings of the data set, written once in its own raw format."""
    classes = min(SYNTHETIC_CLASSES, checked.dataset.classes)
    root = cache / f"{checked.dataset.name}-synthetic-{SYNTHETIC_CLIPS}-{classes}"
    if not root.exists():
        screen.say(f"no --data given: making {SYNTHETIC_CLIPS} synthetic recordings of {classes} classes")
        partial = root.with_name(root.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        reader = checked.dataset.load()()
        reader.synthesise(partial, clips=SYNTHETIC_CLIPS, seed=SYNTHETIC_SEED, classes=classes)
        partial.rename(root)
    return root
