"""What commands print, in a pipe and on a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout

import pytest
from typer.testing import CliRunner, Result

from skelbench.cli.app import app


def invoke(*arguments: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, arguments)


def rows(*arguments: str) -> list[dict[str, str]]:
    """What a command prints in a pipe, by the names in its first line."""
    done = invoke(*arguments)
    assert done.exit_code == 0, done.output
    head, *lines = [line.split("\t") for line in done.stdout.splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


def on_terminal(command: Callable[[], None]) -> str:
    """What a command shows on a terminal."""
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(screen):
        patch.setenv("COLUMNS", "200")
        command()
    return screen.getvalue()
