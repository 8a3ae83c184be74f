"""Which recordings runs got right, joined by id."""

import numpy as np
import pytest

from skelbench.errors import DataError, RunFolderError
from skelbench.leaderboard.hits import Hits, read_hits, side_by_side


def test_runs_are_joined_by_id(tmp_path):
    np.savez(tmp_path / "a.npz", ids=["b", "a"], right=[True, False], scores=np.eye(2))
    np.savez(tmp_path / "b.npz", ids=["a", "b"], labels=[1, 1], scores=np.eye(2))
    parts = [read_hits(tmp_path / f"{name}.npz") for name in "ab"]
    assert side_by_side(parts).tolist() == [[False, True], [False, True]]


def test_other_recordings_are_named():
    one, two = (Hits(np.array(ids), np.array([True, True])) for ids in (["a", "b"], ["a", "c"]))
    with pytest.raises(DataError, match="2 recordings are not in both the first and the 2"):
        side_by_side([one, two])


@pytest.mark.parametrize("content", [b"", b"PK\3\4 damaged", None])
def test_a_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "x.npz"
    if content is None:
        np.savez(path, ids=["a"], scores=np.eye(1))
    else:
        path.write_bytes(content)
    with pytest.raises(RunFolderError, match="the scores are damaged") as refused:
        read_hits(path)
    assert refused.value.problems[0].where == str(path)
