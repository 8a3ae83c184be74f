"""Records found at some places, as one sequence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload
from warnings import warn

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.results.readable import leave_out, readable
from skelbench.results.record import RECORD, Record
from skelbench.results.store import IDENTITY, RunFolder

if TYPE_CHECKING:
    import pandas

Place = str | os.PathLike[str]
_NESTED = ("search", "training", "latency", "strategy", "environment", "clips", "adaptive", "health")


class Records(Sequence[Record]):
    """Records in the order in which they were found.

    Args:
        records: The records.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Records: ...

    def __getitem__(self, index: int | slice) -> Record | Records:
        """One record, or some as `Records`."""
        return Records(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._records)

    def __repr__(self) -> str:
        """The names of their runs."""
        return f"Records({[record.run for record in self._records]})"

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each record; nested figures become columns such as ``training.seconds``.

        Each metric is a column under its own name. Choices of architectures and the versions of plugins are
        left out: take them from the records.

        Raises:
            SkelbenchError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            remedy = "pip install 'skelbench[pandas]'"
            raise SkelbenchError("pandas is not installed", remedy=remedy) from error
        return pandas.DataFrame([_row(record) for record in self._records])


def load_records(places: Place | Iterable[Place]) -> Records:
    """The records at some places.

    Args:
        places: One place or several: a record file, the folder of a finished run, a folder of runs, or
            a folder of record files such as ``leaderboards/records``.

    A damaged record in a folder is left out with a warning.

    Raises:
        RunFolderError: A place holds none of these, or the one record that was named is damaged.
    """
    listed = [places] if isinstance(places, str | os.PathLike) else list(places)
    return Records(record for place in listed for _, record in placed_records(Path(place), warn))


def placed_records(path: Path, tell: Callable[[str], None] = leave_out) -> list[tuple[Path, Record]]:
    """The records at a place, each with the place of its run.

    Args:
        path: A record file, the folder of a finished run, a folder of runs, or a folder of record files.
        tell: Told of each damaged record of a folder, which is left out.

    Raises:
        RunFolderError: The place holds none, or the one record that was named is damaged.
    """
    if path.is_file():
        return [(path, Record.read(path))]
    if (path / RECORD).is_file():
        return [(path, Record.read(path / RECORD))]
    if (path / IDENTITY).is_file():
        return [(path, RunFolder(path).finished())]
    if not path.is_dir():
        raise RunFolderError("there is no such folder of runs", where=path, remedy="Check the place")
    found = readable(_files(path), tell)
    return [(place.parent if place.name == RECORD else place, record) for place, record in found]


def _files(folder: Path) -> Iterator[Path]:
    runs = sorted(folder.glob(f"*/{RECORD}"))
    yield from runs or sorted(folder.glob("*.json"))


def _row(record: Record) -> dict[str, Any]:
    data = record.model_dump(mode="json", exclude={"choices", "plugins", "failures", "clip"})
    row = {name: value for name, value in data.items() if name not in (*_NESTED, "metrics")}
    for name in _NESTED:
        row |= {f"{name}.{key}": value for key, value in (data[name] or {}).items()}
    return row | data["metrics"]
