"""Made-up recordings of any layout, in one npz of a fixed form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelbench.components import Layout
from skelbench.data import Clip
from skelbench.data.synthetic import generate
from skelbench.errors import DataError

from .npz import Npz
from .params import SCORE, SkeletonsParams
from .split import TEST, TRAIN, subject_number

FILE = "made-up.npz"
_MARKER = "SYNTHETIC"
_ARRAYS = ("x", "lengths", "y", "who", "part")
_PERFORMERS = 10


def is_made_up(root: Path) -> bool:
    """Whether such recordings stand in a folder."""
    return (root / _MARKER).is_file() and (root / FILE).is_file()


def write(
    root: Path, params: SkeletonsParams, layout: Layout, *, clips: int, seed: int, classes: int | None
) -> None:
    """Write recordings evenly over classes and performers; one in three of a class is for test.

    Args:
        root: The folder to fill.
        params: Say which channels, persons and performers there are.
        layout: The skeleton.
        clips: Recordings.
        seed: Seed of everything that differs between them.
        classes: Only the first so many classes occur; None for all.
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / _MARKER).write_text("Made by skelbench data synth; no real recordings.\n")
    rng, kinds = np.random.default_rng([seed, len(layout.joints)]), min(classes or 10**9, params.class_count)
    who = _performers(params)
    found: dict[str, list[int]] = {name: [] for name in _ARRAYS[1:]}
    frames = []
    for number in range(clips):
        label, turn = number % kinds, number // kinds
        person = turn % len(who)
        motion = generate(layout, label, person + 1, 1 + turn % 3, rng, int(rng.integers(20, 60)))
        frames.append(_channels(np.asarray(motion[:, 0]), params))
        found["y"].append(label)
        found["who"].append(who[person])
        found["part"].append(TEST if (turn + label) % 3 == 1 else TRAIN)
        found["lengths"].append(len(motion))
    arrays = {name: np.array(values, dtype=np.int64) for name, values in found.items()}
    np.savez(root / FILE, x=np.concatenate(frames), **arrays)  # type: ignore[arg-type]


def _performers(params: SkeletonsParams) -> list[int]:
    named = params.split.left_out or params.split.subjects
    others = () if params.split.left_out else range(1, _PERFORMERS + 1)
    return list(dict.fromkeys(subject_number(one) for one in (*named, *others)))


def _channels(joints: np.ndarray, params: SkeletonsParams) -> np.ndarray:
    """One person's joints (T, V, 3) as (T, M, V, C): a score is 1, others are absent."""
    axes = {"x": 0, "y": 1, "z": 2}
    out = np.zeros((len(joints), params.persons, joints.shape[1], len(params.kept)), dtype=np.float32)
    for channel, name in enumerate(params.kept):
        out[:, 0, :, channel] = 1 if name == SCORE else joints[..., axes.get(name, channel % 3)]
    return out


def read(path: Path) -> Sequence[Clip]:
    """The recordings of such a file.

    Raises:
        DataError: It is damaged.
    """
    try:
        content = Npz(path)
        x, lengths, y, who, part = (content[name] for name in _ARRAYS)
    except (KeyError, ValueError, OSError) as error:
        what = f"cannot be read ({type(error).__name__})"
        raise DataError(what, where=path, remedy="Remove it and make it again") from error
    starts = np.cumsum(lengths) - lengths
    return [
        Clip(f"made-{i:06d}", int(y[i]), x[s : s + lengths[i]], int(who[i]), setup=int(part[i]))
        for i, s in enumerate(starts)
    ]
