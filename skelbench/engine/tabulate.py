"""Measuring a table: every architecture of a space trained from scratch with several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.console import Screen
from skelbench.data.fingerprint import raw_digest, short
from skelbench.engine.engine_given import open_workers
from skelbench.engine.entries import SeedData, train_entry
from skelbench.engine.machine import GO_ON, end_run, is_machines
from skelbench.engine.workers.pool import Pool
from skelbench.engine.workers.work import Answer
from skelbench.errors import SpecError, WorkFailed, described
from skelbench.host import stopping
from skelbench.host.registry import load_registry
from skelbench.results.lock import exclusive
from skelbench.space.equal import network_hash
from skelbench.spec.resolve import load_spec
from skelbench.tables.measured import Journal, Training
from skelbench.tables.pack import confirm_same, unpacked
from skelbench.tables.table import Table
from skelbench.training.devices import check_devices, device_kind, precision_name
from skelbench.training.seed import environment

Entry = tuple[int, int]
"""The number of an architecture and a seed."""
ORDER_SEED = 20_261_126
"""Seed of the order in which architectures are trained, the same for every table."""
MOST_ARCHITECTURES = 20_000


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
        packed: Files of the same table, whose trainings are taken over.
        workers: Worker processes, a number or ``auto``; None: none.
        ray: Address of a Ray cluster, or ``local``.
    """

    data: Path
    seeds: int = 3
    pilot: int | None = None
    folder: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    accelerator: str = "cpu"
    packed: tuple[Path, ...] = ()
    workers: int | str | None = None
    ray: str | None = None

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
        rooms = Rooms(checked, options, folder, screen)
        by_seed = [rooms[seed] for seed in range(options.seeds)]
        journal.begin(identity(checked, by_seed), environment(options.device))
        for path in options.packed:
            screen.say(f"{_take(journal, path)} trainings taken over from {path}")
        done = journal.done()
        every = training_order(different_networks(checked))
        order = every[: options.pilot]
        todo = [(n, given.seed) for n in order for given in by_seed if (n, given.seed) not in done]
        all_of_it = len(order) * len(by_seed)
        screen.say(f"{len(every)} different networks; {len(todo)} of {all_of_it} trainings to do")
        with screen.bar("trainings", len(todo)) as advance:
            for entry, answer in _answers(spec, rooms, todo, options):
                _keep(journal, entry, answer, screen)
                advance(1)
    return folder


class Rooms:
    """The recordings as each seed divides them, opened when they are first asked for; sent to workers closed.

    Args:
        checked: The spec.
        options: What the command line adds.
        folder: The table's folder.
        screen: Where progress is shown.
    """

    def __init__(self, checked: Checked, options: TableOptions, folder: Path, screen: Screen) -> None:
        self._checked, self._options, self._folder, self._screen = checked, options, folder, screen
        self._open: dict[int, SeedData] = {}

    def __getitem__(self, seed: int) -> SeedData:
        if seed not in self._open:
            given = self._options.data, self._folder / ".stores", seed, self._options.device
            self._open[seed] = SeedData(self._checked, *given, self._screen)
        return self._open[seed]

    def train(self, entry: Entry) -> Training:
        """Train an architecture with a seed.

        Raises:
            WorkFailed: The loss is not finite.
        """
        number, seed = entry
        samples = self._checked.space.enumerate()
        return train_entry(self[seed], number, next(islice(samples, number, None)))


class EntryWork:
    """What a worker does with each entry.

    Args:
        spec: The spec.
        options: What the command line adds.
    """

    def __init__(self, spec: str, options: TableOptions) -> None:
        self._spec, self._options = spec, options

    def __call__(self, entry: Entry) -> Training:
        """Train it, on one thread."""
        torch.set_num_threads(1)
        return self._rooms.train(entry)

    @cached_property
    def _rooms(self) -> Rooms:
        options = self._options
        checked = check_spec(
            load_spec(self._spec, profile=options.profile, sets=options.sets), load_registry()
        )
        folder = options.folder or Path("tables") / checked.spec.name
        return Rooms(checked, options, folder, Screen(quiet=True))


def _answers(
    spec: str, rooms: Rooms, todo: Sequence[Entry], options: TableOptions
) -> Iterator[tuple[Entry, Answer]]:
    """Every entry with what became of it, as it ends."""
    if options.workers is None and options.ray is None:
        for entry in todo:
            yield entry, _tried(rooms, entry)
        return
    workers = open_workers(options.workers, options.ray, load_registry())
    with Pool(workers, EntryWork(spec, options)) as pool:
        for number, entry in enumerate(todo):
            pool.submit(number, entry)
        while pool.pending:
            yield from ((todo[number], ended) for number, ended in pool.wait())


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


def _tried(rooms: Rooms, entry: Entry) -> Answer:
    try:
        return Answer(rooms.train(entry))
    except BaseException as error:
        if is_machines(error) or stopping.stopped():
            stopping.raise_if_stopped()
            end_run(error)
        return Answer(error=described(error))


def _take(journal: Journal, path: Path) -> int:
    """Take trainings over from a table's file; says how many were not there yet.

    Raises:
        DataError: The file is none, or is another table.
    """
    table = Table.read(path)
    confirm_same(table, path, journal.identity or {})
    done = journal.done()
    fresh = [training for training in unpacked(table) if (training.architecture, training.seed) not in done]
    for place in table.header["environments"] if fresh else ():
        journal.took_place(place)
    for training in fresh:
        journal.add(training)
    return len(fresh)


def _keep(journal: Journal, entry: Entry, ended: Answer, screen: Screen) -> None:
    number, seed = entry
    if ended.error:
        stopping.raise_if_stopped()
        if ended.machine:
            raise WorkFailed(f"the machine failed a training: {ended.error}", remedy=GO_ON)
        journal.fail(number, seed, ended.error)
        screen.say(f"{number} seed {seed}  failed: {ended.error}")
        return
    training: Training = ended.value
    journal.add(training)
    validation, test = (100 * hits.mean() for hits in (training.validation_hits, training.test_hits))
    shown = f"validation {validation:.1f} %  test {test:.1f} %  {sum(training.seconds):.1f} s"
    screen.say(f"{number} seed {seed}  {shown}")


def _confirm(checked: Checked, options: TableOptions) -> None:
    """Refuse what no table can be made of.

    Raises:
        SpecError: The space is too large, or its recordings are scored over several clips.
    """
    size = checked.space.size()
    if size > MOST_ARCHITECTURES:
        raise SpecError(
            f"the space has {size:,} architectures; a table holds {MOST_ARCHITECTURES:,} at most",
            remedy="Take a smaller space",
        )
    evaluate = checked.spec.evaluate
    if evaluate.views * evaluate.crops > 1:
        what = f"a table scores one clip of a recording, not {evaluate.views} views of {evaluate.crops} crops"
        raise SpecError(what, where="evaluate", remedy="Set evaluate.views and evaluate.crops to 1")
    check_devices(options.accelerator)
    if checked.spec.train.accumulate > 1 or checked.spec.train.precision in ("tf32", "16"):
        what = "the trainings of a table compute in 32 or bf16 and accumulate no gradients"
        raise SpecError(what, where="train", remedy="Set train.precision and leave out train.accumulate")
