"""Whole runs with workers: the same as without, and what cannot be done is told before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skelbench.check.engine import check_engine
from skelbench.engine.engine_given import engine_given
from skelbench.errors import SpecError
from skelbench.results.store import RunFolder
from skelbench.spec.search_schema import ComponentSpec

from . import tiny
from .test_supernet import lines_without_times

OWN = tiny.own("random", evaluations=4, batch=3)
WIDE = {"op": "stgcn_block", "kernel": 9, "graph": "adjacency"}


def settled(folder: RunFolder) -> list[dict[str, Any]]:
    """The journal without times, in the order of generation and number, whenever trials ended."""
    lines = [{k: v for k, v in line.items() if k != "seconds"} for line in folder.trials()]
    return sorted(lines, key=lambda line: (line["generation"], line["number"] < 0, line["number"]))


def without(record: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


def test_two_workers_leave_the_record_of_none(tmp_path: Path, raw: Path):
    spec = tiny.spec(search=OWN)
    alone = tiny.run(tmp_path, raw, spec, runs="alone")
    limited = tiny.spec(search={**OWN, "trial_timeout": 600})
    shared = tiny.run(tmp_path, raw, limited, runs="shared", workers=2)
    different = {
        "spec_hash",
        "run",
        "identity",
        "origin",
    }  # a trial may fail by its time, which is part of what a run is
    assert without(shared.comparable(), different) == without(alone.comparable(), different)
    one, two = (tiny.only_run(tmp_path / runs) for runs in ("alone", "shared"))
    assert settled(two) == settled(one)
    assert not list(two.checkpoints.glob("trial-*")), "nothing is left of the trials"


@pytest.mark.parametrize("workers", ["0", "-1", "two", 0])
def test_a_number_of_workers_that_is_none_is_told(workers: Any, tmp_path: Path, raw: Path):
    with pytest.raises(SpecError, match=r"--workers: engine 'local': workers") as error:
        tiny.run(tmp_path, raw, tiny.spec(search=OWN), workers=workers)
    assert error.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("search", "told"),
    [
        (
            {**OWN, "trial_timeout": 9},
            "engine 'sequential' cannot stop a trial that takes too much. Use --workers",
        ),
        (
            {**tiny.SHARED, "trial_timeout": 9},
            "with shared weights there are no trials to be limited",
        ),
        (
            {"strategy": {"name": "darts"}, "engine": {"name": "local"}},
            "engine 'local' has nothing to do: strategy 'darts' has no generations of candidates",
        ),
        ({**OWN, "trial_memory": 2, "most_failed": 1}, "leave out 'trial_memory'"),
        ({**tiny.SHARED, "most_failed": 9}, "Leave out 'most_failed'"),
        ({**OWN, "trial_timeout": 0}, "trial_timeout"),
        ({**OWN, "engine": {"name": "local", "workers": 0}}, "engine 'local': workers"),
        (
            {**OWN, "engine": {"name": "sequential", "workers": 2}},
            "engine 'sequential' has no parameter 'workers'",
        ),
    ],
)
def test_what_an_engine_cannot_do_is_told_with_its_line(search: dict[str, Any], told: str, tmp_path: Path):
    with pytest.raises(SpecError) as error:
        check_engine(tiny.checked(tmp_path, tiny.spec(search=search)))
    assert told in str(error.value)
    assert "tiny.yaml:" in str(error.value)


def test_the_engine_is_not_part_of_a_run_s_identity(tmp_path: Path):
    engines = [{"name": "sequential"}, {"name": "local"}, {"name": "local", "workers": 8}]
    found = {tiny.checked(tmp_path, tiny.spec(search={**OWN, "engine": e})).resolved.hash for e in engines}
    assert len(found) == 1


@pytest.mark.parametrize("search", [tiny.SHARED, tiny.RANDOM_ON_SUPERNET], ids=["ceim", "random"])
def test_candidates_on_a_supernet_are_worth_the_same_to_any_number_of_workers(
    search: dict[str, Any], tmp_path: Path, raw: Path
):
    spec = tiny.spec(search=search)
    records = {w: tiny.run(tmp_path, raw, spec, runs=f"runs{w}", workers=w) for w in (None, 1, 2)}
    one = tiny.only_run(tmp_path / "runsNone")
    for workers in (1, 2):
        assert records[workers].comparable() == records[None].comparable()
        other = tiny.only_run(tmp_path / f"runs{workers}")
        assert lines_without_times(other) == lines_without_times(one), "in one order, whoever was faster"
        assert other.answers() == one.answers()
        assert not list(other.checkpoints.glob("search/*frozen*")), "the copy of the weights is gone"


def test_a_trial_that_takes_too_much_memory_fails_and_the_others_do_not(tmp_path: Path, raw: Path):
    wide = [{**WIDE, "channels": 2500}, {**WIDE, "channels": 4}]
    options = {"label": "slot", "from": {"narrow": {**WIDE, "channels": 4}, "none": "identity", "wide": wide}}
    search = {**tiny.own("grid", batch=3), "trial_memory": 0.15}
    spec = tiny.spec(
        network=tiny.network({**WIDE, "channels": 4}, {"choice": options}), search=search, architectures={}
    )
    record = tiny.run(tmp_path, raw, spec, workers=1)
    trials = [line for line in tiny.only_run(tmp_path / "runs").trials() if line["kind"] == "trial"]
    assert {line["choices"]["slot"]: line["fitness"] is None for line in trials} == {
        "narrow": False,
        "none": False,
        "wide": True,
    }
    (failed,) = record.failures
    assert "memory" in failed.error


@pytest.mark.slow
@pytest.mark.parametrize("search", [OWN, tiny.SHARED], ids=["own", "shared"])
def test_ray_leaves_the_record_of_one_process(search: dict[str, Any], tmp_path: Path, raw: Path):
    pytest.importorskip("ray")
    spec = tiny.spec(search=search)
    alone = tiny.run(tmp_path, raw, spec, runs="alone")
    other = tiny.run(tmp_path, raw, spec, runs="ray", ray="local", workers=2)
    assert other.comparable() == alone.comparable()
    assert settled(tiny.only_run(tmp_path / "ray")) == settled(tiny.only_run(tmp_path / "alone"))


@pytest.mark.parametrize(
    ("options", "engine", "found"),
    [
        ({}, {"name": "local", "threads": 2}, None),
        ({"workers": "2"}, {"name": "sequential"}, ("local", {"workers": 2}, "--workers")),
        (
            {"workers": "auto"},
            {"name": "ray", "gpus": 1},
            ("ray", {"gpus": 1, "workers": "auto"}, "--workers"),
        ),
        ({"ray": "local"}, {"name": "local", "threads": 2}, ("ray", {"address": "local"}, "--ray")),
        (
            {"ray": "auto", "workers": "3"},
            {"name": "ray", "threads": 2, "address": "local"},
            ("ray", {"threads": 2, "address": "auto", "workers": 3}, "--workers"),
        ),
    ],
)
def test_the_command_line_changes_of_an_engine_what_it_names(
    options: dict[str, Any], engine: dict[str, Any], found: Any
):
    given = options.get("workers"), options.get("ray")
    assert engine_given(*given, ComponentSpec(**engine)) == found
