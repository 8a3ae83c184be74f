"""Recordings for whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from skelbench_plugins.datasets.ucla.reader import UclaReader

import skelbench.engine.nas  # noqa: F401 - it imports NNI without its warnings, tests may do so later


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty synthetic NW-UCLA recordings of three classes, in the data set's own form."""
    root = tmp_path_factory.mktemp("ucla")
    UclaReader().synthesise(root, clips=60, seed=0, classes=3)
    return root
