"""A worker process, from its first line; it imports what it works with when that arrives."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from skelbench.engine.workers.work import answer

PR_SET_PDEATHSIG = 1


def serve(connection: Connection, parent: int) -> None:
    """Receive what to do with tasks, then do it with each that comes, until the other side is gone.

    Args:
        connection: To the process that started this one.
        parent: The id of that process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business, who then ends this one
    _die_with(parent)
    evaluate: Any = None

    def begin() -> None:
        nonlocal evaluate
        evaluate = connection.recv()

    with suppress(EOFError, OSError):
        connection.send(answer(begin))
        while True:
            task = connection.recv()
            connection.send(answer(partial(evaluate, task)))


def _die_with(parent: int) -> None:
    """End with the parent, however that ends: by the kernel where it is Linux, else within a second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
