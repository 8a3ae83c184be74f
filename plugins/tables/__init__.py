"""The tables of trained networks that come with skelbench."""

from __future__ import annotations

from collections.abc import Iterable

from skelbench import hookimpl
from skelbench.components import Table

UCLA_SLOTS = Table(
    name="ucla-slots",
    summary="Four places for graphs, temporal convolutions or attention, on Northwestern-UCLA",
    file="skelbench_plugins.tables:ucla-slots.npz",
)


@hookimpl
def register_tables() -> Iterable[Table]:
    """All of them."""
    return [UCLA_SLOTS]
