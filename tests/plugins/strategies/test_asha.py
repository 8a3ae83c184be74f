"""Successive halving: few are trained for long, those that did best when they were trained briefly."""

from __future__ import annotations

from typing import Any

import pytest
from skelbench_plugins.strategies.asha import Asha

from skelbench.errors import SpecError
from skelbench.testing.replay import TabulatedSpace

SPACE = TabulatedSpace.of_choices(3, 4)
WHOLE = 30


def asha(**params: Any) -> Asha:
    given = {"evaluations": 20, "rungs": (3, 10), "reduction": 3, "batch": 1, **params}
    return Asha(SPACE, seed=0, weights="own", epochs=WHOLE, **given)


def carried(search: Asha) -> list[tuple[dict[str, Any], int, float]]:
    """Every trial with its epochs and its fitness, which does not depend on them."""
    trials = []
    for generation in range(1000):
        proposals = search.ask(generation)
        if not proposals:
            return trials
        fitness = [SPACE.fitness(one.sample or {}) for one in proposals]
        search.tell(proposals, fitness)
        trials += [(p.sample, p.epochs or WHOLE, f) for p, f in zip(proposals, fitness, strict=True)]
    raise AssertionError("it does not end")


@pytest.mark.parametrize("batch", [1, 4])
def test_the_best_third_of_a_rung_is_trained_for_longer(batch: int) -> None:
    trials = carried(asha(batch=batch))
    by_length = {n: {str(s): f for s, epochs, f in trials if epochs == n} for n in (3, 10, WHOLE)}
    assert sum(len(found) for found in by_length.values()) == len(trials), "each once a length"
    for shorter, longer in ((3, 10), (10, WHOLE)):
        assert set(by_length[longer]) <= set(by_length[shorter])
        count = len(by_length[shorter]) // 3
        assert len(by_length[longer]) >= count
        best = sorted(by_length[shorter].values(), reverse=True)[:count]
        assert set(best) <= set(by_length[longer].values())


def test_its_budget_is_epochs_and_longer_trials_pay_the_rest() -> None:
    trials = carried(asha(evaluations=10))
    counts = {n: sum(epochs == n for _, epochs, _ in trials) for n in (3, 10, WHOLE)}
    spent = 3 * counts[3] + 7 * counts[10] + 20 * counts[WHOLE]
    assert 10 * WHOLE <= spent < 10 * WHOLE + 20


def test_its_answer_was_trained_to_the_end_and_is_the_best_of_those() -> None:
    search = asha()
    whole = [fitness for _, epochs, fitness in carried(search) if epochs == WHOLE]
    assert search.best().fitness == max(whole)


def test_what_failed_is_not_trained_for_longer() -> None:
    search = asha(evaluations=3)
    for generation in range(200):
        proposals = search.ask(generation)
        if not proposals:
            break
        assert [one.epochs for one in proposals] == [3]
        search.tell(proposals, [None])
    else:
        raise AssertionError("it does not end")


def test_a_rung_as_long_as_a_trial_and_rungs_that_do_not_rise_are_refused() -> None:
    with pytest.raises(SpecError, match="a rung of 30 epochs is no shorter than a trial of 30"):
        asha(rungs=(3, WHOLE))
    with pytest.raises(ValueError, match="each has more epochs than the one before it"):
        asha(rungs=(10, 3))
