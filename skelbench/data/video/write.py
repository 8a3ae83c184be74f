"""Writing video files: synthetic data, and files for tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data.video.packets import import_av, quiet
from skelbench.errors import DataError

# Ending: container, encoder.
_FORMS = {".avi": ("avi", "mpeg4"), ".mp4": ("mp4", "libx264")}


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    rate: float | Fraction,
    *,
    key_every: int = 12,
    b_frames: int = 0,
) -> None:
    """Write RGB frames to ``path``, whole or not at all: MPEG-4 to ``.avi``, H.264 to ``.mp4``.

    Compression loses detail. The same frames give the same bytes with the same version of PyAV.

    Args:
        path: The file; an old one is replaced.
        frames: (H, W, 3) uint8 each, all of one size with even sides, or one array (T, H, W, 3).
        rate: Frames per second.
        key_every: Frames from one key picture to the next, at most.
        b_frames: B pictures in a row, at most.

    Raises:
        DataError: The ending is another, the frames do not fit, there is none, the installed PyAV cannot
            encode them, or the file cannot be written.
        SkelbenchError: PyAV is missing.
    """
    if path.suffix not in _FORMS:
        what = f"a video cannot be written in the form '{path.suffix}'"
        raise DataError(what, where=path, remedy="Let the name end in .avi or .mp4")
    if rate <= 0 or key_every < 1 or b_frames < 0:
        raise DataError(f"a video of rate {rate}, key_every {key_every}, b_frames {b_frames}", where=path)
    av = import_av()
    temporary = _temporary(path)
    try:
        with quiet():
            _encode(path, temporary, frames, rate, {"g": str(key_every), "bf": str(b_frames)})
        os.replace(temporary, path)
    except (av.error.FFmpegError, OSError) as error:
        what = f"the video cannot be written ({getattr(error, 'strerror', None) or error})"
        raise DataError(what, where=path) from error
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:
        raise DataError(f"cannot write here ({error.strerror})", where=path.parent) from error
    os.close(handle)
    return Path(name)


def _encode(
    path: Path, target: Path, frames: Iterable[np.ndarray], rate: float | Fraction, groups: dict[str, str]
) -> None:
    av = import_av()
    form, encoder = _FORMS[path.suffix]
    given = iter(frames)
    first = next(given, None)
    if first is None:
        raise DataError("a video needs a frame", where=path)
    # "bitexact" leaves dates, random numbers and library versions out.
    with av.open(f"file:{target}", "w", format=form, container_options={"fflags": "bitexact"}) as file:
        stream = _stream(path, file, encoder, Fraction(rate).limit_denominator(10_000), groups)
        stream.height, stream.width = first.shape[:2] if first.ndim == 3 else (0, 0)
        for frame in chain([first], given):
            _check_frame(path, frame, (stream.height, stream.width))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame))))
        file.mux(stream.encode(None))


def _stream(path: Path, file: Any, encoder: str, rate: Fraction, groups: dict[str, str]) -> Any:
    av = import_av()
    quality = {"flags": "+bitexact+qscale", "global_quality": str(4 * 118)}  # FF_QP2LAMBDA
    if encoder != "mpeg4":
        # Without "mbtree", which gave other bytes from one time to the next where there are B pictures.
        quality = {"flags": "+bitexact", "preset": "veryfast", "crf": "18", "mbtree": "0"}
    try:
        stream = file.add_stream(encoder, rate=rate, options={**groups, **quality})
    except (av.error.FFmpegError, ValueError) as error:
        what = f"the installed PyAV has no encoder '{encoder}'"
        raise DataError(what, where=path, remedy="Write to a name that ends in .avi") from error
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1  # several threads cut a frame in other places
    return stream


def _check_frame(path: Path, frame: np.ndarray, size: tuple[int, int]) -> None:
    if frame.dtype != np.uint8 or frame.shape != (*size, 3) or size[0] % 2 or size[1] % 2 or 0 in size:
        what = f"a frame of {frame.dtype}, shape {frame.shape}"
        remedy = "Give uint8 frames (H, W, 3), all of one size with even sides"
        raise DataError(what, where=path, remedy=remedy)
