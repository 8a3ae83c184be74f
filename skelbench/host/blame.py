"""Whose code an exception came through: the fault of a plugin is told in one paragraph."""

from __future__ import annotations

import traceback
from collections.abc import Container, Mapping
from typing import Protocol

from skelbench.errors import WorkFailed, described


def last_line(error: BaseException, packages: Container[str]) -> tuple[str, str] | None:
    """The last line of some packages that an exception came through.

    Args:
        error: The exception.
        packages: Names of top packages.

    Returns:
        The package and ``file:line``; None where it came through none of them.
    """
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in packages:
            found = package, f"{frame.f_code.co_filename}:{line}"
    return found


class Named(Protocol):
    """A plugin, as far as an error needs it."""

    @property
    def name(self) -> str:
        """Its entry point's name."""

    @property
    def origin(self) -> str:
        """Its distribution and version."""


def plugin_error(error: Exception, plugins: Mapping[str, Named]) -> WorkFailed | None:
    """An exception of a plugin's code as one that names the plugin; None where it is none of theirs.

    Args:
        error: The exception.
        plugins: Plugins by their top package.
    """
    found = last_line(error, plugins)
    if found is None:
        return None
    package, place = found
    plugin = plugins[package]
    what = f"plugin '{plugin.name}' ({plugin.origin}) failed: {described(error)}"
    return WorkFailed(what, where=place, remedy="Mend or update it; `skelbench --debug` shows the traceback")
