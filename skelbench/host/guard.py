"""Running the code of strangers: what it prints, warns of or raises stays with its plugin."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from time import perf_counter

from skelbench.errors import Problem, SkelbenchError, described
from skelbench.host.api_version import PluginDeprecation
from skelbench.host.blame import last_line

HEAVY = ("torch", "nni", "pytorch_lightning")
SLOW = 1.0


class Guard:
    """Runs the code of one plugin, as often as needed, and remembers how it went.

    Args:
        package: The plugin's top package, which tells its lines from others in a traceback.

    Attributes:
        problem: What it raised last.
        seconds: How long it ran.
        warnings: What its author should know though it works.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.problem: Problem | None = None
        self.seconds = 0.0
        self._notes: dict[str, None] = {}  # in order, each once

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it warned of, printed or imported, and whether it is slow."""
        slow = (f"took {self.seconds:.1f} s to load: name targets as 'module:attribute'",)
        return (*self._notes, *(slow if self.seconds > SLOW else ()))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run what stands in the block; only an interruption by the user gets out."""
        start, before = perf_counter(), _heavy()
        with warnings.catch_warnings(record=True) as warned, stdout_captured() as printed:
            warnings.simplefilter("always", PluginDeprecation)
            try:
                yield
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a stranger raises, it becomes a line
                self.problem = self._problem_of(error)
        self.seconds += perf_counter() - start
        self._note(*(f"{w.category.__name__}: {w.message}" for w in warned))
        self._note(*(f"imports {name} as it is loaded, which is slow" for name in _heavy() - before))
        self._note(*(f"prints as it is loaded: {line}" for line in printed.getvalue().splitlines()[:1]))

    def _note(self, *notes: str) -> None:
        self._notes |= dict.fromkeys(notes)

    def _problem_of(self, error: BaseException) -> Problem:
        if isinstance(error, SkelbenchError):
            return error.problems[0]
        return Problem(described(error), self._place(error))

    def _place(self, error: BaseException) -> str:
        """The plugin's own line that the error came through last."""
        if isinstance(error, SyntaxError) and error.filename:
            return f"{error.filename}:{error.lineno}"
        found = last_line(error, {self.package})
        return found[1] if found else ""


@contextmanager
def stdout_captured() -> Iterator[StringIO]:
    """Keep standard output free: what Python prints is gathered, what libraries write goes to stderr."""
    with redirect_stdout(StringIO()) as text:
        try:
            kept = os.dup(1)
        except OSError:  # it is closed, so there is nothing to keep free
            yield text
            return
        _redirect(2, 1)
        try:
            yield text
        finally:
            _redirect(kept, 1)
            os.close(kept)


def _redirect(source: int, target: int) -> None:
    if sys.__stdout__ is not None and not sys.__stdout__.closed:
        sys.__stdout__.flush()
    os.dup2(source, target)


def _heavy() -> set[str]:
    return {name for name in HEAVY if name in sys.modules}
