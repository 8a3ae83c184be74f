"""The health of real searches: in the journal, in the record and in words; the same after an interruption."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelbench.results.record import Record
from skelbench.results.store import RunFolder

from . import tiny


@pytest.fixture(scope="module")
def shared(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    folder = tmp_path_factory.mktemp("shared")
    return folder, tiny.run(folder, raw)


def test_each_generation_and_the_whole_search_are_measured(shared: tuple[Path, Record]):
    folder, record = shared
    run = tiny.only_run(folder / "runs")
    generations = [line for line in run.trials() if line["kind"] == "generation"]
    assert [line["health"]["candidates"] for line in generations] == [4, 4]
    health = record.health
    assert health is not None
    assert (health.fitness, health.normalisation, health.candidates) == ("accuracy", "recalibrated", 8)
    assert health.reliability is not None
    assert health.reliability_cross_entropy is not None
    assert health.entropy == pytest.approx(generations[-1]["entropy"])
    assert 0.5 < health.entropy_noise < 1.1, "three options at most log 3"
    trials = [line for line in run.trials() if line["kind"] == "trial"]
    assert len(run.answers()) == len(trials)
    assert all(abs(line["fitness"] - line["top1"]) < 1 for line in trials)


def test_a_resumed_search_has_the_same_health(shared: tuple[Path, Record], raw: Path, tmp_path: Path):
    folder, record = shared
    done = tiny.only_run(folder / "runs")
    copy = RunFolder.create(tmp_path / "runs", done.spec, done.spec_hash, done.seed)
    for name in ("trials.jsonl", "answers.jsonl", "architecture.yaml", "recordings.json"):
        (copy.path / name).write_bytes((done.path / name).read_bytes())
    assert tiny.run(tmp_path, raw).health == record.health


def test_a_search_among_equals_is_told_in_one_line(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    train = {"epochs": 1, "batch_size": 16, "precision": "32", "optimizer": {"lr": 1e-12}}
    block = tiny.BLOCK | {"gain": 1e-6}
    spec = tiny.spec(network=tiny.network(block), architectures={}, train=train)
    record = tiny.run(tmp_path, raw, spec)
    assert record.health is not None
    assert record.health.problem
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert len(told) == 2, "once while it runs, once at the end"
    assert all("cannot tell its candidates apart" in line for line in told)


def test_networks_trained_by_themselves_are_compared_over_the_whole_search(raw: Path, tmp_path: Path):
    spec = tiny.spec(search={**tiny.own("random", evaluations=4, batch=2), "fitness": "cross_entropy"})
    record = tiny.run(tmp_path, raw, spec)
    health = record.health
    assert health is not None
    assert (health.fitness, health.normalisation, health.candidates) == ("cross_entropy", "own", 4)
    assert (health.distinct, health.ties, health.entropy) == (4, 0.0, None)
    assert health.spread > 0
    lines = [line for line in tiny.only_run(tmp_path / "runs").trials() if line["kind"] == "trial"]
    assert [line["fitness"] for line in lines] == pytest.approx([-line["cross_entropy"] for line in lines])


@pytest.mark.parametrize("normalisation", ["running", "batch"])
def test_the_normalisation_of_candidates_is_a_choice_that_is_recorded(
    normalisation: str, shared: tuple[Path, Record], raw: Path, tmp_path: Path
):
    spec = tiny.spec(search={**tiny.SHARED, "normalisation": normalisation})
    record = tiny.run(tmp_path, raw, spec)
    assert record.health is not None
    assert record.health.normalisation == normalisation
    first = [
        next(line for line in tiny.only_run(folder / "runs").trials() if line["kind"] == "trial")
        for folder in (shared[0], tmp_path)
    ]
    assert first[0]["weights"] == first[1]["weights"], "the same candidate"
    assert first[0]["cross_entropy"] != first[1]["cross_entropy"]
