"""Independent trials: failures, repetitions, resumption, and the strategies over every kind of decision."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from skelbench.check.engine import check_engine
from skelbench.engine import nas
from skelbench.engine import trial as trial_step
from skelbench.engine.candidates import Comparison
from skelbench.engine.journal import Journal
from skelbench.engine.starts import LOST, STARTS, Starts
from skelbench.engine.workers.work import Answer, answer
from skelbench.errors import RunFolderError, SpecError, WorkFailed
from skelbench.results import journal
from skelbench.results.store import RunFolder
from skelbench.search import Point, Proposal, Sample
from skelbench.space.arch import Architecture
from skelbench.space.network import build_network
from skelbench.space.trials import Asked

from . import tiny
from .test_supernet import Scripted, lines_without_times

POINTS = (Point("a", "choice", ("x", "y", "z")),)


def proposals(*options: str) -> list[Proposal]:
    return [Proposal({"a": option}) for option in options]


class Asks(Scripted):
    """A search of fixed generations that answers with the best proposal it was told of."""

    def __init__(self, *generations: list[Proposal]) -> None:
        super().__init__({}, dict(enumerate(generations)))
        self.top = Proposal()

    def tell(self, proposals: Any, fitness: Any) -> None:
        super().tell(proposals, fitness)
        for proposal, value in zip(proposals, fitness, strict=True):
            if value is not None and (self.top.fitness is None or value > self.top.fitness):
                self.top = Proposal(proposal.sample, None, value)

    def best(self) -> Proposal:
        return self.top


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "toy", "a" * 64, 0)


class Hands:
    """One worker in this process."""

    count, advice = 1, ""

    def __init__(self, evaluate: Any) -> None:
        self._evaluate = evaluate
        self._answers: list[Answer] = [Answer()]

    def start(self, evaluate: Any, place: int) -> Hands:
        return self

    def give(self, task: Any) -> None:
        self._answers.append(answer(lambda: self._evaluate(task)))

    def take(self) -> Answer | None:
        return self._answers.pop(0)

    def ready(self, workers: Any, timeout: float | None) -> Any:
        return workers

    def fate(self) -> str:
        return ""

    def end(self) -> None:
        pass

    close = end


class Evaluate:
    """Fitness by option; what is no number is raised. Counts its calls."""

    def __init__(self, **fitness: float | BaseException) -> None:
        self.fitness, self.samples = fitness, list[Sample]()

    def __call__(self, asked: Asked) -> float:
        self.samples.append(asked.sample)
        value = self.fitness[asked.sample["a"]]
        if isinstance(value, BaseException):
            raise value
        return value


def search(search: Asks, evaluate: Evaluate, folder: RunFolder) -> tuple[Proposal, Journal]:
    journal = Journal(folder)
    return nas.search_by_trials(search, POINTS, evaluate, journal, nas.sequential_engine()), journal


def test_every_proposal_is_a_trial_and_the_best_one_is_the_answer(folder: RunFolder):
    asks, evaluate = Asks(proposals("x", "y"), proposals("z")), Evaluate(x=10.0, y=30.0, z=20.0)
    best, journal = search(asks, evaluate, folder)
    assert (best.sample, best.fitness) == ({"a": "y"}, 30.0)
    assert asks.told == [[10.0, 30.0], [20.0]]
    assert evaluate.samples == [{"a": "x"}, {"a": "y"}, {"a": "z"}]
    assert [
        (t["generation"], t["number"], t["fitness"], t["known"]) for t in folder.trials() if "fitness" in t
    ] == [
        (0, 0, 10.0, False),
        (0, 1, 30.0, False),
        (1, 0, 20.0, False),
    ]
    cost = journal.cost()
    assert (cost.trials, cost.samples, cost.kept) == (3, 3, 0)
    assert cost.seconds == pytest.approx(sum(t["seconds"] for t in journal.trials))


def test_a_failing_trial_keeps_its_traceback_and_the_search_goes_on(folder: RunFolder):
    asks, evaluate = Asks(proposals("x", "y", "z")), Evaluate(x=10.0, y=ValueError("no luck"), z=20.0)
    best, journal = search(asks, evaluate, folder)
    assert best.sample == {"a": "z"}
    assert asks.told == [[10.0, None, 20.0]]
    (failed,) = (line for line in folder.trials() if line.get("fitness", 0) is None)
    assert failed["error"] == "ValueError: no luck"
    assert "Traceback (most recent call last)" in failed["traceback"]
    assert "in __call__" in failed["traceback"], "down to the line that raised"
    (failure,) = journal.failures()
    assert (failure.trial, failure.error) == (1, "ValueError: no luck")
    assert all("error" not in t for t in journal.trials if t["fitness"] is not None)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SystemExit(0), WorkFailed),
        (OSError(errno.ENOSPC, "No space left on device"), WorkFailed),
        (RunFolderError("cannot write"), RunFolderError),
        (RuntimeError("No CUDA GPUs are available"), WorkFailed),
    ],
    ids=repr,
)
@pytest.mark.parametrize("workers", [False, True])
def test_a_fault_of_the_machine_ends_the_run_and_is_no_trials(
    fault: BaseException, raised: type[BaseException], workers: bool, folder: RunFolder
):
    def carried(evaluate: Evaluate) -> Proposal:
        engine: Any = Hands(evaluate) if workers else nas.sequential_engine()
        return nas.search_by_trials(Asks(proposals("x", "y", "z")), POINTS, evaluate, Journal(folder), engine)

    if workers and isinstance(fault, KeyboardInterrupt):
        pytest.skip("workers leave signals to the process that started them")
    with pytest.raises((raised, WorkFailed) if workers else raised):
        carried(Evaluate(x=10.0, y=fault, z=20.0))
    assert [line["choices"] for line in folder.trials()] == [{"a": "x"}]
    again = Evaluate(x=0.0, y=30.0, z=20.0)
    assert carried(again).sample == {"a": "y"}
    assert again.samples == [{"a": "y"}, {"a": "z"}], "what was done stays, what was not is done"


@pytest.mark.parametrize(("deaths", "tried"), [(0, "xyz"), (1, "xyz"), (2, "xz")])
def test_a_trial_that_takes_the_process_with_it_twice_has_failed(deaths: int, tried: str, folder: RunFolder):
    for _ in range(deaths):
        Starts(folder).begin('{"a": "y"}')  # and the process is gone
    evaluate = Evaluate(x=10.0, y=30.0, z=20.0)
    best, journal = search(Asks(proposals("x", "y", "z")), evaluate, folder)
    assert "".join(sample["a"] for sample in evaluate.samples) == tried
    assert best.sample == {"a": "z" if deaths == 2 else "y"}
    assert [(f.trial, f.error) for f in journal.failures()] == ([(1, LOST)] if deaths == 2 else [])
    assert not (folder.path / STARTS).exists()


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")], ids=repr)
def test_being_stopped_again_and_again_fails_no_trial(fault: BaseException, folder: RunFolder):
    for _ in range(3):
        with pytest.raises((KeyboardInterrupt, WorkFailed)):
            search(Asks(proposals("x")), Evaluate(x=fault), folder)
    assert search(Asks(proposals("x")), Evaluate(x=1.0), folder)[0].sample == {"a": "x"}


def test_starts_before_the_machine_started_say_nothing(folder: RunFolder):
    for _ in range(2):
        journal.append(folder.path / STARTS, {"trial": '{"a": "x"}', "change": 1, "boot": "another"})
    assert search(Asks(proposals("x")), Evaluate(x=1.0), folder)[0].sample == {"a": "x"}


@pytest.mark.parametrize(("most", "tried"), [(None, 3), (1, 2), (0, 1)])
def test_a_search_ends_where_more_fail_than_may(most: int | None, tried: int, folder: RunFolder):
    evaluate = Evaluate(x=ValueError("one"), y=ValueError("two"), z=1.0)
    asks, notes = Asks(proposals("x", "y", "z")), Journal(folder)
    given = (asks, POINTS, evaluate, notes, nas.sequential_engine(), None, most)
    if most is None:
        assert nas.search_by_trials(*given).sample == {"a": "z"}
    else:
        with pytest.raises(WorkFailed, match=rf"{tried} trials have failed, the last one with ValueError"):
            nas.search_by_trials(*given)
    assert len(evaluate.samples) == tried


def test_a_candidate_too_large_for_the_memory_has_failed_itself(folder: RunFolder):
    asks, evaluate = Asks(proposals("x", "y")), Evaluate(x=OSError(errno.ENOMEM, "x"), y=1.0)
    _, journal = search(asks, evaluate, folder)
    assert [failure.trial for failure in journal.failures()] == [0]


def test_where_every_trial_fails_the_work_has_failed(folder: RunFolder):
    asks, evaluate = Asks(proposals("x", "y")), Evaluate(x=ValueError("first"), y=MemoryError("second"))
    with pytest.raises(
        WorkFailed, match=r"every trial failed; the last one with MemoryError: second"
    ) as raised:
        search(asks, evaluate, folder)
    assert raised.value.exit_code == 1
    assert len(folder.trials()) == 3, "two trials and a generation stand in the journal"


def test_a_search_that_proposes_nothing_has_failed(folder: RunFolder):
    with pytest.raises(WorkFailed, match="none was proposed"):
        search(Asks(), Evaluate(), folder)


def test_an_architecture_is_evaluated_once_however_often_it_is_proposed(folder: RunFolder):
    asks = Asks(proposals("x", "x", "y"), proposals("y", "x"))
    evaluate = Evaluate(x=10.0, y=30.0)
    best, journal = search(asks, evaluate, folder)
    assert evaluate.samples == [{"a": "x"}, {"a": "y"}]
    assert asks.told == [[10.0, 10.0, 30.0], [30.0, 10.0]]
    assert [t["known"] for t in journal.trials] == [False, True, False, True, True]
    assert journal.cost().trials == 2
    assert journal.cost().samples == 5
    assert best.sample == {"a": "y"}


def test_what_an_interrupted_run_evaluated_is_known_to_the_next_as_well(folder: RunFolder):
    evaluate = Evaluate(x=10.0, y=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        search(Asks(proposals("x", "y", "x")), evaluate, folder)
    assert [t["choices"] for t in folder.trials()] == [{"a": "x"}]
    evaluate = Evaluate(x=99.0, y=30.0)
    asks = Asks(proposals("x", "y", "x"))
    search(asks, evaluate, folder)
    assert evaluate.samples == [{"a": "y"}], "neither the finished trial nor its repetition is run again"
    assert asks.told == [[10.0, 30.0, 10.0]]


def test_a_failed_architecture_is_tried_again_where_it_is_proposed_again(folder: RunFolder):
    evaluate = Evaluate(x=ValueError("no luck this time"), y=1.0)
    search(Asks(proposals("x", "y"), proposals("x")), evaluate, folder)
    assert evaluate.samples == [{"a": "x"}, {"a": "y"}, {"a": "x"}]


@pytest.mark.parametrize("state", ["kept", "cut", "another", "deep"])
def test_a_damaged_journal_costs_its_damaged_line_alone(state: str, folder: RunFolder):
    asks = [proposals("x", "y"), proposals("z")]
    whole, _ = search(Asks(*asks), Evaluate(x=10.0, y=30.0, z=20.0), folder)
    lines = folder.trials()
    path, stored = folder.path / "trials.jsonl", folder.path / "search.json"
    path.write_text(path.read_text().replace('"number": 1', '"number": "1"', 1))
    if state != "kept":
        stored.write_text({"cut": '{"gener', "another": '{"generation": []}', "deep": "[" * 10**5}[state])
    again = Evaluate(x=0.0, y=30.0, z=0.0)
    found, journal = search(Asks(*asks), again, folder)
    assert (found.sample, again.samples) == (whole.sample, [{"a": "y"}])
    assert journal.damaged == [f"{path}:2"]
    assert [line["choices"] for line in journal.trials] == [
        line["choices"] for line in lines if "choices" in line
    ]
    assert json.loads((folder.path / "trials.jsonl.damaged").read_text())["number"] == "1"


def test_a_finished_search_is_answered_from_its_journal(folder: RunFolder):
    search(Asks(proposals("x", "y")), Evaluate(x=10.0, y=30.0), folder)
    before, evaluate = folder.trials(), Evaluate()
    search(Asks(proposals("x", "y")), evaluate, folder)
    assert not evaluate.samples
    assert folder.trials() == before


# --- real strategies on real trials ------------------------------------------------------------

SHALLOW = {"op": "stgcn_block", "channels": 4, "kernel": 3, "graph": "cheb.l"}
VALUE = {**SHALLOW, "channels": {"value": {"label": "width", "from": [4, 6]}}}
DEPTH = {"depth": {"label": "deep", "from": [0, 1, 2], "of": SHALLOW}}
CHOICE = {"choice": {"label": "kind", "from": [SHALLOW, {**SHALLOW, "op": "stgcn_block.original"}]}}
MIXED = tiny.network(VALUE, DEPTH, CHOICE)


@pytest.mark.parametrize(
    ("strategy", "params", "samples"),
    [
        ("grid", {}, 12),
        ("random", {"evaluations": 5, "batch": 3}, 5),
        ("ceim", {"population": 4, "generations": 2}, 8),
    ],
)
def test_values_depths_and_choices_are_searched_by_every_strategy(
    strategy: str,
    params: dict[str, Any],
    samples: int,
    tmp_path: Path,
    raw: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The whole way, with a quick fitness in place of the training of a trial."""
    built: list[Sample] = []

    def quick(network: Any, *arguments: Any, **options: Any) -> None:
        built.append(network)

    def fitness(how: Any, network: Any, loader: Any) -> float:
        return float(min(100, sum(p.numel() for p in network.parameters()) / 20))

    monkeypatch.setattr(trial_step, "fit", quick)
    monkeypatch.setattr(Comparison, "by_itself", fitness)
    spec = tiny.spec(network=MIXED, search=tiny.own(strategy, **params), architectures={})
    record = tiny.run(tmp_path, raw, spec)
    folder = tiny.only_run(tmp_path / "runs")
    trials = [line for line in folder.trials() if line["kind"] == "trial"]
    assert record.search is not None
    assert (len(trials), record.search.samples) == (samples, samples)
    assert (
        record.search.trials == len({json.dumps(t["choices"], sort_keys=True) for t in trials}) == len(built)
    )
    best = max(trials, key=lambda t: t["fitness"])
    checked = tiny.checked(tmp_path, spec)
    found = build_network(checked.network, best["choices"], checked.context())
    assert record.params == sum(p.numel() for p in found.parameters())
    assert record.strategy is not None
    assert record.strategy.params["epochs"] == 1


@pytest.mark.parametrize(
    ("strategy", "params"),
    [
        ("random", {"evaluations": 5, "batch": 2}),
        ("ceim", {"population": 3, "generations": 3, "variance": 0.5, "importance_mixing": False}),
    ],
)
def test_trials_are_trained_and_a_resumed_search_equals_an_uninterrupted_one(
    strategy: str, params: dict[str, Any], tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
):
    spec = tiny.spec(search=tiny.own(strategy, **params))
    whole = tiny.run(tmp_path, raw, spec, runs="whole")
    calls, fit = 0, trial_step.fit

    def interrupted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return fit(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(trial_step, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw, spec)
    folder = tiny.only_run(tmp_path / "runs")
    done = folder.trials()
    assert done[-1]["generation"] > 0, "it stopped after the first generation"
    resumed = tiny.run(tmp_path, raw, spec)
    assert folder.trials()[: len(done)] == done
    assert lines_without_times(folder) == lines_without_times(tiny.only_run(tmp_path / "whole"))
    assert resumed.comparable() == whole.comparable()


def test_failures_of_trials_stand_in_the_record(tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch):
    build = trial_step.build_network

    def fails(network: Any, sample: Sample, context: Any) -> Any:
        if sample["graph_1"] == ["cheb.l"]:
            raise RuntimeError("too narrow")
        return build(network, sample, context)

    monkeypatch.setattr(trial_step, "build_network", fails)
    one = {**tiny.BLOCK, "graph": {"mix": {"label": "graph_1", "from": ["cheb.l", "cheb.l2"]}}}
    spec = tiny.spec(network=tiny.network(one), search=tiny.own("grid"), architectures={})
    record = tiny.run(tmp_path, raw, spec)
    (failure,) = record.failures
    assert failure.error == "RuntimeError: too narrow"
    assert "Traceback" in failure.traceback
    assert record.status == "ok"
    assert record.metrics


def test_a_shorter_trial_is_trained_for_its_epochs_and_known_by_them(folder: RunFolder):
    asked: list[Asked] = []

    def evaluate(one: Asked) -> float:
        asked.append(one)
        return float(one.epochs or 9)

    short = Proposal({"a": "x"}, epochs=3)
    asks = Asks([short, Proposal({"a": "x"})], [short, Proposal({"a": "x"}, epochs=5)])
    written = Journal(folder)
    nas.search_by_trials(asks, POINTS, evaluate, written, nas.sequential_engine())
    assert [(one.sample["a"], one.epochs) for one in asked] == [("x", 3), ("x", None), ("x", 5)]
    assert asks.told == [[3.0, 9.0], [3.0, 5.0]]
    assert [line.get("epochs") for line in written.trials] == [3, None, 3, 5]


def test_a_run_trains_a_shorter_trial_for_its_epochs(tmp_path: Path, raw: Path):
    search = {
        "strategy": {"name": "asha", "weights": "own", "rungs": [1, 2], "evaluations": 2},
        "trial_epochs": 3,
    }
    with pytest.MonkeyPatch.context() as patch:
        lengths: list[int] = []
        real = trial_step.fit
        patch.setattr(
            trial_step, "fit", lambda n, o, *a, **k: (lengths.append(o.epochs), real(n, o, *a, **k))[1]
        )
        tiny.run(tmp_path, raw, tiny.spec(search=search))
    lines = [line for line in tiny.only_run(tmp_path / "runs").trials() if line["kind"] == "trial"]
    assert lengths == [line.get("epochs", 3) for line in lines]
    assert {1, 2} <= set(lengths)


def test_a_search_by_a_proxy_trains_nothing(tmp_path: Path, raw: Path):
    search = {**tiny.own("random", evaluations=4), "proxy": "naswot"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial_step, "fit", lambda *a, **k: pytest.fail("it was trained"))
        record = tiny.run(tmp_path, raw, tiny.spec(search=search))
    lines = [line for line in tiny.only_run(tmp_path / "runs").trials() if line["kind"] == "trial"]
    assert len({line["fitness"] for line in lines}) > 1
    best = max(lines, key=lambda line: line["fitness"])
    found = Architecture.read(tiny.only_run(tmp_path / "runs").path / "architecture.yaml")
    assert found.choices == best["choices"]
    assert record.failures == ()


def test_a_proxy_of_candidates_on_a_supernet_is_refused(tmp_path: Path):
    spec = tiny.spec(search={**tiny.SHARED, "proxy": "synflow"})
    with pytest.raises(SpecError, match=r"tiny.yaml:\d+: with shared weights no architecture is rated"):
        check_engine(tiny.checked(tmp_path, spec))
