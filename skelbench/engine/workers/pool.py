"""A pool: every task that is submitted comes back once, whatever becomes of the workers."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from skelbench.engine.workers.work import Answer, Evaluate, Worker, Workers
from skelbench.errors import WorkFailed

TRIES = 2
"""A task that has ended the lives of so many workers is not tried again."""
START_TRIES = 3
"""So many workers in a row may die before one is ready."""


@dataclass
class _Task:
    number: int
    content: Any
    deaths: list[str] = field(default_factory=list)


@dataclass
class _Place:
    """A place in the pool with the worker that is there now."""

    worker: Worker
    task: _Task | None = None
    since: float = 0.0
    open: bool = False


class Pool:
    """Hands tasks to workers in the order of submission, each to the first one that is free.

    A worker that dies is replaced and its task tried once more.

    Args:
        workers: Where workers come from.
        evaluate: What they do with a task.
        timeout: Seconds after which a task has failed and its worker is ended; None: never.
    """

    def __init__(self, workers: Workers, evaluate: Evaluate, timeout: float | None = None) -> None:
        self._workers, self._evaluate, self._timeout = workers, evaluate, timeout
        self._places: dict[int, _Place] = {}
        self._waiting: deque[_Task] = deque()
        self._failed_starts = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def pending(self) -> int:
        """Tasks that have not come back."""
        return len(self._waiting) + sum(place.task is not None for place in self._places.values())

    @property
    def idle(self) -> int:
        """How many more tasks could be worked on at once."""
        return max(0, self._workers.count - self.pending)

    def submit(self, number: int, content: Any) -> None:
        """Have a task done; it comes back by its number."""
        self._waiting.append(_Task(number, content))
        self._hand_out()

    def wait(self) -> list[tuple[int, Answer]]:
        """Tasks that have ended, as soon as there are any; none where none is pending.

        Raises:
            WorkFailed: Workers cannot be started.
        """
        ended: list[tuple[int, Answer]] = []
        while not ended and self.pending:
            self._hand_out()
            ended = self._collect()
        return ended

    def close(self) -> None:
        """End all workers, and what they are doing."""
        for place in self._places.values():
            place.worker.end()
        self._places.clear()
        self._workers.close()

    def _hand_out(self) -> None:
        """Give tasks to workers that are free, and start as many as there is work for."""
        for place in self._places.values():
            if self._waiting and place.open and place.task is None:
                self._give(place, self._waiting.popleft())
        opening = sum(not place.open for place in self._places.values())
        for number in range(self._workers.count):
            if number not in self._places and opening < len(self._waiting):
                self._places[number] = _Place(self._workers.start(self._evaluate, number))
                opening += 1

    def _give(self, place: _Place, task: _Task) -> None:
        place.task, place.since = task, time.monotonic()
        place.worker.give(task.content)

    def _collect(self) -> list[tuple[int, Answer]]:
        """What the workers have answered by now, or by the first deadline."""
        places = list(self._places.items())
        ready = self._workers.ready([place.worker for _, place in places], self._patience())
        ended: list[tuple[int, Answer]] = []
        for number, place in places:
            if any(place.worker is worker for worker in ready):
                ended += self._heard(number, place)
            elif self._overdue(place):
                ended += self._stopped(number, place)
        return ended

    def _patience(self) -> float | None:
        """Seconds to the first deadline."""
        busy = [place.since for place in self._places.values() if place.task is not None]
        if self._timeout is None or not busy:
            return None
        return max(0.0, min(busy) + self._timeout - time.monotonic())

    def _heard(self, number: int, place: _Place) -> list[tuple[int, Answer]]:
        answer, task = place.worker.take(), place.task
        if answer is None:
            return self._lost(number, place)
        if not place.open:
            self._opened(place, answer)
            return []
        place.task = None
        return [] if task is None else [(task.number, answer)]

    def _opened(self, place: _Place, answer: Answer) -> None:
        if answer.error:
            what = f"a worker cannot begin: {answer.error}"
            raise WorkFailed(what, remedy="Run it without --workers to see where") from WorkFailed(
                answer.traceback
            )
        place.open, self._failed_starts = True, 0

    def _lost(self, number: int, place: _Place) -> list[tuple[int, Answer]]:
        """A worker died: try its task again, or tell what is known of it."""
        fate = place.worker.fate()
        self._leave(number)
        if not place.open:
            self._failed_starts += 1
            if self._failed_starts == START_TRIES:
                what = f"workers die before they have begun; the last one {fate}"
                raise WorkFailed(what, remedy="Use fewer workers, or free memory")
        task = place.task
        if task is None:
            return []
        task.deaths.append(fate)
        if len(task.deaths) < TRIES:
            self._waiting.appendleft(task)
            return []
        seconds = time.monotonic() - place.since
        return [(task.number, Answer(error=f"WorkerLost: the worker {fate}, twice", seconds=seconds))]

    def _overdue(self, place: _Place) -> bool:
        waited = time.monotonic() - place.since
        return self._timeout is not None and place.task is not None and waited >= self._timeout

    def _stopped(self, number: int, place: _Place) -> list[tuple[int, Answer]]:
        """A task takes too long; it would again, so it has failed."""
        self._leave(number)
        seconds, error = time.monotonic() - place.since, f"TimeoutError: not done after {self._timeout:g} s"
        return [] if place.task is None else [(place.task.number, Answer(error=error, seconds=seconds))]

    def _leave(self, number: int) -> None:
        self._places.pop(number).worker.end()
