"""From a journal to a table's file; what was not trained stays a hole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError, RunFolderError, WorkFailed
from skelbench.tables.file import FIGURES, HITS, PER_NETWORK, write_table
from skelbench.tables.measured import Training
from skelbench.tables.quality import shortcomings
from skelbench.tables.table import Table

_TYPES = {"validation": np.uint16, "test": np.uint16}
REGRET = (
    "Test top-1 (percent, mean over seeds) of the best architecture, minus that of the incumbent: the "
    "architecture of the highest validation figure among those evaluated, by the one seed that was seen."
)


def packed(
    trainings: Sequence[Training], networks: Sequence[int], epochs: int
) -> tuple[list[int], dict[str, np.ndarray]]:
    """Arrays of a table by (network, seed, epoch).

    Args:
        trainings: What was measured, in any order.
        networks: For each architecture, the row of its network.
        epochs: Epochs of a whole training.

    Returns:
        The seeds, and the arrays.

    Raises:
        RunFolderError: There is nothing, or a training has other sizes than the rest.
    """
    if not trainings:
        raise RunFolderError("nothing was measured yet", remedy="Run `skelbench table make` first")
    seeds = sorted({training.seed for training in trainings})
    arrays = _empty(trainings, seeds, max(networks) + 1, epochs)
    for training in trainings:
        place = networks[training.architecture], seeds.index(training.seed)
        try:
            _put(arrays, place, training)
        except (ValueError, IndexError) as error:
            what = f"architecture {training.architecture}, seed {training.seed} has other sizes: {error}"
            raise RunFolderError(what, remedy="Remove its line from the journal") from error
    return seeds, {**arrays, "network": np.asarray(networks, dtype=np.uint32)}


def unpacked(table: Table) -> list[Training]:
    """The trainings in a table's file, as a journal has them."""
    places = np.argwhere(table.arrays["measured"]).tolist()
    return [Training(**_training(table, row, place)) for row, place in places]


def _training(table: Table, row: int, place: int) -> dict[str, Any]:
    """The fields of one training."""
    header, number = table.header, table.header["networks"][row]
    given: dict[str, Any] = {"architecture": int(number), "seed": header["seeds"][place]}
    given["choices"] = header["architectures"][number]
    for name in FIGURES:
        figures = table.arrays[name][row, place].tolist()
        given[name] = figures if name in _TYPES else [round(figure, 5) for figure in figures]
    for name in HITS:
        clips = header[name.replace("hits", "clips")][place]
        given[name] = np.unpackbits(table.arrays[name][row, place], count=clips).astype(bool)
    for name in PER_NETWORK:
        given[name] = round(table.arrays[name][row].item(), 4)
    return given


def other_table(table: Table, identity: Mapping[str, Any]) -> list[str]:
    """In what a table differs from one in the making; nothing where both are the same."""
    clips = table.header["test_clips"][0]
    told = {**table.header, "test_clips": clips}
    return sorted(key for key in identity.keys() - {"kind", "spec"} if told.get(key) != identity[key])


def confirm_same(table: Table, path: Path, identity: Mapping[str, Any], than: Path | None = None) -> None:
    """See that a file is of the same table as another one, or as one in the making.

    Args:
        table: What the file holds.
        path: The file.
        identity: What all trainings of a table share.
        than: The other file, where there is one.

    Raises:
        DataError: It is not.
    """
    if differing := other_table(table, identity):
        what = f"this table differs in {', '.join(differing)}" + (f" from {than}" if than else "")
        raise DataError(what, where=path, remedy="Give a table of the same spec, recordings and precision")


def sizes_of(trainings: Sequence[Training], seeds: Sequence[int]) -> dict[str, Any]:
    """``seeds``, ``validation_clips`` and ``test_clips`` as a header has them."""
    clips = {f"{part}_clips": clips_by_seed(trainings, seeds, part) for part in ("validation", "test")}
    return {"seeds": list(seeds), **clips}


def write_worthy(
    out: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, where: Path, force: bool
) -> Table:
    """Write a table's file, unless it is not worth one.

    Args:
        out: The file.
        header: What it says of itself, but for what it lacks.
        arrays: Its arrays.
        where: What an error names.
        force: Also write a table that has holes or fails a gate; it says so.

    Raises:
        WorkFailed: The table has holes or fails a gate.
    """
    wanting = shortcomings(Table({**header}, dict(arrays), ""))
    if wanting and not force:
        remedy = "Go on measuring, choose another space, or write it all the same with --force"
        raise WorkFailed(f"the table {'; '.join(wanting)}", where=where, remedy=remedy)
    write_table(out, {**header, "shortcomings": wanting}, dict(arrays))
    return Table.read(out)


def clips_by_seed(trainings: Sequence[Training], seeds: Sequence[int], part: str) -> list[int]:
    """How many clips each seed holds out for validation, or tests on."""
    counts = {training.seed: len(getattr(training, f"{part}_hits")) for training in trainings}
    return [counts[seed] for seed in seeds]


def _empty(
    trainings: Sequence[Training], seeds: Sequence[int], rows: int, epochs: int
) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {"measured": np.zeros((rows, len(seeds)), dtype=bool)}
    for name in FIGURES:
        arrays[name] = np.zeros((rows, len(seeds), epochs), dtype=_TYPES.get(name, np.float32))
    for name in HITS:
        width = max(len(getattr(training, name)) for training in trainings)
        arrays[name] = np.zeros((rows, len(seeds), (width + 7) // 8), dtype=np.uint8)
    for name in PER_NETWORK:
        arrays[name] = np.zeros(rows, dtype=np.float32 if name == "latency_ms" else np.int64)
    return arrays


def _put(arrays: Mapping[str, np.ndarray], place: tuple[int, int], training: Training) -> None:
    for name in FIGURES:
        arrays[name][place] = getattr(training, name)
    for name in HITS:
        bits = np.packbits(getattr(training, name))
        arrays[name][place][: len(bits)] = bits
    for name in PER_NETWORK:
        arrays[name][place[0]] = getattr(training, name)
    arrays["measured"][place] = True


def header_of(
    identity: Mapping[str, Any],
    environments: Sequence[Mapping[str, Any]],
    space: Mapping[str, Any],
    sizes: Mapping[str, Any],
) -> dict[str, Any]:
    """What a table's file says of itself.

    Args:
        identity: The journal's first line.
        environments: Where the trainings took place; each once.
        space: ``points``, ``architectures``, ``networks`` and ``fidelities``.
        sizes: ``seeds``, ``validation_clips`` and ``test_clips``.
    """
    told = {key: value for key, value in identity.items() if key not in ("kind", "test_clips")}
    where: list[Mapping[str, Any]] = []
    for environment in environments:
        plain = {key: value for key, value in environment.items() if key != "kind"}
        if plain not in where:
            where.append(plain)
    return {**told, "environments": where, "regret": REGRET, **space, **sizes}
