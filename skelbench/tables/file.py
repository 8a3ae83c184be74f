"""The file of a table: one ``.npz`` of plain arrays and a header in JSON; nothing in it is ever executed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError
from skelbench.results.files import write_atomic

FORMAT, VERSION = "skelbench-table", 1
SUFFIX = ".npz"
HEADER = "header"
FIGURES = ("validation", "test", "validation_loss", "test_loss", "train_loss", "seconds")
"""Arrays (networks, seeds, epochs)."""
HITS = ("validation_hits", "test_hits")
"""Bits (networks, seeds, bytes): whether each clip is right at the end."""
PER_NETWORK = ("params", "macs", "latency_ms")
"""Arrays (networks,)."""
ARRAYS = ("network", "measured", *FIGURES, *HITS, *PER_NETWORK)
_AGAIN = "Fetch or pack it again"


def write_table(path: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a table whole or not at all; equal content gives equal bytes.

    Raises:
        RunFolderError: The file cannot be written.
    """
    text = json.dumps({"format": FORMAT, "version": VERSION, **header}, ensure_ascii=False)
    parts: dict[str, Any] = {HEADER: np.frombuffer(text.encode(), dtype=np.uint8)}
    parts |= {name: arrays[name] for name in ARRAYS}
    buffer = BytesIO()
    np.savez_compressed(buffer, **parts)
    write_atomic(path, buffer.getvalue())


def read_table(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], str]:
    """Read a table.

    Returns:
        Its header, its arrays, and the first 12 hex digits of the file's sha256.

    Raises:
        DataError: The file is missing, truncated, of another kind or of another version.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"the table cannot be read: {error.strerror or error}", where=path) from error
    try:
        with np.load(BytesIO(content), allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
        header = json.loads(found.pop(HEADER).tobytes())
    except Exception as error:  # zipfile, zlib and numpy each have errors of their own for damage
        raise DataError("this is no table, or it is truncated", where=path, remedy=_AGAIN) from error
    _confirm(path, header, found)
    return header, found, hashlib.sha256(content).hexdigest()[:12]


def _confirm(path: Path, header: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse what has another form.

    Raises:
        DataError: See `read_table`.
    """
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DataError("this is no table of skelbench", where=path, remedy=_AGAIN)
    if header.get("version") != VERSION:
        what = f"the table has version {header.get('version')}, this skelbench reads {VERSION}"
        raise DataError(
            what, where=path, remedy="Install the skelbench that it was made with, or a newer one"
        )
    try:
        shape = (len(header["networks"]), len(header["seeds"]), int(header["epochs"]))
        wanted = {
            "network": (len(header["architectures"]),),
            "measured": shape[:2],
            **dict.fromkeys(FIGURES, shape),
            **dict.fromkeys(PER_NETWORK, shape[:1]),
        }
        fits = all(arrays[name].shape == sizes for name, sizes in wanted.items())
        fits = fits and all(arrays[name].shape[:2] == shape[:2] for name in HITS)
        fits = fits and bool((arrays["network"] < shape[0]).all())
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the table lacks {error}", where=path, remedy=_AGAIN) from error
    if not fits:
        raise DataError("the parts of the table do not fit each other", where=path, remedy=_AGAIN)
