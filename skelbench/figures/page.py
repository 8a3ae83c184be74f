"""A page to draw on and the file that it becomes; the same drawing gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skelbench.errors import SkelbenchError
from skelbench.results.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C510A", "#6A51A3")
"""Told apart by colour-blind people too: those of Okabe and Ito without yellow, and two more."""

_METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": "skelbench"},
    ".png": {"Software": "skelbench"},
    ".pdf": {"CreationDate": None, "Creator": "skelbench"},
}
_STYLE: Any = {
    "svg.fonttype": "none",  # letters stay letters: they can be searched, and diffs can be read
    "svg.hashsalt": "skelbench",
    "text.parse_math": False,  # a name may have a dollar in it
    "font.size": 9,
    "savefig.dpi": 150,
}


def check_page(path: Path) -> None:
    """See that a picture can be drawn to ``path``, before any work is done for it.

    Raises:
        SkelbenchError: The file is no ``.svg``, ``.png`` or ``.pdf``, or matplotlib is missing.
    """
    if path.suffix not in _METADATA:
        what = f"a picture cannot be of the form '{path.suffix}'" if path.suffix else "the ending is missing"
        raise SkelbenchError(what, where=path, remedy="Let the name end in .svg, .png or .pdf")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        what = "pictures need matplotlib, which is not installed"
        raise SkelbenchError(what, remedy="Install it: pip install 'skelbench[plots]'") from error


@contextmanager
def page(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of matplotlib's own style, whatever the user's settings; drawn, it is stored at ``path``.

    Args:
        path: The file, whole or not at all; its ending says whether SVG, PNG or PDF.
        width: Inches.
        height: Inches.

    Raises:
        SkelbenchError: See `check_page`.
        RunFolderError: The file cannot be written.
    """
    check_page(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(drawn, format=path.suffix[1:], metadata=_METADATA[path.suffix])
    write_atomic(path, drawn.getvalue())
