"""A spec so small that a whole run takes about a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.engine.job import RunOptions
from skelbench.engine.run import run_spec
from skelbench.host.registry import load_registry
from skelbench.results.record import Record
from skelbench.results.store import RunFolder
from skelbench.spec.resolve import load_spec

SHARED = {"strategy": {"name": "ceim", "population": 4, "warmup_epochs": 1}, "epochs": 3}
RANDOM_ON_SUPERNET = {"strategy": {"name": "random", "evaluations": 5}, "epochs": 2}
MIX = {"mix": {"label": "graph_{i}", "from": ["cheb.l", "cheb.l2", "dynamic.s"]}}
BLOCK = {"op": "stgcn_block", "channels": 4, "kernel": 3, "graph": MIX}


def spec(**changes: Any) -> dict[str, Any]:
    """The spec as plain data, with other values for some of its sections."""
    return {
        "skelbench": 1,
        "name": "tiny",
        "data": {"dataset": "ucla", "clip": {"frames": 8, "fill": "resize", "persons": 1}},
        "network": network(BLOCK, BLOCK),
        "search": SHARED,
        "train": {"epochs": 2, "batch_size": 16, "precision": "32", "optimizer": {"lr": 0.05}},
        "architectures": {"plain": {"choices": {"graph_1": ["cheb.l"], "graph_2": ["cheb.l", "dynamic.s"]}}},
    } | changes


def network(*body: Any) -> dict[str, Any]:
    """A network with the given body."""
    return {"input": "data_bn", "body": list(body), "head": "mean_pool_linear"}


def own(strategy: str, **params: Any) -> dict[str, Any]:
    """A search by independent trials of one epoch."""
    return {"strategy": {"name": strategy, "weights": "own", **params}, "trial_epochs": 1}


def write(folder: Path, data: dict[str, Any], name: str = "tiny.yaml") -> Path:
    """The spec as a file."""
    path = folder / name
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def checked(folder: Path, data: dict[str, Any]) -> Checked:
    """The spec, checked."""
    return check_spec(load_spec(write(folder, data)), load_registry())


def run(
    folder: Path,
    raw: Path,
    data: dict[str, Any] | None = None,
    *,
    runs: str = "runs",
    arch: str | None = None,
    **options: Any,
) -> Record:
    """Run the spec on the processor."""
    path = write(folder, data or spec())
    given = RunOptions(data=raw, runs=folder / runs, accelerator="cpu", **options)
    return run_spec(str(path), given, arch)


def only_run(runs: Path) -> RunFolder:
    """The one run under ``runs``."""
    (found,) = (path for path in runs.iterdir() if not path.name.startswith("."))
    return RunFolder(found)
