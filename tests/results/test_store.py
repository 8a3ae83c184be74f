"""A run's folder: whole files, a journal that survives crashes, one writer, one spec."""

import errno
import json
import multiprocessing
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import RunFolderError
from skelbench.results import files, journal
from skelbench.results.answers import ClipAnswers
from skelbench.results.store import IDENTITY, SCORES, TRIALS, RunFolder, run_name
from tests.results.records import record

HASH = "0123456789abcdef"


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path, "sgcn", HASH, 0)


def visible(folder):
    return sorted(path.name for path in folder.iterdir())


def disk_full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_folder_is_named_after_spec_hash_and_seed(run):
    assert run.name == "sgcn-01234567-0"
    assert (run.spec, run.spec_hash, run.seed) == ("sgcn", HASH, 0)


def test_creating_again_opens_the_same_run(tmp_path, run):
    run.append_trial({"trial": 0})
    assert RunFolder.create(tmp_path, "sgcn", HASH, 0).trials() == [{"trial": 0}]
    assert RunFolder(run.path).spec_hash == HASH


def test_a_folder_of_another_spec_hash_is_refused(tmp_path, run):
    with pytest.raises(RunFolderError, match=r"another run \(spec_hash 0123456789abcdef") as caught:
        RunFolder.create(tmp_path, "sgcn", "01234567ffffffff", 0)
    assert caught.value.exit_code == 2
    assert caught.value.problems[0].remedy


def test_a_folder_with_other_content_is_refused(tmp_path):
    folder = tmp_path / run_name("sgcn", HASH, 0)
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(RunFolderError, match="holds no run"):
        RunFolder.create(tmp_path, "sgcn", HASH, 0)
    assert visible(folder) == ["thesis.tex"]


@pytest.mark.parametrize("name", ["../sgcn", "a/b", "/sgcn"])
def test_a_spec_name_that_leaves_the_runs_folder_is_refused(name):
    with pytest.raises(RunFolderError):
        run_name(name, HASH, 0)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="cannot open the run"):
        RunFolder(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"spec": "a"}', '{"spec": "a", "spec_hash": "b", "seed": "x"}']
)
def test_a_damaged_identity_is_refused(run, content):
    (run.path / IDENTITY).write_text(content)
    with pytest.raises(RunFolderError, match="identity is damaged"):
        RunFolder(run.path)


def test_an_unfinished_run_has_no_record_and_a_finished_one_has(run):
    assert run.record() is None
    run.write_record(record())
    assert run.record() == record()


def test_text_is_stored_as_given(run):
    run.write_text("architecture.yaml", "name: ä\n")
    assert run.read_text("architecture.yaml") == "name: ä\n"
    with pytest.raises(RunFolderError, match="cannot read"):
        run.read_text("spec.resolved.yaml")
    (run.path / "architecture.yaml").write_bytes(b"\xff")
    with pytest.raises(RunFolderError, match="not UTF-8"):
        run.read_text("architecture.yaml")


def test_the_checkpoint_folder_exists_once_asked_for(run):
    assert run.checkpoints.is_dir()
    assert run.checkpoints == run.path / "checkpoints"


ENTRIES = st.lists(
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False)), max_size=5
)


@given(ENTRIES, st.data())
def test_a_journal_torn_anywhere_keeps_every_whole_line_and_goes_on(tmp_path_factory, entries, data):
    path = tmp_path_factory.mktemp("journal") / TRIALS
    for entry in entries:
        journal.append(path, entry)
    content = path.read_bytes() if entries else b""
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = entries[: content[:cut].count(b"\n")]
    assert journal.read(path) == whole
    journal.append(path, {"after": "crash"})
    assert journal.read(path) == [*whole, {"after": "crash"}]


def test_a_torn_line_longer_than_a_block_is_dropped(run):
    run.append_trial({"trial": 0})
    with (run.path / TRIALS).open("ab") as file:
        file.write(b'{"x": "' + b"y" * 200_000)
    assert run.trials() == [{"trial": 0}]
    run.append_trial({"trial": 1})
    assert run.trials() == [{"trial": 0}, {"trial": 1}]


@pytest.mark.parametrize("line", ["{", "[1]", "", "3"])
def test_a_damaged_line_inside_the_journal_is_named_and_left_out(run, line, capsys):
    (run.path / TRIALS).write_text(f'{{"trial": 0}}\n{line}\n{{"trial": 1}}\n')
    assert run.trials() == [{"trial": 0}, {"trial": 1}]
    assert capsys.readouterr().err.startswith(f"skelbench: {run.path / TRIALS}:2: ")


SOUND = {
    "kind": "trial",
    "generation": 0,
    "number": 0,
    "fitness": 1.0,
    "kept": False,
    "known": False,
    "seconds": 0,
}


@pytest.mark.parametrize(
    "change",
    [
        *({key: None} for key in ("kind", "generation", "number", "kept", "known", "seconds", "fitness")),
        {"fitness": "1"},
        {"kind": "x"},
        {"generation": [0]},
        {"seconds": "1"},
        {"seconds": -1.0},
        {"seconds": float("inf")},
        {"generation": -1},
    ],
    ids=str,
)
def test_a_line_that_is_no_trials_is_set_aside_by_name(run, change):
    run.append_trial(SOUND)
    run.append_trial(SOUND | change)
    run.append_trial(SOUND | {"number": 1, "fitness": 1})
    assert run.repair() == [f"{run.path / TRIALS}:2"]
    assert [line["number"] for line in run.trials()] == [0, 1]
    (line,) = (run.path / "trials.jsonl.damaged").read_text().splitlines()
    assert json.loads(line) == SOUND | change
    assert run.repair() == []


@pytest.mark.parametrize("answers", [{}, {"right": "?"}, {"kept": 3}, {"clips": None}], ids=str)
def test_answers_that_cannot_be_read_are_set_aside(run, answers):
    three = np.arange(2)
    line = {"generation": 0, "number": 0, **ClipAnswers(three > 0, three.astype("f4"), three).line()}
    run.append_answers(line)
    run.append_answers(line | answers if answers else answers)
    assert run.repair() == [f"{run.path / 'answers.jsonl'}:2"]
    assert run.answers() == [line]


def test_what_a_finished_run_left_is_what_it_left(run):
    run.save_scores(np.array(["a", "b"]), np.array([0, 1]), np.eye(2))
    (run.checkpoints / "network.pt").write_bytes(b"weights")
    kept = run.write_record(record())
    assert run.record() == kept
    assert set(kept.files) == {SCORES, "checkpoints/network.pt"}
    assert run.load_scores().ids.tolist() == ["a", "b"]
    run.save_scores(np.array(["a", "b"]), np.array([0, 1]), 1 - np.eye(2))
    with pytest.raises(RunFolderError, match=r"scores.npz: the file is not what it was when the run ended"):
        run.load_scores()


def test_records_from_before_sums_were_kept_are_read_as_ever(run):
    run.save_scores(np.array(["a", "b"]), np.array([0, 1]), np.eye(2))
    record().write(run.path / "record.json")
    assert len(run.load_scores().ids) == 2


def test_a_trial_that_is_not_json_leaves_the_journal_alone(run):
    run.append_trial({"trial": 0})
    with pytest.raises(RunFolderError, match="cannot be written as JSON"):
        run.append_trial({"trial": object()})
    assert run.trials() == [{"trial": 0}]


def test_infinite_figures_come_back_as_they_were(run):
    run.append_trial({"fitness": float("-inf")})
    assert run.trials() == [{"fitness": float("-inf")}]


def test_a_full_disk_leaves_the_journal_as_it_was(run, monkeypatch):
    run.append_trial({"trial": 0})
    write = os.write

    def half(descriptor, content):
        if len(content) > 8:
            return write(descriptor, content[:8])
        return disk_full()

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(RunFolderError, match="Free some space"):
        run.append_trial({"trial": 1})
    monkeypatch.undo()
    assert (run.path / TRIALS).read_bytes() == b'{"trial": 0}\n'


def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(run, monkeypatch):
    run.write_text("architecture.yaml", "old")
    monkeypatch.setattr(files.os, "fsync", disk_full)
    with pytest.raises(RunFolderError, match="Free some space"):
        run.write_text("architecture.yaml", "new")
    monkeypatch.undo()
    assert run.read_text("architecture.yaml") == "old"
    assert visible(run.path) == ["architecture.yaml", IDENTITY]


def test_a_folder_that_cannot_be_made_is_told_with_its_place(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(RunFolderError, match="runs") as caught:
        RunFolder.create(tmp_path / "runs", "sgcn", HASH, 0)
    assert caught.value.problems[0].remedy


def test_a_read_only_place_is_told_with_a_remedy(run, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.Path, "open", denied)
    with pytest.raises(RunFolderError, match="that you may write to"):
        run.write_text("architecture.yaml", "new")


def test_scores_come_back_by_id(run):
    scores = np.array([[0.1, 0.9], [0.7, 0.3]])
    run.save_scores(np.array(["b", "a"]), np.array([1, 0]), scores)
    loaded = run.load_scores()
    assert loaded.ids.tolist() == ["b", "a"]
    assert loaded.labels.dtype == np.int64
    np.testing.assert_array_equal(loaded.scores, scores.astype(np.float32))


@pytest.mark.parametrize(
    ("ids", "labels", "scores"),
    [(["a"], [0, 1], [[1.0]]), (["a", "b"], [0, 1], [[1.0]]), (["a", "a"], [0, 1], [[1.0], [2.0]])],
)
def test_scores_that_do_not_belong_together_are_refused(run, ids, labels, scores):
    with pytest.raises(RunFolderError):
        run.save_scores(np.array(ids), np.array(labels), np.array(scores))
    assert not (run.path / SCORES).exists()


def test_pickled_scores_are_never_loaded(run):
    fine = np.array([0])
    np.savez(run.path / SCORES, ids=np.array([object()], dtype=object), labels=fine, scores=fine[:, None])
    with pytest.raises(RunFolderError, match="scores are damaged"):
        run.load_scores()


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_truncated_scores_are_refused(run, keep):
    run.save_scores(np.array(["a"]), np.array([0]), np.ones((1, 3)))
    content = (run.path / SCORES).read_bytes()
    (run.path / SCORES).write_bytes(content[:keep])
    with pytest.raises(RunFolderError, match="Evaluate the run again"):
        run.load_scores()


def test_missing_scores_are_refused(run):
    with pytest.raises(RunFolderError, match="cannot read the scores"):
        run.load_scores()


def test_two_writers_of_one_run_are_refused_and_the_holder_is_named(run):
    with run.lock(), pytest.raises(RunFolderError, match=f"process {os.getpid()} is writing"), run.lock():
        pass
    with run.lock():
        pass


def _die_with_the_lock(path):
    with RunFolder(path).lock():
        os._exit(7)


def test_the_lock_of_a_dead_process_does_not_stand_in_the_way(run):
    process = multiprocessing.get_context("spawn").Process(target=_die_with_the_lock, args=(run.path,))
    process.start()
    process.join()
    assert process.exitcode == 7
    with run.lock():
        assert json.loads((run.path / IDENTITY).read_text())["seed"] == 0


def test_a_folder_of_runs_is_no_run_and_names_them(run):
    with pytest.raises(RunFolderError, match=f"this is a folder of runs: {run.name}.*Name one of them"):
        RunFolder(run.path.parent)
