"""Reading pickles of plain data without running what they may contain.

Python's own reading of pickles, with the instructions that plain data need and no others. Nothing is
set on an object that exists (NumPy turns bytes into object pointers for a pickle that changes a dtype),
memory is bounded by the file's size, and what comes back is a tree that is fit to be walked and shown.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from skelbench.errors import DataError

from .plain_arrays import BlankArray, DtypeText, array_from_state, from_buffer, scalar
from .plain_tree import LONG_TEXT, SLACK, check_keys, check_tree

_REFUSED = (
    "EXT1 EXT2 EXT4 PERSID BINPERSID INST OBJ NEWOBJ NEWOBJ_EX NEXT_BUFFER READONLY_BUFFER POP POP_MARK DUP"
)
_COPIES = 3  # of each byte: an array of protocol 2 is text, then bytes, then an array


class _Named:
    """Something that a pickle may ask for by name: it can be called, and nothing else."""

    def __init__(self, call: Callable[..., Any] | None = None) -> None:
        self.call = call


class _Memo(dict[int, Any]):
    """What a pickle may refer to again; a begun array is told where it stands."""

    def __setitem__(self, key: int, value: Any) -> None:
        if type(value) is BlankArray:
            value.keys.append(key)
        super().__setitem__(key, value)


class _Source:
    """A file of which no read asks for more than it holds, whatever length the pickle names."""

    def __init__(self, file: BinaryIO) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self.readline = file.readline
        self._read = file.read

    def read(self, count: int) -> bytes:
        return self._read(min(count, self.size))


class _PlainUnpickler(pickle._Unpickler):
    """Admits containers, numbers, text and NumPy arrays; knows no other class or function."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {}
    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, source: _Source) -> None:
        super().__init__(source, encoding="latin1")
        self.memo = _Memo()
        self.refused: str | None = None
        self._left = _COPIES * source.size + SLACK
        self._size = source.size
        self._admitted = self._constructors()

    def plain(self) -> Any:
        """What the pickle holds, once it is known to be plain all through."""
        try:
            value = self.load()
        except KeyError as error:  # the table of instructions has no such
            raise pickle.UnpicklingError(f"the instruction {error}") from error
        check_tree(value)
        return value

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._admitted:
            self.refused = f"{module}.{name}"
            raise pickle.UnpicklingError(f"{self.refused} is not admitted")
        return self._admitted[module, name]

    def _constructors(self) -> dict[tuple[str, str], _Named]:
        known = {
            ("numpy", "ndarray"): _Named(),
            ("numpy", "dtype"): _Named(DtypeText),
            ("_codecs", "encode"): _Named(self._text_to_bytes),
        }
        for core in ("numpy.core", "numpy._core"):
            known[f"{core}.multiarray", "_reconstruct"] = _Named(BlankArray)
            known[f"{core}.multiarray", "scalar"] = _Named(lambda d, raw: scalar(d, raw, self._spend))
            known[f"{core}.numeric", "_frombuffer"] = _Named(
                lambda raw, d, shape, order, axes=None: from_buffer(raw, d, shape, order, axes, self._spend)
            )
        for builtins in ("builtins", "__builtin__"):
            known[builtins, "set"] = _Named(lambda items=(): set(self._keys(items)))
            known[builtins, "frozenset"] = _Named(lambda items=(): frozenset(self._keys(items)))
            known[builtins, "bytearray"] = _Named(self._bytearray)
            known[builtins, "bytes"] = _Named(lambda: b"")  # how protocols below 3 store empty bytes
            known[builtins, "complex"] = _Named(_complex)
        return known

    def _spend(self, count: int) -> None:
        """Count what is copied: no plain file asks for more than it holds."""
        self._left -= count
        if self._left < 0:
            raise pickle.UnpicklingError("more content than the file has bytes")

    def _text_to_bytes(self, text: Any, encoding: Any = "latin1") -> bytes:
        """How protocol 2 stores bytes; any other codec would be an import of its own choosing."""
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise pickle.UnpicklingError("bytes in another encoding than latin1")
        self._spend(len(text))
        return text.encode("latin1")

    def _bytearray(self, content: Any = b"", encoding: Any = "latin-1") -> bytearray:
        if type(content) is not bytes:
            content = self._text_to_bytes(content, encoding)
        self._spend(len(content))
        return bytearray(content)

    def _keys(self, items: Any) -> Iterable[Any]:
        if type(items) not in (list, tuple):
            raise pickle.UnpicklingError("a set of no list")
        self._spend(len(items))
        check_keys(items)
        return items

    def _top(self, kind: type) -> None:
        if type(self.stack[-1]) is not kind:
            raise pickle.UnpicklingError(f"items for what is no {kind.__name__}")

    def load_reduce(self) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        if type(named) is not _Named or named.call is None or type(arguments) is not tuple:
            raise pickle.UnpicklingError("a call of what is no constructor")
        self.append(named.call(*arguments))

    def load_build(self) -> None:
        state, begun = self.stack.pop(), self.stack[-1]
        if type(begun) is DtypeText:
            begun.finish(state)
        elif type(begun) is BlankArray:
            self.stack[-1] = array = array_from_state(state, self._spend)
            self.memo.update(dict.fromkeys(begun.keys, array))
        else:
            raise pickle.UnpicklingError("a state for what has none")

    def load_bytearray8(self) -> None:
        (count,) = struct.unpack("<Q", self.read(8))
        if count > self._size:
            raise pickle.UnpicklingError("more content than the file has bytes")
        self.append(bytearray(self.read(count)))

    def load_dict(self) -> None:
        check_keys(self.stack[::2])
        items = self.pop_mark()
        self.append(dict(zip(items[::2], items[1::2], strict=True)))

    def load_setitem(self) -> None:
        check_keys(self.stack[-2:-1])
        value, key = self.stack.pop(), self.stack.pop()
        self._top(dict)
        self.stack[-1][key] = value

    def load_setitems(self) -> None:
        check_keys(self.stack[::2])
        items = self.pop_mark()
        self._top(dict)
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def load_additems(self) -> None:
        check_keys(self.stack)
        items = self.pop_mark()
        self._top(set)
        self.stack[-1].update(items)

    def load_frozenset(self) -> None:
        check_keys(self.stack)
        self.append(frozenset(self.pop_mark()))

    def load_append(self) -> None:
        item = self.stack.pop()
        self._top(list)
        self.stack[-1].append(item)

    def load_appends(self) -> None:
        items = self.pop_mark()
        self._top(list)
        self.stack[-1].extend(items)


_PlainUnpickler.dispatch.update(
    (code, getattr(_PlainUnpickler, load.__name__))  # ours where it is guarded
    for code, load in pickle._Unpickler.dispatch.items()
    if code not in [getattr(pickle, name)[0] for name in _REFUSED.split()]
)


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise pickle.UnpicklingError("a complex number of no two numbers")
    return complex(real, imaginary)


def load_pickle(path: Path) -> Any:
    """The plain data in a pickle: containers, numbers, text, NumPy arrays and scalars of numbers.

    Args:
        path: The file.

    Raises:
        DataError: It names any other class or function (said by name, and never called), it is
            damaged or a bomb, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            unpickler = _PlainUnpickler(_Source(file))
            return unpickler.plain()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from error
    except Exception as error:  # a damaged pickle can fail in any way
        if unpickler.refused is not None:
            raise DataError(
                f"the pickle asks for '{_shown(unpickler.refused)}', which is no plain data",
                where=path,
                remedy="Do not trust this file; only containers, numbers, text and NumPy arrays are read",
            ) from error
        raise DataError(
            f"the pickle is damaged ({type(error).__name__}: {_shown(str(error))})",
            where=path,
            remedy="Fetch it again",
        ) from error


def text_of(value: Any, what: str, path: Path) -> str:
    """A name in a file, known to be text before it is shown or looked up.

    Args:
        value: What stands in its place.
        what: What it names, for the error.
        path: The file.

    Raises:
        DataError: It is no text, or none of a name's length.
    """
    if isinstance(value, str) and len(value) <= LONG_TEXT:
        return str(value)
    shown = "a text too long for one" if isinstance(value, str) else f"of type {type(value).__name__}"
    raise DataError(f"the name of {what} is {shown}", where=path, remedy="Make the file anew")


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:200])
