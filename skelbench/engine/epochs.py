"""The test scores of every epoch of a finished training: what choosing one of them would have added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skelbench.engine.reopen import reopen
from skelbench.engine.training import score_network
from skelbench.errors import RunFolderError
from skelbench.results.files import disk
from skelbench.results.store import CHECKPOINTS, RunFolder
from skelbench.training.checkpoint import stored
from skelbench.training.fit import EPOCHS

CURVE = "epochs.json"


def score_epochs(path: Path, data: Path | None = None) -> list[dict[str, Any]]:
    """Score the network of every kept epoch on the test split, and write the curve into the run's folder.

    The record stays what it is: its row was scored once, after the last epoch. An epoch that is chosen by
    these figures is chosen on the test split.

    Args:
        path: The run folder.
        data: Where the recordings are now; None is where the run had them.

    Returns:
        For each epoch its number and the spec's metrics.

    Raises:
        RunFolderError: The run is not finished, or it kept no epochs.
        DataError: The recordings are gone, or they are others than the run's.
    """
    RunFolder(path).finished()
    files = sorted((path / CHECKPOINTS / "train" / EPOCHS).glob("*.pt"))
    if not files:
        remedy = "Train it with --keep-epochs (and --no-resume, to begin anew)"
        raise RunFolderError("the run kept no epochs", where=path, remedy=remedy)
    opened = reopen(path, data)
    found = []
    for file in files:
        with disk(file, "read the weights"):
            opened.network.load_state_dict(stored(file))
        _, metrics = score_network(opened.job, opened.network)
        found.append({"epoch": int(file.stem)} | metrics)
    opened.job.folder.write_text(CURVE, json.dumps(found, indent=1) + "\n")
    return found


def curve_text(found: list[dict[str, Any]]) -> str:
    """The curve as lines, with what choosing its best epoch would have added to the last one."""
    first = next(name for name in found[0] if name != "epoch")
    lines = [f"epoch {row['epoch']:4d}  {first} {row[first]:.2f}" for row in found]
    best = max(found, key=lambda row: row[first])
    added = best[first] - found[-1][first]
    told = f"best on the test split: epoch {best['epoch']}, {best[first]:.2f}; choosing it adds {added:.2f}"
    return "\n".join([*lines, told, "no row is chosen so; the curve is in epochs.json"])
