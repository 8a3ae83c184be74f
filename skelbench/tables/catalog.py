"""Tables by name, as plugins register them, or by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from skelbench.components import Component
from skelbench.components import Table as TableComponent
from skelbench.errors import DataError, PluginError
from skelbench.host.registry import Registry, load_registry
from skelbench.tables.file import SUFFIX
from skelbench.tables.session import Session
from skelbench.tables.table import Objective, Table

__all__ = ["file_of", "open_table"]


class OpenTable(Table):
    """A table with the door that searches come in by."""

    def session(self, repetition: int = 0, objective: Objective = "cross_entropy") -> Session:
        """A search on this table; see `skelbench.tables.session.Session`."""
        return Session(self, repetition, objective)


def open_table(name: str | Path, registry: Registry | None = None) -> OpenTable:
    """A table.

    Args:
        name: A registered name, with its content's hash where that matters (``ucla-slots@1a2b3c4d5e6f``), or
            a file.
        registry: Where names are looked up; the installed plugins where it is None.

    Raises:
        DataError: The file is damaged, of another version, or of other content than the hash says.
        PluginError: There is no table of that name.
    """
    text = str(name)
    if text.endswith(SUFFIX) or "/" in text:
        return OpenTable.read(Path(text))
    plain, _, digest = text.partition("@")
    path = file_of((registry or load_registry()).get("table", plain))
    found = OpenTable.read(path)
    if digest and not (len(digest) >= 4 and found.digest.startswith(digest)):
        raise DataError(
            f"the table '{plain}' installed here is {found.name}, not {text}",
            where=path,
            remedy="Install the version that has it, or leave out the hash",
        )
    return found


def file_of(component: Component) -> Path:
    """Where a registered table lies.

    Raises:
        PluginError: Its package is missing.
    """
    if not isinstance(component, TableComponent):
        raise PluginError(f"{component.kind} '{component.name}' is no table")
    package, _, inside = component.file.partition(":")
    if not inside:
        return Path(component.file)
    try:
        return Path(str(files(package).joinpath(*inside.split("/"))))
    except (ModuleNotFoundError, TypeError) as error:
        raise PluginError(f"table '{component.name}': there is no package '{package}'") from error
