"""Tables of one spec, one split and one recipe put together: each brings trainings that the others lack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skelbench.errors import DataError, WorkFailed
from skelbench.tables.file import write_table
from skelbench.tables.measured import Training
from skelbench.tables.pack import clips_by_seed, header_of, other_table, packed, unpacked
from skelbench.tables.quality import shortcomings
from skelbench.tables.table import Table

_SPACE = ("points", "architectures", "networks", "fidelities")
_SAME = ("name", "hash", "spec", "dataset", "protocol", "split", "data", "synthetic", "precision", "epochs")


def merge_tables(paths: Sequence[Path], out: Path, *, force: bool = False) -> Table:
    """Write one table of several; of a training that several hold, the first one's figures are taken.

    Args:
        paths: Files of the same table, such as of other seeds, or of other architectures.
        out: The file to write.
        force: Also write one that has holes or fails a gate; it says so.

    Raises:
        DataError: They are no tables, or of another spec, split or recipe than the first.
        WorkFailed: What they make has holes or fails a gate.
    """
    first, *others = tables = [Table.read(path) for path in paths]
    told = {key: first.header[key] for key in _SAME if key in first.header}
    for table, path in zip(others, paths[1:], strict=True):
        clips = {"test_clips": first.header["test_clips"][0]}
        if differing := other_table(table, {**told, **clips}):
            what = f"this table differs in {', '.join(differing)} from {paths[0]}"
            raise DataError(what, where=path, remedy="Give tables of the same spec, recordings and precision")
    trainings: dict[tuple[int, int], Training] = {}
    for table in tables:
        for training in unpacked(table):
            trainings.setdefault((training.architecture, training.seed), training)
    listed = list(trainings.values())
    epochs = first.arrays["validation"].shape[2]
    seeds, arrays = packed(listed, first.arrays["network"].tolist(), epochs)
    sizes: dict[str, Any] = {"seeds": seeds}
    sizes |= {f"{part}_clips": clips_by_seed(listed, seeds, part) for part in ("validation", "test")}
    places = [place for table in tables for place in table.header["environments"]]
    header = header_of(told, places, {name: first.header[name] for name in _SPACE}, sizes)
    header |= {
        name: first.header[name] for name in ("skelbench", "licence", "citation") if name in first.header
    }
    header["failures"] = [failure for table in tables for failure in table.header.get("failures", [])]
    wanting = shortcomings(Table(header, arrays, ""))
    if wanting and not force:
        remedy = "Give more of it, or write it all the same with --force"
        raise WorkFailed(f"the table {'; '.join(wanting)}", where=out, remedy=remedy)
    write_table(out, {**header, "shortcomings": wanting}, arrays)
    return Table.read(out)
