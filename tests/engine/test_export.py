"""Networks for use elsewhere: the same scores in ONNX Runtime and PyTorch, and weights that come back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skelbench.data.preprocess import PREPROCESSES
from skelbench.engine.choices import choices_of, forced
from skelbench.engine.export import export_run
from skelbench.engine.export_graph import export_torch
from skelbench.engine.input_form import PREPROCESS_STEPS
from skelbench.engine.predict import Source, classify
from skelbench.engine.reopen import open_network
from skelbench.engine.rescore import rescore
from skelbench.errors import RunFolderError, SkelbenchError, WorkFailed
from skelbench.results.record import Record
from skelbench.results.store import RunFolder

from . import tiny
from .test_frames import network

for package in ("onnx", "onnxscript", "onnxruntime", "safetensors"):
    pytest.importorskip(package)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> dict[str, tuple[Path, Record]]:
    """A trained network of graph convolutions, and one that chooses frame by frame."""
    folder = tmp_path_factory.mktemp("finished")
    architectures = {
        "plain": tiny.spec()["architectures"]["plain"],
        "random": {"network": network("random_policy")},
    }
    data = tiny.spec()["data"] | {"preprocess": "sgn", "stream": "bone"}
    train = tiny.spec()["train"] | {"epochs": 1}
    spec = tiny.spec(architectures=architectures, data=data, train=train, evaluate={"views": 2})
    made = {name: tiny.run(folder, raw, spec, arch=name) for name in architectures}
    return {name: (folder / "runs" / record.run, record) for name, record in made.items()}


@pytest.fixture(scope="module")
def exported(finished: dict[str, tuple[Path, Record]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(finished["plain"][0], ["onnx", "torch", "card"], tmp_path_factory.mktemp("out") / "it")


def onnx_scores(path: Path, clips: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["scores"], {"clip": clips})[0])


def test_graphs_give_the_networks_scores_for_any_number_of_clips(
    finished: dict[str, tuple[Path, Record]], exported: Path
) -> None:
    own = open_network(RunFolder(finished["plain"][0])).eval()
    program = torch.export.load(exported / "network.pt2").module()
    for count in (1, 4, 7):
        clips = torch.randn(count, 3, 8, 20, 1)
        with torch.no_grad():
            wanted = own(clips).numpy()
            np.testing.assert_allclose(program(clips).numpy(), wanted, atol=1e-5)
        np.testing.assert_allclose(onnx_scores(exported / "network.onnx", clips.numpy()), wanted, atol=1e-5)


def test_the_description_and_the_example_tell_how_to_make_the_input(
    finished: dict[str, tuple[Path, Record]], exported: Path
) -> None:
    form = json.loads((exported / "input.json").read_text())
    assert form["input"]["shape"] == ["batch", 3, 8, 20, 1]
    assert (form["output"]["shape"], len(form["classes"])) == (["batch", 10], 10)
    assert (form["preprocess"], form["stream"], form["views"]) == ("sgn", "bone", 2)
    assert len(form["layout"]["joints"]) == 20
    assert any("spine in the first frame" in step for step in form["steps"])
    assert max(form["difference"].values()) < 1e-4
    with np.load(exported / "example.npz", allow_pickle=False) as example:
        found = onnx_scores(exported / "network.onnx", example["clips"])
        np.testing.assert_allclose(found, example["scores"], atol=1e-5)
        np.save(exported.parent / "recording.npy", example["recording"])
    _, (one,) = classify([finished["plain"][0]], Source(arrays=exported.parent / "recording.npy"))
    mean = torch.from_numpy(found).softmax(1).mean(0).numpy()
    np.testing.assert_allclose(one.probabilities, mean, atol=1e-5)


def test_every_preprocessing_is_described() -> None:
    assert set(PREPROCESS_STEPS) == set(PREPROCESSES)


def test_a_card_stands_for_the_run(
    finished: dict[str, tuple[Path, Record]], exported: Path, raw: Path, tmp_path: Path
) -> None:
    run, record = finished["plain"]
    page = (exported / "README.md").read_text()
    assert f"{record.metrics['top1']:.2f} %" in page
    assert "synthetic" in page
    assert str(raw) not in (exported / "spec.resolved.yaml").read_text()
    wanted, found = (classify([path], Source((raw,)))[1] for path in (run, exported))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert rescore(exported, raw) == record
    again = export_run(exported, ["torch"], tmp_path / "again")
    assert (again / "network.pt2").exists()


def test_a_training_starts_with_exported_weights(
    finished: dict[str, tuple[Path, Record]], exported: Path, raw: Path, tmp_path: Path
) -> None:
    spec = tiny.spec()
    spec["train"] = spec["train"] | {"epochs": 1, "optimizer": {"lr": 1e-9}}
    record = tiny.run(tmp_path, raw, spec, arch="plain", start=(f"plain={exported}",))
    assert record.started_from == {"plain": exported.name}
    own = open_network(RunFolder(exported)).state_dict()
    trained = open_network(tiny.only_run(tmp_path / "runs")).state_dict()
    weights = [name for name in own if name.startswith("body") and name.endswith("weight")]
    assert weights
    for name in weights:
        torch.testing.assert_close(trained[name], own[name], atol=1e-5, rtol=0)


def test_damaged_or_foreign_weights_are_refused_and_nothing_in_them_runs(
    exported: Path, raw: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    content = (copy / "model.safetensors").read_bytes()
    torch.save({"a": torch.zeros(1)}, tmp_path / "pickle")
    for damaged in (content[:-9], b"", b"\xff" * 64, (tmp_path / "pickle").read_bytes()):
        (copy / "model.safetensors").write_bytes(damaged)
        with pytest.raises(RunFolderError, match=r"model.safetensors.*damaged"):
            open_network(RunFolder(copy))
    from safetensors.torch import save

    (copy / "model.safetensors").write_bytes(save({"other": torch.zeros(2)}))
    with pytest.raises(RunFolderError, match="cannot be read"):
        open_network(RunFolder(copy))


def test_a_network_that_chooses_needs_a_forced_choice(
    finished: dict[str, tuple[Path, Record]], tmp_path: Path
) -> None:
    run, _ = finished["random"]
    with pytest.raises(SkelbenchError, match=r"chooses for each frame.*--force.*s-9, s-20"):
        export_run(run, ["onnx"], tmp_path / "out")
    with pytest.raises(SkelbenchError, match=r"no choice 's-21'.*Did you mean 's-20'"):
        export_run(run, ["onnx"], tmp_path / "out", force="s-21")
    with pytest.raises(SkelbenchError, match="card holds all weights"):
        export_run(run, ["card"], tmp_path / "out", force="s-20")
    assert not (tmp_path / "out").exists()
    out = export_run(run, ["onnx"], tmp_path / "out", force="s-20")
    assert json.loads((out / "input.json").read_text())["forced"] == "s-20"
    own = forced(open_network(RunFolder(run)), "s-20").eval()
    clips = torch.randn(4, 3, 8, 20, 1)
    with torch.no_grad():
        np.testing.assert_allclose(
            onnx_scores(out / "network.onnx", clips.numpy()), own(clips).numpy(), atol=1e-5
        )
    assert choices_of(own) == ()


def test_evaluating_with_a_forced_choice_has_a_record_of_its_own(
    finished: dict[str, tuple[Path, Record]], raw: Path
) -> None:
    run, record = finished["random"]
    cheap, dear = (rescore(run, raw, force=name) for name in ("s-9", "s-20"))
    assert (cheap.forced, cheap.model, cheap.adaptive) == ("s-9", "random.s-9", None)
    assert len({record.spec_hash, cheap.spec_hash, dear.spec_hash}) == 3
    assert len({record.run, cheap.run, dear.run}) == 3
    assert cheap.macs < dear.macs <= round(record.adaptive.gmacs["s-20"] * 1e9)
    assert rescore(run.parent / cheap.run, raw) == cheap, "it is forced again when it is opened"
    assert RunFolder(run).finished() == record
    with pytest.raises(SkelbenchError, match="no choice 's-10'"):
        rescore(run, raw, force="s-10")
    with pytest.raises(SkelbenchError, match="chooses nothing"):
        rescore(finished["plain"][0], raw, force="s-9")


def test_what_is_there_stays(exported: Path, finished: dict[str, tuple[Path, Record]]) -> None:
    before = {file: file.read_bytes() for file in exported.iterdir()}
    with pytest.raises(RunFolderError, match=r"network.pt2 are there already"):
        export_run(finished["plain"][0], ["torch"], exported)
    assert {file: file.read_bytes() for file in exported.iterdir()} == before


def test_an_unknown_format_is_refused(finished: dict[str, tuple[Path, Record]], tmp_path: Path) -> None:
    with pytest.raises(SkelbenchError, match=r"no format 'onx'.*'onnx'"):
        export_run(finished["plain"][0], ["onx"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


class ByValue(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) if x.sum() > 0 else -x.flatten(1)


def test_a_network_that_decides_by_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkFailed, match=r"cannot be exported for batches of any size"):
        export_torch(ByValue(), torch.ones(5, 2, 3), tmp_path / "it.pt2")
