"""pytest plugin for authors of skelbench plugins: the fixture ``skelbench_registry``."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def skelbench_registry():
    """The registry with every installed plugin loaded."""
    from skelbench.registry import load_registry

    return load_registry()
