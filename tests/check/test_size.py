"""Sizes that no machine has are refused before anything of that size is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skelbench.check.spec import check_spec
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.spec.resolve import load_spec, shipped_names
from tests.engine import tiny


@pytest.mark.parametrize(
    ("set_", "said"),
    [
        ("data.clip.frames=1000000000000", "1,000,000,000,000 is too large"),
        ("search.strategy.population=1000000000", "1,000,000,000 is too large"),
        ("network.body.0.channels=" + "9" * 399, "a number of 399 digits is too large"),
        ("network.body.0.repeat=1000000000", "is too large"),
        ("network.body.0.channels=1000000", "a network of width 1,000,000 takes 4 TiB of memory at least"),
        ("train.batch_size=1000000", ""),
        ("data.clip.frames=1000000", ""),
    ],
)
def test_what_fits_into_no_machine_is_refused_with_its_place(
    set_: str, said: str, tmp_path: Path, registry: Registry
):
    path = tiny.write(tmp_path, tiny.spec())
    sets = [set_] if said else [set_, "data.clip.frames=100000", "train.batch_size=100000"]
    with pytest.raises(SpecError) as raised:
        check_spec(load_spec(path, sets=sets), registry)
    assert said in str(raised.value)
    assert raised.value.problems[0].where


def test_what_comes_along_is_not_too_large(registry: Registry):
    for name in shipped_names():
        check_spec(load_spec(name), registry)


def test_a_summary_named_again_and_again_is_refused(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("skelbench: 1\nsummary: &a " + "x" * 100_000 + "\nreported: [" + "*a, " * 5000 + "]\n")
    with pytest.raises(SpecError, match="too large through its aliases"):
        load_spec(path)


def test_a_name_has_a_length_that_files_have(tmp_path: Path):
    path = tiny.write(tmp_path, tiny.spec(name="x" * 300))
    with pytest.raises(SpecError, match="at most 100 characters"):
        load_spec(path)


@pytest.mark.parametrize(
    "content", ["secret: {a: b: c}", "password\n", "a: &x 1\nb: *secret\n", "\x00secret"]
)
def test_a_file_that_is_no_spec_is_never_shown_by_what_extends_it(content: str, tmp_path: Path):
    (tmp_path / "private.txt").write_text(content)
    data: dict[str, Any] = {"skelbench": 1, "extends": "private.txt"}
    path = tiny.write(tmp_path, data)
    with pytest.raises(SpecError, match="this is no spec") as raised:
        load_spec(path)
    assert "secret" not in str(raised.value)
    assert "password" not in str(raised.value)


def test_a_base_whose_name_no_file_can_have_is_no_spec(tmp_path: Path):
    path = tiny.write(tmp_path, {"skelbench": 1, "extends": "x" * 5000})
    with pytest.raises(SpecError, match="there is no such spec") as raised:
        load_spec(path)
    assert len(str(raised.value)) < 2000
