"""What a wheel would hold: every module and data file of the packages. `.ci/run` builds one and tries it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUP = PROJECT["tool"]["setuptools"]
FOLDERS = {name: ROOT / SETUP["package-dir"].get(name, name) for name in ("skelbench", *SETUP["package-dir"])}
APART = {ROOT / "plugins" / "example"}
"""A distribution of its own."""


def folder_of(package: str) -> Path:
    top, *inner = package.split(".")
    return FOLDERS[top].joinpath(*inner)


PACKED = {folder_of(package) for package in SETUP["packages"]}
DATA = {
    file
    for package, patterns in SETUP["package-data"].items()
    for pattern in patterns
    for file in folder_of(package).glob(pattern)
}


def files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path not in APART and path.name != "__pycache__":
            yield from files(path)
        elif path.is_file():
            yield path


@pytest.mark.parametrize("top", FOLDERS)
def test_every_file_of_a_package_is_packed(top: str) -> None:
    packed = DATA | {file for folder in PACKED for file in folder.glob("*.py")}
    left_out = [str(file.relative_to(ROOT)) for file in files(FOLDERS[top]) if file not in packed]
    assert left_out == [], "list the folder under packages, or the file under package-data, in pyproject.toml"


def test_every_package_listed_is_there() -> None:
    assert [str(folder) for folder in PACKED if not (folder / "__init__.py").is_file()] == []


def test_the_metadata_name_no_address_and_what_is_supported() -> None:
    project = PROJECT["project"]
    assert "urls" not in project
    versions = {line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line}
    assert {f"3.{minor}" for minor in range(11, 13)} == versions
    assert project["requires-python"] == ">=3.11,<3.13"
