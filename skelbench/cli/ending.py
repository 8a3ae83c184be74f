"""How a command ends: done, refused, failed or stopped, each with its exit code and at most one paragraph."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from skelbench.errors import SkelbenchError, WorkFailed, described
from skelbench.host import stopping
from skelbench.host.blame import plugin_error
from skelbench.host.plugins import third_party_plugins

INTERRUPTED = 130
BROKEN_PIPE = 141
EXITED = "a component asked to end the process: {}"
GO_ON = "The same command goes on from here"


def run(command: Callable[[], object], debug: Callable[[], bool]) -> None:
    """Run a command of typer's to its end.

    Args:
        command: The command.
        debug: Whether the user wants the tracebacks of errors.
    """
    try:
        command()
    except KeyboardInterrupt:
        stopping.leave()
    except SystemExit as stop:
        _leave(stop)
    except BrokenPipeError:
        _nobody_reads()
    except Exception as error:
        failed = None if debug() else _told(error)
        if failed is None:
            raise
        _fail(failed)


def _leave(stop: SystemExit) -> NoReturn:
    """End as typer wants it, which makes an exit of an interruption; an exit of anybody else is an error."""
    if stopping.stopped() or stop.code == INTERRUPTED:
        stopping.leave()
    if isinstance(stop.__context__, BrokenPipeError):  # rich and typer make an exit of it
        _nobody_reads()
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(stop.__traceback__)]
    if frames[-1].partition(".")[0] not in ("typer", "click", "skelbench"):
        _fail(WorkFailed(EXITED.format(described(stop)), remedy=GO_ON))
    stopping.let_go()
    raise stop


def _nobody_reads() -> NoReturn:
    """End without a word, as what reads standard output has ended (``| head``)."""
    sys.stderr.close()
    sys.exit(BROKEN_PIPE)


def _told(error: Exception) -> SkelbenchError | None:
    """An error as one paragraph for the user; None where only its traceback says enough."""
    if isinstance(error, SkelbenchError):
        return error
    failed = plugin_error(error, third_party_plugins())
    if failed is None and isinstance(error, OSError | MemoryError):
        return WorkFailed(f"the machine failed: {described(error)}", remedy=f"Mend that. {GO_ON}")
    return failed


def _fail(failed: SkelbenchError) -> NoReturn:
    print(f"skelbench: {failed}", file=sys.stderr)
    sys.exit(failed.exit_code)
