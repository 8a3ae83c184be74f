"""What zero-cost proxies say of a table's networks, held against the table's trainings."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from skelbench.console import Screen
from skelbench.engine.retrain import open_data
from skelbench.errors import SpecError, did_you_mean
from skelbench.recipe import Proxy
from skelbench.results.diagnosis import Diagnosis, Judged
from skelbench.space.network import build_network
from skelbench.tables.table import Table
from skelbench.training.proxies import PROXIES, rate
from skelbench.training.seed import seed_everything


def named(text: str) -> tuple[Proxy, ...]:
    """Proxies by their names, with commas.

    Raises:
        SpecError: There is none of a name.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PROXIES:
            raise SpecError(f"there is no proxy '{name}'", where="--by", remedy=did_you_mean(name, PROXIES))
    return tuple(proxy for proxy in PROXIES if proxy in names)


def judge_proxies(table: Table, data: Path, proxies: Sequence[Proxy], seed: int) -> list[Diagnosis]:
    """Rate every network of a table by proxies, untrained, on the first training batch.

    Args:
        table: The table.
        data: Its recordings.
        proxies: Which.
        seed: Of the table's seeds the one by whose first weights and batch networks are rated, by its place.

    Returns:
        For each proxy its figures beside the test top-1 of the table's trainings.

    Raises:
        DataError: The recordings are others than the table's.
    """
    torch.set_num_threads(1)
    rows, test = np.flatnonzero(table.trained).tolist(), table.test()
    found: dict[Proxy, list[Judged]] = {proxy: [] for proxy in proxies}
    with tempfile.TemporaryDirectory() as folder, Screen().bar("rated", len(rows)) as advance:
        given = open_data(table, data, Path(folder), seed % len(table.seeds))
        x, y, *_ = given.batches(0)[0]
        for row in rows:
            sample = table.header["architectures"][table.header["networks"][row]]
            seed_everything(given.seed)
            network = build_network(given.checked.network, sample, given.checked.context())
            figures = tuple(map(float, test[row]))
            for proxy in proxies:
                found[proxy].append(Judged(sample, rate(proxy, network, x, y), figures))
            advance(1)
    truth = f"test top-1 of {table.name}"
    return [Diagnosis(table.name, proxy, truth, len(rows), tuple(judged)) for proxy, judged in found.items()]
