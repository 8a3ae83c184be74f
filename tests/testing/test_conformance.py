"""The public conformance suites over every component that comes with skelbench."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, get_args

import pytest

from skelbench import __version__
from skelbench.components import KINDS, Contract
from skelbench.host.registry import load_registry
from skelbench.testing.contracts import CONTRACTS
from skelbench.testing.datasets import DatasetConformance
from skelbench.testing.engines import EngineConformance
from skelbench.testing.gradient import GradientStrategyConformance
from skelbench.testing.layouts import LayoutConformance
from skelbench.testing.metrics import MetricConformance
from skelbench.testing.oneshot import OneShotConformance
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance, build, context
from skelbench.testing.strategies import StrategyConformance
from skelbench.testing.tables import TableConformance
from skelbench.testing.video_datasets import VideoDatasetConformance

REGISTRY = load_registry()
BUILT_IN = {
    (kind, entry.component.name): entry.component
    for kind in KINDS
    for entry in REGISTRY.entries(kind)
    if entry.origin == f"skelbench {__version__}"
}
TRIED: set[tuple[str, str]] = set()
NO_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
MARKS = {("engine", "ray"): (pytest.mark.slow, NO_RAY)}


def every(kind: str, **attributes: str) -> Any:
    """A fixture that gives each built-in component of a kind that has these attributes."""
    found = [c for (of, _), c in BUILT_IN.items() if of == kind]
    found = [c for c in found if all(getattr(c, name) == attributes[name] for name in attributes)]
    assert found, f"there is no such built-in {kind}"
    TRIED.update((kind, component.name) for component in found)
    given = [pytest.param(c, marks=MARKS.get((kind, c.name), ()), id=c.name) for c in found]

    @pytest.fixture(params=given)
    def component(self: object, request: pytest.FixtureRequest) -> Any:
        return request.param

    return component


class TestEveryOperator(OperatorConformance):
    component = every("operator")


class TestEveryGraphModule(GraphModuleConformance):
    component = every("graph_module")


class TestEveryGraphModuleOnAnotherLayout(GraphModuleConformance):
    component = every("graph_module")
    layout = "ucla20"


class TestEveryStrategy(StrategyConformance):
    component = every("strategy", form="ask_tell")
    epochs = 30  # the default warm-up takes 20
    seeds = 4


class TestEveryGradientStrategy(GradientStrategyConformance):
    component = every("strategy", form="gradient")
    epochs = 12  # the default warm-up takes 10
    steps = 60  # of the default size, which is small
    seeds = 2


class TestEveryOneShotStrategy(OneShotConformance):
    component = every("strategy", form="oneshot")


class TestEveryDataset(DatasetConformance):
    component = every("dataset", modality="skeleton")


class TestEveryVideoDataset(VideoDatasetConformance):
    component = every("dataset", modality="video")


class TestEveryMetric(MetricConformance):
    component = every("metric")


class TestEveryEngine(EngineConformance):
    component = every("engine")


class TestEveryLayout(LayoutConformance):
    component = every("layout")


class TestEveryTable(TableConformance):
    component = every("table")
    most_bytes = 3_000_000


def test_every_registered_component_is_tried() -> None:
    assert BUILT_IN.keys() - TRIED == set()


def test_the_table_of_contracts_has_every_contract() -> None:
    assert set(CONTRACTS) == set(get_args(Contract))


def test_slots_are_filled_as_a_spec_says() -> None:
    component, place = REGISTRY.get("operator", "stgcn_block"), context(REGISTRY)
    graph = {"op": "dynamic.s", "embed": 5}
    given = build(REGISTRY, component, {"channels": 12, "graph": graph}, place)
    plain = build(REGISTRY, component, {"channels": 12, "graph": "adjacency"}, place)
    embeddings = dict(given.named_parameters()).keys() - dict(plain.named_parameters()).keys()
    # Two embeddings of three subsets of five channels.
    assert {len(given.get_parameter(name)) for name in embeddings} == {2 * 3 * 5}
