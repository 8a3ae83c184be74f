"""Conformance suites for operators and graph modules: subclass, name the component, run pytest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, GraphModule, Operator
from skelbench.registry import Registry

BATCH, CHANNELS, FRAMES, PERSONS, CLASSES = 2, 8, 12, 2, 5


def context(registry: Registry, layout: str = "ntu25") -> BuildContext:
    """A small place in a network, for tests."""
    skeleton = registry.get("layout", layout)
    return BuildContext(
        channels=CHANNELS,
        frames=FRAMES,
        joints=len(skeleton.joints),
        persons=PERSONS,
        classes=CLASSES,
        layout=skeleton,
    )


class _ModuleConformance:
    """What holds for every module.

    Attributes:
        name: The component's registered name.
        params: Its parameters, as in a spec.
        layout: The layout to try it on.
    """

    name = ""
    params: dict[str, Any] = {}  # noqa: RUF012 - subclasses replace it, nothing changes it
    layout = "ntu25"
    kind = ""

    @pytest.fixture
    def place(self, skelbench_registry: Registry) -> BuildContext:
        return context(skelbench_registry, self.layout)

    @pytest.fixture
    def component(self, skelbench_registry: Registry) -> Any:
        return skelbench_registry.get(self.kind, self.name)

    def build(self, component: Operator | GraphModule, place: BuildContext) -> nn.Module:
        """The module with checked parameters; override to fill slots."""
        params = component.params.model_validate(self.params)
        return component.load()(place, **{name: getattr(params, name) for name in type(params).model_fields})

    def test_it_says_what_it_is(self, component: Any) -> None:
        assert component.summary, "lists and help show the summary"

    def test_unknown_parameters_are_refused(self, component: Any) -> None:
        with pytest.raises(ValueError, match="no_such_parameter"):
            component.params.model_validate({**self.params, "no_such_parameter": 1})


class OperatorConformance(_ModuleConformance):
    """What every skeleton operator must do."""

    kind = "operator"

    def shape(self, component: Operator, place: BuildContext) -> tuple[int, ...]:
        """The input's shape by contract."""
        clip = (BATCH, CHANNELS, FRAMES, place.joints)
        if component.contract == "input":
            return (*clip, PERSONS)
        return (BATCH * PERSONS, *clip[1:]) if component.contract == "head" else clip

    def test_it_keeps_its_contract(self, component: Operator, place: BuildContext) -> None:
        out = self.build(component, place)(torch.randn(self.shape(component, place)))
        if component.contract == "head":
            assert out.shape == (BATCH, CLASSES)
        else:
            folds = PERSONS if component.contract == "input" else 1
            assert out.dim() == 4
            assert out.shape[0] == BATCH * folds

    def test_gradients_reach_every_parameter(self, component: Operator, place: BuildContext) -> None:
        module = self.build(component, place)
        x = torch.randn(self.shape(component, place), requires_grad=True)
        (module(x) * torch.randn_like(module(x))).sum().backward()
        assert x.grad is not None
        missing = [name for name, p in module.named_parameters() if p.grad is None]
        assert not missing, f"no gradient reaches {missing}"

    def test_samples_of_a_batch_do_not_mix(self, component: Operator, place: BuildContext) -> None:
        module = self.build(component, place).eval()
        x = torch.randn(self.shape(component, place))
        folds = PERSONS if component.contract == "head" else 1
        alone = module(x[:folds])
        assert torch.allclose(module(x)[: len(alone)], alone, atol=1e-5)


class GraphModuleConformance(_ModuleConformance):
    """What every graph module must do."""

    kind = "graph_module"

    def graph(self, component: GraphModule, place: BuildContext) -> tuple[nn.Module, Tensor]:
        """The module, and its graph for a random input."""
        module = self.build(component, replace(place, out_channels=2 * CHANNELS))
        return module, module(torch.randn(BATCH, CHANNELS, FRAMES, place.joints))

    def test_it_keeps_its_contract(self, component: GraphModule, place: BuildContext) -> None:
        _, graph = self.graph(component, place)
        joints = place.joints
        assert tuple(graph.shape) in {(3, joints, joints), (BATCH, 3, joints, joints)}

    def test_the_graph_is_finite(self, component: GraphModule, place: BuildContext) -> None:
        _, graph = self.graph(component, place)
        assert torch.isfinite(graph).all()
