"""Skeletons by name, for readers whose parameters name one: built in, or of any plugin."""

from __future__ import annotations

from skelbench.components import Layout
from skelbench.host.registry import load_registry


def registered_layout(name: str) -> Layout:
    """The layout that some plugin registers under a name.

    Raises:
        PluginError: There is none; says the nearest name.
    """
    found: Layout = load_registry().get("layout", name)
    return found
