"""The picture of a diagnosis."""

from __future__ import annotations

from pathlib import Path

from skelbench.figures.diagnosis import diagnosis_picture
from skelbench.results.diagnosis import Diagnosis, Judged


def test_it_says_what_stands_on_its_axes_and_how_sure_it_is(tmp_path: Path) -> None:
    judged = tuple(Judged({"n": n}, float(n), (50.0 + n, 52.0 + n)) for n in range(6))
    found = Diagnosis("sgcn-1-0", "accuracy on the supernet", "validation top-1", 40, judged)
    diagnosis_picture(found, tmp_path / "d.svg")
    drawn = (tmp_path / "d.svg").read_text()
    words = ("sgcn-1-0", "Kendall's tau 1.00 [", "accuracy on the supernet", "validation top-1 (%)")
    assert all(word in drawn for word in words)
