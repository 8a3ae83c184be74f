"""What a user sees while work goes on: on standard error, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from skelbench.errors import printable

Advance = Callable[[float], None]
Count = Callable[[int, int], None]


class Screen:
    """Progress bars on a terminal, plain lines elsewhere.

    Args:
        quiet: Show nothing.
        label: Stands before each line; with one there are no bars, as others write beside this one.
    """

    def __init__(self, *, quiet: bool = False, label: str = "") -> None:
        self._quiet, self._label = quiet, label
        self._console = Console(stderr=True, highlight=False)

    @property
    def quiet(self) -> bool:
        """Whether nothing is shown."""
        return self._quiet

    def say(self, text: str) -> None:
        """One line."""
        if self._quiet:
            return
        text = printable(self._label + text)
        if self._console.is_terminal:
            self._console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    @contextmanager
    def bar(self, name: str, total: float | None = None) -> Iterator[Advance]:
        """A bar with the time left; the function that it gives moves it on by some units."""
        with self._progress() as progress:
            task = progress.add_task(name, total=total)
            yield lambda units: progress.advance(task, units)

    @contextmanager
    def count(self, name: str) -> Iterator[Count]:
        """A bar for work that says how much of it is done: ``count(done, total)``."""
        with self._progress() as progress:
            task = progress.add_task(name, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=self._quiet or bool(self._label) or not self._console.is_terminal,
        )

    def epoch(self, name: str, row: dict[str, Any], epochs: int) -> None:
        """One line for an epoch: its figures, its seconds and the time left."""
        parts = [
            f"{name} {row['epoch']}/{epochs}",
            f"loss {row['loss']:.3f}",
            f"train {row['train_top1']:.1f} %",
        ]
        if "val_top1" in row:
            parts.append(f"validation {row['val_top1']:.1f} %")
        left = row["seconds"] * (epochs - row["epoch"])
        self.say("  ".join([*parts, f"{row['seconds']:.1f} s", f"left {_clock(left)}"]))

    def trial(self, line: dict[str, Any]) -> None:
        """One line for a trial trained by itself."""
        if "choices" not in line:
            return
        value = "failed: " + line["error"] if line["fitness"] is None else _fitness(line)
        early = f"  rejected after {line['rejected_after']} clips" if "rejected_after" in line else ""
        self.say(f"trial {line['generation']}.{line['number']}  {value}  {line['seconds']:.1f} s{early}")

    def generation(self, line: dict[str, Any]) -> None:
        """One line for a generation of a search."""
        own = {k: v for k, v in line.items() if k not in ("generation", "number")}
        figures = "  ".join(f"{k} {round(v, 3)}" for k, v in own.items() if isinstance(v, int | float))
        self.say(f"generation {line['generation']}  {figures}")
        measured = line.get("health", {})
        if measured.get("candidates"):
            names = ("candidates", "rejected", "distinct", "ties", "spread", "reliability", "disagreement")
            shown = "  ".join(f"{name} {round(measured[name], 3)}" for name in names if name in measured)
            self.say(f"  health  {shown}")
        if "warning" in line:
            self.say(f"warning: {line['warning']}")


def _fitness(line: dict[str, Any]) -> str:
    """Accuracy and cross-entropy where they are known, else the fitness that was told."""
    if "top1" in line:
        return f"{line['top1']:.1f} %  {line['cross_entropy']:.3f} nats"
    return f"fitness {line['fitness']:.4g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
