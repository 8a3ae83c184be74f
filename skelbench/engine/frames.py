"""Which model each frame of a clip took, in a finished run of an adaptive network."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from skelbench.data.loader import ClipLoader
from skelbench.engine.data import LoadedData
from skelbench.engine.reopen import reopen
from skelbench.errors import DataError, RunFolderError, WorkFailed, did_you_mean
from skelbench.figures.frames import ClipChoices, frames, heading
from skelbench.recipe import Stream
from skelbench.results.record_parts import AdaptiveUse
from skelbench.results.store import RunFolder
from skelbench.space.adaptive import Adaptive
from skelbench.training.seed import seed_everything


def show_or_draw(path: Path, clip: str | None, data: Path | None, output: Path | None, as_json: bool) -> None:
    """Print the choices of a clip, or draw them to ``output``; see the help of ``skelbench frames``."""
    found = choices_of(path, clip, data)
    if output is None:
        _show(found, as_json)
        return
    frames(found, output)
    print(f"wrote {output}", file=sys.stderr)


def choices_of(path: Path, clip: str | None = None, data: Path | None = None) -> ClipChoices:
    """What the frames of one clip took, the first view of a recording of the test split.

    Args:
        path: The run's folder.
        clip: The sample id; None is the first of the test split.
        data: Where the recordings are now; None is where the run had them.

    Raises:
        RunFolderError: The run is not finished, its network is gone, or it chooses nothing by the frame.
        DataError: The recordings are gone or others than the run's, or none has the id.
    """
    record = RunFolder(path).finished()
    if record.adaptive is None:
        remedy = "Give a run of an architecture with the node 'adaptive'"
        raise RunFolderError("the network chooses nothing frame by frame", where=path, remedy=remedy)
    run = reopen(path, data)
    loaded, checked = run.job.data, run.job.checked
    index = _index(loaded, clip)
    batch, joints = _first_view(loaded, index, checked.spec.data.stream)
    module = _adaptive(run.network, path)
    seed_everything(record.seed)  # a policy may draw
    with torch.no_grad():
        scores = run.network.eval()(batch)
    gates = _gates(module)
    present = [m for m in range(batch.shape[4]) if batch[..., m].any()] or [0]
    clips = loaded.clips
    return ClipChoices(
        sample=str(clips.ids[index]),
        actual=clips.class_names[int(clips.labels[index])],
        predicted=clips.class_names[int(scores.argmax())],
        gmacs=_spent(module.names, gates, record.adaptive),
        options=module.names,
        shares=record.adaptive.shares,
        gates=gates[present],
        joints=joints[0].permute(3, 1, 2, 0).numpy()[present],
        mixtures={n: weight for n in module.names if (weight := _mixture(module.models[n])) is not None},
        layout=checked.layout,
    )


def _index(data: LoadedData, clip: str | None) -> int:
    test = data.split.test
    if clip is None:
        return int(test[0])
    ids = np.asarray(data.clips.ids)[test].astype(str)
    found = test[ids == clip]
    if not len(found):
        raise DataError(f"no clip of the test split is '{clip}'", remedy=did_you_mean(clip, ids.tolist()))
    return int(found[0])


def _first_view(data: LoadedData, index: int, stream: Stream) -> tuple[Tensor, Tensor]:
    """The first test clip of a recording, (1, C, T, V, M), as the network takes it and as joints."""
    alone = replace(data, split=replace(data.split, test=np.array([index])))
    loader, views = alone.test_loader(), []
    if not isinstance(loader, ClipLoader):
        remedy = "Only runs on skeletons can be shown"
        raise RunFolderError("the run is on videos, whose frames have no joints", remedy=remedy)
    for loader.stream in (stream, "joint"):
        x, _, _ = next(iter(loader))
        views.append(x[:1])
    return views[0], views[1]


def _adaptive(network: nn.Module, path: Path) -> Adaptive:
    found = [module for module in network.modules() if isinstance(module, Adaptive)]
    if len(found) != 1:
        remedy = "Only runs with one node 'adaptive' can be shown"
        raise RunFolderError(f"the network chooses in {len(found)} places", where=path, remedy=remedy)
    return found[0]


def _gates(module: Adaptive) -> np.ndarray:
    if module.last_gates is None:
        raise WorkFailed("the network has chosen nothing", remedy="Its node 'adaptive' was not run")
    return module.last_gates.numpy()


def _spent(options: Sequence[str], gates: np.ndarray, use: AdaptiveUse) -> float:
    """GMACs of a clip whose frames have such gates: what always runs, and what choices add to that."""
    always = use.gmacs[options[0]]
    shares = (gates > 0).mean(axis=(0, 2))
    added = (share * (use.gmacs[name] - always) for name, share in zip(options, shares, strict=True))
    return always + float(sum(added))


def _mixture(model: nn.Module) -> np.ndarray | None:
    """The weights (V, V') by which a model mixes the joints, None where it takes them as they are."""
    first = model[0] if isinstance(model, nn.Sequential) else model
    mixture = getattr(first, "mixture", None)
    return None if mixture is None else mixture.weight.detach().numpy()


def _show(clip: ClipChoices, as_json: bool) -> None:
    """JSON where asked for, a table on a terminal, tab-separated lines in a pipe."""
    names = ("person", "frame", "option")
    persons, _, count = clip.gates.shape
    rows = [(p, t, "+".join(clip.chosen(p, t))) for p in range(persons) for t in range(count)]
    console = Console(highlight=False)
    if as_json:
        print(json.dumps(_plain(clip, [dict(zip(names, row, strict=True)) for row in rows]), indent=2))
    elif console.is_terminal:
        table = Table(*names, title=heading(clip), box=SIMPLE_HEAD)
        for row in rows:
            table.add_row(*map(str, row))
        console.print(table)
    else:
        for line in (names, *rows):
            print(*line, sep="\t")


def _plain(clip: ClipChoices, rows: list[dict[str, Any]]) -> dict[str, Any]:
    shares = {option: clip.share(option) for option in clip.options}
    told = {"clip": clip.sample, "class": clip.actual, "predicted": clip.predicted, "gmacs": clip.gmacs}
    return {**told, "shares": shares, "frames": rows}
