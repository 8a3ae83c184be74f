"""An npz file whose arrays may be larger than memory: one of them is read a recording at a time."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from skelbench.errors import DataError

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_WHOLE = 1 << 30  # bytes: an array that cannot be read in pieces may have as many
_DAMAGE = (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError)


class Npz(Mapping[str, Any]):
    """The arrays of an npz file, each read when it is asked for; nothing in it is run.

    Args:
        path: The file.

    Raises:
        DataError: It is no npz file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with self._open() as file:
                self._names = tuple(file.files)
        except _DAMAGE as error:
            what = f"cannot be read ({error})"
            remedy = "Write it with numpy.savez, without objects"
            raise DataError(what, where=path, remedy=remedy) from error

    def _open(self) -> np.lib.npyio.NpzFile:
        found = np.load(self.path, allow_pickle=False)
        if not isinstance(found, np.lib.npyio.NpzFile):
            raise DataError("is no npz file", where=self.path, remedy="Write it with numpy.savez")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: str) -> np.ndarray:
        """A whole array.

        Raises:
            KeyError: There is none of that name.
            DataError: It cannot be read.
        """
        if name not in self._names:
            raise KeyError(name)
        try:
            with self._open() as file:
                found: np.ndarray = file[name]
        except _DAMAGE as error:
            raise damaged(name, self.path, error) from error
        return found

    def rows(self, name: str) -> Rows | np.ndarray:
        """An array to be read piece by piece; all of it where its first axis is not its outermost.

        Raises:
            KeyError: There is none of that name.
            DataError: It cannot be read, or is too large to be read at once and has to be.
        """
        if name not in self._names:
            raise KeyError(name)
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(_member(archive, name)) as member:
                read_header = _HEADERS.get(np.lib.format.read_magic(member))
                shape, fortran, dtype = read_header(member) if read_header else ((), True, np.dtype("O"))
        except _DAMAGE as error:
            raise damaged(name, self.path, error) from error
        if shape and not fortran and not dtype.hasobject:
            return Rows(self, name, shape, dtype)
        self.check_whole(name, math.prod(shape) * dtype.itemsize)
        return self[name]

    def check_whole(self, name: str, size: int) -> None:
        """See that an array of so many bytes may be read at once.

        Raises:
            DataError: It is too large.
        """
        if size > _WHOLE:
            what = f"the array '{name}' has {size / 2**30:.1f} GiB and cannot be read piece by piece"
            remedy = "Store recordings along its first axis, in the order of C (numpy.ascontiguousarray)"
            raise DataError(what, where=self.path, remedy=remedy)


def _member(archive: zipfile.ZipFile, name: str) -> str:
    return name if name in archive.namelist() else f"{name}.npy"


class Rows:
    """An array of which one piece along the first axis is in memory; to go back begins anew.

    Attributes:
        shape: Its shape.
        dtype: Its numbers.
    """

    def __init__(self, npz: Npz, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._npz, self._name, self.shape, self.dtype = npz, name, shape, dtype
        self._open: tuple[zipfile.ZipFile, IO[bytes]] | None = None
        self._next = 0

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Axes."""
        return len(self.shape)

    @property
    def row_bytes(self) -> int:
        """Bytes of one piece."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def __getitem__(self, number: int) -> np.ndarray:
        """One piece, an array of the other axes.

        Raises:
            IndexError: There is none of that number.
            DataError: It cannot be read.
        """
        if not 0 <= number < len(self):
            raise IndexError(number)
        try:
            member = self._at(number)
            content = member.read(self.row_bytes)
            if len(content) != self.row_bytes:
                raise EOFError("it is cut short")
            self._next = number + 1
            if self._next == len(self):
                member.read()  # the sum of the whole is compared at its end
                self.close()
            return np.frombuffer(content, self.dtype).reshape(self.shape[1:])
        except _DAMAGE as error:
            self.close()
            raise damaged(self._name, self._npz.path, error) from error

    def _at(self, number: int) -> IO[bytes]:
        """The open member, at the beginning of a piece."""
        if number < self._next:
            self.close()
        if self._open is None:
            archive = zipfile.ZipFile(self._npz.path)
            self._open = archive, archive.open(_member(archive, self._name))
            _HEADERS[np.lib.format.read_magic(self._open[1])](self._open[1])
        for _ in range(number - self._next):
            self._open[1].read(self.row_bytes)
        return self._open[1]

    def close(self) -> None:
        """Let go of the file; reading begins anew."""
        if self._open is not None:
            for opened in reversed(self._open):
                opened.close()
        self._open, self._next = None, 0

    def whole(self) -> np.ndarray:
        """All of it.

        Raises:
            DataError: It cannot be read, or is too large.
        """
        self._npz.check_whole(self._name, len(self) * self.row_bytes)
        return self._npz[self._name]


def damaged(name: str, path: Path, error: Exception) -> DataError:
    """What is said of an array that cannot be read."""
    what = f"the array '{name}' cannot be read ({str(error)[:80]})"
    objects = isinstance(error, ValueError) and "Object" in str(error)
    remedy = "Store numbers and texts, no objects" if objects else "Make or fetch the file again"
    return DataError(what, where=path, remedy=remedy)
