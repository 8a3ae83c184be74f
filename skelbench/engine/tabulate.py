"""Measuring a table: every architecture of a space trained from scratch with several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.console import Screen
from skelbench.data.fingerprint import raw_digest, short
from skelbench.engine.data import LoadedData, load_data
from skelbench.engine.machine import end_run, is_machines
from skelbench.errors import SpecError, described
from skelbench.host import stopping
from skelbench.host.registry import load_registry
from skelbench.results.lock import exclusive
from skelbench.search import Sample
from skelbench.space.equal import network_hash
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.tables.measured import Journal, Training
from skelbench.training.cost import cost, latency
from skelbench.training.devices import check_devices, device_kind, precision_name
from skelbench.training.module import Batch
from skelbench.training.plain import HeldOut, Look, look, train_plainly
from skelbench.training.seed import environment, seed_everything

ORDER_SEED = 20_261_126
"""Seed of the order in which architectures are trained, the same for every table."""
MOST_ARCHITECTURES = 20_000
_MOST_KEPT = 2**30
_BATCH = 128


@dataclass(frozen=True)
class TableOptions:
    """What the command line adds to a spec.

    Attributes:
        data: Raw data or a store.
        seeds: Trainings of each architecture.
        pilot: Train only the first so many architectures of the order; None trains all.
        folder: The table's folder; None is ``tables/NAME``.
        profile: A profile of the spec.
        sets: Changes of single keys.
        accelerator: ``cpu`` or ``gpu``.
    """

    data: Path
    seeds: int = 3
    pilot: int | None = None
    folder: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    accelerator: str = "cpu"

    @property
    def device(self) -> str:
        """Torch's name of the device."""
        return device_kind(self.accelerator)


def make_table(spec: str, options: TableOptions) -> Path:
    """Train what a table still lacks, each training from scratch with a seed of its own.

    All seeds of an architecture follow each other, and architectures come in an order drawn once and for
    all, so that what is there after any interruption is a random sample of the space.

    Args:
        spec: A spec file or the name of a shipped one.
        options: What the command line adds.

    Returns:
        The table's folder.

    Raises:
        SkelbenchError: The input is wrong, or the folder holds another table.
    """
    checked = check_spec(load_spec(spec, profile=options.profile, sets=options.sets), load_registry())
    _confirm(checked, options)
    torch.set_num_threads(1)  # one thread a training: what a table is compared by
    folder = options.folder or Path("tables") / checked.spec.name
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen()
    with exclusive(folder / "lock"):
        journal = Journal(folder)
        by_seed = [SeedData(checked, options, seed, screen) for seed in range(options.seeds)]
        journal.begin(identity(checked, by_seed), environment(options.device))
        done = journal.done()
        samples = list(checked.space.enumerate())
        every = training_order(different_networks(checked))
        order = every[: options.pilot]
        todo = [(n, given) for n in order for given in by_seed if (n, given.seed) not in done]
        all_of_it = len(order) * len(by_seed)
        screen.say(f"{len(every)} different networks; {len(todo)} of {all_of_it} trainings to do")
        with screen.bar("trainings", len(todo)) as advance:
            for number, given in todo:
                _measure(journal, given, number, samples[number], screen)
                advance(1)
    return folder


def identity(checked: Checked, by_seed: Sequence[SeedData]) -> dict[str, Any]:
    """What all trainings of a table share; the held-out clips by seed."""
    first = by_seed[0]
    return {
        "name": checked.spec.name,
        "hash": checked.resolved.table_hash,
        "spec": checked.resolved.dump(),
        "dataset": checked.dataset.name,
        "protocol": checked.protocol,
        "split": first.loaded.split.fingerprint,
        "data": short(raw_digest(first.loaded.clips)),
        "synthetic": first.loaded.clips.synthetic,
        "precision": precision_name(checked.spec.train.precision, first.device),
        "epochs": checked.spec.train.epochs,
        "test_clips": len(first.loaded.split.test),
    }


def different_networks(checked: Checked) -> dict[int, int]:
    """For the number of each architecture in the space's own order, that of the first that is its network."""
    first: dict[str, int] = {}
    keys = (network_hash(checked.network, sample) for sample in checked.space.enumerate())
    return {number: first.setdefault(key, number) for number, key in enumerate(keys)}


def training_order(networks: Mapping[int, int]) -> list[int]:
    """The order in which networks are trained: that of architectures drawn at random, as a search draws them.

    A network that many architectures are comes earlier than one that is a single one.

    Args:
        networks: See `different_networks`.
    """
    numbers = np.random.default_rng(ORDER_SEED).permutation(len(networks))
    return list(dict.fromkeys(networks[int(number)] for number in numbers))


class SeedData:
    """All that the trainings of one seed share: the clips, cut and changed once for all of them.

    Args:
        checked: The spec.
        options: What the command line adds.
        seed: The seed; it also says which subjects are held out for validation.
        screen: Where progress is shown.
    """

    def __init__(self, checked: Checked, options: TableOptions, seed: int, screen: Screen) -> None:
        self.checked, self.seed, self.device = checked, seed, options.device
        cache = (options.folder or Path("tables") / checked.spec.name) / ".stores"
        self.loaded: LoadedData = load_data(checked, options.data, cache, seed, screen, held_out=seed)
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


def _measure(journal: Journal, given: SeedData, number: int, sample: Sample, screen: Screen) -> None:
    try:
        training = train_entry(given, number, sample)
    except BaseException as error:
        if is_machines(error) or stopping.stopped():
            stopping.raise_if_stopped()
            end_run(error)
        journal.fail(number, given.seed, described(error))
        screen.say(f"{number} seed {given.seed}  failed: {described(error)}")
        return
    journal.add(training)
    validation, test = (100 * hits.mean() for hits in (training.validation_hits, training.test_hits))
    shown = f"validation {validation:.1f} %  test {test:.1f} %  {sum(training.seconds):.1f} s"
    screen.say(f"{number} seed {given.seed}  {shown}")


def _confirm(checked: Checked, options: TableOptions) -> None:
    """Refuse what no table can be made of.

    Raises:
        SpecError: The space is too large, a video's, or holds what starts from other runs.
    """
    if checked.dataset.modality == "video":
        raise SpecError("tables of videos cannot be made yet", remedy="Take a space of skeletons")
    size = checked.space.size()
    if size > MOST_ARCHITECTURES:
        raise SpecError(
            f"the space has {size:,} architectures; a table holds {MOST_ARCHITECTURES:,} at most",
            remedy="Take a smaller space",
        )
    check_devices(options.accelerator)
    if checked.spec.train.accumulate > 1 or checked.spec.train.precision in ("tf32", "16"):
        what = "the trainings of a table compute in 32 or bf16 and accumulate no gradients"
        raise SpecError(what, where="train", remedy="Set train.precision and leave out train.accumulate")
