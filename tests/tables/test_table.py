"""A table in memory: figures by architecture, holes that stay holes, and the space that searches see."""

import numpy as np
import pytest

from skelbench import hookimpl
from skelbench.components import Table
from skelbench.errors import DataError, PluginError, SpecError
from skelbench.host.registry import load_registry
from skelbench.tables.catalog import file_of, open_table
from skelbench.tables.show import listed
from skelbench.tables.space import TableSpace
from tests.tables import made


def test_figures_are_those_of_the_arrays(table):
    row = 7
    sample = table.architectures[row]
    assert table.row(sample) == row
    _, arrays = made.parts()
    assert table.test()[row, 1] == pytest.approx(100 * arrays["test"][row, 1, -1] / made.TEST)
    assert table.validation("top1", 1)[row, 0] == pytest.approx(
        100 * arrays["validation"][row, 0, 0] / made.VALIDATION
    )
    assert table.validation("cross_entropy")[row, 2] == pytest.approx(-arrays["validation_loss"][row, 2, -1])
    assert table.truth[row] == pytest.approx(table.test()[row].mean())
    assert table.seconds(2)[row, 0] == pytest.approx(2.0)


def test_holes_stay_holes(holed):
    hole = holed.architectures[5]
    with pytest.raises(DataError, match="has a hole there"):
        holed.row(hole)
    assert np.isnan(holed.truth[[0, 5, 63]]).all()
    assert np.isfinite(holed.test()[5, 0]), "what was trained is kept"
    assert np.isnan(holed.test()[5, -1])
    assert holed.space.size() == 61
    assert hole not in list(holed.space.enumerate())


def test_what_is_not_of_the_space_is_refused(table):
    with pytest.raises(SpecError, match="no label 'slot_9'"):
        table.canonical({**table.architectures[0], "slot_9": "option0"})
    with pytest.raises(SpecError, match="slot_1 cannot be 'x'"):
        table.canonical({**table.architectures[0], "slot_1": "x"})
    with pytest.raises(SpecError, match="says nothing about 'slot_0'"):
        table.row({})
    with pytest.raises(SpecError, match="the table has 4 epochs, not 5"):
        table.validation("top1", 5)


def test_the_space_draws_every_architecture_and_no_other(table):
    rng = np.random.default_rng(0)
    drawn = {tuple(table.space.sample(rng).values()) for _ in range(2000)}
    assert drawn == {tuple(sample.values()) for sample in table.architectures}


def test_decisions_that_open_others_are_followed():
    points = made.points(places=3, options=2)
    listed = [{"slot_0": "option0"}, {"slot_0": "option1", "slot_2": "option0"}]
    space = TableSpace(points, listed)
    assert space.canonical({"slot_2": "option1", "slot_0": "option0"}) == {"slot_0": "option0"}
    rng = np.random.default_rng(0)
    assert {tuple(space.sample(rng)) for _ in range(50)} == {("slot_0",), ("slot_0", "slot_2")}
    with pytest.raises(SpecError, match="no architecture is listed that takes 'option1' for 'slot_2'"):
        space.canonical({"slot_0": "option1", "slot_2": "option1"})


def test_a_table_is_found_by_its_path_and_refused_under_another_hash(path):
    assert open_table(path).name.startswith("made@")
    with pytest.raises(PluginError, match="unknown table 'no-such'"):
        open_table("no-such")


def test_a_plugins_table_is_found_by_its_name(path):
    class Plugin:
        @hookimpl
        def register_tables(self):
            return [Table(name="mine.made", summary="Made up", file=str(path))]

    registry = load_registry([("mine", Plugin())])
    found = open_table("mine.made", registry)
    assert open_table(f"mine.made@{found.digest}", registry).name == found.name
    with pytest.raises(DataError, match="installed here is made@"):
        open_table("mine.made@000000000000", registry)
    assert found.name in [row["name"] for row in listed(registry) if not row["problem"]]


def test_a_table_in_a_package_is_found_and_a_missing_package_told(path):
    assert file_of(Table(name="t", file="skelbench:tables/x.npz")).parts[-2:] == ("tables", "x.npz")
    with pytest.raises(PluginError, match="there is no package 'no_such_package'"):
        file_of(Table(name="t", file="no_such_package:x.npz"))
