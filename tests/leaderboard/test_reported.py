"""Reported figures: read strictly, from their own file and from specs, and the shipped ones hold."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

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


def paper(places, **fields):
    """A file with two publications and one figure."""
    known = {
        "a": {"cite": "A, X 2020", "url": "https://a.org", "unit": "GFLOPs", "counts": "MACs of one view"}
    }
    known["b"] = {"cite": "B, Y 2021", "url": "https://b.org"}
    row = {"dataset": "ucla", "protocol": "xview", "stream": "joint", "model": "x", "top1": 95.5} | fields
    return yaml.safe_dump({"publications": known, "reported": [row | {"places": places}]})


def test_a_figure_names_its_publications_tables_and_pages(tmp_path):
    places = [
        {"of": "a", "table": "1", "page": 3, "cost": 2.0},
        {"of": "a", "table": "II", "params_m": 1.5},
        {"of": "b", "table": "4", "params_m": 1.6},
    ]
    (figure,) = read_reported(written(tmp_path, paper(places)))
    assert figure.source == "A, X 2020, Table 1, page 3, Table II; B, Y 2021, Table 4"
    assert figure.url == "https://a.org https://b.org"
    assert (figure.params_m, figure.cost, figure.counts) == (1.5, 2.0, "GFLOPs: MACs of one view")
    assert figure.as_reported == "1.5 M, 1.6 M, 2 GFLOPs"


def test_a_publication_that_is_not_there_is_named(tmp_path):
    path = written(tmp_path, paper([{"of": "c", "table": "1"}]))
    with pytest.raises(RunFolderError, match=r"reported\[0\].places: there is no publication 'c'"):
        read_reported(path)


def test_a_faulty_publication_is_named(tmp_path):
    with pytest.raises(RunFolderError, match=r"publications.a.url"):
        read_reported(written(tmp_path, "publications: {a: {cite: x}}\nreported: []\n"))


def test_publications_are_a_table(tmp_path):
    with pytest.raises(RunFolderError, match="'publications' is no table"):
        read_reported(written(tmp_path, f"publications: [a]\nreported: [{ROW}]\n"))


def test_the_shipped_figures_are_each_there_once_and_say_where_from():
    rows = read_reported(SHIPPED)
    places = Counter((row.dataset, row.protocol, row.stream, row.model, row.top1) for row in rows)
    assert len(rows) > 300
    assert max(places.values()) == 1
    assert all(row.source for row in rows)


def test_no_shipped_spec_has_figures_of_its_own():
    for path in (SHIPPED.parents[1] / "spaces").glob("*.yaml"):
        assert read_reported(path) == [], path.name


def test_no_figure_stands_twice_under_two_names():
    rows = [row for row in read_reported(SHIPPED) if row.network]
    seen = Counter((row.dataset, row.protocol, row.stream, row.network, row.views, row.top1) for row in rows)
    assert max(seen.values()) == 1


@pytest.mark.parametrize(
    ("of", "table", "figures"),
    [
        *(("sgcn", "2", 21), ("sgcn", "3", 30), ("sgcn", "4", 11)),
        *(("sarnas", "II", 5), ("sarnas", "III", 16), ("sarnas", "IV", 5)),
        *(("adasgn", "1", 16), ("adasgn", "2", 4), ("adasgn", "3", 22), ("adasgn", "4", 20)),
        *(("adasgn", "5", 18), ("adasgn", "6", 14)),
        *(("esan", "2", 8), ("esan", "3", 4), ("esan", "4", 8), ("esan", "5", 12), ("esan", "6", 42)),
        *(("esan", "7", 24), ("esan", "8", 10)),
        *(("varnas", "4", 11), ("varnas", "5", 8), ("varnas", "6", 7)),
    ],
)
def test_tables_are_complete(of, table, figures):
    printed = [place for row in read_reported(SHIPPED) for place in row.places]
    assert sum(place.of == of and place.table == table for place in printed) == figures


@pytest.mark.parametrize(
    ("place", "top1"),
    [
        (("ntu60", "xview", "joint+bone", "sgcn"), 95.7),
        (("kinetics", "val", "unstated", "ms-g3d"), 38.0),
        (("ntu60", "xsub", "unstated", "agc-lstm"), 89.2),
        (("kinetics400", "val", "rgb", "x3d-l"), 77.5),
        (("ntu60", "xsub", "joint", "sarnas"), 86.4),
        (("ntu60", "xview", "joint", "esan"), 96.1),
        (("ntu60", "xview", "joint+bone", "esan (two networks)"), 96.0),
        (("ntu120", "xset", "joint+bone+joint_motion", "adasgn"), 86.8),
        (("shrec17-28", "official", "joint", "sgn"), 92.3),
        (("kinetics400", "val", "rgb", "varnas"), 78.2),
        (("ucla", "xview", "joint", "blockgcn"), 95.5),
    ],
)
def test_headline_figures_stand_as_printed(place, top1):
    rows = [r for r in read_reported(SHIPPED) if (r.dataset, r.protocol, r.stream, r.model) == place]
    assert [row.top1 for row in rows] == [top1]
