"""The page of a leaderboard as text: everything in it, nothing that leaves its place."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from skelbench.leaderboard.publish import published_records
from skelbench.leaderboard.table import make_tables
from skelbench.leaderboard.view import view_table
from skelbench.results.store import ARCHITECTURE, RunFolder
from skelbench.web.board import SCRIPTS, STYLE, _text, to_html
from tests.results.records import record

BOARDS = Path(__file__).parents[2] / "leaderboards"


def page_of(*records, **more):
    views = [view_table(table) for table in make_tables(records)]
    return to_html(views, records, **more)


def data_in(text):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def test_the_page_holds_rows_and_runs():
    text, told = page_of(record(choices={"graph_1": ["a"], "graph_2": ["b"]}))
    data = data_in(text)
    (table,) = data["tables"]
    (row,) = table["rows"]
    assert (row["x"], row["y"], row["size"], row["runs"]) == (4.14, 90.0, 3.4695, ["sgcn-01234567-0"])
    assert len(row["cells"]) == len(row["keys"]) == len(table["columns"])
    run = data["runs"]["sgcn-01234567-0"]
    assert run["parts"][0]["kind"] == "grid"
    assert "choices:" in run["yaml"]
    assert told == []


def test_nothing_is_fetched():
    text, _ = page_of(record())
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert [
        name for name in SCRIPTS if re.search(r"innerHTML|insertAdjacent|document\.write|eval\(", _text(name))
    ] == []
    assert "url(" not in _text(STYLE)


def test_no_name_ends_the_script_or_is_markup():
    text, _ = page_of(record().model_copy(update={"model": "</script><img src=x onerror=alert(1)>&"}))
    assert "<img" not in text
    assert data_in(text)["runs"]["sgcn-01234567-0"]["record"]["model"].startswith("</script>")


def test_a_folder_gives_classes_curves_and_the_architecture(tmp_path):
    folder = RunFolder.create(tmp_path, "sgcn", "01234567", 0)
    folder.save_scores(np.array(["a", "b", "c"]), np.array([0, 1, 1]), np.eye(2)[[0, 0, 1]])
    folder.write_text(ARCHITECTURE, "choices: {}\n")
    for n in (1, 2):
        folder.append_trial({"kind": "trial", "generation": n, "number": 0, "fitness": 10.0 * n})
        figures = {"entropy": 1.0 / n, "mean": {"g": [0.25, 0.75]}, "sigma": {"g": [0.1, 0.3]}}
        folder.append_trial({"kind": "generation", "generation": n, "number": -1, **figures})
    text, told = page_of(record(run=folder.name), place=lambda run: tmp_path / run)
    run = data_in(text)["runs"][folder.name]
    assert run["confusion"] == {
        "classes": 2,
        "cells": [[0, 0, 1], [1, 0, 1], [1, 1, 1]],
        "accuracies": [100.0, 50.0],
    }
    assert run["search"]["curves"]["fitness"] == [[1, 10.0], [2, 20.0]]
    assert run["search"]["curves"]["sigma"] == [[1, 0.2], [2, 0.2]]
    assert run["search"]["heat"] == {"g": [0.25, 0.75]}
    assert run["yaml"] == "choices: {}\n"
    assert told == []


@pytest.mark.parametrize("name", ["scores.npz", "trials.jsonl"])
def test_damaged_files_of_a_run_are_told_and_left_out(tmp_path, name):
    folder = RunFolder.create(tmp_path, "sgcn", "01234567", 0)
    (folder.path / name).write_text("[1]\n")
    text, told = page_of(record(run=folder.name), place=lambda run: tmp_path / run)
    assert folder.name in data_in(text)["runs"]
    assert len(told) == (name == "scores.npz")  # of a journal, its reader leaves out the damaged lines


def test_scores_beside_a_published_record_are_taken(tmp_path):
    folder = RunFolder.create(tmp_path, "sgcn", "01234567", 0)
    folder.save_scores(np.array(["a"]), np.array([0]), np.eye(2)[[0]])
    (folder.path / "scores.npz").rename(tmp_path / "x.npz")
    text, _ = page_of(record(), place=lambda run: tmp_path / "x.json")
    assert data_in(text)["runs"]["sgcn-01234567-0"]["confusion"]["accuracies"] == [100.0, None]


def test_published_scores_which_have_no_labels_are_no_damage():
    published = published_records(BOARDS)
    with_scores = [one for one in published if (BOARDS / "records" / f"{one.run}.npz").is_file()]
    assert with_scores
    places = {one.run: BOARDS / "records" / f"{one.run}.json" for one in with_scores}
    text, told = page_of(*with_scores, place=places.get)
    assert told == []
    assert all(run["confusion"] is None for run in data_in(text)["runs"].values())
