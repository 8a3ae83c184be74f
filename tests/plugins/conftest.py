"""What the tests of layouts, graphs and operators share."""

from __future__ import annotations

import pytest
from skelbench_plugins.layouts import NTU25

from skelbench.components import BuildContext, Layout


@pytest.fixture
def place():
    """Makes the context of a module: ``place(channels=8, frames=6, ...)``."""

    def make(
        channels: int = 8,
        frames: int = 6,
        out_channels: int | None = None,
        layout: Layout = NTU25,
        persons: int = 2,
        classes: int = 60,
    ) -> BuildContext:
        joints = len(layout.joints)
        return BuildContext(channels, frames, joints, persons, classes, layout, out_channels)

    return make
