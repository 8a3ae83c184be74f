"""What the frames of a clip took, from a finished run of a real adaptive network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skelbench.engine.frames import choices_of, show_or_draw
from skelbench.engine.show import show_adaptive
from skelbench.errors import DataError, RunFolderError
from skelbench.results.record import Record
from skelbench.results.store import RunFolder

from . import tiny

FEW = [{"op": "sgn_joints", "channels": 4, "joints": 9}, {"op": "sgn_spatial", "layers": [4], "hidden": 4}]
ALL = [{"op": "sgn_joints", "channels": 4}, {"op": "sgn_spatial", "layers": [4], "hidden": 4}]
T = 8


def network(policy: Any) -> dict[str, Any]:
    adaptive = {"adaptive": {"policy": policy, "from": {"s-9": FEW, "s-20": ALL}}}
    head = {"op": "sgn_head", "features": 4, "hidden": 2}
    return {"input": {"op": "sgn_clip"}, "body": [adaptive], "head": head}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> dict[str, tuple[Path, Record]]:
    """A finished run of each policy, and one of a network that chooses nothing, on recordings of bones."""
    folder = tmp_path_factory.mktemp("adaptive")
    architectures = {
        "random": {"network": network("random_policy")},
        "fuse": {"network": network("fuse_policy")},
        "plain": tiny.spec()["architectures"]["plain"],
    }
    data = tiny.spec()["data"] | {"stream": "bone"}
    train = tiny.spec()["train"] | {"epochs": 1}
    spec = tiny.spec(architectures=architectures, data=data, train=train, evaluate={"views": 2})
    made = {name: tiny.run(folder, raw, spec, arch=name) for name in architectures}
    return {name: (folder / "runs" / record.run, record) for name, record in made.items()}


def test_each_frame_took_one_model_and_the_cost_follows(runs):
    path, record = runs["random"]
    found = choices_of(path)
    assert found.options == ("s-9", "s-20")
    assert found.gates.shape == (1, 2, T)
    assert (found.gates.sum(1) == 1).all()
    cheap, dear = record.adaptive.gmacs.values()
    share = found.share("s-20")
    assert 0 < share < 1, "this seed draws both"
    assert found.gmacs == pytest.approx(cheap + share * (dear - cheap))
    assert found.shares == record.adaptive.shares


def test_what_policies_draw_is_drawn_again(runs):
    path, _ = runs["random"]
    np.testing.assert_array_equal(choices_of(path).gates, choices_of(path).gates)


def test_fused_models_all_take_part_at_full_cost(runs):
    path, record = runs["fuse"]
    found = choices_of(path)
    assert {found.chosen(0, frame) for frame in range(T)} == {("s-9", "s-20")}
    assert found.gmacs == pytest.approx(record.macs / 1e9)


def test_bodies_are_shown_by_their_joints_and_the_mixtures_are_the_trained_ones(runs):
    """Whatever stream the network takes; bones of the root are zero, joints are not."""
    path, _ = runs["random"]
    found = choices_of(path)
    assert found.joints.shape == (1, T, 20, 3)
    assert found.joints[:, :, found.layout.root].any()
    weights = torch.load(path / "checkpoints" / "network.pt", weights_only=True)
    (trained,) = (value for name, value in weights.items() if name.endswith("mixture.weight"))
    assert list(found.mixtures) == ["s-9"]
    np.testing.assert_array_equal(found.mixtures["s-9"], trained)


def test_the_first_test_clip_is_taken_unless_another_is_named(runs):
    path, _ = runs["random"]
    scores = RunFolder(path).load_scores()
    assert choices_of(path).sample == choices_of(path, str(scores.ids[0])).sample == scores.ids[0]
    last = choices_of(path, str(scores.ids[-1]))
    assert last.sample == scores.ids[-1]
    assert last.actual != choices_of(path).actual


def test_an_unknown_clip_is_refused_with_a_near_one(runs):
    path, _ = runs["random"]
    first = str(RunFolder(path).load_scores().ids[0])
    with pytest.raises(DataError, match="no clip of the test split") as raised:
        choices_of(path, first + "x")
    assert "Did you mean 'a0" in raised.value.problems[0].remedy


def test_a_run_that_chooses_nothing_is_refused(runs):
    with pytest.raises(RunFolderError, match="chooses nothing") as raised:
        choices_of(runs["plain"][0])
    assert raised.value.exit_code == 2


def test_other_recordings_and_unfinished_runs_are_refused(runs, tmp_path, raw):
    from skelbench_plugins.datasets.ucla.reader import UclaReader

    UclaReader().synthesise(tmp_path / "other", clips=24, seed=1, classes=3)
    with pytest.raises(RunFolderError, match="not the recordings"):
        choices_of(runs["random"][0], data=tmp_path / "other")
    begun = RunFolder.create(tmp_path, "tiny", "0123456789", 0)
    with pytest.raises(RunFolderError, match="not finished"):
        choices_of(begun.path)


def test_a_pipe_gets_a_line_for_each_frame(runs, capsys):
    path, _ = runs["random"]
    show_or_draw(path, None, None, None, False)
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["person", "frame", "option"]
    assert [row[:2] for row in rows[1:]] == [["0", str(frame)] for frame in range(T)]
    assert {row[2] for row in rows[1:]} == {"s-9", "s-20"}


def test_json_tells_the_clip_too(runs, capsys):
    path, _ = runs["fuse"]
    show_or_draw(path, None, None, None, True)
    told = json.loads(capsys.readouterr().out)
    assert told["shares"] == {"s-9": 1.0, "s-20": 1.0}
    assert told["frames"][3] == {"person": 0, "frame": 3, "option": "s-9+s-20"}
    assert {"clip", "class", "predicted", "gmacs"} <= set(told)


def test_a_picture_is_drawn(runs, tmp_path, capsys):
    path, _ = runs["random"]
    show_or_draw(path, None, None, tmp_path / "a.svg", False)
    assert capsys.readouterr().out == ""
    assert choices_of(path).sample in (tmp_path / "a.svg").read_text()


def test_after_a_run_shares_and_costs_are_told_beside_the_row(runs, capsys):
    _, record = runs["random"]
    show_adaptive(record)
    told = capsys.readouterr()
    assert told.out == ""
    rows = [line.split("\t") for line in told.err.splitlines()]
    assert [row[0] for row in rows] == ["choice", "s-9", "s-20"]
    assert sum(float(row[1].rstrip("%")) for row in rows[1:]) == pytest.approx(100, abs=0.2)
    show_adaptive(runs["plain"][1])
    assert capsys.readouterr().err == ""
