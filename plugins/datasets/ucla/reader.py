"""Northwestern-UCLA Multiview Action 3D as JSON: one file per recording.

Wang, Nie, Xia, Wu, Zhu: Cross-view action modeling, learning and recognition, CVPR 2014. Ten
performers do ten actions before three cameras; the usual protocol trains on two and tests on the third.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.data.synthetic import generate
from skelbench.errors import DataError, did_you_mean

from ...layouts import UCLA20

_NAME = re.compile(r"a(\d\d)_s(\d\d)_e(\d\d+)_v(\d\d)")
# The owners' action numbers; 7 and 10 were never used.
_ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)
_TEST_VIEW = 3
_JOINTS = 20


class UclaReader:
    """Reads ``all_sqe/aAA_sSS_eEE_vVV.json``; each file has ``skeletons``, (T, 20, 3) in metres."""

    class_names: tuple[str, ...] = (
        "pick up with one hand",
        "pick up with two hands",
        "drop trash",
        "walk around",
        "sit down",
        "stand up",
        "donning",
        "doffing",
        "throw",
        "carry",
    )
    patterns = ("*.json",)

    def sources(self, root: Path) -> Sequence[Path]:
        """The recordings in ``root`` or in its folder ``all_sqe``, sorted by name.

        Raises:
            DataError: There is none.
        """
        folder = root / "all_sqe" if (root / "all_sqe").is_dir() else root
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        found = [folder / name for name in names if name.endswith(".json") and _NAME.fullmatch(name[:-5])]
        if not found:
            raise DataError(
                "no NW-UCLA recording here",
                where=root,
                remedy="Give the folder that holds all_sqe/aAA_sSS_eEE_vVV.json",
            )
        return found

    def read(self, source: Path) -> Sequence[Clip]:
        """The one recording of a file.

        Raises:
            DataError: The file is truncated, or holds no (T, 20, 3) coordinates, or an unknown action.
        """
        named = _NAME.fullmatch(source.stem)
        if named is None or int(named[1]) not in _ACTIONS:
            raise DataError(
                "the name tells no NW-UCLA action", where=source, remedy="Remove or rename the file"
            )
        return [
            Clip(
                id=source.stem,
                label=_ACTIONS.index(int(named[1])),
                frames=self.frames(source),
                subject=int(named[2]),
                camera=int(named[4]),
            )
        ]

    def frames(self, path: Path) -> np.ndarray:
        """The coordinates in a file of any name, (T, 1, 20, 3).

        Raises:
            DataError: See `read`.
        """
        return _coordinates(path)[:, None]

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """Cross-view: the recordings of views 1 and 2, (n,) bool.

        Raises:
            DataError: There is no such protocol.
        """
        if protocol != "xview":
            raise DataError(f"NW-UCLA has no protocol '{protocol}'", remedy=did_you_mean(protocol, ["xview"]))
        return clips.cameras != _TEST_VIEW

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Recordings in (train, test) of the complete set: 1,020 and 464 for ``xview``."""
        return (1020, 464) if protocol == "xview" else None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings as JSON into ``root/all_sqe``, evenly over classes, views and subjects.

        Args:
            root: The folder to fill.
            clips: Recordings.
            seed: Seed of everything that differs between recordings.
            classes: Only the first so many classes occur; None for all.
        """
        folder = root / "all_sqe"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SYNTHETIC").write_text("Made by skelbench data synth; no real recordings.\n")
        rng = np.random.default_rng([seed, _JOINTS])
        kinds = min(classes or len(_ACTIONS), len(_ACTIONS))
        for number in range(clips):
            label, rest = number % kinds, number // kinds
            view, rest = rest % 3 + 1, rest // 3
            subject, episode = rest % 10 + 1, rest // 10
            motion = generate(UCLA20, label, subject, view, rng, int(rng.integers(20, 60)))
            name = f"a{_ACTIONS[label]:02d}_s{subject:02d}_e{episode:02d}_v{view:02d}"
            data = {"file_name": name, "skeletons": np.round(motion[:, 0].astype(float), 6).tolist()}
            (folder / f"{name}.json").write_text(json.dumps(data))


def _coordinates(source: Path) -> np.ndarray:
    """The coordinates of one file, (T, 20, 3) float32."""
    try:
        frames = np.asarray(json.loads(source.read_bytes())["skeletons"], dtype=np.float32)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=source) from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _malformed(source, str(error) or type(error).__name__) from error
    if frames.ndim != 3 or frames.shape[1:] != (_JOINTS, 3) or not len(frames):
        raise _malformed(source, f"skeletons have shape {frames.shape}, not (T, {_JOINTS}, 3)")
    if not np.isfinite(frames).all():
        raise _malformed(source, "a coordinate is no finite number")
    return frames


def _malformed(source: Path, why: str) -> DataError:
    return DataError(
        f"truncated or malformed NW-UCLA recording ({why})",
        where=source,
        remedy="Fetch the file again from the data set's owners",
    )
