"""What workers do in tests: quick, and at will fatal; imports nothing heavy."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Does:
    """Answers to ``(what, value)``; ``folder`` is where it remembers over the deaths of workers."""

    folder: Path

    def __call__(self, task: tuple[str, Any]) -> Any:
        what, value = task
        return getattr(self, what)(value)

    def double(self, value: float) -> float:
        return 2 * value

    def pid(self, seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()

    def environment(self, name: str) -> str:
        return os.environ[name]

    def fail(self, message: str) -> None:
        raise ValueError(message)

    def leave(self, code: int) -> None:
        raise SystemExit(code)

    def die(self, code: int) -> None:
        os._exit(code)

    def die_once(self, value: float) -> float:
        mark = self.folder / "died"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    def hang(self, seconds: float) -> None:
        (self.folder / f"pid-{os.getpid()}").touch()
        time.sleep(seconds)


FAILING, FATAL, HANGING = 20, 500, 100
"""Of so many trials one fails, ends its process, or hangs."""


@dataclass(frozen=True)
class Troubled:
    """The fitness of a table, but for some architectures; ``workers`` says whether processes may end."""

    space: Any
    workers: bool

    def __call__(self, sample: dict[str, Any]) -> float:
        number = int(sample["point0"].removeprefix("option"))
        if number % FAILING == 0:
            raise ValueError("no luck")
        if self.workers and number % HANGING == 1:
            time.sleep(3600)
        if self.workers and number % FATAL == 2:
            os._exit(9)
        fitness: float = self.space.fitness(sample)
        return fitness


@dataclass(frozen=True)
class OfFrozen:
    """Fitness of a candidate: the frozen weight times its own; it dies once at 0 and always below."""

    folder: Path

    def __call__(self, candidate: Any) -> float:
        import torch  # late, as a worker begins with this module

        weight = float(candidate.weights["a"][0])
        if weight < 0 or (weight == 0 and not (self.folder / "died").exists()):
            (self.folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        state = torch.load(candidate.frozen, mmap=True, weights_only=True)
        time.sleep(0.2 if weight == 1 else 0)
        return candidate.epoch * 100 + weight * state["weight"].item()


class CannotBegin:
    """Fails where it arrives."""

    def __reduce__(self) -> Any:
        return refuse, ("no room here",)


def refuse(message: str) -> None:
    raise OSError(message)


class EndsAtOnce:
    """Ends the worker where it arrives."""

    def __reduce__(self) -> Any:
        return os._exit, (7,)


def hang_in_workers(folder: str) -> None:
    """A parent whose two workers are busy until somebody ends it; see its test."""
    from skelbench.engine.workers.local import LocalWorkers
    from skelbench.engine.workers.pool import Pool

    pool = Pool(LocalWorkers(2), Does(Path(folder)))
    pool.submit(0, ("hang", 600))
    pool.submit(1, ("hang", 600))
    pool.wait()


def hang_on_ray(folder: str) -> None:
    """The same with one worker on Ray; says by what it is found."""
    import ray

    from skelbench.engine.workers.pool import Pool
    from skelbench.engine.workers.ray_workers import RayWorkers

    pool = Pool(RayWorkers(workers=1), Does(Path(folder)))
    Path(folder, "token").write_text(os.environ["RAY_AUTH_TOKEN"])
    Path(folder, "folder").write_text(ray._private.worker._global_node.get_session_dir_path())
    pool.submit(0, ("hang", 600))
    pool.wait()
