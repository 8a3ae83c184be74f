"""Calling a reader, which may be anybody's: whatever it raises is an error of the data."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from skelbench.errors import DataError, SkelbenchError, described


def called(dataset: str, where: object, call: Callable[[], Any]) -> Any:
    """What a call of a data set's reader gives.

    Args:
        dataset: The data set's name.
        where: The file or folder that is read.
        call: The call.

    Raises:
        DataError: The call fails; says where in the reader.
    """
    try:
        return call()
    except SkelbenchError:
        raise
    except Exception as error:  # a reader may be anybody's, and the file anything
        what = f"the reader of '{dataset}' fails: {described(error)}{_line(error)}"
        remedy = "Mend the file or the reader; `skelbench --debug` shows where"
        raise DataError(what, where=where, remedy=remedy) from error


def _line(error: Exception) -> str:
    """The reader's last line that an exception came through; nothing where it came through none."""
    frames = list(traceback.walk_tb(error.__traceback__))[2:]  # without `called` and what it calls
    package = _package(frames[0][0]) if frames else ""
    own = [f", at {frame.f_code.co_filename}:{line}" for frame, line in frames if _package(frame) == package]
    return own[-1] if own else ""


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
