"""Commands that need no network start without the libraries that build networks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skelbench.host.registry import load_registry
from tests.engine import tiny
from tests.made_plugins import COUNT, install_many

HEAVY = (
    "torch",
    "nni",
    "pytorch_lightning",
    "lightning_fabric",
    "torchmetrics",
    "scipy",
    "pandas",
    "matplotlib",
)
PROBE = """
import atexit
import sys

heavy = {heavy!r}
atexit.register(lambda: print("imported:", *[name for name in heavy if name in sys.modules], file=sys.stderr))
from skelbench.cli.app import main
sys.argv = ["skelbench", *{arguments!r}]
main()
"""


def imported_by(
    *arguments: str, folder: Path, libraries: tuple[str, ...] = HEAVY, path: str = ""
) -> list[str]:
    """Which of some libraries a command has imported at its end."""
    code = PROBE.format(heavy=libraries, arguments=arguments)
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("imported:")
    return last.split()[1:]


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "list",
        "list operator stgcn_block",
        "plugins",
        "schema",
        "leaderboard",
        "data --help",
        "fuse --help",
        "compare --help",
    ],
)
def test_light_commands_import_nothing_heavy(command: str, tmp_path: Path) -> None:
    assert imported_by(*command.split(), folder=tmp_path) == []


def test_the_probe_sees_what_is_imported(tmp_path: Path) -> None:
    assert imported_by("list", folder=tmp_path, libraries=("pluggy", "torch")) == ["pluggy"]


@pytest.mark.parametrize("command", ["list", "plugins", "schema", "list operator made7.scale"])
def test_many_plugins_are_loaded_and_nothing_heavy_of_theirs(command: str, tmp_path: Path) -> None:
    heavy = install_many(tmp_path / "site")
    light = tuple(f"made{number}_plugin" for number in range(COUNT))
    path = str(tmp_path / "site")
    found = imported_by(*command.split(), folder=tmp_path, libraries=(*HEAVY, *heavy, *light), path=path)
    assert found == list(light)


@pytest.mark.parametrize(
    ("command", "imported"),
    [
        ("describe sgcn --arch 2s-agcn", {"torch"}),
        ("check ucla-slots", {"torch"}),
        ("run {spec} --runs {folder}", {"torch", "nni", "pytorch_lightning", "lightning_fabric"}),
    ],
)
def test_heavy_commands_import_what_they_use(command: str, imported: set[str], tmp_path: Path) -> None:
    spec = tiny.write(tmp_path, tiny.spec(search=tiny.own("random", evaluations=1)))
    given = command.format(spec=spec, folder=tmp_path).split()
    libraries = (
        "torch",
        "nni",
        "pytorch_lightning",
        "lightning_fabric",
        "torchmetrics",
    )
    assert set(imported_by(*given, folder=tmp_path, libraries=libraries)) == imported


@pytest.mark.parametrize("data", [False, True])
@pytest.mark.parametrize("command", ["run {spec}", "train {spec} --arch plain"])
def test_a_finished_run_is_answered_without_torch(command: str, data: bool, tmp_path: Path) -> None:
    spec = tiny.write(tmp_path, tiny.spec(search=tiny.own("random", evaluations=1)))
    given = [*command.format(spec=spec).split(), "--runs", str(tmp_path / "runs")]
    if data:
        load_registry().get("dataset", "ucla").reader().synthesise(
            tmp_path / "raw", clips=60, seed=0, classes=10
        )
        given += ["--data", str(tmp_path / "raw")]
    assert "torch" in imported_by(*given, folder=tmp_path)
    assert imported_by(*given, folder=tmp_path) == []
