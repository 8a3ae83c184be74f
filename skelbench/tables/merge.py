"""Tables of one spec, one split and one recipe put together: each brings trainings that the others lack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skelbench.tables.measured import Training
from skelbench.tables.pack import confirm_same, header_of, packed, sizes_of, unpacked, write_worthy
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
        confirm_same(table, path, {**told, "test_clips": first.header["test_clips"][0]}, than=paths[0])
    trainings: dict[tuple[int, int], Training] = {}
    for table in tables:
        for training in unpacked(table):
            trainings.setdefault((training.architecture, training.seed), training)
    listed = list(trainings.values())
    epochs = first.arrays["validation"].shape[2]
    seeds, arrays = packed(listed, first.arrays["network"].tolist(), epochs)
    places = [place for table in tables for place in table.header["environments"]]
    header = header_of(told, places, {name: first.header[name] for name in _SPACE}, sizes_of(listed, seeds))
    header |= {
        name: first.header[name] for name in ("skelbench", "licence", "citation") if name in first.header
    }
    header["failures"] = [failure for table in tables for failure in table.header.get("failures", [])]
    return write_worthy(out, header, arrays, where=out, force=force)
