"""Whose fault it is that a trial ends: the candidate's counts against it, the machine's ends the run."""

from __future__ import annotations

import errno
from typing import NoReturn

from skelbench.errors import (
    DataError,
    PluginError,
    RunFolderError,
    SkelbenchError,
    SpecError,
    WorkFailed,
    described,
)

GO_ON = "Mend that; the same command goes on from here"
_DEVICE = (
    "no cuda gpus",
    "nvidia driver",
    "cuda driver",
    "torch not compiled with cuda",
    "cuda-capable device",
)
"""Words of torch's errors about a device that is not there or not usable."""
_OF_CANDIDATES = (SpecError, PluginError, WorkFailed)
"""Errors of ours that tell of the architecture itself: it cannot be built, or its loss is not finite."""


def is_machines(error: BaseException) -> bool:
    """Whether an error says nothing about what was tried.

    Signals and exits, what the operating system refuses (a full disk, a file that is gone, too many open
    files), recordings or the run's folder that cannot be used, a device that is not there. A candidate that
    is too large for the memory has failed itself.

    Args:
        error: What a trial has raised.
    """
    if not isinstance(error, Exception):
        return True
    if isinstance(error, SkelbenchError):
        return isinstance(error, DataError | RunFolderError) or not isinstance(error, _OF_CANDIDATES)
    if isinstance(error, OSError):
        return error.errno != errno.ENOMEM and not isinstance(error, TimeoutError)
    if type(error).__name__ == "AcceleratorError":  # torch's name for a device that has stopped working
        return True
    message = described(error).lower()
    return isinstance(error, RuntimeError) and any(words in message for words in _DEVICE)


def end_run(error: BaseException) -> NoReturn:
    """Raise what ends the run for an error of the machine's.

    Raises:
        KeyboardInterrupt: It was a signal.
        SkelbenchError: Whatever else it was, in one line.
    """
    if isinstance(error, SystemExit):
        what = f"a component asked to end the process: {described(error)}"
        raise WorkFailed(what, remedy="The same command goes on from here") from error
    if isinstance(error, SkelbenchError) or not isinstance(error, Exception):
        raise error
    raise WorkFailed(f"the machine failed a trial: {described(error)}", remedy=GO_ON) from error
