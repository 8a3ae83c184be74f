"""The documentation says what is there, all of it, and its code runs."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import typer
from pydantic import BaseModel

from skelbench.cli.app import app
from skelbench.cli.cards import CONTRACTS, attribute_docs
from skelbench.components import ALL_NODE_KINDS, KINDS, Component, Strategy
from skelbench.host import hookspecs
from skelbench.host.registry import load_registry
from skelbench.spec.schema import Spec

ROOT = Path(__file__).resolve().parents[1]
REGISTRY = load_registry()
HOOKS = sorted(name for name in dir(hookspecs) if hasattr(getattr(hookspecs, name), "skelbench_spec"))
STRATEGIES = [s for e in REGISTRY.entries("strategy") if isinstance(s := e.component, Strategy)]
COMPONENTS = [entry.component for kind in KINDS for entry in REGISTRY.entries(kind)]


NOT_FOR_AUTHORS = {"given"}
"""Fields that skelbench fills in."""
HOMES = {"hookimpl": "skelbench.host.hookspecs", "PLUGIN_API": "skelbench.host.api_version"}
"""Where names are assigned that are public elsewhere."""


def page(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text()


AUTHORS = page("plugins", "README.md")


# --- hooks and plugins -----------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_stand_in_the_table_with_their_arguments(hook: str) -> None:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"\n| `{hook}({arguments})` |" in page("plugins", "README.md")


def test_the_table_has_no_other_hooks() -> None:
    assert sorted(re.findall(r"^\| `(\w+)\(", page("plugins", "README.md"), re.M)) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_have_a_section_that_names_what_they_are_given(hook: str) -> None:
    """Of a hook that registers, the component and each of its own fields; of others, their arguments."""
    section = AUTHORS.partition(f"\n### {hook}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    signature = inspect.signature(getattr(hookspecs, hook))
    words = [f"`{name}`" for name in signature.parameters]
    for kind in KINDS.values():
        if kind.__name__ in str(signature.return_annotation):
            own = {field.name for field in fields(kind)} - {field.name for field in fields(Component)}
            words += [f"`{kind.__name__}`", *(f"`{name}" for name in own if name not in NOT_FOR_AUTHORS)]
    assert words
    assert [word for word in words if word not in section] == []


def test_contracts_stand_in_a_table_as_the_command_line_shows_them() -> None:
    """`skelbench list operator NAME` and the page cannot come to differ."""
    rows = [f"| `{name}` | {shapes} |" for name, shapes in CONTRACTS.items()]
    table = AUTHORS.partition("| contract | maps |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.replace("\\*", "*").splitlines() == rows


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_are_implemented_or_tested(hook: str) -> None:
    """By a built-in plugin, the example, or a test of plugins."""
    names = ("host/test_plugins.py", "host/test_observers.py", "tables/test_table.py")
    tests = [ROOT / "tests" / name for name in names]
    files = [*ROOT.glob("plugins/*/**/__init__.py"), *tests]
    assert any(f"def {hook}(" in file.read_text() for file in files)


BLOCKS = re.findall(r"^```(python|toml)\n(?:# (\S+?)(, continued)?\n)?(.*?)^```", AUTHORS, re.M | re.S)


def test_the_smallest_plugin_of_the_page_is_small_and_whole(tmp_path: Path) -> None:
    (_, project, _, described), (_, module, _, code) = BLOCKS[:2]
    assert (project, module) == ("pyproject.toml", "my_plugin/__init__.py")
    assert len([line for line in (described + code).splitlines() if line.strip()]) < 30
    (tmp_path / "my_plugin").mkdir()
    (tmp_path / module).write_text(code)
    installed_as(tmp_path, "my-plugin", "mine = my_plugin")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = python("-m", "skelbench", "list", "metric", folder=tmp_path, environment=environment)
    assert "mine.errors\tShare of wrong answers" in shown
    rate = (
        "import numpy; from skelbench.host.registry import load_registry;"
        "print(load_registry().get('metric', 'mine.errors').load()(numpy.eye(4), numpy.array([0, 1, 2, 0])))"
    )
    assert python("-c", rate, folder=tmp_path, environment=environment) == "25.0\n"


def test_the_plugin_of_the_page_works(tmp_path: Path) -> None:
    """The files of the page, written down as they stand, are found, listed and pass their suite."""
    blocks = BLOCKS
    names = {name for _, name, _, _ in blocks}
    assert names >= {"pyproject.toml", "my_plugin/__init__.py", "my_plugin/cells.py"}
    for _, name, continued, text in blocks:
        assert name, f"a block that belongs to no file is not tried:\n{text}"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        assert (tmp_path / name).exists() == bool(continued), name
        with (tmp_path / name).open("a") as file:
            file.write(text)
    installed_as(tmp_path, "my-plugin", "mine = my_plugin")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    listed = python("-m", "skelbench", "list", "operator", folder=tmp_path, environment=environment)
    assert (
        "mine.scale\tScales every channel by a learned factor\tskeleton\tstart=1.0\tmy-plugin 0.1.0" in listed
    )
    python("-m", "pytest", "-q", "tests", folder=tmp_path, environment=environment)


def installed_as(folder: Path, name: str, entry_point: str) -> None:
    """What an installer leaves behind, so that the entry point is found on the path."""
    info = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[skelbench]\n{entry_point}\n")


def python(*arguments: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_conformance_suites_stand_in_the_table_and_the_table_has_no_others() -> None:
    files = (ROOT / "skelbench" / "testing").glob("*.py")
    found = {f.stem: re.findall(r"^class ([A-Z]\w*Conformance)", f.read_text(), re.M) for f in files}
    suites = {f"{module}.{name}" for module, names in found.items() for name in names}
    assert set(SUITES) == suites


# --- components and their parameters ---------------------------------------------------------


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: f"{c.kind}:{c.name}")
def test_components_say_what_they_are(component: Component) -> None:
    assert component.summary
    undocumented = set(component.params.model_fields) - set(attribute_docs(component.params))
    assert not undocumented, f"{component.params.__name__} does not explain {undocumented}"


# --- public names ----------------------------------------------------------------------------


def public_names() -> dict[str, set[str]]:
    """By module, the names that the page calls public; those of testing with their modules."""
    rows = re.findall(r"^\| `(skelbench[\w.]*)` \| (.*) \|$", AUTHORS, re.M)
    found = {module: set(re.findall(r"`([\w.]+)`", names)) for module, names in rows}
    for name in found.pop("skelbench.testing") | set(SUITES):
        module, _, own = name.rpartition(".")
        found.setdefault(f"skelbench.testing.{module}", set()).add(own)
    return found


TESTING = page("skelbench", "testing", "README.md")
SUITES = re.findall(r"^\| `(\w+\.\w+Conformance)` \|", TESTING, re.M)
PUBLIC = public_names()


@pytest.mark.parametrize(("module", "name"), [(m, n) for m in sorted(PUBLIC) for n in sorted(PUBLIC[m])])
def test_public_names_are_there_and_explained(module: str, name: str) -> None:
    """By a docstring of their own, or by the one that stands below an assignment."""
    found = getattr(importlib.import_module(module), name)
    if not (inspect.isclass(found) or inspect.isfunction(found)) or get_origin(found):
        home = importlib.import_module(HOMES.get(name, module))
        text = assigned_docs(Path(str(home.__file__)).read_text()).get(name)
    else:
        text = found.__doc__
    assert text


def assigned_docs(source: str) -> dict[str, str]:
    """The strings that stand below assignments at the top of a module."""
    body = ast.parse(source).body
    docs = {}
    for statement, after in itertools.pairwise(body):
        targets = {ast.Assign: "targets", ast.AnnAssign: "target"}.get(type(statement))
        if targets and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            named = getattr(statement, targets)
            docs |= {node.id: after.value.value for node in (named if isinstance(named, list) else [named])}
    return docs


OWN_CODE = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("skelbench/host/templates/*/*.py.txt")]


@pytest.mark.parametrize("path", OWN_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_own_plugins_import_public_names_alone(path: Path) -> None:
    tree = ast.parse(path.read_text().replace("$module", "my_plugin"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "skelbench":
            names = {alias.name for alias in node.names}
            assert names <= PUBLIC.get(str(node.module), set()), f"from {node.module} import {names}"
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith("skelbench.")]


# --- the command line ------------------------------------------------------------------------


def commands(group: Any, *before: str) -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield " ".join([*before, name]), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_of_the_command(name: str) -> None:
    command = COMMANDS[name]
    text = f"{command.help or ''} {command.epilog or ''}"
    assert re.search(rf"Example: `?(\S+=\S+ )?skelbench {name}\b", text), text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_every_option(name: str) -> None:
    silent = [p.name for p in COMMANDS[name].params if not getattr(p, "help", None) and p.name != "help"]
    assert not silent


def test_commands_stand_in_the_table_and_the_table_has_no_others() -> None:
    rows = page("docs", "commands.md").splitlines()
    cells = [row.split(" | ")[0].strip("| ") for row in rows if row.startswith("| `")]
    listed: set[str] = set()
    for cell in cells:
        for usage in re.findall(r"`([^`]+)`", cell.replace("\\|", "/")):
            words = [word for word in usage.removeprefix("skelbench ").split() if word[0].islower()]
            stem, last = words[:-1], words[-1]
            listed |= {" ".join([*stem, way]) for way in last.split("/")}
    assert listed == set(COMMANDS)


# --- spaces and strategies -------------------------------------------------------------------


def table(heading: str) -> list[list[str]]:
    """The rows of the table of docs/systems.md under such a heading, each a list of cells."""
    text = page("docs", "systems.md").partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()[2:]]


def test_shipped_specs_stand_in_the_table() -> None:
    listed = [name for row in table("spec") for name in re.findall(r"`([\w-]+)`", row[0])]
    assert sorted(listed) == sorted(file.stem for file in ROOT.glob("spaces/*.yaml"))


def test_strategies_stand_in_the_table_with_what_they_search() -> None:
    listed = {name: row[1:3] for row in table("strategy") for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == {c.name: [searched(c, "shared"), searched(c, "own")] for c in STRATEGIES}


def searched(strategy: Strategy, weights: str) -> str:
    kinds = strategy.searches.get(weights, frozenset())
    in_order = [
        kind for kind in ("choice", "mix", "inputs", "cell", "value", "depth", "trellis") if kind in kinds
    ]
    return "`all`" if kinds == ALL_NODE_KINDS else ", ".join(in_order)


@pytest.mark.parametrize(
    ("form", "row"), [("ask_tell", "asked and told"), ("gradient", "gradient"), ("oneshot", "one-shot")]
)
def test_forms_of_strategies_are_explained(form: str, row: str) -> None:
    """To authors by the form's name, to users with the names of all strategies of that form."""
    assert f"\n| `{form}`" in AUTHORS
    named = page("spaces", "README.md").partition(f"\n| {row} | ")[2].partition(" |")[0]
    assert {*re.findall(r"`(\w+)`", named)} - {"own"} == {s.name for s in STRATEGIES if s.form == form}


# --- the spec language -----------------------------------------------------------------------


def keys(model: type[BaseModel], *before: str) -> Iterator[tuple[str, str]]:
    """Every (section, key) that a spec may have, each model's fields under the path to it."""
    for name, field in model.model_fields.items():
        yield ".".join(before), name
        for other in models(field.annotation):
            yield from keys(other, *before, name)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


KEYS = sorted(set(keys(Spec)))


@pytest.mark.parametrize(("path", "key"), KEYS, ids=[f"{p}.{k}".strip(".") for p, k in KEYS])
def test_keys_of_specs_are_described(path: str, key: str) -> None:
    """In the section of their first part, as code, by full or last name."""
    text = page("spaces", "README.md")
    section = path.partition(".")[0]
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        assert re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", text), f"spaces/README.md: {path}.{key}"
    else:
        assert re.search(rf"^{key}: ", text, re.M)


def test_the_whole_specs_of_the_page_are_accepted(tmp_path: Path) -> None:
    """Those without gaps; the outline of a spec at the top has some."""
    blocks = re.findall(r"^```yaml\n(skelbench: 1\n.*?)^```", page("spaces", "README.md"), re.M | re.S)
    assert blocks
    for number, text in enumerate(blocks):
        (tmp_path / f"{number}.yaml").write_text(text)
        python("-m", "skelbench", "check", f"{number}.yaml", folder=tmp_path, environment={**os.environ})
