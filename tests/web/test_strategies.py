"""The leaderboard of strategies on the page: as the bench wrote it, and nothing that is none."""

from pathlib import Path

import pytest

from skelbench.errors import RunFolderError
from skelbench.web.board import to_html
from skelbench.web.strategies import FILE, PAGE, strategies_table

BOARDS = Path(__file__).parents[2] / "leaderboards"
HEAD = "strategy,regret@25,low@25,high@25,group,vs_random,train_s,own_s\n"


def written(folder: Path, rows: str, head: str = HEAD) -> Path:
    (folder / FILE).write_text(head + rows)
    return folder


def test_the_published_board_has_its_rows_curves_and_title():
    table = strategies_table(BOARDS)
    assert table is not None
    assert table["title"].startswith("Strategies on ucla-slots@")
    assert table["budgets"] == [25, 50, 100, 200]
    names = [row["name"] for row in table["rows"]]
    assert {"random", "local", "nsga2"} <= set(names)
    at = [column["name"] for column in table["columns"]].index("regret@200")
    row = table["rows"][names.index("random")]
    mean, low, high = row["curve"][-1]
    assert row["keys"][at] == mean
    assert row["cells"][at] == f"{mean:.2f} [{low:.2f}, {high:.2f}]"
    assert all(len(one["cells"]) == len(one["keys"]) == len(table["columns"]) for one in table["rows"])


def test_where_there_is_none_the_page_has_none(tmp_path):
    assert strategies_table(tmp_path) is None
    text, told = to_html([], strategies=tmp_path)
    assert '"tables":[]' in text
    assert told == []


def test_it_is_the_last_table_of_the_page(tmp_path):
    text, told = to_html([], strategies=written(tmp_path, "a,1,0.5,1.5,a,,3,0.1\n"))
    assert '"source":"strategies"' in text
    assert told == []


def test_names_and_figures_of_strangers_do_no_harm(tmp_path):
    folder = written(tmp_path, "</script>\u202ea,nan,0,inf,a,,x,\n")
    (folder / PAGE).write_text("# Strategies on <b>x</b>\n")
    table = strategies_table(folder)
    assert table is not None
    assert table["title"] == "Strategies"
    (row,) = table["rows"]
    assert row["curve"] == [[None, 0.0, None]]
    text, _ = to_html([], strategies=folder)
    assert text.count("</script>") == 2


@pytest.mark.parametrize(
    ("head", "rows"),
    [(HEAD, ""), ("a,b\n", "1,2\n"), (HEAD, "short\n"), ("", ""), ("strategy,regret\n", "a,1\n")],
    ids=["no rows", "another file", "short rows", "empty", "no budgets"],
)
def test_another_file_is_left_out_and_told(tmp_path, head, rows):
    folder = written(tmp_path, rows, head)
    with pytest.raises(RunFolderError, match="no leaderboard of strategies"):
        strategies_table(folder)
    text, told = to_html([], strategies=folder)
    assert '"tables":[]' in text
    assert len(told) == 1
    assert FILE in told[0]
