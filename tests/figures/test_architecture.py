"""Architectures as drawings, whatever draws them."""

from hypothesis import given
from hypothesis import strategies as st

from skelbench.figures.architecture import Edge, parts_of, text_of


def test_a_cell_is_a_graph_from_its_two_inputs():
    (part,) = parts_of({"normal.2": ["max3(0)", "sep3(1)"], "normal.3": ["skip(2)", "zero(0)"]})
    assert (part.kind, part.name, part.rows[2:]) == ("cell", "normal", ("2", "3"))
    assert part.edges == (Edge(0, 2, "max3"), Edge(1, 2, "sep3"), Edge(2, 3, "skip"), Edge(0, 3, "zero"))
    assert text_of(part) == ["normal cell", "  2 = max3(0) + sep3(1)", "  3 = skip(2) + zero(0)"]


def test_a_path_is_a_row_of_stages():
    (part,) = parts_of(
        {"stage2.width": 48, "stage3.width": 96, "stage3.layer1": "d2", "stage3.layer2": "skip"}
    )
    assert part.kind == "path"
    assert text_of(part) == ["stage2  48", "stage3  96  d2  skip"]


def test_graph_modules_are_a_grid_of_blocks():
    (part,) = parts_of({"graph_1": ["cheb.l", "a"], "graph_2": ["a"]})
    assert (part.kind, part.columns) == ("grid", ("a", "cheb.l"))
    assert text_of(part)[1:] == ["graph_1  ●    ●", "graph_2  ●    ·"]


def test_other_choices_are_a_list_beside_them():
    found = parts_of({"policy": "conv", "alpha": 0.1, "cell.2": ["a(0)"]})
    assert [part.kind for part in found] == ["cell", "list"]
    assert text_of(found[1]) == ["policy  conv", "alpha   0.1"]


VALUES = st.text(max_size=4) | st.integers() | st.none() | st.lists(st.text("ab(0)", max_size=4), max_size=3)


@given(st.dictionaries(st.sampled_from(["a.1", "a.2", "s1.width", "s1.layer1", "g_1", "g_2", "x"]), VALUES))
def test_nothing_that_was_chosen_gets_lost(choices):
    shown = "\n".join(line for part in parts_of(choices) for line in text_of(part))
    for label in choices:
        assert label in shown or label.split(".")[0] in shown
    assert all(part.as_data()["kind"] == part.kind for part in parts_of(choices))
