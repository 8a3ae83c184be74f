"""Conformance suites for operators and graph modules: subclass, name the component, run pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Operator
from skelbench.host.registry import Registry
from skelbench.space.shapes import output_shape
from skelbench.testing.contracts import BATCH, CHANNELS, CONTRACTS, an_input, context, fits
from skelbench.testing.modules import BuiltModule, backward, build, check_gradients

__all__ = ["GraphModuleConformance", "OperatorConformance", "build", "context"]

EDGES = tuple((stride, shared) for stride in (1, 2) for shared in (False, True))
"""Strides of a cell's edges, and whether the operator is one of a supernet's candidates there."""


class OperatorConformance(BuiltModule):
    """What every operator must do."""

    kind = "operator"

    @pytest.fixture
    def place(self, skelbench_registry: Registry, component: Operator) -> BuildContext:
        """Where in a network the module is tried, among skeletons or among videos."""
        return context(skelbench_registry, self.layout, component.contract)

    @pytest.fixture
    def x(self, component: Operator, place: BuildContext) -> Tensor:
        """A random input, the same each time."""
        return an_input(component.contract, place)

    def places(self, component: Operator, place: BuildContext) -> Iterator[BuildContext]:
        """Further places where the operator may stand: odd sizes, two frames, and all edges of a cell."""
        yield replace(place, frames=2)
        edges = EDGES if component.contract == "cell" else [(place.stride, place.shared)]
        for stride, shared in edges:
            yield replace(place, frames=place.frames - 1, stride=stride, shared=shared)
        if component.contract == "cell":
            yield replace(place, joints=place.joints - 1, stride=2)
        if CONTRACTS[component.contract].video:
            yield replace(place, height=place.height - 1, width=place.width - 1, shared=True)

    def test_it_keeps_its_contract(
        self, component: Operator, module: nn.Module, x: Tensor, place: BuildContext
    ) -> None:
        """The output has the form that the contract promises, and finite values."""
        out = module(x)
        assert torch.isfinite(out).all()
        allowed = CONTRACTS[component.contract].gives(place)
        assert any(fits(tuple(out.shape), shape) for shape in allowed), f"{tuple(out.shape)}, not {allowed}"

    def test_it_keeps_its_other_contracts(
        self, skelbench_registry: Registry, component: Operator, given: Mapping[str, Any]
    ) -> None:
        """What it declares besides its own contract holds as well."""
        for contract in component.also:
            place = context(skelbench_registry, self.layout, contract)
            x = an_input(contract, place)
            out = build(skelbench_registry, component, given, place)(x)
            allowed = CONTRACTS[contract].gives(place)
            assert any(fits(tuple(out.shape), shape) for shape in allowed), f"{contract}: {tuple(out.shape)}"

    def test_it_gives_the_channels_that_it_is_told(
        self,
        skelbench_registry: Registry,
        component: Operator,
        given: Mapping[str, Any],
        x: Tensor,
        place: BuildContext,
    ) -> None:
        """Where it has the parameter ``channels``, so many come out, whatever goes in."""
        if "channels" not in component.params.model_fields:
            return
        for channels in (CHANNELS, 2 * CHANNELS):
            told = {**given, "channels": channels}
            out = build(skelbench_registry, component, told, place)(x)
            assert out.shape[1] == channels, f"{out.shape[1]} channels, not {channels}"

    def test_it_does_so_at_other_places(
        self,
        skelbench_registry: Registry,
        component: Operator,
        given: Mapping[str, Any],
        place: BuildContext,
    ) -> None:
        """All that holds at one place holds at odd sizes, of two frames and on every edge of a cell."""
        for other in self.places(component, place):
            torch.manual_seed(0)
            module = build(skelbench_registry, component, given, other)
            x = an_input(component.contract, other)
            self.test_it_keeps_its_contract(component, module, x, other)
            self.test_its_shape_is_found_without_values(module, x)
            self.test_gradients_reach_every_parameter(module, x.clone())
            self.test_it_learns_in_mixed_precision(module, x)
            self.test_samples_of_a_batch_do_not_mix(component, module, x)

    def test_its_shape_is_found_without_values(self, module: nn.Module, x: Tensor) -> None:
        """It runs on torch's meta device, as it must before a network is built."""
        assert output_shape(module, tuple(x.shape), self.name) == tuple(module(x).shape)

    def test_gradients_reach_every_parameter(self, module: nn.Module, x: Tensor) -> None:
        """Everything in it learns, and so does what stands before it; bytes do not.

        Without parameters it may give nothing but zeros, or nothing that depends on its input.
        """
        learns_before = x.is_floating_point()
        out = module(x.requires_grad_() if learns_before else x)
        if not list(module.parameters()) and (not out.any() or not out.requires_grad):
            return
        backward(out)
        check_gradients(module)
        if learns_before:
            assert x.grad is not None, "no gradient reaches the input"
            assert torch.isfinite(x.grad).all()

    def test_samples_of_a_batch_do_not_mix(self, component: Operator, module: nn.Module, x: Tensor) -> None:
        """A clip's output does not depend on the clips beside it."""
        module.eval()
        alone = module(x[: CONTRACTS[component.contract].rows])
        assert torch.allclose(module(x)[: len(alone)], alone, atol=1e-5)


class GraphModuleConformance(BuiltModule):
    """What every graph module must do."""

    kind = "graph_module"

    @pytest.fixture
    def place(self, skelbench_registry: Registry) -> BuildContext:
        """A slot of an operator that gives twice as many channels as it takes."""
        return replace(context(skelbench_registry, self.layout), out_channels=2 * CHANNELS)

    @pytest.fixture
    def x(self, place: BuildContext) -> Tensor:
        """A random input (N, C, T, V), the same each time."""
        return an_input("skeleton", place)

    def test_it_keeps_its_contract(self, module: nn.Module, x: Tensor) -> None:
        """Three subsets of joints by joints, once or for each clip, and finite values."""
        graph, joints = module(x), x.shape[-1]
        assert tuple(graph.shape) in {(3, joints, joints), (BATCH, 3, joints, joints)}
        assert torch.isfinite(graph).all()

    def test_its_shape_is_found_without_values(self, module: nn.Module, x: Tensor) -> None:
        """It runs on torch's meta device, as it must before a network is built."""
        assert output_shape(module, tuple(x.shape), self.name) == tuple(module(x).shape)

    def test_samples_of_a_batch_do_not_mix(self, module: nn.Module, x: Tensor) -> None:
        """A clip's graph does not depend on the clips beside it."""
        module.eval()
        graph, alone = module(x), module(x[:1])
        assert torch.allclose(graph if graph.dim() == 3 else graph[:1], alone, atol=1e-5)
