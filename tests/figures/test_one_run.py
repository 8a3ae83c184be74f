"""Pictures of one run: search, confusion, architecture; and what has none."""

import numpy as np
import pytest

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.figures.one_run import draw_run
from skelbench.results.store import RunFolder
from tests.results.records import record

CHOICES = {
    "n.2": ["conv(0)", "skip(1)"],
    "s1.width": 8,
    "s1.layer1": "d2",
    "g_1": ["u"],
    "g_2": ["v"],
    "y": 3,
}


@pytest.fixture
def run(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", "sgcn", "01234567", 0)
    folder.save_scores(np.array(["a", "b"]), np.array([0, 1]), np.eye(2)[[0, 0]])
    for n in (1, 2):
        figures = {"entropy": 1.0 / n, "mean": {"some_label": [0.25, 0.75], "other": [1.0]}}
        folder.append_trial({"kind": "generation", "generation": n, "number": -1, **figures})
    folder.write_record(record(run=folder.name, choices=CHOICES))
    return folder


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("search", ["entropy", "weights at the end", "some_label"]),
        ("confusion", ["taken for", "class"]),
        ("architecture", ["n cell", "conv", "skip", "s1", "d2", "g_1", "u", "y", "3"]),
    ],
)
def test_a_picture_says_what_it_shows(run, tmp_path, what, words):
    draw_run([run.path], what, tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert [word for word in [run.name, *words] if f">{word}<" not in drawn] == []


@pytest.mark.parametrize("ending", ["pdf", "png", "svg"])
def test_the_same_run_gives_the_same_bytes(run, tmp_path, ending):
    for name in "ab":
        draw_run([run.path], "search", tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_what_cannot_be_drawn_is_refused_before_a_file_is_made(tmp_path, run):
    bare = RunFolder.create(tmp_path / "runs", "sgcn", "89abcdef", 1)
    bare.write_record(record(run=bare.name))
    target = tmp_path / "a.svg"
    with pytest.raises(RunFolderError, match="left no curve"):
        draw_run([bare.path], "search", target)
    with pytest.raises(RunFolderError, match="read the scores"):
        draw_run([bare.path], "confusion", target)
    with pytest.raises(RunFolderError, match="no choices"):
        draw_run([bare.path], "architecture", target)
    with pytest.raises(SkelbenchError, match="is a picture"):
        draw_run([bare.path], "search", None)
    with pytest.raises(SkelbenchError, match="draws one run, not 2"):
        draw_run([bare.path, run.path], "search", target)
    assert not target.exists()
