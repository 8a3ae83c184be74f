"""Worker processes on this machine: each has one thread, or one GPU, to itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from skelbench.engine.workers.process import serve
from skelbench.engine.workers.work import Answer, Evaluate
from skelbench.errors import WorkFailed, described

VISIBLE = "CUDA_VISIBLE_DEVICES"
AUTO = "auto"


class LocalWorkers:
    """Fresh processes on this machine (implements `skelbench.engine.workers.work.Workers`).

    Args:
        workers: How many; ``auto``: one for each GPU, or for each core that this process may use.
        threads: Processor threads of each.

    Attributes:
        count: How many.
        advice: What speaks against so many, or an empty text.
    """

    def __init__(self, workers: int | str = AUTO, threads: int = 1) -> None:
        self._devices = visible_devices()
        fitting = len(self._devices) or max(1, cores() // threads)
        self.count = fitting if isinstance(workers, str) else workers
        self._threads = threads
        has = f"{len(self._devices)} GPUs" if self._devices else f"{cores()} cores"
        crowd = f"{self.count} workers of {threads} threads share {has} and hinder each other"
        self.advice = crowd if self.count > fitting else ""

    def start(self, evaluate: Evaluate, place: int) -> LocalWorker:
        """Start a process.

        Raises:
            WorkFailed: What it shall do cannot be sent to another process.
        """
        context = multiprocessing.get_context("spawn")  # a fork of threads, torch's among them, can deadlock
        ours, theirs = context.Pipe()
        # As a daemon it is ended where this process forgets it.
        process = context.Process(target=serve, args=(theirs, os.getpid()), daemon=True)
        with environment(self._settings(place)):
            process.start()
        theirs.close()
        worker = LocalWorker(process, ours)
        try:
            worker.give(evaluate)
        except Exception as error:  # pickle has no one error for what it cannot do
            worker.end()
            what = f"the trials cannot be sent to another process: {described(error)}"
            raise WorkFailed(what, remedy="Use the engine 'sequential'") from error
        return worker

    def ready(self, workers: Sequence[LocalWorker], timeout: float | None) -> Sequence[LocalWorker]:
        """See `Workers.ready`."""
        signs: dict[Any, LocalWorker] = {}
        for worker in workers:
            signs |= {worker.connection: worker, worker.process.sentinel: worker}
        return [signs[sign] for sign in wait(list(signs), timeout)]

    def close(self) -> None:
        """Nothing is left open."""

    def _settings(self, place: int) -> dict[str, str]:
        """The environment of a worker; numerical libraries read it when they are imported."""
        threads = str(self._threads)
        settings = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
        if self._devices:
            settings[VISIBLE] = self._devices[place % len(self._devices)]
        return settings


class LocalWorker:
    """A worker process.

    Args:
        process: The process.
        connection: To it.
    """

    def __init__(self, process: multiprocessing.process.BaseProcess, connection: Connection) -> None:
        self.process, self.connection = process, connection

    def give(self, task: Any) -> None:
        """See `Worker.give`."""
        with suppress(OSError):  # it has died, which is noticed when it is waited for
            self.connection.send(task)

    def take(self) -> Answer | None:
        """See `Worker.take`."""
        with suppress(EOFError, OSError):
            if self.connection.poll():
                received: Answer = self.connection.recv()
                return received
        return None

    def fate(self) -> str:
        """See `Worker.fate`."""
        self.process.join(timeout=5)
        code = self.process.exitcode or 0
        if code >= 0:
            return f"ended with exit code {code}"
        with suppress(ValueError):
            return f"was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"was killed by signal {-code}"

    def end(self) -> None:
        """See `Worker.end`."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_devices() -> list[str]:
    """The GPUs that this process sees, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch  # late: takes seconds

    named = [name for name in os.environ.get(VISIBLE, "").split(",") if name]
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return named[:count] if named else [str(number) for number in range(count)]


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for a process that is started within."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
