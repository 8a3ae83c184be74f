"""A record: strict, versioned, stored whole, and comparable between two runs of one seed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import RunFolderError
from skelbench.results.record import SCHEMA_VERSION, Record
from tests.results.records import EXAMPLE, record, records


@given(records())
def test_a_record_survives_the_round_trip(tmp_path_factory, original):
    path = tmp_path_factory.mktemp("record") / "record.json"
    original.write(path)
    assert Record.read(path) == original


@given(
    st.dictionaries(
        st.from_regex(r"m[a-z0-9._-]{0,20}", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
    )
)
def test_figures_survive_to_the_last_digit(metrics):
    original = record(metrics=metrics)
    assert Record.model_validate_json(original.model_dump_json()).metrics == metrics


def test_two_runs_of_one_seed_are_comparable_whatever_the_machine():
    other = record(
        date="2027-05-06",
        environment={**EXAMPLE["environment"], "device": "cuda", "threads": 8},
        latency=None,
        search={**EXAMPLE["search"], "seconds": 1.0},
        training={**EXAMPLE["training"], "seconds": 1.0},
    )
    assert other != record()
    assert other.comparable() == record().comparable()


def test_failures_are_comparable_but_for_the_paths_in_their_tracebacks():
    first, second, third = (
        record(failures=[{"trial": 3, "error": error, "traceback": place}])
        for error, place in [("ValueError: a", "/one"), ("ValueError: a", "/two"), ("ValueError: b", "/one")]
    )
    assert first.comparable() == second.comparable()
    assert first.comparable() != third.comparable()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"metrics": {"top1": 90.1}},
        {"macs": 1, "flops": 2},
        {"search": {**EXAMPLE["search"], "kept": 21}},
        {"training": {**EXAMPLE["training"], "lr": 0.2}},
        {"architecture": "00000000"},
        {"choices": {"graph_1": ["cheb.l2"]}},
    ],
)
def test_a_different_result_is_not_comparable(change):
    assert record(**change).comparable() != record().comparable()


def test_a_record_without_search_or_training_is_comparable():
    assert record(search=None, training=None, strategy=None).comparable()["search"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"macs": 10, "flops": 10}, "one MAC is two FLOPs"),
        ({"macs": None}, "one MAC is two FLOPs"),
        ({"metrics": {}}, "must have metrics"),
        ({"metrics": {"top1": float("nan")}}, "metrics.top1"),
        ({"views": 0}, "views"),
        ({"selection": "best_test"}, "selection"),
        ({"acuracy": 1}, "acuracy"),
    ],
)
def test_a_faulty_record_is_refused_with_its_place(tmp_path, change, said):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**EXAMPLE, **change}))
    with pytest.raises(RunFolderError, match=said) as caught:
        Record.read(path)
    assert caught.value.problems[0].where == str(path)
    assert caught.value.problems[0].remedy


def test_every_fault_is_told_at_once(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**EXAMPLE, "views": 0, "seed": "x"}))
    with pytest.raises(RunFolderError) as caught:
        Record.read(path)
    assert len(caught.value.problems) == 2


def test_a_newer_schema_is_refused_without_complaint_about_its_fields(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**EXAMPLE, "schema_version": SCHEMA_VERSION + 1, "new": 1}))
    with pytest.raises(RunFolderError, match="Update skelbench"):
        Record.read(path)


@pytest.mark.parametrize(
    ("content", "where"),
    [(b'{\n"seed": 1,\n}', ":3"), (b"[]", ""), (b"", ":1"), (b'{"a": "\xff"}', "")],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, content, where):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(RunFolderError) as caught:
        Record.read(path)
    assert caught.value.problems[0].where == f"{path}{where}"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="cannot read the record"):
        Record.read(tmp_path / "record.json")


def test_a_failed_run_needs_no_metrics():
    failed = record(status="failed", metrics={}, params=None, macs=None, flops=None)
    assert failed.metrics == {}


# --- records of strangers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "../../x"},
        {"run": "/etc/x"},
        {"stream": "a b"},
        {"model": "=1+1"},
        {"protocol": "x\x1b[2J"},
        {"metrics": {"top1": 100.5}},
        {"metrics": {"top1": 50.0, "../x": 1.0}},
        {"seed": 10**400},
        {"params": -1},
        {"params": 10**30},
        {"date": "2026-13-41"},
        {"started_from": {"a": "../b"}},
        {"strategy": {"name": "a|b"}},
    ],
    ids=str,
)
def test_names_and_figures_that_cannot_be_are_refused(change: dict[str, Any], tmp_path: Path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**EXAMPLE, **change}))
    with pytest.raises(RunFolderError) as raised:
        Record.read(path)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"a": ' * 100_000, '{"seed": ' + "1" * 5_000 + "}", '{"spec": 1e999}', "\udc80", "null"],
    ids=["lists", "objects", "digits", "infinite", "surrogate", "null"],
)
def test_a_file_that_is_no_record_is_one_line(content: str, tmp_path: Path):
    path = tmp_path / "record.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(RunFolderError) as raised:
        Record.read(path)
    assert str(path) in str(raised.value)


def test_a_device_or_a_pipe_is_no_record(tmp_path: Path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path in (pipe, link):
        with pytest.raises(RunFolderError, match="it is no file"):
            Record.read(path)


def test_control_characters_never_leave_a_record():
    failure = {"trial": 0, "error": "no\x1b]0;luck\x07", "traceback": "a\nb\x9b"}
    made = record(failures=[failure], clip={"a\x00": ["\ud800", {"b": "\u202e"}]})
    assert made.failures[0].error == r"no\x1b]0;luck\x07"
    assert made.failures[0].traceback == "a\nb\\x9b"
    assert made.clip == {r"a\x00": [r"\ud800", {"b": r"\u202e"}]}
