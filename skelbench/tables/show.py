"""Tables for reading: what one holds, its best architectures, and where one architecture stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from skelbench.errors import DataError, SkelbenchError
from skelbench.host.registry import Registry
from skelbench.search import Sample
from skelbench.tables.catalog import file_of
from skelbench.tables.quality import Quality, measure_quality, spearman
from skelbench.tables.table import Table

Row = dict[str, Any]


def listed(registry: Registry) -> list[Row]:
    """A row for each registered table; one that cannot be read says why."""
    rows = []
    for entry in registry.entries("table"):
        row: Row = {"name": entry.component.name, "origin": entry.origin, "problem": ""}
        try:
            rows.append({**row, **_counts(Table.read(file_of(entry.component)))})
        except SkelbenchError as error:
            rows.append({**row, **dict.fromkeys(_COUNTS, ""), "problem": str(error)})
    return rows


_COUNTS = ("architectures", "complete", "seeds", "epochs", "dataset")


def _counts(table: Table) -> Row:
    figures = (
        len(table.complete),
        int(table.complete.sum()),
        len(table.seeds),
        table.epochs,
        table.header["dataset"],
    )
    return {"name": table.name, **dict(zip(_COUNTS, figures, strict=True))}


def described(table: Table) -> Row:
    """A table as plain JSON data, without its arrays and its list of architectures."""
    left_out = ("architectures", "networks", "spec")
    header = {key: value for key, value in table.header.items() if key not in left_out}
    quality = _quality(table)
    return {**_counts(table), **header, "quality": quality.plain() if quality else None}


def summary(table: Table) -> str:
    """What a table holds and is worth, a few lines."""
    counts = _counts(table)
    lines = [
        f"{table.name}: {counts['complete']} of {counts['architectures']} architectures complete "
        f"({int(table.trained.sum())} of {len(table.trained)} different networks), "
        f"{counts['seeds']} seeds, {table.epochs} epochs, "
        f"{table.header['dataset']} {table.header['protocol']}",
        f"licence {table.header.get('licence') or 'not stated'}; precision {table.header['precision']}",
    ]
    if table.header["synthetic"]:
        lines.append("made of synthetic recordings: it says nothing about methods")
    quality = _quality(table)
    if quality is None:
        return "\n".join([*lines, "too few complete networks to tell signal from noise"])
    return "\n".join([*lines, *_worth(quality)])


def _worth(quality: Quality) -> list[str]:
    test, seen = quality.test, quality.validation
    gates = [
        f"{'passed' if passed else 'FAILED'}: {what} {value:.2f} ({bound})"
        for what, value, bound, passed in quality.gates()
    ]
    return [
        f"test top-1 {quality.lowest:.1f} to {quality.highest:.1f} %, "
        f"{quality.shrunken_best:.1f} with the luck of the best taken out",
        f"between networks {test.between:.2f} points, between seeds {test.seed:.2f}, "
        f"reliability of one seed {test.reliability:.2f}",
        "reliability of one seed on validation: "
        + ", ".join(f"{name} {part.reliability:.2f}" for name, part in seen.items()),
        *(_early(name, found) for name, found in quality.early.items()),
        f"two seeds of a network disagree on {quality.disagreement:.0f} % of the test clips",
        *gates,
    ]


def _early(objective: str, found: dict[int, float]) -> str:
    ranks = ", ".join(f"{value:.2f} after {epochs}" for epochs, value in found.items())
    return f"rank correlation of one seed's validation ({objective}) with test: {ranks} epochs"


def _quality(table: Table) -> Quality | None:
    try:
        return measure_quality(table)
    except DataError:
        return None


def best(table: Table, count: int) -> list[Row]:
    """The best complete networks by mean test top-1."""
    order = np.argsort(-np.where(table.trained, table.truth, -np.inf), kind="stable")
    rows = [int(row) for row in order[:count] if table.trained[row]]
    return [_row(table, rank, row) for rank, row in enumerate(rows, start=1)]


def _row(table: Table, rank: int, row: int) -> Row:
    sample = table.header["architectures"][table.header["networks"][row]]
    test = table.test()[row]
    return {
        "rank": rank,
        "top1": round(float(test.mean()), 2),
        "std": round(float(test.std(ddof=1)), 2) if len(test) > 1 else "",
        "validation": round(float(table.validation("top1")[row].mean()), 2),
        "kparams": round(float(table.arrays["params"][row]) / 1e3, 1),
        "mmacs": round(float(table.arrays["macs"][row]) / 1e6, 2),
        "seconds": round(float(table.seconds()[row].mean()), 1),
        "architecture": ", ".join(map(str, sample.values())),
    }


def placed(table: Table, choices: Sample) -> Row:
    """Where an architecture stands among the complete networks.

    Raises:
        SpecError: It is not of the table's space.
        DataError: It is a hole.
    """
    canonical = table.canonical(choices)
    row = table.row(canonical)
    known = table.truth[table.trained]
    own = float(table.truth[row])
    return {
        "table": table.name,
        "architecture": canonical,
        "top1": round(own, 2),
        "rank": int((known > own).sum()) + 1,
        "of": len(known),
        "better than (%)": round(100 * float((known < own).mean()), 1),
        "regret": round(float(known.max() - own), 2),
    }


def agreement(table: Table, figures: np.ndarray) -> float:
    """Spearman's rank correlation of a figure for each network, (networks,), with the table's truth."""
    known = table.trained & np.isfinite(figures)
    return spearman(figures[known], table.truth[known])
