"""Every kind of input file, mutated: whatever stands in it, the answer is a result or one error of our own.

Each run takes a few mutations a kind; ``SKELBENCH_MUTATIONS=50000 pytest -m slow`` on this file so many.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skelbench_plugins.datasets.kinetics.coco import KineticsCocoReader
from skelbench_plugins.datasets.kinetics.skeletons import KineticsReader
from skelbench_plugins.datasets.ntu.reader import Ntu60Reader
from skelbench_plugins.datasets.shrec.dhg import DhgReader
from skelbench_plugins.datasets.shrec.reader import ShrecReader
from skelbench_plugins.datasets.ucla.reader import UclaReader

from skelbench.check.build import check_networks
from skelbench.check.engine import check_engine
from skelbench.check.spec import check_spec
from skelbench.check.strategy import check_strategy
from skelbench.data.dataset import Clips
from skelbench.data.video.lists import ucf101_split
from skelbench.engine.journal import Journal
from skelbench.errors import SkelbenchError
from skelbench.host.registry import load_registry
from skelbench.leaderboard.reported import read_reported
from skelbench.results.answers import ClipAnswers
from skelbench.results.record import Record
from skelbench.results.store import RunFolder, read_scores
from skelbench.space.arch import Architecture
from skelbench.spec.resolve import load_spec, shipped_names
from skelbench.tables.measured import Journal as TableJournal
from skelbench.training.checkpoint import stored
from tests.engine import tiny
from tests.engine.test_supernet import Scripted
from tests.plugins.datasets import test_prepared as prepared
from tests.results.records import record
from tests.results.test_store import SOUND

EACH_RUN = 25
SLOW = int(os.environ.get("SKELBENCH_MUTATIONS", "50000"))
SLOW_SPECS = int(os.environ.get("SKELBENCH_SPEC_MUTATIONS", "20000"))
PATIENCE = 30
"""Seconds after which reading a small file counts as hanging."""
PIECES = [
    *(
        b"nan",
        b"inf",
        b"-inf",
        b"1e400",
        b"-1",
        b"0",
        b"9" * 25,
        b"9" * 5000,
        b"3e38",
        b"1.5",
        b"1e-400",
        b"true",
    ),
    *(
        b"null",
        b'""',
        b"[]",
        b"{}",
        b"[" * 3000,
        b'{"a":' * 3000,
        b"'",
        b'"',
        b",",
        b":",
        b"- ",
        b"\n",
        b"\n\n",
        b" ",
    ),
    *(
        b"\x00",
        b"\xff",
        b"\x1b[2J",
        "\u202e".encode(),
        b'"\\ud800"',
        b"../../x",
        b"/dev/zero",
        b"=1+1",
        b"&a ",
        b"*a",
    ),
]


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        make: Writes sound files into a folder.
        read: Reads that folder.
        files: Which of them are mutated.
    """

    make: Callable[[Path], object]
    read: Callable[[Path], object]
    files: str = "**/*"


def reader_of(reader: Callable[[], Any], protocol: str) -> Kind:
    def make(root: Path) -> None:
        reader().synthesise(root, clips=4, seed=0, classes=2)

    return Kind(make, lambda root: read_clips(reader(), root, protocol))


def read_clips(reader: Any, root: Path, protocol: str) -> None:
    clips = [clip for source in reader.sources(root) for clip in reader.read(source)]
    if (
        len({clip.id for clip in clips}) == len(clips) > 0
        and len({clip.frames.shape[1:] for clip in clips}) == 1
    ):
        made = Clips.of(clips, dataset="x", layout="y", class_names=reader.class_names)
        reader.is_train(made, protocol)


def prepared_kind(make: Callable[[Path], object]) -> Kind:
    return Kind(make, lambda root: read_clips(Ntu60Reader(), next(iter(root.iterdir())), "xview"))


def made_run(root: Path) -> RunFolder:
    folder = RunFolder.create(root, "toy", "a" * 64, 0)
    two = np.arange(2)
    for number in range(2):
        folder.append_answers(
            {"generation": 0, "number": number, **ClipAnswers(two > 0, two.astype("f4"), two).line()}
        )
        folder.append_trial(SOUND | {"number": number, "choices": {"a": number}})
    folder.append_trial({"kind": "generation", "generation": 0, "number": -1})
    folder.write_text("search.json", json.dumps({"generation": 0, "state": {"x": [1]}}))
    folder.save_scores(np.array(["a", "b"]), np.array([0, 1]), np.eye(2))
    record().write(folder.path / "record.json")
    return folder


def read_run(root: Path) -> None:
    folder = RunFolder(next(root.iterdir()))
    journal = Journal(folder)
    journal.load(Scripted({}))
    journal.cost(), journal.failures(), journal.trials
    for part in (folder.record, folder.load_scores):
        with contextlib.suppress(SkelbenchError):
            part()


TABLE = {"name": "x", "hash": "y", "spec": ""}


def made_table(root: Path) -> None:
    journal = TableJournal(root)
    journal.begin(TABLE, {"device": "cpu"})
    journal.fail(0, 0, "no luck")


def read_table(root: Path) -> None:
    journal = TableJournal(root)
    journal.begin(TABLE, {"device": "cpu"})
    journal.done(), journal.failures(), journal.trainings(), journal.identity


SPECS = Path(__file__).resolve().parents[1] / "spaces"
ARCHITECTURE = "skelbench: 1\nname: x\nchoices:\n  graph_1: [cheb.l]\n  graph_2: [cheb.l, dynamic.s]\n"
LISTS = {
    "classInd.txt": "1 A\n2 B\n",
    "trainlist01.txt": "A/v_A_g01_c01.avi 1\n",
    "testlist01.txt": "B/v_B_g02_c01.avi\n",
}


def made_files(**contents: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for name, text in contents.items():
            (root / name.replace("__", ".")).write_text(text)

    return make


def read_architecture(root: Path) -> None:
    found = Architecture.read(root / "a.yaml")
    checked = tiny.checked(root.parent, tiny.spec())
    found.sample_in(checked.space)


def read_spec(root: Path) -> None:
    check_spec(load_spec(root / "a.yaml", profile="quick"), load_registry())


def build_spec(root: Path) -> None:
    checked = check_spec(load_spec(root / "a.yaml"), load_registry())
    check_engine(checked)
    if checked.space.points:
        check_strategy(checked)
        check_networks(checked)


def read_any_spec(root: Path) -> None:
    check_spec(load_spec(root / "a.yaml"), load_registry())


KINDS = {
    "ntu text": reader_of(Ntu60Reader, "xview"),
    "ucla json": reader_of(UclaReader, "xview"),
    "kinetics json": reader_of(KineticsReader, "val"),
    "kinetics pickle": reader_of(KineticsCocoReader, "val"),
    "shrec text": reader_of(lambda: ShrecReader(14), "official"),
    "dhg text": reader_of(lambda: DhgReader(14), "loso-1"),
    "st-gcn npy": prepared_kind(lambda root: prepared.stgcn(root / "x")),
    "ctr-gcn npz": prepared_kind(lambda root: prepared.npz(root / "NTU60_CV.npz")),
    "pyskl pickle": prepared_kind(lambda root: prepared.pyskl(root / "a.pkl")),
    "split lists": Kind(
        lambda root: [(root / name).write_text(text) for name, text in LISTS.items()],
        lambda root: ucf101_split(root, 1),
    ),
    "reported figures": Kind(
        lambda root: shutil.copy(SPECS.parent / "leaderboards" / "reported.yaml", root),
        lambda root: read_reported(root / "reported.yaml"),
    ),
    "record": Kind(
        lambda root: record().write(root / "record.json"), lambda root: Record.read(root / "record.json")
    ),
    "run": Kind(made_run, read_run, "*/*.*"),
    "scores": Kind(
        lambda root: made_run(root), lambda root: read_scores(next(root.glob("*/scores.npz"))), "*/scores.npz"
    ),
    "table": Kind(made_table, read_table),
    "architecture": Kind(made_files(a__yaml=ARCHITECTURE), read_architecture),
    "spec": Kind(lambda root: shutil.copy(SPECS / "sgcn-ucla.yaml", root / "a.yaml"), read_spec),
    "built spec": Kind(lambda root: shutil.copy(SPECS / "ucla-slots.yaml", root / "a.yaml"), build_spec),
    "checkpoint": Kind(
        lambda root: torch.save({"state_dict": {"a": torch.ones(3)}}, root / "a.ckpt"),
        lambda root: stored(root / "a.ckpt"),
    ),
}


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The content with one to three changes: bytes turned, cut, doubled, moved, or replaced by what hurts."""
    out = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(out) + 1)
        end = min(len(out), start + rng.choice((0, 1, 2, 4, 8, 64)))
        change = rng.randrange(6)
        if change == 0 and start < len(out):
            out[start] ^= 1 << rng.randrange(8)
        elif change == 1:
            del out[start:end]
        elif change == 2:
            out[start:end] = rng.choice(PIECES)
        elif change == 3:
            out[start:start] = out[start:end]
        elif change == 4:
            del out[start:]
        else:  # a whole word or number
            words = list(_words(out))
            if words:
                first, last = rng.choice(words)
                out[first:last] = rng.choice(PIECES)
    return bytes(out)


def _words(content: bytes | bytearray) -> Iterator[tuple[int, int]]:
    first = None
    for place, byte in enumerate(content[:4000]):
        inside = chr(byte).isalnum() or byte in b"._-+"
        if inside and first is None:
            first = place
        elif not inside and first is not None:
            yield first, place
            first = None


@contextlib.contextmanager
def patience(seconds: int) -> Iterator[None]:
    def hanging(number: int, frame: object) -> None:
        raise TimeoutError(f"it hangs for {seconds} s")

    before = signal.signal(signal.SIGALRM, hanging)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read_mutations(name: str, root: Path, seeds: range) -> int:
    """Reads so many mutations of a kind; how many were refused.

    Raises:
        AssertionError: One raised what is none of ours, or hangs.
    """
    kind, refused = KINDS[name], 0
    sound = root / "sound"
    sound.mkdir()
    kind.make(sound)
    kind.read(sound)
    files = sorted(path for path in sound.glob(kind.files) if path.is_file() and path.name != "lock")
    for seed in seeds:
        rng = random.Random(f"{name} {seed}")
        shutil.rmtree(root / "x", ignore_errors=True)
        shutil.copytree(sound, root / "x")
        victim = root / "x" / rng.choice(files).relative_to(sound)
        victim.write_bytes(mutated(victim.read_bytes(), rng))
        try:
            with patience(PATIENCE), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kind.read(root / "x")
        except SkelbenchError as error:
            refused += 1
            told = str(error)
            if "\x1b" in told or len(told) > 20_000:
                pytest.fail(f"{name}, seed {seed}, {victim.name}: {told[:200]!r}")
        except BaseException as error:
            raise AssertionError(f"{name}, seed {seed}, {victim.name}: {error!r}") from error
    return refused


@pytest.mark.parametrize("name", KINDS)
def test_a_mutated_file_is_read_or_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert read_mutations(name, tmp_path, range(EACH_RUN)) > 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_names())
def test_mutated_specs_are_checked_or_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kind = Kind(lambda root: shutil.copy(SPECS / f"{name}.yaml", root / "a.yaml"), read_any_spec)
    monkeypatch.setitem(KINDS, name, kind)
    assert read_mutations(name, tmp_path, range(-(-SLOW_SPECS // len(shipped_names())))) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_many_mutated_files_are_read_or_refused(name: str, tmp_path: Path):
    assert read_mutations(name, tmp_path, range(-(-SLOW // len(KINDS)))) > 0
