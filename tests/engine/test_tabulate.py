"""Making a table: every network once a seed, any interruption survived, and figures of the very recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
from skelbench_plugins.datasets.ucf101.reader import Ucf101Reader

from skelbench.check.checked import Checked
from skelbench.console import Screen
from skelbench.engine import tabulate
from skelbench.engine.entries import SeedData
from skelbench.engine.packing import pack_table
from skelbench.engine.retrain import check_entries
from skelbench.engine.tabulate import TableOptions, different_networks, make_table, training_order
from skelbench.errors import DataError, RunFolderError, SpecError, WorkFailed
from skelbench.space.equal import network_hash
from skelbench.space.network import build_network
from skelbench.tables.measured import CURVES, JOURNAL, Journal
from skelbench.tables.table import Table
from skelbench.training.evaluate import top1
from skelbench.training.fit import fit
from skelbench.training.seed import seed_everything
from tests.engine import test_video_run as video
from tests.engine import tiny

BLOCK = {"op": "stgcn_block", "channels": 4, "kernel": 3, "graph": "adjacency"}
SLOT = {"choice": {"label": "slot_{i}", "from": {"nothing": "identity", "block": BLOCK}}}
TRAIN = {
    "epochs": 2,
    "batch_size": 16,
    "precision": "32",
    "optimizer": {"lr": 0.05},
    "schedule": {"restarts": [1]},
    "validation": {"by": "random"},
}
TERMS = {"licence": "Apache-2.0", "citation": ""}


def spec(**changes):
    body = [{"op": "stgcn_block", "channels": 4, "graph": "adjacency"}, {"repeat": 2, **SLOT}]
    search = {"strategy": {"name": "random", "weights": "own"}}
    return tiny.spec(network=tiny.network(*body), search=search, train={**TRAIN, **changes}, architectures={})


def options(folder: Path, raw: Path, **changes) -> TableOptions:
    return TableOptions(raw, **{"seeds": 2, "folder": folder / "table", **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory, raw):
    """A whole table of three different networks, two seeds."""
    folder = tmp_path_factory.mktemp("made")
    make_table(str(tiny.write(folder, spec())), options(folder, raw))
    return folder


@pytest.fixture(scope="module")
def checked(tmp_path_factory) -> Checked:
    return tiny.checked(tmp_path_factory.mktemp("checked"), spec())


def test_architectures_that_are_one_network_are_trained_once(made, checked):
    assert checked.space.size() == 4
    networks = different_networks(checked)
    assert networks == {0: 0, 1: 1, 2: 1, 3: 3}, "a block in the first slot or in the second is one network"
    trained = {(t.architecture, t.seed) for t in Journal(made / "table").trainings()}
    assert trained == {(number, seed) for number in networks.values() for seed in (0, 1)}


def test_the_same_network_has_the_same_weights_from_the_same_seed(checked):
    one, other = ({"slot_2": a, "slot_3": b} for a, b in (("block", "nothing"), ("nothing", "block")))
    assert network_hash(checked.network, one) == network_hash(checked.network, other)
    states = []
    for sample in (one, other):
        seed_everything(3)
        states.append(list(build_network(checked.network, sample, checked.context()).state_dict().values()))
    assert all((a == b).all() for a, b in zip(*states, strict=True))


def test_an_entry_is_what_the_recipe_gives(made, checked, raw, tmp_path):
    """Trained by `fit` on the spec's own loader, the network gives the entry's figures."""
    entry = next(t for t in Journal(made / "table").trainings() if (t.architecture, t.seed) == (1, 1))
    data = SeedData(checked, raw, made / "stores", 1, "cpu", Screen()).loaded
    seed_everything(1)
    network = build_network(checked.network, entry.choices, checked.context())
    recipe = checked.spec.train
    result = fit(network, recipe, data.train_loader(recipe, whole=False), folder=tmp_path, accelerator="cpu")
    assert [round(row["loss"], 5) for row in result.history] == entry.train_loss
    assert top1(network, data.validation_loader(64)) == pytest.approx(100 * entry.validation_hits.mean())
    assert top1(network, data.test_loader()) == pytest.approx(100 * entry.test_hits.mean())
    assert entry.validation[-1] == entry.validation_hits.sum()


def test_validation_and_test_clips_are_never_trained_on_and_seeds_validate_on_others(checked, made, raw):
    splits = [SeedData(checked, raw, made / "stores", seed, "cpu", Screen()).loaded.split for seed in (0, 1)]
    for split in splits:
        assert not set(split.train) & {*split.validation, *split.test}
    assert set(splits[0].validation) != set(splits[1].validation)
    assert splits[0].fingerprint == splits[1].fingerprint


class Killed(BaseException):
    """The end of a process."""


def test_a_table_that_was_killed_goes_on_and_becomes_the_same(made, raw, tmp_path, monkeypatch):
    path = str(tiny.write(tmp_path, spec()))
    real, calls = tabulate.train_entry, []

    def dying(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(tabulate, "train_entry", dying)
    with pytest.raises(Killed):
        make_table(path, options(tmp_path, raw))
    journal = tmp_path / "table" / JOURNAL
    journal.write_bytes(journal.read_bytes() + b'{"kind": "training", "archi')  # torn by the end
    make_table(path, options(tmp_path, raw))
    assert len(calls) == 7, "three were done, one was torn, three were left"
    assert figures(tmp_path) == figures(made)


def figures(folder: Path):
    left_out = ("seconds", "latency_ms")
    lines = [t.to_line() for t in Journal(folder / "table").trainings()]
    return sorted(json.dumps({k: v for k, v in line.items() if k not in left_out}) for line in lines)


def test_a_table_goes_on_elsewhere_from_its_file(made, raw, tmp_path):
    path = str(tiny.write(tmp_path, spec()))
    make_table(path, options(tmp_path, raw, pilot=1))
    pack_table(tmp_path / "table", tmp_path / "begun.npz", TERMS, force=True)
    elsewhere = options(tmp_path / "elsewhere", raw, packed=(tmp_path / "begun.npz",))
    make_table(path, elsewhere)
    make_table(path, elsewhere)  # what was taken over is not taken twice
    first, second = (Journal(folder / "table") for folder in (tmp_path, tmp_path / "elsewhere"))
    taken = {(t.architecture, t.seed): t.to_line() for t in second.trainings()}
    assert len(taken) == len(second.trainings()) == 6
    for training in first.trainings():
        line, kept = training.to_line(), taken[training.architecture, training.seed]
        assert kept.keys() == line.keys()
        assert all(kept[key] == pytest.approx(line[key], abs=1e-4) for key in CURVES)
        assert kept["test_hits"] == line["test_hits"]
        assert kept["validation_hits"] == line["validation_hits"]
    folders = (tmp_path / "elsewhere" / "table", made / "table")
    whole, other = (pack_table(folder, tmp_path / "t.npz", TERMS, force=True) for folder in folders)
    assert (whole.arrays["test_hits"] == other.arrays["test_hits"]).all()


def test_trainings_of_another_table_are_not_taken_over(made, raw, tmp_path):
    pack_table(made / "table", tmp_path / "t.npz", TERMS, force=True)
    path = str(tiny.write(tmp_path, spec(epochs=3)))
    with pytest.raises(DataError, match="this table differs in epochs, hash"):
        make_table(path, options(tmp_path, raw, packed=(tmp_path / "t.npz",)))


def test_workers_train_the_same_table(made, raw, tmp_path):
    make_table(str(tiny.write(tmp_path, spec())), options(tmp_path, raw, workers=2))
    assert figures(tmp_path) == figures(made)


def test_a_training_that_fails_in_a_worker_stays_a_hole(raw, tmp_path):
    path = str(tiny.write(tmp_path, spec(optimizer={"lr": 1e30})))
    make_table(path, options(tmp_path, raw, seeds=1, pilot=2, workers=2))
    assert len(Journal(tmp_path / "table").failures()) == 2


def test_a_pilot_is_the_beginning_of_the_order(raw, tmp_path, checked):
    path = str(tiny.write(tmp_path, spec()))
    make_table(path, options(tmp_path, raw, pilot=1, seeds=1))
    trained = [t.architecture for t in Journal(tmp_path / "table").trainings()]
    assert trained == training_order(different_networks(checked))[:1]


def test_another_table_in_the_folder_is_refused(made, raw, tmp_path):
    with pytest.raises(RunFolderError, match="the table in this folder differs in epochs, hash"):
        make_table(str(tiny.write(tmp_path, spec(epochs=3))), options(made, raw))


def test_another_search_of_the_same_space_is_the_same_table(made, raw, tmp_path):
    other = spec() | {"search": {"strategy": {"name": "grid", "weights": "own"}}, "summary": "the same"}
    before = len(Journal(made / "table").trainings())
    make_table(str(tiny.write(tmp_path, other)), options(made, raw))
    assert len(Journal(made / "table").trainings()) == before


def test_a_training_that_fails_stays_a_hole(raw, tmp_path):
    path = str(tiny.write(tmp_path, spec(optimizer={"lr": 1e30})))
    make_table(path, options(tmp_path, raw, seeds=1, pilot=2))
    journal = Journal(tmp_path / "table")
    assert journal.trainings() == []
    assert len(journal.failures()) == 2
    with pytest.raises(RunFolderError, match="nothing was measured yet"):
        pack_table(tmp_path / "table", tmp_path / "t.npz", TERMS, force=True)


def test_a_packed_table_holds_the_journal(made, tmp_path):
    table = pack_table(made / "table", tmp_path / "t.npz", TERMS, force=True)
    assert table.complete.all()
    assert (table.seeds, table.epochs, table.fidelities) == ((0, 1), 2, (1, 2))
    for training in Journal(made / "table").trainings():
        row = table.row(training.choices)
        seed = table.seeds.index(training.seed)
        assert table.arrays["test"][row, seed].tolist() == training.test
        assert table.truth[row] == pytest.approx(table.test()[row].mean())
    twin, other = ({"slot_2": a, "slot_3": b} for a, b in (("block", "nothing"), ("nothing", "block")))
    assert table.row(twin) == table.row(other)
    assert "is too small" in table.header["shortcomings"][0]
    assert pack_table(made / "table", tmp_path / "again.npz", TERMS, force=True).digest == table.digest


def test_an_incomplete_or_poor_table_is_packed_only_by_force(raw, tmp_path):
    path = str(tiny.write(tmp_path, spec()))
    make_table(path, options(tmp_path, raw, pilot=1))
    with pytest.raises(WorkFailed, match="has holes"):
        pack_table(tmp_path / "table", tmp_path / "t.npz", TERMS)
    assert not (tmp_path / "t.npz").exists()
    table = pack_table(tmp_path / "table", tmp_path / "t.npz", TERMS, force=True)
    assert int(table.trained.sum()) == 1
    assert np.isnan(table.truth[~table.trained]).all()


def test_entries_that_are_trained_again_are_held_against_the_noise(made, raw, tmp_path, monkeypatch):
    table = pack_table(made / "table", tmp_path / "t.npz", TERMS, force=True)
    monkeypatch.setattr("skelbench.tables.quality.FEWEST", 3)
    lines = list(check_entries(table, raw, 2, seed=0))
    assert len(lines) == 2
    assert all("0.0 times the noise" in line for line in lines)
    lifted = table.arrays["test"] + np.uint16(9)  # by half of the clips, with the noise that it had
    wrong = Table(table.header, {**table.arrays, "test": lifted}, "")
    with pytest.raises(WorkFailed, match="outside the noise"):
        list(check_entries(wrong, raw, 3, seed=0))


def test_other_recordings_are_refused(made, tmp_path, monkeypatch):
    from skelbench_plugins.datasets.ucla.reader import UclaReader

    table = pack_table(made / "table", tmp_path / "t.npz", TERMS, force=True)
    monkeypatch.setattr("skelbench.tables.quality.FEWEST", 3)
    UclaReader().synthesise(tmp_path / "other", clips=60, seed=1, classes=3)
    with pytest.raises(DataError, match=r"these recordings have the fingerprint \w+, the table's \w+"):
        list(check_entries(table, tmp_path / "other", 1, seed=0))


def test_what_no_table_can_be_made_of_is_refused_before_any_work(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(tabulate, "MOST_ARCHITECTURES", 3)
    with pytest.raises(SpecError, match="the space has 4 architectures; a table holds 3 at most"):
        make_table(str(tiny.write(tmp_path, spec())), options(tmp_path, raw))
    assert not (tmp_path / "table").exists()


def test_networks_come_in_the_order_of_architectures_drawn_at_random():
    networks = {number: number // 10 * 10 if number < 50 else number for number in range(100)}
    order = training_order(networks)
    assert sorted(order) == sorted(set(networks.values()))
    many = [order.index(number) for number in range(0, 50, 10)]
    assert max(many) < len(order) // 2, "what ten architectures are comes early"


def test_a_table_of_videos(tmp_path):
    """Two paths of a trellis on clips of files."""
    root = tmp_path / "videos"
    root.mkdir()
    Ucf101Reader().synthesise(root, clips=24, seed=0, classes=3)
    paths = {
        "head": "r2plus1d_block",
        "divide": 24,
        "from": {"d1": "r2plus1d_block", "skip": "identity"},
        "stages": {"stage2": {"widths": [48], "stride": [1, 2, 2], "layers": 1}},
    }
    given = video.spec() | {
        "search": {"strategy": {"name": "random", "weights": "own"}},
        "train": {**TRAIN, "optimizer": {"lr": 0.01}},
        "evaluate": {},
        "architectures": {},
    }
    given["network"]["body"].append({"trellis": paths})
    path = tiny.write(tmp_path, given)
    make_table(str(path), TableOptions(root, seeds=2, folder=tmp_path / "table"))
    trainings = Journal(tmp_path / "table").trainings()
    assert len(trainings) == 4
    assert {len(one.validation_hits) + len(one.test_hits) < 24 for one in trainings} == {True}
    assert len({one.macs for one in trainings}) == 2


@pytest.mark.parametrize("evaluate", [{"views": 2}, {"views": 5}], ids=str)
def test_a_table_of_several_clips_a_recording_is_refused(tmp_path, raw, evaluate):
    path = tiny.write(tmp_path, {**spec(), "evaluate": evaluate})
    with pytest.raises(SpecError, match=r"evaluate: a table scores one clip.*views and evaluate.crops to 1"):
        make_table(str(path), options(tmp_path, raw))
    assert not (tmp_path / "table").exists()
