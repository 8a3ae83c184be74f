"""A made-up table: known signal and noise, no training."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.search import Point
from skelbench.tables.file import write_table

EPOCHS, SEEDS, VALIDATION, TEST = 4, 3, 200, 400
FIDELITIES = [1, 2, 4]


def points(places: int = 3, options: int = 4) -> list[Point]:
    names = tuple(f"option{i}" for i in range(options))
    return [Point(f"slot_{i}", "choice", names) for i in range(places)]


def parts(
    *, places: int = 3, options: int = 4, signal: float = 8.0, noise: float = 1.0, seed: int = 0
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a complete table, in which every architecture is a network of its own."""
    rng = np.random.default_rng(seed)
    decisions = points(places, options)
    architectures = [
        dict(zip((p.label for p in decisions), drawn, strict=True))
        for drawn in itertools.product(*(p.options for p in decisions))
    ]
    rows = len(architectures)
    truth = 70 + signal * rng.standard_normal(rows)
    shape = (rows, SEEDS, EPOCHS)
    grown = np.linspace(0.7, 1.0, EPOCHS)
    accuracy = np.clip((truth[:, None] + noise * rng.standard_normal(shape[:2]))[..., None] * grown, 1, 99)
    hits = {
        clips: np.packbits(np.arange(clips) < np.round(accuracy[..., -1] * clips / 100)[..., None], axis=2)
        for clips in (VALIDATION, TEST)
    }
    arrays = {
        "network": np.arange(rows, dtype=np.uint32),
        "measured": np.ones(shape[:2], dtype=bool),
        "validation": np.round(accuracy * VALIDATION / 100).astype(np.uint16),
        "test": np.round(accuracy * TEST / 100).astype(np.uint16),
        "validation_loss": ((100 - accuracy) / 50).astype(np.float32),
        "test_loss": ((100 - accuracy) / 50).astype(np.float32),
        "train_loss": np.ones(shape, dtype=np.float32),
        "seconds": np.ones(shape, dtype=np.float32),
        "validation_hits": hits[VALIDATION],
        "test_hits": hits[TEST],
        "params": rng.integers(1000, 9000, rows),
        "macs": rng.integers(10**6, 10**7, rows),
        "latency_ms": np.ones(rows, dtype=np.float32),
    }
    header = {
        "name": "made",
        "hash": "0" * 64,
        "spec": "",
        "dataset": "made",
        "protocol": "made",
        "split": "0" * 64,
        "data": "0" * 12,
        "synthetic": True,
        "precision": "32",
        "epochs": EPOCHS,
        "fidelities": FIDELITIES,
        "points": [asdict(point) for point in decisions],
        "architectures": architectures,
        "networks": list(range(rows)),
        "seeds": list(range(SEEDS)),
        "validation_clips": [VALIDATION] * SEEDS,
        "test_clips": [TEST] * SEEDS,
        "environments": [],
        "regret": "",
    }
    return header, arrays


def write(path: Path, **changes: Any) -> Path:
    """A complete table as a file."""
    write_table(path, *parts(**changes))
    return path


def with_holes(path: Path, holes: list[int], **changes: Any) -> Path:
    """The same with one seed of some rows not trained."""
    header, arrays = parts(**changes)
    arrays["measured"][holes, -1] = False
    write_table(path, header, arrays)
    return path
