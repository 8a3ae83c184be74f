"""Kills commands at random moments, lets each go on until it ends, and compares that with one left alone.

``python -m tests.killing --kills 500`` goes through strategies, ways of getting weights, workers, stages,
seeds, tables and data. Each command is a process of its own, forked from this one, in which everything is
imported already, and gets a real SIGKILL, SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torchmetrics  # noqa: F401 - what runs import, so that forked processes have it
from skelbench_plugins.datasets.clips.reader import ClipsReader
from skelbench_plugins.datasets.ucla.reader import UclaReader

from skelbench.cli import app
from skelbench.host import stopping
from skelbench.results.record import Record
from skelbench.tables.measured import Journal
from tests.engine import test_gradient, test_oneshot, test_stages, test_tabulate, test_viterbi_run, tiny

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ENDS = {signal.SIGKILL: (-signal.SIGKILL,), signal.SIGTERM: (143, -15), signal.SIGINT: (130, -2)}
"""How a command may end that was killed so: by its own exit code, or by the signal while it was leaving."""
LONGEST = 120
RAY = ", two workers of Ray"
"""A case that needs what does not come along; it takes part where it is named."""
PLACES = {"repeat": 3, **test_tabulate.SLOT}
CHOICES = tiny.network({"op": "stgcn_block", "channels": 4, "graph": "adjacency"}, PLACES)


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        words: Its words; ``SPEC``, ``DATA`` and ``OUT`` stand for the files.
        spec: The spec, plain data; None where it has none.
        outcome: What is compared: a folder's content without what differs between any two runs.
        data: Which recordings.
    """

    words: tuple[str, ...]
    spec: dict[str, Any] | None
    outcome: Callable[[Path], Any]
    data: str = "skeletons"


@dataclass
class Tally:
    """What came of the kills."""

    kills: dict[str, int] = field(default_factory=dict)
    ended_before: int = 0
    lost: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Processes that were killed while they ran."""
        return sum(self.kills.values())


def records(out: Path) -> Any:
    """Every record under a folder, with the scores of its recordings."""
    found = {}
    for path in sorted(out.glob("*/record.json")):
        record = Record.model_validate_json(path.read_text())
        with np.load(path.with_name("scores.npz")) as scores:
            sums = {name: scores[name].tolist() for name in scores.files}
        found[record.run] = [record.comparable(), sums]
    return json.loads(json.dumps(found, default=str))


def trainings(out: Path) -> Any:
    """What a table's journal holds, but for times."""
    times = ("seconds", "latency_ms")
    lines = [training.to_line() for training in Journal(out).trainings()]
    return sorted(json.dumps({k: v for k, v in line.items() if k not in times}) for line in lines)


def store(out: Path) -> Any:
    """Every byte of a store."""
    return {path.name: path.read_bytes().hex() for path in sorted(out.rglob("*")) if path.is_file()}


def cases() -> dict[str, Case]:
    """All commands that are killed, by name."""
    run = ("run", "SPEC", "--data", "DATA", "--runs", "OUT", "--accelerator", "cpu")
    own = {
        "random": {"evaluations": 6},
        "evolution": {"population": 3, "tournament": 2, "evaluations": 6},
        "tpe": {"evaluations": 6, "startup": 3},
        "local": {"evaluations": 6},
        "grid": {"batch": 3},
    }
    found = {}
    for name, params in own.items():
        spec = tiny.spec(network=CHOICES, search=tiny.own(name, **params), architectures={})
        found[f"{name}, own weights"] = Case(run, spec, records)
    shorter = {**tiny.own("asha", evaluations=3, rungs=[1]), "trial_epochs": 2}
    halving = tiny.spec(network=CHOICES, search=shorter, architectures={})
    found["asha, own weights"] = Case(run, halving, records)
    rated = {**tiny.own("random", evaluations=6), "proxy": "naswot"}
    by_proxy = tiny.spec(network=CHOICES, search=rated, architectures={})
    found["random, by a proxy"] = Case(run, by_proxy, records)
    on_supernet = {
        "ceim": tiny.spec(),
        "random": tiny.spec(search=tiny.RANDOM_ON_SUPERNET),
        "darts": test_gradient.spec(),
        **{name: test_oneshot.spec(name) for name in test_oneshot.STRATEGIES},
    }
    for name, spec in on_supernet.items():
        found[f"{name}, supernet"] = Case(run, spec, records)
    found["viterbi, supernet"] = Case(run, test_viterbi_run.spec(), records, "videos")
    two = (*run, "--workers", "2")
    found["random, two workers"] = Case(two, found["random, own weights"].spec, records)
    found["ceim, two workers"] = Case(two, found["ceim, supernet"].spec, records)
    on_ray = (*run, "--ray", "local", "--workers", "2")
    found[f"random{RAY}"] = Case(on_ray, found["random, own weights"].spec, records)
    found["stages"] = Case(run, test_stages.spec(), records)
    plain = ("train", "SPEC", "--arch", "plain", *run[2:])
    found["a fixed architecture"] = Case(plain, tiny.spec(), records)
    found["two seeds side by side"] = Case((*two, "--seeds", "0,1"), tiny.spec(), records)
    table = ("table", "make", "SPEC", "--data", "DATA", "--folder", "OUT", "--seeds", "2")
    found["a table"] = Case(table, test_tabulate.spec(), trainings)
    found["a store"] = Case(("data", "prepare", "ucla", "DATA", "OUT"), None, store)
    return found


def main() -> None:
    """Kill as often as asked, tell what came of it, and exit with 1 where anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", action="append", help="only these")
    parser.add_argument("--tally", type=Path, help="written after each turn, and gone on from")
    given = parser.parse_args()
    torch.set_num_threads(1)
    tally = Tally()
    if given.tally and given.tally.exists():
        tally = Tally(**json.loads(given.tally.read_text()))
    chance = random.Random(f"{given.seed} {tally.count}")
    with tempfile.TemporaryDirectory() as folder:
        for _ in kill_all(Path(folder), given.kills, chance, tally, given.case):
            if given.tally:
                given.tally.write_text(json.dumps(vars(tally), indent=2))
    print(json.dumps(vars(tally), indent=2))
    sys.exit(bool(tally.lost or tally.different))


def kill_all(
    folder: Path, kills: int, chance: random.Random, tally: Tally, only: list[str] | None = None
) -> Iterator[None]:
    """Kill commands in turns until there were enough kills.

    Args:
        folder: For everything that is written.
        kills: How many.
        chance: Draws moments, signals, and how often a command is killed before it may end.
        tally: What came of the kills before; it is added to.
        only: Names of cases; None: all.

    Yields:
        Nothing, after each turn.
    """
    data = _recordings(folder)
    asked = (lambda name: name in only) if only else (lambda name: not name.endswith(RAY))
    all_cases = {name: case for name, case in cases().items() if asked(name)}
    alone: dict[str, tuple[Any, float]] = {}
    turn = 0
    while tally.count < kills:
        for name, case in all_cases.items():
            if name not in alone:
                place = folder / f"alone-{len(alone)}"
                started = time.monotonic()
                code = _wait(_start(case, place, data))
                if name.endswith(RAY):  # its first start on a machine takes far longer than others
                    started = time.monotonic()
                    code = code or _wait(_start(case, place.with_name(f"{place.name}-again"), data))
                if code != 0:
                    raise RuntimeError(f"{name} ends with {code} when it is left alone: {_said(place)}")
                alone[name] = case.outcome(place / "out"), time.monotonic() - started
            _one_turn(name, case, folder / f"turn-{turn}", data, alone[name], chance, tally)
            turn += 1
            print(f"{tally.count} kills, {name}", file=sys.stderr)
            yield
            if tally.count >= kills:
                return


def _one_turn(
    name: str,
    case: Case,
    place: Path,
    data: dict[str, Path],
    alone: tuple[Any, float],
    chance: random.Random,
    tally: Tally,
) -> None:
    """Kill a command some times, then let it end."""
    wanted, seconds = alone
    history: list[str] = []
    code: int | None = None
    for _ in range(chance.randint(1, 6)):
        number, after = chance.choice(SIGNALS), chance.uniform(0, 1.1 * seconds)
        child = _start(case, place, data)
        code = _wait(child, after)
        if code is not None:
            tally.ended_before += 1
            break
        os.kill(child, number)
        code = _wait(child)
        history.append(f"{number.name} {after:.2f} s")
        tally.kills[number.name] = tally.kills.get(number.name, 0) + 1
        if code not in (0, *ENDS[number]):
            tally.lost.append(f"{name} after {history}: exit {code}: {_said(place)}")
        if code == 0:
            break
    if code != 0:
        code = _wait(_start(case, place, data))
    if code != 0:
        tally.lost.append(f"{name} after {history}: does not go on, exit {code}: {_said(place)}")
    elif case.outcome(place / "out") != wanted:
        tally.different.append(f"{name} after {history}")


def _recordings(folder: Path) -> dict[str, Path]:
    skeletons, videos = folder / "skeletons", folder / "videos"
    UclaReader().synthesise(skeletons, clips=60, seed=0, classes=3)
    ClipsReader(classes=3).synthesise(videos, clips=60, seed=0)
    return {"skeletons": skeletons, "videos": videos}


def _start(case: Case, place: Path, data: dict[str, Path]) -> int:
    """Fork a process that runs the command; its number."""
    place.mkdir(exist_ok=True)
    if case.spec is not None:
        tiny.write(place, case.spec)
    stand = {"SPEC": str(place / "tiny.yaml"), "DATA": str(data[case.data]), "OUT": str(place / "out")}
    words = [stand.get(word, word) for word in case.words]
    child = os.fork()
    if child == 0:
        code = 70
        try:
            with (place / "said").open("w") as said:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
            os.setpgid(0, 0)
            code = _command(words)
        finally:
            os._exit(code)
    return child


def _command(words: list[str]) -> int:
    """What `skelbench.__main__.main` does, and its exit code."""
    sys.argv = ["skelbench", *words]
    try:
        try:
            stopping.install()
            app.main()
        except KeyboardInterrupt:
            stopping.leave()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0


def _wait(child: int, seconds: float | None = None) -> int | None:
    """The exit code of a process, or None where it still runs after so many seconds; never waits for ever."""
    until = time.monotonic() + (LONGEST if seconds is None else seconds)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            break
        time.sleep(0.005)
    if seconds is not None:
        return None
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 99


def _said(place: Path) -> str:
    lines: Iterator[str] = reversed((place / "said").read_text(errors="replace").splitlines() or [""])
    return next(lines)


if __name__ == "__main__":
    main()
