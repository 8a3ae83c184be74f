"""Parameters in the suites: given as in a spec, and checked as in a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skelbench.components import Component
from skelbench.errors import SpecError
from skelbench.spec.params import validated_params
from skelbench.spec.yaml import Marks


def checked_params(component: Component, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters that a component's target is called with, defaults filled in.

    Args:
        component: Whose parameters.
        given: Some of them, as plain data.

    Raises:
        SpecError: They do not fit the component's model.
    """
    params, problems = validated_params(component, given, Marks(), ())
    if problems:
        raise SpecError.of(problems)
    return params
