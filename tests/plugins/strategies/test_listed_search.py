"""Random and exhaustive search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.strategies.listed import grid_search, random_search

from skelbench.errors import SpecError
from skelbench.search import Point
from skelbench.testing.replay import TabulatedSpace, replay

SPACE = TabulatedSpace.of_choices(3, 4)


def samples(done):
    return [p.sample for step in done.steps for p in step.proposals]


def different(listed):
    return len({tuple(s.values()) for s in listed})


@given(st.integers(0, 2**31), st.integers(1, 80), st.integers(1, 9))
def test_random_draws_different_architectures(seed, evaluations, batch):
    search = random_search(SPACE, seed=seed, weights="own", epochs=0, evaluations=evaluations, batch=batch)
    drawn = samples(replay(search, SPACE.evaluate, 100))
    assert len(drawn) == different(drawn) == min(evaluations, SPACE.size())


def test_random_draws_differ_between_seeds():
    drawn = [
        samples(replay(random_search(SPACE, seed=s, weights="own", epochs=0), SPACE.evaluate, 9))
        for s in (0, 1)
    ]
    assert drawn[0] != drawn[1]


class Lopsided(TabulatedSpace):
    """A space that always draws the same architecture."""

    def sample(self, rng):
        return next(self.enumerate())


def test_random_finds_what_is_hardly_ever_drawn():
    space = Lopsided.of_choices(2, 3)
    search = random_search(space, seed=0, weights="own", epochs=0, evaluations=5)
    drawn = samples(replay(search, space.evaluate, 10))
    assert len(drawn) == different(drawn) == 5


def test_own_architectures_come_in_batches():
    search = random_search(SPACE, seed=0, weights="own", epochs=0, evaluations=7, batch=3)
    done = replay(search, SPACE.evaluate, 10)
    assert [len(step.proposals) for step in done.steps] == [3, 3, 1]


@pytest.mark.parametrize("make", [random_search, grid_search])
def test_shared_weights_are_even_and_the_list_comes_after_the_last_epoch(make):
    search = make(SPACE, seed=0, weights="shared", epochs=4)
    for epoch in range(4):
        assert all(np.allclose(w, 0.25) for w in search.training_weights(epoch).values())
        proposals = search.ask(epoch)
        assert bool(proposals) == (epoch == 3)
    assert len(proposals) == (50 if make is random_search else 64)
    for proposal in proposals:
        chosen = [p.options[int(np.argmax(proposal.weights[p.label]))] for p in SPACE.points]
        assert chosen == list(proposal.sample.values())
        assert all(w.max() == 1 for w in proposal.weights.values())


def test_grid_is_complete_and_finds_the_optimum():
    space = TabulatedSpace([Point("m", "mix", ("a", "b", "c"), None), Point("i", "inputs", (0, 1, 2), 2)])
    done = replay(grid_search(space, seed=0, weights="own", epochs=0, batch=4), space.evaluate, 100)
    assert samples(done) == list(space.enumerate())
    assert len(samples(done)) == 7 * 3
    assert done.best.fitness == space.table.max()


def test_grid_refuses_a_space_beyond_its_limit():
    with pytest.raises(SpecError, match=r"64 architectures, more than the grid's limit of 63.*'random'"):
        grid_search(SPACE, seed=0, weights="own", epochs=0, limit=63)
    grid_search(SPACE, seed=0, weights="own", epochs=0, limit=64)
    with pytest.raises(SpecError, match="limit of 10,000"):
        grid_search(TabulatedSpace.of_choices(5, 8), seed=0, weights="own", epochs=0)


def test_the_answer_is_the_highest_fitness_and_never_a_failed_trial():
    search = grid_search(SPACE, seed=0, weights="own", epochs=0, batch=4)
    asked = search.ask(0)
    search.tell(asked, [None, 0.25, float("nan"), 0.25])
    assert search.best().sample == asked[1].sample
    assert search.figures() == {"evaluated": 4, "failed": 2, "best": 0.25}


def test_before_any_evaluation_the_answer_is_the_first_of_the_list():
    search = random_search(SPACE, seed=5, weights="shared", epochs=2)
    assert search.best().fitness is None
    assert search.best().sample == random_search(SPACE, seed=5, weights="own", epochs=0).ask(0)[0].sample
