"""Made-up recordings in the owners' ``.skeleton`` format, spread over both sides of every protocol."""

from __future__ import annotations

import os
from itertools import count, islice, takewhile
from pathlib import Path

import numpy as np

from skelbench.data.synthetic import generate
from skelbench.errors import DataError

from ...layouts import NTU25
from .names import Edition, NtuName
from .raw import ENDING

MARKER = "SYNTHETIC"
_SUBJECTS = (1, 3, 2, 6, 4, 7, 5, 10)  # every other one is a training subject of both editions
_CAMERAS = (2, 1, 3)
_TWO_PERSONS = (*range(49, 60), *range(105, 120))
_PER_SETUPS = len(_SUBJECTS) * len(_CAMERAS) * 2 * 2  # names of a class in two set-ups, two replications
_FOCAL, _CENTRE = 365.0, (256.0, 212.0)  # Kinect v2's depth camera, in pixels
_COLOUR_FOCAL, _COLOUR_CENTRE = 1060.0, (960.0, 540.0)  # and its colour camera


def write_recordings(root: Path, edition: Edition, *, clips: int, seed: int, classes: int | None) -> None:
    """Write ``clips`` recordings and the marker file ``SYNTHETIC``.

    Args:
        root: The folder to fill; it must hold no other recordings.
        edition: The data set whose names are used.
        clips: Recordings, spread evenly over the classes.
        seed: Seed of everything that differs between recordings.
        classes: Only the first so many classes occur; None for all.

    Raises:
        DataError: The folder holds real recordings, more recordings than names exist are wanted, or
            writing fails.
    """
    names = _names(edition, clips, edition.actions if classes is None else classes)
    if any(root.glob(f"*{ENDING}")) and not (root / MARKER).is_file():
        raise DataError(
            "the folder holds recordings that are not synthetic", where=root, remedy="Give another"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        _write(root / MARKER, "Made by skelbench data synth; no real recordings.\n")
        for number, name in enumerate(names):
            _write(root / f"{name}{ENDING}", _recording(name, np.random.default_rng([seed, number])))
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=root) from error


def _names(edition: Edition, clips: int, classes: int) -> list[NtuName]:
    if not 1 <= classes <= edition.actions:
        raise DataError(f"{edition.name} has 1 to {edition.actions} classes, not {classes}")
    every = (_name(number // classes, number % classes + 1) for number in count())
    inside = takewhile(lambda name: name.setup <= edition.setups, every)
    names = list(islice(filter(edition.uses, inside), clips))
    if len(names) == clips:
        return names
    raise DataError(
        f"only {len(names)} names exist for {classes} classes of {edition.name}, not {clips}",
        remedy="Ask for fewer recordings",
    )


def _name(turn: int, action: int) -> NtuName:
    """The name of an action's recording ``turn``; the first two differ in the split of every protocol."""
    pair, within = divmod(turn, _PER_SETUPS)
    rounds = within // (len(_SUBJECTS) * len(_CAMERAS))
    return NtuName(
        setup=2 * pair + 1 + (within + rounds + 1) % 2,
        camera=_CAMERAS[within % len(_CAMERAS)],
        subject=_SUBJECTS[(within + 2 * action) % len(_SUBJECTS)],
        replication=1 + rounds // 2,
        action=action,
    )


def _recording(name: NtuName, rng: np.random.Generator) -> str:
    label = name.action - 1
    persons = 2 if label in _TWO_PERSONS else 1
    frames = int(rng.integers(32, 65))
    scene = generate(NTU25, label, name.subject, name.camera, rng, frames, persons)
    ids = 72057594037927936 + np.sort(rng.choice(50_000, persons, replace=False))
    return skeleton_text(scene, [int(number) for number in ids])


def skeleton_text(scene: np.ndarray, ids: list[int]) -> str:
    """Coordinates as ``.skeleton`` text; every body is present and tracked in every frame.

    Args:
        scene: (T, M, 25, 3) in metres before the camera.
        ids: The sensor's number of each of the M bodies.
    """
    frames, persons, joints, _ = scene.shape
    depth = np.maximum(scene[..., 2:], 0.1)
    image = np.concatenate(
        [
            _CENTRE + scene[..., :2] * (_FOCAL, -_FOCAL) / depth,
            _COLOUR_CENTRE + scene[..., :2] * (_COLOUR_FOCAL, -_COLOUR_FOCAL) / depth,
        ],
        axis=-1,
    )
    rows = np.concatenate([scene, image], axis=-1).reshape(frames, persons, -1)
    body = f"%d 0 1 1 1 1 0 0 0 2\n{joints}\n" + ("%.7g " * 7 + "1 0 0 0 2\n") * joints
    lines = [f"{frames}\n"]
    for frame in rows:
        lines.append(f"{persons}\n")
        lines += [body % (number, *row) for number, row in zip(ids, frame.tolist(), strict=True)]
    return "".join(lines)


def _write(path: Path, text: str) -> None:
    """Write a file in one step, so that none is ever half there."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="ascii")
    os.replace(partial, path)
