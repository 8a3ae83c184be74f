"""``skelbench list``: what it prints of all components and of one."""

from __future__ import annotations

import json

import pytest

from skelbench.cli.list import list_components
from skelbench.components import KINDS
from skelbench.errors import PluginError
from skelbench.host.registry import load_registry
from tests.shown import invoke, on_terminal, rows


class TestList:
    def test_every_component_has_a_line(self) -> None:
        registry = load_registry()
        expected = [(kind, name) for kind in KINDS for name in registry.names(kind)]
        assert [(row["kind"], row["name"]) for row in rows("list")] == expected

    def test_a_line_says_what_one_must_know(self) -> None:
        block = next(row for row in rows("list", "operator") if row["name"] == "stgcn_block")
        assert block["detail"] == "skeleton"
        assert block["params"].startswith("channels, graph, stride=1")
        assert block["origin"].startswith("skelbench ")
        ceim = next(row for row in rows("list", "strategy") if row["name"] == "ceim")
        assert ceim["detail"].startswith("shared: cell, choice, inputs, mix; own:")
        assert "mean=null" in ceim["params"]
        ucla = next(row for row in rows("list", "dataset") if row["name"] == "ucla")
        assert ucla["detail"] == "xview; 10 classes; ucla20"

    @pytest.mark.parametrize("kind", ["graph_module", "graph_modules", "graph-modules"])
    def test_kinds_may_be_written_in_the_plural(self, kind: str) -> None:
        assert rows("list", kind) == rows("list", "graph_module")

    def test_strategies_too(self) -> None:
        assert {row["kind"] for row in rows("list", "strategies")} == {"strategy"}

    def test_an_unknown_kind_is_told(self) -> None:
        error = invoke("list", "operater").exception
        assert isinstance(error, PluginError)
        assert str(error) == "there is no kind 'operater'. Did you mean 'operator'?"

    def test_json_holds_the_same(self) -> None:
        listed = json.loads(invoke("list", "metric", "--json").stdout)
        assert [{k: v for k, v in row.items() if k != "plugin"} for row in listed] == rows("list", "metric")

    def test_a_terminal_gets_a_table_for_each_kind(self) -> None:
        shown = on_terminal(list_components)
        assert shown.index("operator") < shown.index("graph_module") < shown.index("layout")
        assert "stgcn_block.original" in shown
        assert "params" not in shown.partition("metric")[2], "an empty column is left out"


class TestOne:
    def test_it_is_explained(self) -> None:
        lines = invoke("list", "operator", "stgcn_block").stdout.splitlines()
        assert lines[0] == "operator stgcn_block"
        assert lines[2].startswith("From skelbench ")
        assert "skeleton: (N, C, T, V) -> (N, C', T', V')" in lines
        place = lines.index("  stride: int > 0, default 1")
        assert lines[place + 1] == "      Step between frames."
        assert "A spec that uses it:" in lines

    def test_json_holds_it_all(self) -> None:
        card = json.loads(invoke("list", "strategies", "ceim", "--json").stdout)
        assert (card["kind"], card["name"], card["plugin"]) == ("strategy", "ceim", "strategies")
        population = next(p for p in card["parameters"] if p["name"] == "population")
        assert population == {**population, "required": False, "type": "int >= 2"}
        assert population["doc"]
        assert "name: ceim" in card["example"]

    def test_an_unknown_name_is_told_with_the_nearest(self) -> None:
        done = invoke("list", "operator", "stgcn_blok")
        assert isinstance(done.exception, PluginError)
        assert str(done.exception) == "unknown operator 'stgcn_blok'. Did you mean 'stgcn_block'?"
        assert done.exception.exit_code == 2
        assert done.stdout == ""
