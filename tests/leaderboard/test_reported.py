"""Reported figures: read strictly, from their own file and from specs, and the shipped ones hold."""

from pathlib import Path

import pytest

from skelbench.errors import RunFolderError
from skelbench.leaderboard.reported import read_reported, without_repeats

SHIPPED = Path(__file__).parents[2] / "leaderboards" / "reported.yaml"
ROW = '{dataset: ucla, protocol: xview, stream: joint, model: x, top1: 95.5, source: "Y 2020"}'


def written(tmp_path, text):
    path = tmp_path / "reported.yaml"
    path.write_text(text)
    return path


def test_a_row_of_a_spec_takes_the_spec_s_name(tmp_path):
    text = f"name: sgcn\nnetwork: {{}}\nreported:\n  - {ROW.replace('model: x, ', '')}\n"
    (figure,) = read_reported(written(tmp_path, text))
    assert (figure.model, figure.top1) == ("sgcn", 95.5)


@pytest.mark.parametrize("text", ["", "name: x\n", "reported:\n", "- reported: 1\n"])
def test_a_file_without_rows_has_none(tmp_path, text):
    assert read_reported(written(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW.replace("95.5", "955"), "reported[1].top1"),
        (ROW.replace("95.5", "high"), "reported[1].top1"),
        (ROW.replace(', source: "Y 2020"', ""), "reported[1].source"),
        (ROW.replace("model: x", "modell: x, model: x"), "reported[1].modell"),
        ("just words", "reported[1]"),
    ],
)
def test_a_faulty_row_is_named(tmp_path, row, said):
    path = written(tmp_path, f"reported:\n  - {ROW}\n  - {row}\n")
    with pytest.raises(RunFolderError) as caught:
        read_reported(path)
    assert said in str(caught.value)
    assert caught.value.problems[0].where == str(path)


def test_what_is_not_yaml_is_told_with_its_line(tmp_path):
    path = written(tmp_path, "reported:\n  - a: 1\n  - b: c: d\n")
    with pytest.raises(RunFolderError, match=r"reported.yaml:3: the file is not YAML"):
        read_reported(path)


def test_reported_must_be_a_list(tmp_path):
    with pytest.raises(RunFolderError, match="not a list"):
        read_reported(written(tmp_path, "reported: {a: 1}\n"))


def test_no_python_is_run(tmp_path):
    with pytest.raises(RunFolderError, match="not YAML"):
        read_reported(written(tmp_path, "reported: [!!python/object/apply:os.system [exit 1]]\n"))


def test_a_figure_given_twice_counts_once(tmp_path):
    rows = read_reported(written(tmp_path, f"reported: [{ROW}, {ROW.replace('Y 2020', 'Z')}]\n"))
    assert [row.source for row in without_repeats(rows)] == ["Y 2020"]


def test_the_shipped_figures_are_each_there_once_and_say_where_from():
    rows = read_reported(SHIPPED)
    assert len(rows) > 100
    assert without_repeats(rows) == rows
    assert all(row.source for row in rows)


@pytest.mark.parametrize(
    ("place", "top1"),
    [
        (("ntu60", "xview", "joint+bone", "sgcn"), 95.7),
        (("ntu60", "xsub", "joint", "sarnas"), 86.4),
        (("ntu60", "xview", "joint", "esan (J+B)"), 96.1),
        (("ntu60", "xview", "joint+bone", "esan"), 96.0),
        (("ntu120", "xset", "joint+bone+joint_motion", "adasgn"), 86.8),
        (("shrec17-28", "official", "joint", "sgn"), 92.3),
        (("kinetics400", "val", "rgb", "varnas"), 78.2),
        (("ucla", "xview", "joint", "blockgcn"), 95.5),
    ],
)
def test_headline_figures_stand_as_printed(place, top1):
    rows = [r for r in read_reported(SHIPPED) if (r.dataset, r.protocol, r.stream, r.model) == place]
    assert [row.top1 for row in rows] == [top1]
