"""A component's parameters are checked by its model, whatever a stranger's model does."""

from __future__ import annotations

from pydantic import field_validator

from skelbench.components import Metric, Params
from skelbench.spec.params import validated_params
from skelbench.spec.yaml import Marks


class FailingParams(Params):
    """Has a validator that raises what is no validation error.

    Attributes:
        x: A number.
    """

    x: int = 0

    @field_validator("x")
    @classmethod
    def fail(cls, value: int) -> int:
        raise KeyError(value)


def test_a_validator_that_fails_in_its_own_way_is_a_problem_of_the_spec() -> None:
    marks = Marks({("metric",): "spec.yaml:3"})
    params, problems = validated_params(Metric(name="m", params=FailingParams), {"x": 5}, marks, ("metric",))
    assert params == {}
    assert [str(problem) for problem in problems] == [
        "spec.yaml:3: metric 'm': its parameters cannot be checked: KeyError: 5. "
        "Mend or update the plugin that registers it"
    ]
