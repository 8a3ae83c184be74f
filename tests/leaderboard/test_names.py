"""What tables call models."""

from pathlib import Path

import pytest

from skelbench.errors import RunFolderError
from skelbench.leaderboard.names import NAMES, Names, read_names
from tests.results.records import record

PUBLISHED = Path(__file__).resolve().parents[2] / "leaderboards"
KNOWN = Names({"sgn": "SGN", "random": "nobody's"}, {"cells": {"random": "random cell 1"}}, {"ceim": "CEIM"})


@pytest.mark.parametrize(
    ("model", "space", "name"),
    [
        ("sgn", "sgn", "SGN"),
        ("sgn (8 cells)", "sgn", "SGN (8 cells)"),
        ("random", "cells", "random cell 1"),
        ("random", "other", "nobody's"),
        ("mine", "cells", "mine"),
    ],
)
def test_a_model_has_the_name_of_its_space_or_of_all_spaces_or_its_own(model, space, name):
    assert KNOWN.of_model(model, space) == name


def test_what_a_search_found_is_told_by_its_strategy():
    assert KNOWN.of(record()) == "found by CEIM"
    assert Names().of(record()) == "found by ceim"
    assert KNOWN.of(record(strategy=None)) == "found by search"


def test_the_published_names_are_read_and_missing_ones_are_none():
    assert read_names(PUBLISHED / NAMES).of_model("random-1", "sarnas-ucla") == "random cell 2"
    assert read_names(Path("nowhere")) == Names()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("models: [a]", "models: "),
        ("model: {a: b}", "model: "),
        ("models: {a: 1}", "models.a: "),
        ("{", "not YAML"),
    ],
)
def test_a_file_that_holds_no_names_is_refused_with_its_place(tmp_path, text, what):
    (tmp_path / NAMES).write_text(text)
    with pytest.raises(RunFolderError, match=what) as caught:
        read_names(tmp_path / NAMES)
    assert caught.value.problems[0].where == str(tmp_path / NAMES)
