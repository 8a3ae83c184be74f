"""Specs that are shown as examples of a component are right, and use it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from skelbench import hookimpl
from skelbench.check.spec import check_spec
from skelbench.cli.examples import example_spec
from skelbench.components import KINDS, Column, Dataset, Metric, Operator, Params
from skelbench.errors import SpecError
from skelbench.host.registry import Registry, load_registry
from skelbench.spec.resolve import load_spec

UNNAMED = ("column", "table")
NAMED = [(kind, name) for kind in KINDS for name in load_registry().names(kind) if kind not in UNNAMED]
NEEDS = "no data set has as many joints"


@pytest.mark.parametrize(("kind", "name"), NAMED, ids=lambda part: part)
def test_the_example_of_every_component_is_accepted(
    kind: str, name: str, registry: Registry, tmp_path: Path
) -> None:
    try:
        text = example_spec(registry.get(kind, name), registry)
    except SpecError as error:
        if str(error).endswith(NEEDS):
            pytest.skip(str(error))
        raise
    (tmp_path / "example.yaml").write_text(text)
    check_spec(load_spec(tmp_path / "example.yaml"), registry)
    assert name in text


class NeededParams(Params):
    """All of it is needed.

    Attributes:
        size: A size.
        share: A share.
        mode: A mode.
        pair: A pair.
        name: A name.
        flag: A flag.
    """

    size: Annotated[int, Field(gt=6)]
    share: Annotated[float, Field(ge=2)]
    mode: Literal["first", "second"]
    pair: tuple[int, int]
    name: str
    flag: bool


class HardParams(Params):
    """Needs what nobody can guess.

    Attributes:
        code: A code.
    """

    code: Annotated[str, Field(pattern="^x[0-9]+$")]


class EasyParams(Params):
    """Needs what nobody can guess, and gives an example of it.

    Attributes:
        code: A code.
    """

    code: Annotated[str, Field(pattern="^x[0-9]+$", examples=["x12"])]


def with_operator(params: type[Params], **options: Any) -> tuple[Operator, Registry]:
    component = Operator(name="mine", params=params, target="json:dumps", **options)

    class Plugin:
        @hookimpl
        def register_operators(self) -> list[Operator]:
            return [component]

    return component, load_registry([("mine", Plugin())])


@pytest.mark.parametrize("contract", ["input", "skeleton", "head", "cell", "policy"])
def test_required_parameters_are_given(contract: Any) -> None:
    text = example_spec(*with_operator(NeededParams, contract=contract))
    for part in ("size: 7", "share: 2.0", "mode: first", "pair: [1, 1]", "name: text", "flag: true"):
        assert part in text


def test_what_cannot_be_guessed_is_told_and_an_example_of_the_field_is_taken() -> None:
    with pytest.raises(SpecError, match=r"^No example: .*code: must be a text of the form"):
        example_spec(*with_operator(HardParams))
    assert "code: x12" in example_spec(*with_operator(EasyParams))


def test_a_data_set_with_parameters_is_given_them() -> None:
    component = Dataset(name="mine", layout="ucla20", classes=2, protocols=("p",), params=EasyParams)

    class Plugin:
        @hookimpl
        def register_datasets(self) -> list[Dataset]:
            return [component]

    assert "code: x12" in example_spec(component, load_registry([("mine", Plugin())]))


def test_columns_are_not_named_in_specs(registry: Registry) -> None:
    with pytest.raises(SpecError, match="`skelbench leaderboard` shows it"):
        example_spec(Column(name="mine"), registry)


def test_without_the_parts_of_a_network_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELBENCH_PLUGINS", "datasets,layouts,metrics")
    with pytest.raises(SpecError, match=r"^No example: "):
        example_spec(Metric(name="top1"), load_registry())
