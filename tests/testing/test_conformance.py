"""The public conformance suites over every component that comes with skelbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skelbench import __version__
from skelbench.components import BuildContext, Dataset, Operator, Params
from skelbench.data import Clip
from skelbench.errors import SpecError
from skelbench.registry import load_registry
from skelbench.testing.datasets import DatasetConformance
from skelbench.testing.gradient import GradientStrategyConformance
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance, build, context
from skelbench.testing.strategies import StrategyConformance

REGISTRY = load_registry()


def every(kind: str, **attributes: str) -> Any:
    """A fixture that gives each built-in component of a kind that has these attributes."""
    built_in = [e.component for e in REGISTRY.entries(kind) if e.origin == f"skelbench {__version__}"]
    built_in = [c for c in built_in if all(getattr(c, name) == attributes[name] for name in attributes)]
    assert built_in, f"there is no such built-in {kind}"

    @pytest.fixture(params=built_in, ids=lambda component: component.name)
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
    steps = 60  # of the default size, which is small
    seeds = 2


class TestEveryDataset(DatasetConformance):
    component = every("dataset")


class Batchwise(nn.Module):
    """A faulty operator: it centres clips by the mean of the batch, and one parameter never learns."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.idle = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0, keepdim=True)


class Counting(nn.Module):
    """A faulty graph: it looks at values to choose its shape."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.joints = context.joints

    def forward(self, x: Tensor) -> Tensor:
        return x.new_ones(int(x.sum() > -1e9), self.joints, self.joints)


class SilentReader:
    """A faulty data set: it reads nothing of what is there, and says nothing."""

    class_names = ("a", "b")

    def sources(self, root: Path) -> list[Path]:
        return list(root.iterdir())

    def read(self, source: Path) -> list[Clip]:
        return []

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        (root / "all.txt").write_text("")


@pytest.fixture
def faulty() -> nn.Module:
    return build(REGISTRY, Operator(name="batchwise", target=Batchwise), {}, context(REGISTRY))


class TestTheSuitesSee:
    def test_clips_that_mix(self, faulty: nn.Module) -> None:
        component = Operator(name="batchwise", target=Batchwise)
        x = torch.randn(OperatorConformance().shape(component, context(REGISTRY)))
        with pytest.raises(AssertionError):
            OperatorConformance().test_samples_of_a_batch_do_not_mix(component, faulty, x)

    def test_parameters_that_do_not_learn(self, faulty: nn.Module) -> None:
        with pytest.raises(AssertionError, match="idle"):
            OperatorConformance().test_gradients_reach_every_parameter(faulty, torch.randn(2, 8, 12, 25))

    def test_graphs_that_look_at_values_or_have_too_few_subsets(self) -> None:
        suite, x = GraphModuleConformance(), torch.randn(2, 8, 12, 25)
        module = Counting(context(REGISTRY))
        with pytest.raises(AssertionError):
            suite.test_it_keeps_its_contract(module, x)
        with pytest.raises(SpecError, match="does not take"):
            suite.test_its_shape_is_found_without_values(module, x)

    def test_readers_that_pass_over_damage(self, tmp_path: Path) -> None:
        component = Dataset(name="silent", target=SilentReader, layout="ntu25", classes=2, protocols=("all",))
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            DatasetConformance().test_an_empty_folder_is_told(component, tmp_path)
        with pytest.raises(AssertionError, match="no file is named"):
            DatasetConformance().test_a_damaged_file_is_told(component, tmp_path)

    def test_needed_parameters_that_nobody_gave(self) -> None:
        class Needs(Params):
            width: int

        component = Operator(name="needs", target=Batchwise, params=Needs)
        with pytest.raises(SpecError, match="needs the parameter 'width'"):
            build(REGISTRY, component, {}, context(REGISTRY))


def test_slots_are_filled_as_a_spec_says() -> None:
    component, place = REGISTRY.get("operator", "stgcn_block"), context(REGISTRY)
    graph = {"op": "dynamic.s", "embed": 5}
    given = build(REGISTRY, component, {"channels": 12, "graph": graph}, place)
    plain = build(REGISTRY, component, {"channels": 12, "graph": "adjacency"}, place)
    embeddings = dict(given.named_parameters()).keys() - dict(plain.named_parameters()).keys()
    # Two embeddings of three subsets of five channels.
    assert {len(given.get_parameter(name)) for name in embeddings} == {2 * 3 * 5}
