"""Trials that were begun in this process and may end it: a note of each start outlives the process."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from skelbench.results import journal
from skelbench.results.store import RunFolder

STARTS = "started.jsonl"
"""File of a run while its trials go on in its own process."""
TRIES = 2
"""A trial that has ended so many processes is not tried again."""
LOST = f"ProcessLost: the process ended {TRIES} times while this was tried, without a word"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Starts:
    """Counts how often a process has ended without a word while a trial went on.

    Starts before the machine's last start do not count: those processes ended with it.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._path = folder.path / STARTS
        self._boot = ""
        with suppress(OSError):
            self._boot = _BOOT.read_text(encoding="ascii").strip()
        self._before = 0
        self._count: Counter[str] = Counter()
        for line in journal.read(self._path, _check):
            if line["boot"] == self._boot:
                self._count[line["trial"]] += 1

    def lost(self, trial: str) -> bool:
        """Whether a trial is not to be tried again."""
        return self._count[trial] >= TRIES

    def begin(self, trial: str) -> None:
        """Note that a trial begins; it is on disk when this returns."""
        self._before = self._path.stat().st_size if self._path.exists() else 0
        journal.append(self._path, {"trial": trial, "boot": self._boot})
        self._count[trial] += 1

    def end(self, trial: str) -> None:
        """Take back that the last trial began: the process has outlived it, or was asked to leave it.

        A full disk, which may be why, does not hinder that.
        """
        os.truncate(self._path, self._before)
        self._count[trial] -= 1

    def close(self) -> None:
        """Remove the notes: all trials have ended."""
        self._path.unlink(missing_ok=True)


def _check(line: dict[str, object]) -> None:
    if not (isinstance(line["trial"], str) and isinstance(line["boot"], str)):
        raise TypeError("no note of a start")
