"""Training entries of a table again, to see that they lie within the noise that the table states."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from skelbench.check.spec import check_spec
from skelbench.console import Screen
from skelbench.data.fingerprint import raw_digest, short
from skelbench.engine.entries import SeedData, train_entry
from skelbench.errors import DataError, WorkFailed
from skelbench.host.registry import load_registry
from skelbench.results.files import write_atomic
from skelbench.spec.resolve import load_spec
from skelbench.tables.quality import measure_quality
from skelbench.tables.table import Table

WIDTH = 4.0
"""Standard deviations between seeds that one training may differ: by chance one of 16,000 does."""


def check_entries(table: Table, data: Path, entries: int, seed: int) -> Iterator[str]:
    """Train architectures of a table again, with one of its seeds, and compare test top-1.

    Args:
        table: The table.
        data: Its recordings.
        entries: How many architectures.
        seed: Which ones are drawn.

    Yields:
        A line for each.

    Raises:
        DataError: The recordings are others than the table's.
        WorkFailed: One lies outside the noise.
    """
    torch.set_num_threads(1)
    noise = measure_quality(table).test.seed
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(table.trained))[:entries]
    with tempfile.TemporaryDirectory() as folder:
        given = open_data(table, data, Path(folder), seed % len(table.seeds))
        outside = []
        for row in rows:
            number = table.header["networks"][row]
            sample = table.header["architectures"][number]
            again = 100 * float(train_entry(given, number, sample).test_hits.mean())
            told = float(table.test()[row, table.seeds.index(given.seed)])
            if abs(again - told) > WIDTH * noise:
                outside.append(number)
            yield (
                f"{', '.join(map(str, sample.values()))}: {again:.2f} % now, {told:.2f} % in the table, "
                f"{abs(again - told) / noise:.1f} times the noise"
            )
    if outside:
        raise WorkFailed(f"architectures {outside} lie outside the noise of {noise:.2f} points")


def open_data(table: Table, data: Path, folder: Path, place: int) -> SeedData:
    """A table's recordings as one of its seeds divides them.

    Args:
        table: The table.
        data: The recordings.
        folder: For a store of them.
        place: Which of the table's seeds.

    Raises:
        DataError: They are others than the table's.
    """
    path = folder / "spec.yaml"
    write_atomic(path, table.header["spec"])
    checked = check_spec(load_spec(path), load_registry())
    given = SeedData(checked, data, folder / ".stores", table.seeds[place], "cpu", Screen())
    found = short(raw_digest(given.loaded.clips))
    if found != table.header["data"]:
        what = f"these recordings have the fingerprint {found}, the table's {table.header['data']}"
        raise DataError(what, where=data, remedy=f"Give the recordings of '{table.header['dataset']}'")
    return given
