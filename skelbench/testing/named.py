"""What the suites have in common: a component under test, found by its registered name."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from skelbench.host.registry import Registry


class NamedComponent:
    """What holds for every component.

    Attributes:
        kind: The kind of component that the suite is for.
        name: The component's registered name.
    """

    kind: ClassVar[str]
    name: ClassVar[str] = ""

    @pytest.fixture
    def component(self, skelbench_registry: Registry) -> Any:
        """The component under test."""
        return skelbench_registry.get(self.kind, self.name)

    def test_it_says_what_it_is(self, component: Any) -> None:
        """There is a summary."""
        assert component.summary, "lists and help show the summary"
