"""Candidates that are rejected early: the clearly worse ones, and at a known rate no others."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skelbench.check.engine import check_engine
from skelbench.engine.rejection import Rejection
from skelbench.errors import SpecError
from skelbench.results.answers import ClipAnswers

from . import tiny

ACCURACY = Rejection("accuracy", p=0.05, first=2, looks=3)
CROSS_ENTROPY = Rejection("cross_entropy", p=0.05, first=2, looks=3)


def answered(right: Any, loss: Any = None) -> ClipAnswers:
    right = np.asarray(right, dtype=bool)
    loss = np.where(right, 0.1, 2.0) if loss is None else np.asarray(loss)
    return ClipAnswers(right, loss.astype(np.float32), np.zeros(len(right), dtype=int))


def part(whole: ClipAnswers, count: int) -> ClipAnswers:
    return ClipAnswers(whole.right[:count], whole.loss[:count], whole.predicted[:count])


def ends_after(rejection: Rejection, candidate: ClipAnswers, leader: ClipAnswers, batch: int = 5) -> int:
    """Clips after which a candidate is rejected that is seen a batch at a time; all, if it is not."""
    enough, clips = rejection.watch(leader), len(leader.right)
    seen = (min(count, clips) for count in range(batch, clips + batch, batch))
    return next((count for count in seen if enough(count, partial(part, candidate, count))), clips)


@pytest.mark.parametrize("rejection", [ACCURACY, CROSS_ENTROPY], ids=lambda one: one.fitness)
def test_a_clearly_worse_candidate_ends_at_the_first_look_and_an_equal_one_never(rejection: Rejection):
    rng = np.random.default_rng(0)
    leader = answered(rng.random(200) < 0.9, rng.normal(0.3, 0.1, 200))
    worse = answered(rng.random(200) < 0.3, leader.loss + rng.normal(1.0, 0.2, 200))
    assert ends_after(rejection, worse, leader) == 50
    assert ends_after(rejection, leader, leader) == 200
    assert ends_after(rejection, leader, worse) == 200, "a better one is never rejected"


@pytest.mark.parametrize("rejection", [ACCURACY, CROSS_ENTROPY], ids=lambda one: one.fitness)
def test_of_candidates_as_good_as_the_leader_at_most_the_level_is_rejected(rejection: Rejection):
    rng, rejected, count = np.random.default_rng(1), 0, 600
    for _ in range(count):
        leader, other = (answered(rng.random(120) < 0.7, rng.normal(1, 0.5, 120)) for _ in range(2))
        rejected += ends_after(rejection, other, leader) < 120
    assert stats.binomtest(rejected, count, rejection.p, alternative="greater").pvalue > 1e-3
    assert rejected > 0, "a test that never rejects would pass as well"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_the_chance_of_right_answers_is_mcnemar_s(pairs: list[tuple[bool, bool]]):
    leader, other = (answered([pair[side] for pair in pairs]) for side in (0, 1))
    lost, gained = (
        int((a & ~b).sum()) for a, b in ((leader.right, other.right), (other.right, leader.right))
    )
    wanted = stats.binomtest(lost, lost + gained, alternative="greater").pvalue if lost + gained else 1.0
    assert ACCURACY.chance(other, leader) == pytest.approx(wanted, rel=1e-9)


def test_the_chance_of_cross_entropies_is_the_paired_t_test_s():
    rng = np.random.default_rng(2)
    leader, other = (answered(rng.random(40) < 0.5, rng.normal(1, 1, 40)) for _ in range(2))
    wanted = stats.ttest_rel(
        other.loss.astype(float), leader.loss.astype(float), alternative="greater"
    ).pvalue
    assert CROSS_ENTROPY.chance(other, leader) == pytest.approx(wanted, rel=1e-4)
    assert CROSS_ENTROPY.chance(leader, leader) == 1.0


def test_the_worth_of_a_rejected_candidate_lies_below_the_leader_s_by_what_was_seen():
    leader, other = answered([1, 1, 1, 0, 1, 1, 1, 1]), answered([1, 0, 0, 0])
    assert ACCURACY.worse_by(other, leader) == 50.0
    assert CROSS_ENTROPY.worse_by(other, leader) == pytest.approx(0.5 * 1.9)


EARLY = {"p": 0.9, "first": 2, "looks": 3}


def search(**more: Any) -> dict[str, Any]:
    """A spec whose candidates differ on enough validation clips for some to be rejected at a mild level."""
    return tiny.spec(
        search={
            "strategy": {"name": "random", "evaluations": 8},
            "epochs": 2,
            "fitness": "cross_entropy",
            **more,
        },
        train={**tiny.spec()["train"], "validation": {"fraction": 0.5}},
        evaluate={"batch_size": 4},
    )


def test_a_search_rejects_writes_it_down_and_any_number_of_workers_does_alike(tmp_path: Path, raw: Path):
    spec = search(reject_early=EARLY)
    records = {w: tiny.run(tmp_path, raw, spec, runs=f"runs{w}", workers=w) for w in (None, 2)}
    assert records[2].comparable() == records[None].comparable()
    folder = tiny.only_run(tmp_path / "runsNone")
    trials = [line for line in folder.trials() if line["kind"] == "trial"]
    early = [line for line in trials if "rejected_after" in line]
    whole = [line for line in trials if "rejected_after" not in line]
    assert early, "none was worse"
    assert {line["number"] for line in whole} >= {0, 1}
    clips = folder.answers()[0]["clips"]
    assert all(0 < line["rejected_after"] < clips for line in early)
    assert all(line["fitness"] < max(t["fitness"] for t in whole if t["number"] < 2) for line in early)
    assert len(folder.answers()) == len(whole), "health is that of candidates that have seen the same clips"
    health = records[None].health
    assert (health.candidates, health.rejected) == (len(whole), len(early))


def test_the_others_are_worth_what_they_are_without_rejection(tmp_path: Path, raw: Path):
    fitness = []
    for name, more in (("with", {"reject_early": EARLY}), ("without", {})):
        tiny.run(tmp_path, raw, search(**more), runs=name)
        trials = tiny.only_run(tmp_path / name).trials()
        fitness.append(
            {t["number"]: t["fitness"] for t in trials if t["kind"] == "trial" and "rejected_after" not in t}
        )
    early, always = fitness
    assert {number: pytest.approx(always[number], abs=1e-6) for number in early} == early
    assert len(early) < len(always)


@pytest.mark.parametrize(
    ("search", "told"),
    [
        (tiny.own("random", evaluations=2), "with own weights nothing is rejected early"),
        (
            {"strategy": {"name": "darts"}, "epochs": 1},
            "nothing can be rejected early: strategy 'darts' has no generations",
        ),
    ],
)
def test_where_nothing_can_be_rejected_it_is_told(search: dict[str, Any], told: str, tmp_path: Path):
    with pytest.raises(SpecError, match=told) as error:
        check_engine(tiny.checked(tmp_path, tiny.spec(search={**search, "reject_early": {}})))
    assert "tiny.yaml:" in str(error.value)
    assert "Leave out 'reject_early'" in str(error.value)
