"""A strategy that gives something else than its form says is told by its name."""

from __future__ import annotations

from typing import Any

import pytest

from skelbench.components import Strategy
from skelbench.engine.validate import proposals_of, validate_search
from skelbench.errors import WorkFailed
from skelbench.search import OneShot, Proposal


class Half:
    """A search of which half is there."""

    def __init__(self, given: Any = ()) -> None:
        self.given = given

    def training_weights(self, epoch: int) -> None:
        pass

    def ask(self, generation: int) -> Any:
        return self.given


@pytest.mark.parametrize(
    ("form", "given", "told"),
    [
        ("ask_tell", Half(), "no Search: it has no 'tell'"),
        ("gradient", Half(), "no GradientSearch: it has no 'to'"),
        ("oneshot", "DARTS", "gave 'DARTS', no OneShot: it has no 'evaluations'"),
        ("ask_tell", None, "gave None, no Search: it has no 'training_weights'"),
    ],
)
def test_what_is_missing_is_named(form: Any, given: Any, told: str) -> None:
    with pytest.raises(WorkFailed) as error:
        validate_search(Strategy(name="mine", form=form), given)
    assert str(error.value).startswith("strategy 'mine' gave ")
    assert told in str(error.value)


def test_what_is_whole_is_given_back() -> None:
    chosen = OneShot("DARTS")
    assert validate_search(Strategy(name="mine", form="oneshot"), chosen) is chosen


@pytest.mark.parametrize("given", [[{"a": 1}], {"a": 1}, "a", None, 3])
def test_what_is_no_proposal_is_told(given: Any) -> None:
    with pytest.raises(WorkFailed, match=r"which is no skelbench\.search\.Proposal"):
        proposals_of(Half(given), 0)  # type: ignore[arg-type]


def test_proposals_of_any_iterable_are_taken() -> None:
    proposals = [Proposal({"a": 1}), Proposal({"a": 2})]
    assert proposals_of(Half(iter(proposals)), 0) == proposals  # type: ignore[arg-type]
    assert proposals_of(Half(), 0) == []  # type: ignore[arg-type]


def test_an_engine_that_gives_no_configuration_of_nni_is_told() -> None:
    from skelbench.engine import nas

    with pytest.raises(WorkFailed, match=r"^the engine gave None, which is no configuration of NNI"):
        nas.run_experiment(None, None, None, None)  # type: ignore[arg-type]
