"""All about one component: parameters, contract and an example."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field

from skelbench.cli.cards import CONTRACTS, FORMS, attribute_docs, contract, make_card, parameters
from skelbench.components import Contract, Operator, Params, Slot, Strategy
from skelbench.host.registry import load_registry


class Base(Params):
    """What others begin with.

    Attributes:
        width: How wide it is,
            in channels.
        ratio: A share.
    """

    width: Annotated[int, Field(gt=0)]
    ratio: Annotated[float, Field(ge=0, lt=1)] = 0.5


class Given(Base):
    """More of it.

    Attributes:
        ratio: Another share.
        mode: How.
    """

    mode: Literal["a", "b"] = "a"
    graph: Annotated[Any, Slot("graph_module")] = "adjacency"
    sizes: tuple[Annotated[int, Field(gt=0)], ...] = ()
    pair: tuple[int, float] | None = None
    by_name: dict[str, int] = Field(default_factory=dict, description="By name.")
    anything: Any = None


def test_parameters_have_types_in_words() -> None:
    assert {parameter.name: parameter.type for parameter in parameters(Given)} == {
        "width": "int > 0",
        "ratio": "float >= 0 and < 1",
        "mode": "a | b",
        "graph": "graph module node",
        "sizes": "list of int > 0",
        "pair": "[int, float] | null",
        "by_name": "mapping of str to int",
        "anything": "anything",
    }


def test_what_they_mean_is_inherited_and_may_be_said_anew() -> None:
    docs = attribute_docs(Given)
    assert docs["width"] == "How wide it is, in channels."
    assert docs["ratio"] == "Another share."
    assert docs["by_name"] == "By name."
    assert "graph" not in docs


def test_defaults_and_what_is_required() -> None:
    found = {parameter.name: parameter for parameter in parameters(Given)}
    assert found["width"].required
    assert found["width"].default is None
    assert (found["by_name"].required, found["by_name"].default) == (False, {})


def test_every_contract_and_form_is_explained() -> None:
    assert set(CONTRACTS) == set(get_args(Contract))
    assert set(FORMS) == {"ask_tell", "gradient", "oneshot"}
    assert all("->" in shapes for shapes in CONTRACTS.values())


@pytest.mark.parametrize(
    ("component", "told"),
    [
        (Operator(name="x", contract="head"), "head: (N*M, C, T, V) -> (N, classes)"),
        (
            Strategy(name="x", form="oneshot"),
            "oneshot: target(space, seed, **params) gives a skelbench.search.OneShot",
        ),
    ],
)
def test_the_contract_has_shapes_or_says_what_the_target_gives(component: Any, told: str) -> None:
    assert contract(component) == told


def test_a_component_for_which_there_is_no_example_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELBENCH_PLUGINS", "graphs")
    registry = load_registry()
    card = make_card(registry.entry("graph_module", "adjacency"), registry)
    assert card.example == ""
    assert card.note == "No example: there is no data set of skeletons"
