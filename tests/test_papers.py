"""The pages on papers: generated tables are what specs say, and a spec that has a paper says something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skelbench.spec.published import NONE, departures_table
from skelbench.spec.resolve import load_spec, shipped_names

PAGES = sorted((Path(__file__).resolve().parents[1] / "docs" / "papers").glob("*.md"))
BLOCK = re.compile(r"<!-- skelbench describe (\S+) --departures -->\n(.*?)\n<!-- end -->", re.S)
REPRODUCE = [
    "sgcn",
    "sgcn-kinetics",
    "sarnas",
    "darts-skeleton",
    "sarnas-depth",
    "sarnas-kinetics",
    "esan",
    "esan-kinetics",
    "sgn",
]
REPRODUCE += ["adasgn", "adasgn-shrec", "varnas", "varnas-live", "varnas-ucf101"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_those_of_the_specs(page):
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks
    for name, table in blocks:
        assert table == departures_table(load_spec(name).spec.departures), (
            f"skelbench describe {name} --departures"
        )


def test_there_is_a_page_for_each_paper():
    assert [page.stem for page in PAGES] == ["adasgn", "esan", "sarnas", "sgcn", "varnas"]


@pytest.mark.parametrize("name", REPRODUCE)
def test_a_spec_that_reproduces_a_paper_says_where_it_departs(name):
    assert name in shipped_names()
    departures = load_spec(name).spec.departures
    assert departures
    for one in departures:
        assert {one.paper, one.release} != {one.ours}, f"{name}, {one.what}: this is no departure"


def test_departures_are_no_part_of_the_run(tmp_path):
    (tmp_path / "mine.yaml").write_text("skelbench: 1\nextends: sgcn\nname: sgcn\ndepartures: []\n")
    mine = load_spec(tmp_path / "mine.yaml")
    assert mine.hash == load_spec("sgcn").hash
    assert departures_table(mine.spec.departures) == NONE
