"""A new plugin works as it is written: it is found, its spec is right, its tests pass, ruff is content."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skelbench import PLUGIN_API
from skelbench.cli.app import app
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.host.new_plugin import KINDS, write_plugin

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = {
    "pyproject.toml",
    "README.md",
    "spec.yaml",
    "my_plugin/__init__.py",
    "tests/test_my_plugin.py",
}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def named(kind: str) -> str:
    return f"new-{kind.replace('_', '-')}"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package of each kind, with what an installer leaves behind."""
    folder = tmp_path_factory.mktemp("packages")
    made = {kind: write_plugin(named(kind), kind, folder) for kind in KINDS}
    for package in made.values():
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        info = package / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(metadata)
        entry_points = project["entry-points"]["skelbench"].items()
        lines = [f"{name} = {module}" for name, module in entry_points]
        (info / "entry_points.txt").write_text("\n".join(["[skelbench]", *lines]))
    return made


def python(packages: Mapping[str, Path], *arguments: str, folder: Path) -> str:
    """What Python prints where the packages are installed."""
    path = os.pathsep.join(map(str, packages.values()))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestPackages:
    def test_their_components_are_listed_with_their_origin(
        self, packages: Mapping[str, Path], tmp_path: Path
    ) -> None:
        shown = json.loads(python(packages, "-m", "skelbench", "list", "--json", folder=tmp_path))
        rows = {row["plugin"]: row for row in shown}
        for kind, description in KINDS.items():
            row = rows[named(kind)]
            assert (row["kind"], row["name"]) == (description.kind, f"{named(kind)}.{description.component}")
            assert row["origin"] == f"{named(kind)} 0.1.0"

    def test_they_load_without_a_word(self, packages: Mapping[str, Path], tmp_path: Path) -> None:
        """That is, quickly, importing nothing heavy and using nothing that will be gone."""
        shown = json.loads(python(packages, "-m", "skelbench", "plugins", "--json", folder=tmp_path))
        rows = {row["plugin"]: row for row in shown}
        assert [rows[named(kind)]["status"] for kind in KINDS] == ["loaded"] * len(KINDS)
        assert [rows[named(kind)]["warnings"] for kind in KINDS] == [[]] * len(KINDS)

    def test_their_specs_use_them_and_are_right(self, packages: Mapping[str, Path], tmp_path: Path) -> None:
        specs = {kind: package / "spec.yaml" for kind, package in packages.items()}
        python(packages, "-m", "skelbench", "check", *map(str, specs.values()), folder=tmp_path)
        for kind, spec in specs.items():
            assert f"{named(kind)}.{KINDS[kind].component}" in spec.read_text()

    def test_their_own_tests_pass(self, packages: Mapping[str, Path], tmp_path: Path) -> None:
        folders = [str(package / "tests") for package in packages.values()]
        shown = python(packages, "-m", "pytest", "-p", "no:cacheprovider", *folders, folder=tmp_path)
        assert re.search(r"\b\d+ passed", shown)

    def test_ruff_is_content(self, packages: Mapping[str, Path], tmp_path: Path) -> None:
        pytest.importorskip("ruff", reason="ruff is not installed (extra dev)")
        for package in packages.values():
            rules = ["--select", "E,F,W,I,B,UP,SIM,C4,PT,D1", "--ignore", "D107"]
            python({}, "-m", "ruff", "check", "--isolated", *rules, ".", folder=package)
            python({}, "-m", "ruff", "check", "--isolated", ".", folder=package)
            python({}, "-m", "ruff", "format", "--isolated", "--check", ".", folder=package)

    def test_they_say_which_plugin_api_they_are_written_for(self, packages: Mapping[str, Path]) -> None:
        for kind, package in packages.items():
            text = (package / f"new_{kind}" / "__init__.py").read_text()
            assert f'skelbench_api = "{PLUGIN_API}"' in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_a_handful_of_files(kind: str, tmp_path: Path) -> None:
    made = write_plugin("my-plugin", kind, tmp_path / "new" / "folder")
    assert made == tmp_path / "new" / "folder" / "my-plugin"
    assert files(made) == {*PACKAGE, f"my_plugin/{KINDS[kind].file}.py"}
    assert "$" not in "".join((made / name).read_text() for name in files(made))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("My Plugin", "Did you mean 'my-plugin'?"),
        ("my_plugin", "Did you mean 'my-plugin'?"),
        ("my--plugin-", "Did you mean 'my-plugin'?"),
        ("3d-plugin", "Did you mean 'd-plugin'?"),
        ("../other", "Did you mean 'other'?"),
        ("", "Take a name such as 'my-plugin'"),
        ("ü", "Take a name such as 'my-plugin'"),
        ("class", "'class' means something in Python already. Take another, such as 'class-plugin'"),
        ("json", "'json' means something in Python already"),
        ("numpy", "there is a module 'numpy' already"),
        ("graphs", "there is a plugin 'graphs' already. Take another, such as 'graphs-plugin'"),
    ],
)
def test_a_name_that_will_not_do_is_told_before_anything_is_written(
    name: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SkelbenchError) as error:
        write_plugin(name, "metric", tmp_path / "new", taken=["graphs"])
    assert told in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SkelbenchError, match=r"no kind 'operater' of plugin\. Did you mean 'operator'\?"):
        write_plugin("my-plugin", "operater", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_nothing_is_ever_overwritten(there: str, tmp_path: Path) -> None:
    target = tmp_path / "my-plugin"
    if there == "file":
        target.write_text("mine")
    elif there == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SkelbenchError, match="my-plugin: it is there already"):
        write_plugin("my-plugin", "metric", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["my-plugin"]
    assert target.is_symlink() or target.is_dir() or target.read_text() == "mine"


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def full(path: Path, text: str) -> None:
        written.append(path)
        if len(written) == 3:
            raise RunFolderError("cannot write: No space left on device", where=path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    monkeypatch.setattr("skelbench.host.new_plugin.write_atomic", full)
    with pytest.raises(RunFolderError):
        write_plugin("my-plugin", "metric", tmp_path)
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="file: cannot write"):
        write_plugin("my-plugin", "metric", tmp_path / "file")


def test_the_command_says_where_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["new-plugin", "my-plugin", "--kind", "metric"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("wrote my-plugin: ")
    again = CliRunner().invoke(app, ["new-plugin", "graphs", "--kind", "metric"])
    assert isinstance(again.exception, SkelbenchError)
    assert again.exception.exit_code == 2


def test_templates_are_in_the_wheel() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    folder = ROOT / "skelbench"
    packed = {path for pattern in data["skelbench"] for path in folder.glob(pattern)}
    templates = {path for path in (folder / "host" / "templates").rglob("*") if path.is_file()}
    assert {path.parent.name for path in templates} == {*KINDS, "common"}
    assert packed >= templates
