"""Entries of a table: one architecture trained from scratch with one seed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from skelbench.check.checked import Checked
from skelbench.console import Screen
from skelbench.engine.data import LoadedData, load_data
from skelbench.search import Sample
from skelbench.space.network import build_network
from skelbench.tables.measured import Training
from skelbench.training.cost import cost, latency
from skelbench.training.module import Batch
from skelbench.training.plain import HeldOut, Look, look, train_plainly
from skelbench.training.seed import seed_everything

_MOST_KEPT = 2**30
_BATCH = 128


class SeedData:
    """All that the trainings of one seed share: the clips, cut and changed once for all of them.

    Args:
        checked: The spec.
        data: Raw data or a store.
        cache: Where a store made of raw data is kept.
        seed: The seed; it also says which subjects are held out for validation.
        device: Torch's name of the device.
        screen: Where progress is shown.
    """

    def __init__(
        self, checked: Checked, data: Path, cache: Path, seed: int, device: str, screen: Screen
    ) -> None:
        self.checked, self.seed, self.device = checked, seed, device
        self.loaded: LoadedData = load_data(checked, data, cache, seed, screen, held_out=seed)
        self._kept: dict[int, list[Batch]] = {}

    def batches(self, epoch: int) -> list[Batch]:
        """The batches of an epoch, as `skelbench train` has them; kept as far as memory may be used."""
        if epoch in self._kept:
            return self._kept[epoch]
        self._loader.set_epoch(epoch)
        made = [tuple(part.to(self.device) for part in batch) for batch in self._loader]
        size = sum(x.numel() * x.element_size() for x, *_ in made)
        if size * self.checked.spec.train.epochs < _MOST_KEPT:
            self._kept[epoch] = made
        return made

    @cached_property
    def _loader(self) -> Any:
        return self.loaded.train_loader(self.checked.spec.train, whole=False)

    @cached_property
    def validation(self) -> HeldOut:
        """One clip of each validation recording."""
        return HeldOut.of(list(self.loaded.validation_loader(_BATCH)), self.device)

    @cached_property
    def test(self) -> HeldOut:
        """One clip of each test recording."""
        return HeldOut.of(list(self.loaded.test_loader()), self.device)


def train_entry(given: SeedData, number: int, sample: Sample) -> Training:
    """Train one architecture from scratch, and look at its validation and test clips after each epoch.

    Raises:
        WorkFailed: The loss is not finite.
    """
    checked = given.checked
    seed_everything(given.seed)
    network = build_network(checked.network, sample, checked.context())
    looks: list[tuple[Look, Look]] = []
    rows: list[tuple[float, float]] = []

    def after_epoch(epoch: int, loss: float, seconds: float) -> None:
        looks.append((look(network, given.validation), look(network, given.test)))
        rows.append((loss, seconds))

    train_plainly(network, checked.spec.train, given.batches, after_epoch, given.device)
    counted = cost(network, checked.clip_shape())
    validation, test = looks[-1]
    return Training(
        architecture=number,
        seed=given.seed,
        choices=sample,
        params=counted.params,
        macs=counted.macs,
        latency_ms=round(latency(network, given.validation.x, given.device).ms, 4),
        validation=[val.right for val, _ in looks],
        test=[seen.right for _, seen in looks],
        validation_loss=[round(val.loss, 5) for val, _ in looks],
        test_loss=[round(seen.loss, 5) for _, seen in looks],
        train_loss=[round(loss, 5) for loss, _ in rows],
        seconds=[round(seconds, 4) for _, seconds in rows],
        validation_hits=validation.hits,
        test_hits=test.hits,
    )
