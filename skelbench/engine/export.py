"""A finished run's network for use elsewhere: as ONNX, as a program of PyTorch, as weights with a card."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skelbench import __version__
from skelbench.check.checked import Checked
from skelbench.data.dataset import Clip, Clips
from skelbench.data.made import with_channels
from skelbench.data.preprocess import preprocess
from skelbench.data.synthetic import generate
from skelbench.engine.card import card
from skelbench.engine.choices import choices_of, forced
from skelbench.engine.data import CLASSES, LoadedData, all_tested, stored_classes
from skelbench.engine.export_graph import BATCHES, export_onnx, export_torch, require
from skelbench.engine.input_form import input_form
from skelbench.engine.reopen import open_trained
from skelbench.engine.start import START
from skelbench.engine.training import EXPORTED
from skelbench.errors import RunFolderError, SkelbenchError, did_you_mean
from skelbench.host.registry import load_registry
from skelbench.results.files import disk
from skelbench.results.record import RECORD, Record
from skelbench.results.store import ARCHITECTURE, IDENTITY, SPEC, RunFolder
from skelbench.spec.yaml import dump_yaml
from skelbench.training.weights import save_weights

ONNX, TORCH, CARD = FORMATS = ("onnx", "torch", "card")
FORM, EXAMPLE = "input.json", "example.npz"
_SEED = 20


def export_run(path: Path, formats: Sequence[str], out: Path | None = None, force: str | None = None) -> Path:
    """Write a finished run's network into a folder, whole or not at all.

    Args:
        path: The run folder; its recordings are not needed.
        formats: Of `FORMATS`: ``onnx`` gives network.onnx, ``torch`` network.pt2, both checked against the
            network's own scores for several numbers of clips; ``card`` a folder that every command takes for
            the run, with the weights as safetensors. Each has a description of the input beside it.
        out: The folder; None is ``exported/`` and the run's name.
        force: The one model that an adaptive network takes in every frame.

    Returns:
        The folder.

    Raises:
        SkelbenchError: A format or a choice is unknown, a package is missing, the network chooses frame by
            frame and no choice is forced, or files of these names are there.
        RunFolderError: The run is not finished, or its network is gone.
        WorkFailed: The network cannot be exported, or gives other scores then.
    """
    for name in formats:
        if name not in FORMATS:
            remedy = did_you_mean(name, FORMATS)
            raise SkelbenchError(f"there is no format '{name}'", where="--to", remedy=remedy)
    if ONNX in formats:
        require("onnx", "onnxscript")
    if CARD in formats:
        require("safetensors")
    folder = RunFolder(path)
    record, checked, _, network = open_trained(folder, load_registry())
    graph = _fixed(network, force, formats)
    target = Path("exported") / folder.name if out is None else out
    with disk(target, "write"):
        target.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".export.", dir=target))
    try:
        names = stored_classes(folder, checked)
        told = _write_graphs(graph, checked, formats, made)
        if CARD in formats:
            _write_card(folder, record, checked, network, names, made)
        form = {"skelbench": __version__, "run": folder.name, "spec_hash": record.spec_hash, **told}
        if force:
            form["forced"] = force
        text = json.dumps(form | input_form(checked, names), indent=2) + "\n"
        (made / FORM).write_text(text, encoding="utf-8")
        (made / EXAMPLE).write_bytes(_example(checked, graph))
        _move(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _fixed(network: nn.Module, force: str | None, formats: Sequence[str]) -> nn.Module:
    """The network whose graph does not depend on values."""
    if force is not None:
        if CARD in formats:
            what = "a card holds all weights, whatever is forced"
            raise SkelbenchError(what, where="--force", remedy="Export the card by itself, without --force")
        return forced(network, force)
    if choices_of(network) and set(formats) - {CARD}:
        what = "the network chooses for each frame which of its models to run, which no fixed graph can do"
        remedy = f"Give --force with one of its choices: {', '.join(choices_of(network))}"
        raise SkelbenchError(what, where="--to", remedy=remedy)
    return network


def _write_graphs(
    network: nn.Module, checked: Checked, formats: Sequence[str], folder: Path
) -> dict[str, Any]:
    """The graphs that are asked for, and how far their scores are from the network's."""
    clips = _random_clips(checked, max(BATCHES))
    differences = {}
    if ONNX in formats:
        differences["network.onnx"] = export_onnx(network, clips, folder / "network.onnx")
    if TORCH in formats:
        differences["network.pt2"] = export_torch(network, clips, folder / "network.pt2")
    return {"difference": differences} if differences else {}


def _random_clips(checked: Checked, count: int) -> Tensor:
    rng = torch.Generator().manual_seed(_SEED)
    shape = checked.clip_shape(count)
    if checked.dataset.modality == "video":
        return torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8)
    return torch.randn(shape, generator=rng)


def _write_card(
    run: RunFolder, record: Record, checked: Checked, network: nn.Module, names: Sequence[str], folder: Path
) -> None:
    """What makes the folder stand for the run: its identity, spec and record, and the weights."""
    data = dict(checked.resolved.data)
    data["data"] = {key: value for key, value in data["data"].items() if key != "root"}
    (folder / SPEC).write_text(dump_yaml(data), encoding="utf-8")
    for name in (IDENTITY, RECORD, ARCHITECTURE, START):
        if (run.path / name).exists():
            (folder / name).write_text(run.read_text(name), encoding="utf-8")
    (folder / CLASSES).write_text(json.dumps(list(names), indent=2) + "\n", encoding="utf-8")
    told = {"run": run.name, "spec_hash": record.spec_hash, "architecture": record.architecture}
    save_weights(network.state_dict(), folder / EXPORTED, told)
    (folder / "README.md").write_text(card(record, run.name), encoding="utf-8")


def _example(checked: Checked, network: nn.Module) -> bytes:
    """A made-up recording, the clips that are cut from it and their scores; of videos clips and scores."""
    held: dict[str, np.ndarray] = {}
    if checked.dataset.modality == "video":
        clips = _random_clips(checked, 1)
    else:
        context = checked.context()
        rng = np.random.default_rng(_SEED)
        made = generate(checked.layout, 0, 0, 0, rng, frames=2 * context.frames + 1, persons=context.persons)
        held["recording"] = with_channels(made, checked.dataset)
        raw = Clips.of(
            [Clip("example", 0, held["recording"])],
            dataset=checked.dataset.name,
            layout=checked.layout.name,
            class_names=(),
        )
        ready = preprocess(raw, checked.spec.data.preprocess, checked.layout)
        loader = LoadedData(checked, ready, all_tested(1), 0).test_loader()
        clips = torch.cat([x for x, _, _ in loader])
    with torch.no_grad():
        held |= {"clips": clips.numpy(), "scores": network.eval()(clips).numpy()}
    buffer = BytesIO()
    np.savez_compressed(buffer, **held)  # type: ignore[arg-type]
    return buffer.getvalue()


def _move(made: Path, target: Path) -> None:
    """Move files to where they are wanted, all or none."""
    files = sorted(made.iterdir())
    there = [file.name for file in files if (target / file.name).exists()]
    if there:
        what = f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already"
        raise RunFolderError(what, where=target, remedy="Choose another folder with --out, or remove them")
    with disk(target, "write"):
        for file in files:
            file.rename(target / file.name)
