"""From a table's folder to its file: what the journal measured, laid over the space of its spec."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from skelbench import __version__
from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.errors import RunFolderError
from skelbench.host.registry import load_registry
from skelbench.results.files import write_atomic
from skelbench.space.equal import network_hash
from skelbench.spec.resolve import load_spec
from skelbench.tables.measured import Journal
from skelbench.tables.pack import header_of, packed, sizes_of, write_worthy
from skelbench.tables.table import Table

SPEC = "spec.yaml"


def pack_table(folder: Path, out: Path, terms: dict[str, str], *, force: bool = False) -> Table:
    """Write the file of what was measured so far.

    Args:
        folder: A folder of `skelbench.engine.tabulate.make_table`.
        out: The file.
        terms: ``licence`` and ``citation``.
        force: Also write a table that has holes or fails a gate; it says so.

    Raises:
        RunFolderError: There is no journal, or it is damaged.
        WorkFailed: The table has holes or fails a gate.
    """
    journal = Journal(folder)
    identity = journal.identity
    if identity is None:
        raise RunFolderError(
            "there is no table in this folder", where=folder, remedy="Run `skelbench table make`"
        )
    checked = checked_spec(folder, identity)
    trainings = journal.trainings()
    space = space_of(checked)
    seeds, arrays = packed(trainings, space.pop("rows"), identity["epochs"])
    header = header_of(identity, journal.environments, space, sizes_of(trainings, seeds))
    made = {"skelbench": __version__, **terms, "failures": journal.failures()}
    return write_worthy(out, {**header, **made}, arrays, where=folder, force=force)


def checked_spec(folder: Path, identity: dict[str, Any]) -> Checked:
    """The spec that a table was measured by, from its own journal.

    Raises:
        SpecError: It does not fit what is installed here.
    """
    path = folder / SPEC
    write_atomic(path, identity["spec"])
    return check_spec(load_spec(path), load_registry())


def space_of(checked: Checked) -> dict[str, Any]:
    """The space as a table's header has it, and for each architecture the row of its network (``rows``)."""
    architectures = list(checked.space.enumerate())
    found: dict[str, int] = {}
    networks: list[int] = []
    rows = []
    for number, sample in enumerate(architectures):
        key = network_hash(checked.network, sample)
        if key not in found:
            found[key] = len(found)
            networks.append(number)
        rows.append(found[key])
    return {
        "points": [asdict(point) for point in checked.space.points],
        "architectures": architectures,
        "networks": networks,
        "fidelities": fidelities(checked),
        "rows": rows,
    }


def fidelities(checked: Checked) -> list[int]:
    """Epochs after which a training is exactly one of so many epochs: where the learning rate begins anew."""
    train = checked.spec.train
    at = train.schedule.restarts if train.schedule.name == "cosine" else ()
    if train.schedule.name in ("constant", "steps"):
        at = tuple(range(1, train.epochs))
    return [*(epoch for epoch in at if epoch < train.epochs), train.epochs]
