"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from skelbench.host.registry import Registry, load_registry

if "PYTEST_XDIST_WORKER" in os.environ:  # beside others: spinning threads cost
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines differ in speed and first calls are slow; the same examples every time keep runs comparable.
settings.register_profile("skelbench", deadline=None, derandomize=True)
settings.load_profile("skelbench")


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Every installed plugin, loaded once."""
    return load_registry()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real recordings; tests that use it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKELBENCH_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no real recordings: set SKELBENCH_SHARED_DATA to the folder that holds them")
    return folder
