"""Conformance suites for operators and graph modules: subclass, name the component, run pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, GraphModule, Operator, Slot
from skelbench.errors import SpecError
from skelbench.registry import Registry
from skelbench.space.shapes import output_shape
from skelbench.testing.params import checked_params

BATCH, CHANNELS, FRAMES, PERSONS, CLASSES, CHOICES = 2, 8, 12, 2, 5, 3
DEFAULTS: Mapping[str, Any] = {"channels": 2 * CHANNELS}
"""Given to an operator that needs them and is given no other."""
IN_SLOT = {"graph_module": "adjacency", "operator": "stgcn_block"}
"""What stands in a slot that needs a module and is given no other."""
EDGES = tuple((stride, shared) for stride in (1, 2) for shared in (False, True))
"""Strides of a cell's edges, and whether the operator is one of a supernet's candidates there."""


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
        choices=CHOICES,
    )


def build(
    registry: Registry, component: Operator | GraphModule, given: Mapping[str, Any], place: BuildContext
) -> nn.Module:
    """A module with checked parameters and its slots filled, built as in a network.

    Args:
        registry: Where the modules for its slots come from.
        component: What to build.
        given: Its parameters as in a spec; a slot holds a name or ``{op: name, ...}``.
        place: Its place in the network.

    Raises:
        SpecError: The parameters do not fit the component's model.
    """
    params = checked_params(component, {**_needed(component), **given})
    inside = replace(place, out_channels=params.get("channels", place.channels))
    for name, slot in _slots(component).items():
        if params[name] is not None:
            node = params[name] if isinstance(params[name], dict) else {"op": params[name]}
            own = {key: value for key, value in node.items() if key != "op"}
            params[name] = build(registry, registry.get(slot.kind, node["op"]), own, inside)
    module: nn.Module = component.load()(place, **params)
    return module


def _slots(component: Operator | GraphModule) -> dict[str, Slot]:
    fields = component.params.model_fields.items()
    return {name: mark for name, field in fields for mark in field.metadata if isinstance(mark, Slot)}


def _needed(component: Operator | GraphModule) -> dict[str, Any]:
    known = {**DEFAULTS, **{name: IN_SLOT[slot.kind] for name, slot in _slots(component).items()}}
    needed = [name for name, field in component.params.model_fields.items() if field.is_required()]
    return {name: known[name] for name in needed if name in known}


class _ModuleConformance:
    """What holds for every module.

    Attributes:
        name: The component's registered name.
        params: Its parameters, as in a spec. Where it needs ``channels`` or modules in slots and
            they are left out, the suite gives some.
        layout: The layout to try it on.
    """

    name: ClassVar[str] = ""
    params: ClassVar[Mapping[str, Any]] = {}
    layout: ClassVar[str] = "ntu25"
    kind: ClassVar[str] = ""

    @pytest.fixture
    def place(self, skelbench_registry: Registry) -> BuildContext:
        """Where in a network the module is tried."""
        return context(skelbench_registry, self.layout)

    @pytest.fixture
    def component(self, skelbench_registry: Registry) -> Any:
        """The component under test."""
        return skelbench_registry.get(self.kind, self.name)

    @pytest.fixture
    def module(self, skelbench_registry: Registry, component: Any, place: BuildContext) -> nn.Module:
        """The module under test."""
        return build(skelbench_registry, component, self.params, place)

    def test_it_says_what_it_is(self, component: Any) -> None:
        """There is a summary."""
        assert component.summary, "lists and help show the summary"

    def test_unknown_parameters_are_refused(self, component: Any) -> None:
        """The parameters fit the model, and one more does not."""
        given = {**_needed(component), **self.params}
        checked_params(component, given)
        with pytest.raises(SpecError, match="no_such_parameter"):
            checked_params(component, {**given, "no_such_parameter": 1})


class OperatorConformance(_ModuleConformance):
    """What every operator must do."""

    kind = "operator"

    def shape(self, component: Operator, place: BuildContext) -> tuple[int, ...]:
        """The input's shape by contract."""
        clip = (BATCH, CHANNELS, place.frames, place.joints)
        if component.contract == "input":
            return (*clip, PERSONS)
        return (BATCH * PERSONS, *clip[1:]) if component.contract == "head" else clip

    def output_shapes(self, component: Operator, place: BuildContext) -> list[tuple[int | None, ...]]:
        """The shapes that the contract allows for such an input, None where it leaves the size open."""
        match component.contract:
            case "input":
                folded = (BATCH * PERSONS, None, None, None)
                return [folded, (BATCH, None, place.frames, PERSONS * place.joints)]
            case "head":
                return [(BATCH, CLASSES)]
            case "cell":
                rows, columns = (-(-size // place.stride) for size in (place.frames, place.joints))
                return [(BATCH, CHANNELS, rows, columns)]
            case "policy":
                return [(BATCH, CHOICES, place.frames)]
        return [(BATCH, None, None, None)]

    @pytest.fixture
    def x(self, component: Operator, place: BuildContext) -> Tensor:
        """A random input, the same each time."""
        return self.input(component, place)

    def input(self, component: Operator, place: BuildContext) -> Tensor:
        """A random input of the contract's shape, the same each time."""
        return torch.randn(self.shape(component, place), generator=torch.Generator().manual_seed(0))

    def places(self, component: Operator, place: BuildContext) -> Iterator[BuildContext]:
        """Further places where the operator may stand: odd sizes, and all edges of a cell."""
        edges = EDGES if component.contract == "cell" else [(place.stride, place.shared)]
        for stride, shared in edges:
            yield replace(place, frames=place.frames - 1, stride=stride, shared=shared)
        if component.contract == "cell":
            yield replace(place, joints=place.joints - 1, stride=2)

    def test_it_keeps_its_contract(
        self, component: Operator, module: nn.Module, x: Tensor, place: BuildContext
    ) -> None:
        """The output has the form that the contract promises, and finite values."""
        out = module(x)
        assert torch.isfinite(out).all()
        allowed = self.output_shapes(component, place)
        assert any(_fits(tuple(out.shape), shape) for shape in allowed), f"{tuple(out.shape)}, not {allowed}"

    def test_it_does_so_at_other_places(
        self, skelbench_registry: Registry, component: Operator, place: BuildContext
    ) -> None:
        """All that holds at one place holds at odd sizes and on every edge of a cell."""
        for other in self.places(component, place):
            module = build(skelbench_registry, component, self.params, other)
            x = self.input(component, other)
            self.test_it_keeps_its_contract(component, module, x, other)
            self.test_its_shape_is_found_without_values(module, x)
            self.test_gradients_reach_every_parameter(module, x.clone())
            self.test_samples_of_a_batch_do_not_mix(component, module, x)

    def test_its_shape_is_found_without_values(self, module: nn.Module, x: Tensor) -> None:
        """It runs on torch's meta device, as it must before a network is built."""
        assert output_shape(module, tuple(x.shape), self.name) == tuple(module(x).shape)

    def test_gradients_reach_every_parameter(self, module: nn.Module, x: Tensor) -> None:
        """Everything in it learns, and so does what stands before it.

        Without parameters it may give nothing but zeros, or nothing that depends on its input.
        """
        out = module(x.requires_grad_())
        if not list(module.parameters()) and (not out.any() or not out.requires_grad):
            return
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()
        missing = [name for name, p in module.named_parameters() if p.grad is None]
        assert not missing, f"no gradient reaches {missing}"

    def test_samples_of_a_batch_do_not_mix(self, component: Operator, module: nn.Module, x: Tensor) -> None:
        """A clip's output does not depend on the clips beside it."""
        module.eval()
        alone = module(x[: PERSONS if component.contract == "head" else 1])
        assert torch.allclose(module(x)[: len(alone)], alone, atol=1e-5)


def _fits(shape: tuple[int, ...], allowed: tuple[int | None, ...]) -> bool:
    same = (want in (None, size) for size, want in zip(shape, allowed, strict=True))
    return len(shape) == len(allowed) and all(same)


class GraphModuleConformance(_ModuleConformance):
    """What every graph module must do."""

    kind = "graph_module"

    @pytest.fixture
    def place(self, skelbench_registry: Registry) -> BuildContext:
        """A slot of an operator that gives twice as many channels as it takes."""
        return replace(context(skelbench_registry, self.layout), out_channels=2 * CHANNELS)

    @pytest.fixture
    def x(self, place: BuildContext) -> Tensor:
        """A random input (N, C, T, V), the same each time."""
        shape = (BATCH, CHANNELS, FRAMES, place.joints)
        return torch.randn(shape, generator=torch.Generator().manual_seed(0))

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
