"""What a spec names is imported before a run begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelbench import hookimpl
from skelbench.check.spec import check_spec
from skelbench.components import GraphModule, Metric, Operator
from skelbench.engine.targets import load_targets
from skelbench.errors import PluginError
from skelbench.host.registry import load_registry
from skelbench.spec.resolve import load_spec

SPEC = """
skelbench: 1
name: broken
data: {dataset: ucla, clip: {frames: 16, fill: resize}}
network:
  input: data_bn
  body:
    - choice:
        from:
          - {op: stgcn_block, channels: 8, graph: {mix: {from: [adjacency, bad.graph]}}}
          - bad.block
  head: mean_pool_linear
search: {strategy: {name: random}}
evaluate: {metrics: [top1, bad.metric]}
"""


class Broken:
    """Names targets that are not there."""

    @hookimpl
    def register_operators(self) -> list[Operator]:
        return [Operator(name="bad.block", target="no_such_module:Block")]

    @hookimpl
    def register_graph_modules(self) -> list[GraphModule]:
        return [GraphModule(name="bad.graph", target="no_such_module:Graph")]

    @hookimpl
    def register_metrics(self) -> list[Metric]:
        return [
            Metric(name="bad.metric", target="no_such_module:metric"),
            Metric(name="unused", target="no:x"),
        ]


def test_all_that_cannot_be_imported_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(SPEC)
    registry = load_registry([("broken", Broken())])
    checked = check_spec(load_spec(tmp_path / "broken.yaml"), registry)
    with pytest.raises(PluginError) as error:
        load_targets(checked)
    told = [problem.what for problem in error.value.problems]
    assert len(told) == 3
    for name in ("metric 'bad.metric'", "operator 'bad.block'", "graph_module 'bad.graph'"):
        assert any(what.startswith(f"{name} cannot be loaded") for what in told)


@pytest.mark.parametrize("spec", ["sgcn", "sarnas", "adasgn", "esan"])
def test_what_the_shipped_specs_name_is_there(spec: str) -> None:
    load_targets(check_spec(load_spec(spec), load_registry()))
