"""pytest plugin for authors of skelbench plugins: the fixture ``skelbench_registry``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from skelbench.host.registry import Registry


@pytest.fixture(scope="session")
def skelbench_registry() -> Registry:
    """The registry with every installed plugin loaded."""
    from skelbench.host.registry import load_registry  # late: pytest loads this module in every project

    return load_registry()
