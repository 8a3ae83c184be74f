"""What goes between a pool and its workers; imports nothing heavy, as a worker begins with it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from skelbench.engine.machine import is_machines
from skelbench.errors import described

Evaluate = Callable[[Any], Any]
"""What workers do with each task. It is sent to every worker once, and may open what it needs when it
arrives there."""


@dataclass(frozen=True)
class Answer:
    """What became of a task.

    Attributes:
        value: What `Evaluate` gave.
        error: What it raised, in one line; empty where it did not.
        traceback: The whole of it.
        seconds: How long it took.
        machine: Whether what it raised says nothing about the task (see `skelbench.engine.machine`).
    """

    value: Any = None
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0
    machine: bool = False


def answer(work: Callable[[], Any]) -> Answer:
    """Do some work; whatever it raises is the answer."""
    started = time.perf_counter()
    try:
        value = work()
    except (Exception, SystemExit) as error:
        seconds = time.perf_counter() - started
        return Answer(None, described(error), traceback.format_exc(), seconds, is_machines(error))
    return Answer(value, seconds=time.perf_counter() - started)


class Worker(Protocol):
    """One worker: it answers once to its start, then once to each task that it is given."""

    def give(self, task: Any) -> None:
        """Hand a task over; the worker has answered to the one before."""

    def take(self) -> Answer | None:
        """The answer that `Workers.ready` told of; None where the worker died instead."""

    def fate(self) -> str:
        """How it died, as in ``was killed by signal 9``."""

    def end(self) -> None:
        """End it at once, whatever it is doing."""


class Workers(Protocol):
    """Where workers come from.

    Attributes:
        count: How many work side by side.
        advice: What speaks against so many, or an empty text.
    """

    count: int
    advice: str

    def start(self, evaluate: Evaluate, place: int) -> Worker:
        """Start a worker.

        Args:
            evaluate: What it does with each task.
            place: Its number below ``count``; that of a worker that died is given again.
        """

    def ready(self, workers: Sequence[Any], timeout: float | None) -> Sequence[Any]:
        """Those that have answered or died, as soon as there are any; none after ``timeout`` seconds."""

    def close(self) -> None:
        """Give back what was opened; every worker has ended."""
