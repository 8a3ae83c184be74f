"""Signals that ask a command to stop: each is an interruption, and the exit code says which it was."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
"""Ctrl-C; SLURM, docker, systemd and ``timeout``; a terminal that is gone."""
_USUAL = (signal.SIG_DFL, signal.default_int_handler)
_received: list[int] = []


def install() -> None:
    """Let each signal raise `KeyboardInterrupt`, as Ctrl-C does; one that the parent has ignored stays so."""
    for number in STOPS:
        if signal.getsignal(number) in _USUAL:
            signal.signal(number, _stop)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Within, nobody else's code may take these signals for itself, as Ray does when it starts."""
    given = signal.signal

    def keep(number: int, handler: Any) -> Any:
        return signal.getsignal(number) if number in STOPS else given(number, handler)

    signal.signal = keep  # type: ignore[assignment]
    try:
        yield
    finally:
        signal.signal = given


def _stop(number: int, frame: object) -> None:
    _received.append(number)
    raise KeyboardInterrupt


def stopped() -> bool:
    """Whether a signal has come; what raised may have been kept by somebody else's code."""
    return bool(_received)


def raise_if_stopped() -> None:
    """Stop where a signal has come.

    Raises:
        KeyboardInterrupt: It has.
    """
    if _received:
        raise KeyboardInterrupt


def let_go() -> None:
    """From here on a signal ends the process at once, with no word: nothing is left to be lost."""
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def leave() -> None:
    """Say that the command was stopped, and exit with 128 and the signal's number."""
    let_go()
    number = _received[0] if _received else signal.SIGINT
    how = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
    try:
        print(f"skelbench: {how}; the same command goes on from here", file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(128 + number)
