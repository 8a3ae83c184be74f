"""A complete made-up table, and one with holes."""

from pathlib import Path

import pytest

from skelbench.tables.catalog import OpenTable, open_table
from tests.tables import made


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("table") / "made.npz")


@pytest.fixture
def table(path: Path) -> OpenTable:
    return open_table(path)


@pytest.fixture
def holed(tmp_path: Path) -> OpenTable:
    return open_table(made.with_holes(tmp_path / "holed.npz", holes=[0, 5, 63]))
