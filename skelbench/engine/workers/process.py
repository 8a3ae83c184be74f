"""A worker process, from its first line; it imports what it works with when that arrives."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from skelbench.engine.workers.work import answer
from skelbench.host.processes import help_process


def serve(connection: Connection, parent: int) -> None:
    """Receive what to do with tasks, then do it with each that comes, until the other side is gone.

    Args:
        connection: To the process that started this one.
        parent: The id of that process.
    """
    help_process(parent)
    evaluate: Any = None

    def begin() -> None:
        nonlocal evaluate
        evaluate = connection.recv()

    with suppress(EOFError, OSError):
        connection.send(answer(begin))
        while True:
            task = connection.recv()
            connection.send(answer(partial(evaluate, task)))
