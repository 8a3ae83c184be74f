"""First runs side by side in a fresh folder: what they share is made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from skelbench.console import Screen
from skelbench.engine.data import synthetic_root

from . import tiny


def test_synthetic_recordings_are_made_once_by_many_at_a_time(tmp_path: Path):
    checked, at_once = tiny.checked(tmp_path, tiny.spec()), Barrier(3)

    def first(number: int) -> Path:
        at_once.wait()
        return synthetic_root(checked, tmp_path / "stores", Screen(quiet=True))

    with ThreadPoolExecutor(3) as pool:
        roots = list(pool.map(first, range(3)))
    assert len(set(roots)) == 1
    assert not list((tmp_path / "stores").glob("*.partial"))
