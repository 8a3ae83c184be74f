"""Recordings of one's own from the page alone: checked, trained on, classified, and out as ONNX."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.engine import tiny
from tests.plugins.datasets.own import FORMS
from tests.shown import invoke

PAGE = Path(__file__).parents[2] / "docs" / "own-data.md"
TESTED = {
    "MSR-Action3D": ("a02_s02_e01_skeleton3D.txt", "a02_s02_e01_skeleton3D"),
    "SBU": ("s02s01/01/001/skeleton_pos.txt", "s02s01/01/001/skeleton_pos"),
    "Florence": ("a01_s1_id11.txt", "a01_s1_id11"),
    "JHMDB": ("GT_test_1.pkl", "GT_test_1/00"),
    "MediaPipe": ("squat/p02_000.csv", "squat/p02_000"),
    "OpenPose": ("test/sit/clip1", "test/sit/clip1/clip1__keypoints"),
    "pyskl": ("own.pkl", "v10"),
}
"""Of each form a file or folder that is classified, and a recording of the test split in it."""


def fragment(name: str) -> str:
    """What the page shows for a form."""
    (found,) = [one for one in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S) if f"# {name}" in one]
    return found


def told(*arguments: object) -> str:
    done = invoke(*map(str, arguments))
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return done.stdout


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_the_page_goes_all_the_way(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    FORMS[form][0](tmp_path / "raw")
    (tmp_path / "raw" / "README.md").write_text("notes")
    text = fragment(form)
    assert len(text.splitlines()) < 10
    Path("my.yaml").write_text(text.replace("data: {", "data: {root: raw, ", 1))
    spec = tiny.spec(
        network=tiny.network(tiny.BLOCK),
        architectures={"plain": {"choices": {"graph_1": ["cheb.l"]}}},
        train={"epochs": 1, "batch_size": 4, "precision": "32", "validation": {"by": "random"}},
    )
    tiny.write(tmp_path, spec)

    report = json.loads(told("data", "check", "my.yaml", "--json"))
    assert min(report["train"], report["test"]) > 0
    row = told("train", "tiny.yaml", "--arch", "plain", "--data", "my.yaml", "--accelerator", "cpu")
    assert "plain" in row
    run = tiny.only_run(Path("runs"))
    if "files:" in text:
        assert "left out    1 files do not fit 'files' and are not read, 'README.md'" in told(
            "show", run.path
        )
    assert "plain" in told("leaderboard", "--runs", "runs")

    raw, name = tmp_path / "raw" / TESTED[form][0], TESTED[form][1]
    found = json.loads(told("predict", run.path, raw, "--top", 99, "--json"))
    (one,) = found if len(found) == 1 else [one for one in found if one["recording"] == name]
    best = {best["class"]: best["probability"] for best in one["classes"]}
    scores = run.load_scores()
    tested = dict(zip(scores.ids, scores.scores, strict=True))
    np.testing.assert_allclose([best[label] for label in range(len(best))], tested[name], atol=1e-5)

    told("export", run.path, "--to", "onnx", "--to", "card", "--out", "out")
    session = onnxruntime.InferenceSession("out/network.onnx", providers=["CPUExecutionProvider"])
    with np.load("out/example.npz", allow_pickle=False) as example:
        (given,) = session.run(["scores"], {"clip": example["clips"]})
        np.testing.assert_allclose(given, example["scores"], atol=1e-5)
    assert json.loads(told("predict", "out", raw, "--top", 99, "--json")) == found
