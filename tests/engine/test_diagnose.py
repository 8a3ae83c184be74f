"""A search's fitness held against training: rated as it rates, trained without test clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from skelbench.engine import diagnose as module
from skelbench.engine.diagnose import FOLDER, JOURNAL, DiagnoseOptions, diagnose
from skelbench.engine.packing import pack_table
from skelbench.engine.tabulate import TableOptions, make_table
from skelbench.errors import DataError, RunFolderError, SpecError
from skelbench.results.store import RunFolder
from tests.engine import tiny

FEW = DiagnoseOptions(train=4, rated=6)
PLAIN = tiny.BLOCK | {"graph": "adjacency"}
CHOICE = {"choice": {"label": "slot_{i}", "from": {"nothing": "identity", "block": PLAIN}}}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> RunFolder:
    folder = tmp_path_factory.mktemp("searched")
    tiny.run(folder, raw)
    return tiny.only_run(folder / "runs")


def lines(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / FOLDER / JOURNAL).read_text().splitlines()]


def test_some_are_rated_and_those_over_the_whole_range_trained(searched: RunFolder) -> None:
    found = diagnose(searched.path, FEW)
    rated = {json.dumps(line["choices"]): line["figure"] for line in lines(searched) if line["seed"] is None}
    trained = [line for line in lines(searched) if line["seed"] is not None]
    assert (found.rated, len(rated), len(trained)) == (6, 6, 4)
    judged = [one.fitness for one in found.judged]
    assert {min(rated.values()), max(rated.values())} <= set(judged)
    assert judged == sorted(judged)
    assert all(rated[json.dumps(one.choices)] == one.fitness for one in found.judged)
    assert all(0 <= figure <= 100 for one in found.judged for figure in one.figures)
    assert [path.name for path in searched.checkpoints.glob("tmp*")] == []


def test_it_goes_on_where_it_stopped(searched: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = diagnose(searched.path, FEW)
    before = lines(searched)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_top1", lambda *given: pytest.fail("trained twice"))
        assert diagnose(searched.path, FEW) == first
    more = diagnose(searched.path, DiagnoseOptions(train=4, rated=6, seeds=2))
    assert len(lines(searched)) == len(before) + 4
    assert [one.figures[0] for one in more.judged] == [one.figures[0] for one in first.judged]
    assert more.spread()[1] is not None


def test_the_supernet_rates_as_it_did_in_the_search(searched: RunFolder, raw: Path, tmp_path: Path) -> None:
    """The candidates of the last generation, by the weights after that epoch."""
    search = {"strategy": {"name": "random", "evaluations": 5}, "epochs": 2}
    tiny.run(tmp_path, raw, tiny.spec(search=search))
    run = tiny.only_run(tmp_path / "runs")
    trials = [line for line in run.trials() if line["kind"] == "trial"]
    last = [line for line in trials if line["generation"] == max(t["generation"] for t in trials)]
    job = module.reopen(run.path).job
    rate = module.stored_supernet(job, tmp_path)
    for line in last:
        assert rate(line["choices"]).fitness == pytest.approx(line["fitness"], abs=1e-3)


def test_trials_that_were_trained_by_themselves_are_their_own_fitness(raw: Path, tmp_path: Path) -> None:
    tiny.run(tmp_path, raw, tiny.spec(search=tiny.own("random", evaluations=5)))
    run = tiny.only_run(tmp_path / "runs")
    found = diagnose(run.path, FEW)
    assert found.rated == 5
    fitness = {line["fitness"] for line in run.trials() if line["kind"] == "trial"}
    assert {one.fitness for one in found.judged} <= fitness
    assert "of trials" in found.fitness


def test_test_recordings_have_no_part_in_it(searched: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skelbench.engine.data.LoadedData.test_loader", lambda self: pytest.fail("tested"))
    diagnose(searched.path, DiagnoseOptions(train=5, rated=7))


def test_a_table_stands_for_training(raw: Path, tmp_path: Path) -> None:
    search = {"strategy": {"name": "random", "evaluations": 4}, "epochs": 2}
    train = {"epochs": 1, "batch_size": 16, "precision": "32"}
    data = tiny.spec(
        network=tiny.network(PLAIN, {"repeat": 3, **CHOICE}),
        search=search,
        train=train,
        architectures={},
    )
    tiny.run(tmp_path, raw, data)
    run = tiny.only_run(tmp_path / "runs")
    make_table(str(tiny.write(tmp_path, data)), TableOptions(raw, seeds=2, folder=tmp_path / "table"))
    terms = {"licence": "", "citation": ""}
    table = pack_table(tmp_path / "table", tmp_path / "t.npz", terms, force=True)
    found = diagnose(run.path, DiagnoseOptions(table=str(tmp_path / "t.npz")))
    assert len(found.judged) == int(table.trained.sum()) == 4
    assert all(len(one.figures) == 2 for one in found.judged)
    assert table.name in found.truth
    tiny.run(tmp_path, raw, runs="other")
    with pytest.raises(DataError, match="another space"):
        diagnose(tiny.only_run(tmp_path / "other").path, DiagnoseOptions(table=str(tmp_path / "t.npz")))


def test_a_supernet_that_was_changed_since_is_refused(raw: Path, tmp_path: Path) -> None:
    tiny.run(tmp_path, raw)
    run = tiny.only_run(tmp_path / "runs")
    path = run.checkpoints / "search" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    torch.save({**content, "epoch": content["epoch"] + 1}, path)
    with pytest.raises(RunFolderError, match="not what it was when the run ended"):
        diagnose(run.path, FEW)


def test_what_cannot_be_diagnosed_is_told(searched: RunFolder, raw: Path, tmp_path: Path) -> None:
    tiny.run(tmp_path, raw, arch="plain")
    with pytest.raises(RunFolderError, match="the supernet of this run is gone"):
        diagnose(tiny.only_run(tmp_path / "runs").path, FEW)
    tiny.run(tmp_path, raw, tiny.spec(search=tiny.own("random", evaluations=2)), runs="own")
    with pytest.raises(SpecError, match="2 architectures are too few"):
        diagnose(tiny.only_run(tmp_path / "own").path, FEW)
