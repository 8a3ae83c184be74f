"""What a table is made of: one training of one architecture with one seed, and the journal of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import RunFolderError
from skelbench.results import journal
from skelbench.search import Sample

JOURNAL = "journal.jsonl"
"""File of a table's folder, a line a training; its first line is the table's identity."""
CURVES = ("validation", "test", "validation_loss", "test_loss", "train_loss", "seconds")
"""The figures of every epoch."""


@dataclass(frozen=True)
class Training:
    """One architecture trained once, from scratch.

    Attributes:
        architecture: Its number in the space's own order.
        seed: Seed of weights, batches and random changes, and of the subjects held out for validation.
        choices: Its decisions.
        params: Parameters.
        macs: Multiply-accumulates of one clip.
        latency_ms: Median milliseconds of one clip, on the device of the training.
        validation: Right answers on the validation clips after each epoch.
        test: Right answers on the test clips after each epoch.
        validation_loss: Mean cross-entropy on the validation clips after each epoch.
        test_loss: Mean cross-entropy on the test clips after each epoch.
        train_loss: Mean loss of each epoch's training clips.
        seconds: Seconds of each epoch's training, of the processor where it is on one.
        validation_hits: Whether each validation clip is right at the end, in the order of their ids.
        test_hits: Whether each test clip is right at the end, in the order of their ids.
    """

    architecture: int
    seed: int
    choices: Sample
    params: int
    macs: int
    latency_ms: float
    validation: Sequence[int]
    test: Sequence[int]
    validation_loss: Sequence[float]
    test_loss: Sequence[float]
    train_loss: Sequence[float]
    seconds: Sequence[float]
    validation_hits: np.ndarray
    test_hits: np.ndarray

    def to_line(self) -> dict[str, Any]:
        """A journal line, plain JSON data."""
        bits = {name: _packed(getattr(self, name)) for name in ("validation_hits", "test_hits")}
        return {"kind": "training", **asdict(self), **bits}

    @classmethod
    def of_line(cls, line: dict[str, Any]) -> Training:
        """What `to_line` gave.

        Raises:
            KeyError: Something is missing.
            ValueError: Right or wrong per clip cannot be read.
        """
        given = {key: value for key, value in line.items() if key != "kind"}
        bits = {name: _unpacked(given[name]) for name in ("validation_hits", "test_hits")}
        return cls(**{**given, **bits})


class Journal:
    """A table in the making: its identity, its trainings and its failures, each on disk at once.

    A damaged line is named and left out, so that its training is done again.

    Args:
        folder: The table's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        self._lines = journal.read(self.path, _check_line)

    @property
    def identity(self) -> dict[str, Any] | None:
        """What all its trainings share; None before the first."""
        return next((line for line in self._lines if line.get("kind") == "table"), None)

    @property
    def environments(self) -> list[dict[str, Any]]:
        """Where the trainings took place, a line for each time that the work was taken up."""
        return [line for line in self._lines if line.get("kind") == "environment"]

    def begin(self, identity: dict[str, Any], environment: dict[str, Any]) -> None:
        """Take the work up, from the beginning or where it stopped.

        Raises:
            RunFolderError: The journal is of another table, or cannot be written.
        """
        line = {"kind": "table", **identity}
        if self.identity is None and self.done():
            what = "the line that says which table this is is damaged"
            raise RunFolderError(what, where=self.path, remedy="Choose another folder with --folder")
        if self.identity is None:
            self._add(line)
        elif differing := _differing(self.identity, line):
            raise RunFolderError(
                f"the table in this folder differs in {', '.join(differing)}",
                where=self.path,
                remedy="Choose another folder with --folder",
            )
        self.took_place(environment)

    def took_place(self, environment: Mapping[str, Any]) -> None:
        """Keep where the trainings that follow took place."""
        self._add({"kind": "environment", **environment})

    def add(self, training: Training) -> None:
        """Keep a training; it is on disk when this returns."""
        self._add(training.to_line())

    def fail(self, architecture: int, seed: int, error: str) -> None:
        """Keep that a training failed: it stays a hole."""
        self._add({"kind": "failure", "architecture": architecture, "seed": seed, "error": error})

    def done(self) -> set[tuple[int, int]]:
        """Architecture and seed of every training that has an end, good or bad."""
        ends = (line for line in self._lines if line.get("kind") in ("training", "failure"))
        return {(line["architecture"], line["seed"]) for line in ends}

    def failures(self) -> list[dict[str, Any]]:
        """The trainings that failed."""
        return [line for line in self._lines if line.get("kind") == "failure"]

    def trainings(self) -> list[Training]:
        """Every training."""
        return [Training.of_line(line) for line in self._lines if line.get("kind") == "training"]

    def _add(self, line: dict[str, Any]) -> None:
        journal.append(self.path, line)
        self._lines.append(line)


def _check_line(line: dict[str, Any]) -> None:
    """See that a line can be used.

    Raises:
        Exception: It cannot.
    """
    if line["kind"] in ("training", "failure") and not all(
        type(line[key]) is int for key in ("architecture", "seed")
    ):
        raise TypeError("architecture and seed are numbers")
    if line["kind"] == "training":
        training = Training.of_line(line)
        if len({len(getattr(training, curve)) for curve in CURVES}) != 1:
            raise ValueError("as many figures of each kind as there are epochs")


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The keys of two identities that differ; the hash stands for all in the spec that matters."""
    keys = (one.keys() | other.keys()) - {"spec"}
    return sorted(key for key in keys if one.get(key) != other.get(key))


def _packed(hits: np.ndarray) -> dict[str, Any]:
    bits = np.packbits(np.asarray(hits, dtype=bool)).tobytes()
    return {"clips": len(hits), "bits": base64.b64encode(bits).decode("ascii")}


def _unpacked(packed: dict[str, Any]) -> np.ndarray:
    bits = np.frombuffer(base64.b64decode(packed["bits"], validate=True), dtype=np.uint8)
    return np.unpackbits(bits, count=int(packed["clips"])).astype(bool)
