"""Several runs of a spec: which seeds, in what order, and the same rows side by side as one by one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from skelbench.engine.job import RunOptions
from skelbench.engine.study import OneRun, parse_seeds, part_of, run_study, waves
from skelbench.errors import SpecError, WorkFailed
from skelbench.results.record import Record

from . import tiny

PLAIN = tiny.spec()["architectures"]["plain"]
AGAIN = {**PLAIN, "start": {"weights": {"plain": {"input": "input"}}}}


def spec(*stages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return tiny.spec(architectures={"plain": PLAIN, "again": AGAIN}, stages=list(stages), **changes)


def study(folder: Path, raw: Path, data: dict[str, Any], runs: str, seeds: str | None, **options: Any) -> Any:
    path = tiny.write(folder, data)
    given = RunOptions(data=raw, runs=folder / runs, accelerator="cpu", **options)
    return run_study(str(path), given, (), seeds)


@pytest.mark.parametrize(
    ("text", "seeds"), [("0..4", [0, 1, 2, 3, 4]), ("0,3,7", [0, 3, 7]), ("5", [5]), ("2..3, 0,3", [2, 3, 0])]
)
def test_seeds_are_a_range_or_a_list(text: str, seeds: list[int]):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "4..0", "a", "0..", "-1", "0...3", "1,,2"])
def test_what_names_no_seeds_is_told(text: str):
    with pytest.raises(SpecError, match=r"--seeds: .* names no seeds\. Give them as in 0\.\.4"):
        parse_seeds(text)


def test_the_parts_of_the_seeds_are_all_of_them_once():
    parts = [part_of(range(7), f"{i}/3") for i in (1, 2, 3)]
    assert parts == [[0, 3, 6], [1, 4], [2, 5]]
    assert part_of(range(7), None) == list(range(7))


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "1/0", "a/b", "5/9"])
def test_a_part_that_is_none_is_told(shard: str):
    with pytest.raises(SpecError, match="--shard: "):
        part_of(range(4), shard)


def test_the_script_for_slurm_gives_each_task_its_part(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "machines.md").read_text(encoding="utf-8")
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\n" + page.split("```bash\n#!/bin/bash\n")[1].split("```")[0])
    command = tmp_path / "skelbench"
    command.write_text('#!/bin/bash\necho "$@"\n')
    command.chmod(0o755)
    seeds: list[int] = []
    for task in range(1, 5):
        set_by_slurm = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "4", "DATA": "here"}
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        made = subprocess.run(
            ["bash", script], env=set_by_slurm | path, text=True, capture_output=True, check=True
        )
        given = made.stdout.split()
        assert given[:4] == ["run", "sgcn-ucla", "--data", "here"]
        seeds += part_of(parse_seeds(given[given.index("--seeds") + 1]), given[given.index("--shard") + 1])
    assert sorted(seeds) == list(range(8))


def test_what_a_run_starts_from_is_made_in_a_wave_before(tmp_path: Path):
    stages = [
        {"name": "s", "train": ["again"], "streams": ["joint", "bone"]},
        {"name": "t", "train": ["plain"]},
    ]
    checked = tiny.checked(tmp_path, spec(*stages))
    first, second = waves(checked, checked.spec.stages, RunOptions(), True, [4])
    assert first == [OneRun(4), OneRun(4, "plain"), OneRun(4, "plain", "bone")]
    assert second == [OneRun(4, "again"), OneRun(4, "again", "bone")]
    given = RunOptions(start=("plain=somewhere",))
    assert [len(wave) for wave in waves(checked, checked.spec.stages, given, False, [0, 1])] == [6]


def test_seeds_side_by_side_leave_the_rows_of_seeds_one_by_one(tmp_path: Path, raw: Path):
    data = spec({"name": "only", "train": ["plain"]})
    alone: list[Record] = study(tmp_path, raw, data, "alone", "0..1")
    beside: list[Record] = study(tmp_path, raw, data, "beside", "0..1", workers=2)
    assert [record.seed for record in beside] == [0, 1]
    assert [record.comparable() for record in beside] == [record.comparable() for record in alone]


@pytest.mark.slow
def test_stages_side_by_side_leave_the_rows_of_stages_one_by_one(tmp_path: Path, raw: Path):
    stage = {"name": "s", "train": ["again", "plain"], "streams": ["joint", "bone"], "fuse": [[1, 1]]}
    alone = study(tmp_path, raw, spec(stage), "alone", None)
    beside = study(tmp_path, raw, spec(stage), "beside", None, workers=2)
    assert [record.comparable() for record in beside] == [record.comparable() for record in alone]
    assert len(beside) == 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"workers": "0"}, r"--workers: engine 'local': workers.* takes a number above 0"),
        (
            {"workers": 2, "sets": ("search.engine.name=local",)},
            "engine 'local' starts processes in each run",
        ),
    ],
)
def test_what_cannot_be_done_side_by_side_is_told(
    options: dict[str, Any], told: str, tmp_path: Path, raw: Path
):
    own = tiny.own("random", evaluations=1)
    with pytest.raises(SpecError, match=told):
        study(tmp_path, raw, tiny.spec(search=own), "runs", "0..1", **options)


def test_a_run_that_fails_is_named(tmp_path: Path, raw: Path):
    data = tiny.spec(
        search={**tiny.own("random", evaluations=1)}, train={"epochs": 1, "optimizer": {"lr": 1e30}}
    )
    with pytest.raises(WorkFailed, match=r"2 of 2 runs failed: search, seed 0: "):
        study(tmp_path, raw, data, "runs", "0..1", workers=2)
