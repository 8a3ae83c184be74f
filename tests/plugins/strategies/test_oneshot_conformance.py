"""The public conformance suite for one-shot strategies, over the shipped ones and over faulty ones."""

from dataclasses import replace
from itertools import count

import pytest

import skelbench.engine.nas  # noqa: F401 - it imports NNI without its warnings, tests may do so later
from skelbench.components import ALL_NODE_KINDS, Strategy
from skelbench.errors import SpecError
from skelbench.search import OneShot
from skelbench.testing.oneshot import OneShotConformance

COOLING = {"temperature": [2.0, 0.5]}
LATE = {"warmup_epochs": 1}
FEW = {"evaluations": 3}


class TestGumbelDarts(OneShotConformance):
    name = "gumbel_darts"
    params = COOLING


class TestProxyless(OneShotConformance):
    name = "proxyless"
    params = LATE


class TestRandomOneShot(OneShotConformance):
    name = "random_oneshot"
    params = FEW


NUMBERS = count()
SUITE = OneShotConformance()


@pytest.mark.parametrize(
    ("target", "test", "error"),
    [
        (
            lambda space, **_: OneShot("NoSuch"),
            SUITE.test_names_a_strategy_of_nni,
            SpecError,
        ),
        (lambda space, **_: OneShot("DARTS", {"x": 1}), SUITE.test_names_a_strategy_of_nni, TypeError),
        (lambda space, **_: {"name": "DARTS"}, SUITE.test_names_a_strategy_of_nni, AssertionError),
        (lambda space, **_: OneShot("RandomOneShot"), SUITE.test_has_an_answer, AssertionError),
        (lambda space, **_: OneShot("DARTS"), SUITE.test_same_seed_same_description, AssertionError),
        (
            lambda space, seed, **_: OneShot("DARTS", {"warmup_epochs": next(NUMBERS)}, seed=seed),
            SUITE.test_same_seed_same_description,
            AssertionError,
        ),
        (
            lambda space, **_: OneShot("RandomOneShot", {"filter": print}),
            SUITE.test_arguments_are_plain_data,
            TypeError,
        ),
    ],
    ids=["class", "arguments", "kind", "answer", "seed", "chance", "data"],
)
def test_the_suite_sees(registry, target, test, error):
    faulty = replace(registry.get("strategy", "gumbel_darts"), name="faulty", target=target)
    with pytest.raises(error):
        test(faulty)


def test_the_suite_sees_kinds_that_nni_cannot_search(registry):
    declared = registry.get("strategy", "gumbel_darts")
    faulty = Strategy(
        name="faulty",
        summary="Has a fault",
        target=declared.target,
        params=declared.params,
        searches={"shared": ALL_NODE_KINDS},
        form="oneshot",
    )
    with pytest.raises(AssertionError):
        SUITE.test_searches_what_nni_can(faulty)
