"""The house is in order: modules that one can read, no import circle, no room that nobody listed."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"skelbench": ROOT / "skelbench", "skelbench_plugins": ROOT / "plugins"}
LIMIT = 300


def modules() -> dict[str, Path]:
    """Every module of the package and of the plugins that come with it, by its dotted name."""
    found = {}
    for package, folder in ROOMS.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            if parts[0] != "example":
                found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(name: str, path: Path) -> Iterator[str]:
    """The modules of the house that a module imports, also late and for types alone."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield whole if whole in MODULES else source


GRAPH = {name: {i for i in imports(name, path) if i in MODULES} - {name} for name, path in MODULES.items()}
DOOR = {"skelbench": {"skelbench.api"}}
"""The package opens its door for users when somebody asks for it; nothing inside goes through it."""


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, in its order; none where there is none."""
    done: set[str] = set()

    def follow(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := follow(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := follow(name, []))), [])


def test_no_modules_import_each_other() -> None:
    assert not circle({name: others - DOOR.get(name, set()) for name, others in GRAPH.items()})


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert len(GRAPH) > 200
    assert "skelbench.search" in GRAPH["skelbench.components"] | GRAPH["skelbench.engine.search"]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_can_be_read_at_one_sitting(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LIMIT


def test_every_room_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    rooms = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert rooms <= listed


def test_what_stands_at_the_root_is_for_users_and_authors() -> None:
    files = {path.stem for path in (ROOT / "skelbench").glob("*.py")}
    door = {"__init__", "__main__", "api", "console"}
    public = {"components", "errors", "layers", "layouts", "recipe", "search", "trellis"}
    assert files == door | public
