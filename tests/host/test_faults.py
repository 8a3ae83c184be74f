"""What makes a component useless is told before anything trips over it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field

from skelbench.components import KINDS, Component, Dataset, Layout, Metric, Operator, Params, Strategy
from skelbench.host.faults import fault
from skelbench.host.registry import Registry

if TYPE_CHECKING:
    from decimal import Decimal

LAYOUT = Layout(name="two", joints=("a", "b"), inward=((0, 1),), root=1, torso=(0, 1, 0, 1))
DATASET = Dataset(name="mine", layout="two", classes=2, protocols=("p",))


class NamedParams(Params):
    """Has parameters named like keys of specs.

    Attributes:
        op: A word.
        name: A word.
    """

    op: str = ""
    name: str = ""


class Undefined(Params):
    """Names a type that is not there at run time.

    Attributes:
        x: A number.
    """

    x: Decimal


def broken() -> int:
    raise OSError("no default today")


class NoDefault(Params):
    """Has a default that cannot be made.

    Attributes:
        x: A number.
    """

    x: int = Field(default_factory=broken)


@pytest.mark.parametrize(
    ("component", "told"),
    [
        (Metric(name="x", summary=3), "'x' summary=3: must be text"),
        (Metric(name="x", target=None), "'x' target=None: "),
        (Metric(name="x", target="my_module.attribute"), "the target 'my_module.attribute': write 'module:"),
        (Operator(name="x", contract="skeletons"), "'x' contract='skeletons': must be 'input', "),
        (Strategy(name="x", searches=["own"]), "'x' searches=['own']: must be a mapping"),
        (Strategy(name="x", searches={"own": {"choices"}}), "'x' searches={'own': {'choices'}}: "),
        (Strategy(name="x", form="tell"), "'x' form='tell': "),
        (replace(DATASET, classes="ten"), "'mine' classes='ten': must be a whole number"),
        (replace(DATASET, protocols="p"), "'mine' protocols='p': must be a list"),
        (replace(DATASET, protocols=()), "'mine' no protocol"),
        (Operator(name="x", params=NamedParams), "'x' a parameter 'op', which means something else in specs"),
        (Strategy(name="x", params=NamedParams), "'x' a parameter 'name', which means something else"),
        (replace(LAYOUT, inward=((0, 2),)), "'two' joint 2, where there are 2, counted from 0"),
        (replace(LAYOUT, root=-1), "'two' joint -1"),
        (replace(LAYOUT, torso=(0, 1, 2)), "'two' torso=(0, 1, 2): "),
    ],
)
def test_the_field_at_fault_is_named(component: Any, told: str) -> None:
    assert told in (fault(component, KINDS[component.kind]) or "")


@pytest.mark.parametrize("component", [LAYOUT, DATASET, Metric(name="x", target=json.dumps)])
def test_a_sound_one_has_none(component: Component) -> None:
    assert fault(component, type(component)) is None


def test_every_built_in_one_is_sound(registry: Registry) -> None:
    for kind in KINDS:
        assert [fault(e.component, KINDS[kind]) for e in registry.entries(kind) if e.component] == [
            None for _ in registry.names(kind)
        ]


def test_a_model_that_is_not_complete_raises() -> None:
    """The registry tells what is raised as the plugin's fault."""
    with pytest.raises(Exception, match="Decimal"):
        fault(Metric(name="x", params=Undefined), Metric)
    with pytest.raises(OSError, match="no default today"):
        fault(Metric(name="x", params=NoDefault), Metric)
