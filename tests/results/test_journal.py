"""Journals of many damaged lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelbench.results import journal


def test_many_damaged_lines_are_counted_after_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text('{"a": 1}\n' + "{\n" * 40_000 + '{"a": 2}\n')
    assert journal.read(path) == [{"a": 1}, {"a": 2}]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 21
    assert told[0].endswith("trials.jsonl:2: the journal's line is damaged and left out")
    assert told[-1].endswith("and 39,980 more lines")
