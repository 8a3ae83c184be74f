"""Strategies, metrics, layouts, engines and data sets with a fault, and the test that catches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelbench.components import Dataset, Engine, Layout, Params, Strategy
from skelbench.data import Clip
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.search import Proposal, Space
from skelbench.testing.datasets import DatasetConformance
from skelbench.testing.engines import EngineConformance
from skelbench.testing.layouts import LayoutConformance
from skelbench.testing.metrics import WRONG, MetricConformance
from skelbench.testing.strategies import StrategyConformance

REGISTRY = load_registry()


class CountParams(Params):
    """Parameters of a faulty search.

    Attributes:
        evaluations: What it says that it asks for.
    """

    evaluations: int = 5


class Walk:
    """A search through the first ``steps`` architectures that answers with the first of them."""

    def __init__(self, space: Space, *, steps: int, **_: Any) -> None:
        self.samples: Iterator[Any] = space.enumerate()
        self.first, self.left = next(space.enumerate()), steps

    def ask(self, generation: int) -> list[Proposal]:
        self.left -= 1
        return [Proposal(next(self.samples, self.first))] if self.left >= 0 else []

    def tell(self, proposals: Any, fitness: Any) -> None:
        pass

    def best(self) -> Proposal:
        return Proposal(self.first)


class Reviving(Walk):
    """It begins again after its end."""

    def ask(self, generation: int) -> list[Proposal]:
        asked = super().ask(generation)
        self.left = self.left if asked else 1
        return asked


def walk(steps: int, kind: type[Walk] = Walk) -> Strategy:
    return Strategy(
        name="walk",
        summary="Has a fault",
        target=lambda space, **given: kind(space, steps=steps, **given),
        params=CountParams,
        searches={"own": frozenset(["choice"])},
    )


class TestStrategies:
    suite = StrategyConformance()

    def test_that_ask_for_more_than_they_may(self) -> None:
        self.suite.test_respects_its_budget(walk(5), "own")
        with pytest.raises(AssertionError, match="6 evaluations, not 5"):
            self.suite.test_respects_its_budget(walk(6), "own")

    def test_that_have_no_end(self) -> None:
        with pytest.raises(AssertionError, match="no end"):
            self.suite.test_respects_its_budget(walk(10**9), "own")

    def test_that_begin_again_after_their_end(self) -> None:
        with pytest.raises(AssertionError, match="after its end"):
            self.suite.test_respects_its_budget(walk(5, Reviving), "own")

    def test_that_do_not_find_the_best_of_a_few(self) -> None:
        with pytest.raises(AssertionError, match=r"found in [0-4] of 8 spaces"):
            self.suite.test_finds_the_best_of_a_small_space(walk(5), "own")


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """The share of recordings whose class scores highest, in percent, of whatever it is given."""
    return float(100 * (scores.argmax(-1) == labels).mean())


def last_weighs_most(scores: np.ndarray, labels: np.ndarray) -> float:
    weights = np.arange(len(labels)) / sum(range(len(labels)))
    return float(100 * ((scores.argmax(1) == labels) * weights).sum())


def sorting(scores: np.ndarray, labels: np.ndarray) -> float:
    figure = accuracy(scores, labels)
    labels.sort()
    return figure


class TestMetrics:
    suite = MetricConformance()
    rng = np.random.default_rng(0)
    drawn = [(rng.normal(size=(20, 5)), rng.integers(0, 5, 20))]  # noqa: RUF012

    @pytest.mark.parametrize(
        "figure",
        [
            lambda scores, labels: accuracy(scores, labels) / 100,
            lambda scores, labels: 100 - accuracy(scores, labels),
        ],
        ids=["a share", "an error"],
    )
    def test_that_are_not_best_for_perfect_scores(self, figure: Any) -> None:
        with pytest.raises(AssertionError):
            self.suite.test_perfect_scores_are_best(figure)

    def test_that_are_good_for_the_worst_scores(self) -> None:
        with pytest.raises(AssertionError):
            self.suite.test_worst_scores_are_not_good(lambda scores, labels: 100.0)

    @pytest.mark.parametrize(
        "figure",
        [
            lambda scores, labels: 100.0,
            lambda scores, labels: np.float32(accuracy(scores, labels)),
            lambda scores, labels: -1.0,
            lambda scores, labels: float("nan"),
        ],
        ids=["always the same", "no plain number", "below 0", "not a number"],
    )
    def test_that_are_no_percentage(self, figure: Any) -> None:
        self.suite.test_it_is_in_percent(accuracy, self.drawn)
        with pytest.raises(AssertionError):
            self.suite.test_it_is_in_percent(figure, self.drawn)

    def test_that_depend_on_the_order_of_recordings(self) -> None:
        self.suite.test_the_order_of_recordings_does_not_matter(accuracy, self.drawn)
        with pytest.raises(AssertionError):
            self.suite.test_the_order_of_recordings_does_not_matter(last_weighs_most, self.drawn)

    def test_that_change_what_they_are_given(self) -> None:
        with pytest.raises(AssertionError):
            self.suite.test_it_leaves_scores_and_labels_as_they_are(sorting, self.drawn)

    @pytest.mark.parametrize("wrong", ["a label beyond the classes", "scores that are not numbers"])
    def test_that_rate_what_cannot_be_rated(self, wrong: str) -> None:
        assert wrong in WRONG
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            self.suite.test_what_cannot_be_rated_is_refused(accuracy, wrong)


class TestLayouts:
    suite = LayoutConformance()
    hand = Layout(
        name="hand",
        joints=("palm", "thumb", "index", "tip"),
        inward=((1, 0), (2, 0), (3, 2)),
        root=0,
        torso=(0, 1, 2, 3),
    )

    def test_a_layout_without_a_fault(self) -> None:
        self.suite.test_joints_have_names_of_their_own(self.hand)
        self.suite.test_every_joint_but_the_root_has_one_parent(self.hand)
        self.suite.test_every_joint_reaches_the_root(self.hand)
        self.suite.test_the_torso_is_four_joints(self.hand)

    def test_joints_with_one_name(self) -> None:
        faulty = replace(self.hand, joints=("palm", "thumb", "index", "thumb"))
        with pytest.raises(AssertionError):
            self.suite.test_joints_have_names_of_their_own(faulty)

    @pytest.mark.parametrize(
        "inward",
        [((1, 0), (2, 0)), ((1, 0), (2, 0), (3, 2), (3, 1)), ((1, 0), (2, 0), (3, 2), (0, 1))],
        ids=["none", "two", "of the root"],
    )
    def test_joints_without_one_parent(self, inward: Any) -> None:
        with pytest.raises(AssertionError):
            self.suite.test_every_joint_but_the_root_has_one_parent(replace(self.hand, inward=inward))

    def test_bones_that_go_around(self) -> None:
        with pytest.raises(AssertionError, match="cycle"):
            self.suite.test_every_joint_reaches_the_root(replace(self.hand, inward=((1, 0), (2, 3), (3, 2))))

    @pytest.mark.parametrize("torso", [(0, 1, 2, 4), (0, 1, 2, 2)], ids=["outside", "twice"])
    def test_a_torso_of_other_joints(self, torso: Any) -> None:
        with pytest.raises(AssertionError):
            self.suite.test_the_torso_is_four_joints(replace(self.hand, torso=torso))


def impatient() -> Any:
    """NNI's sequential engine, which ends at the first failure."""
    from skelbench.engine.nas import sequential_engine

    engine = sequential_engine()
    engine.continue_on_failure = False
    return engine


class TestEngines:
    def test_that_end_with_the_first_failure(self, tmp_path: Path) -> None:
        faulty = Engine(name="impatient", summary="Has a fault", target=impatient)
        EngineConformance().test_it_carries_trials(faulty, tmp_path / "well")
        with pytest.raises(ValueError, match="this one fails"):
            EngineConformance().test_a_failed_trial_is_one_trial(faulty, tmp_path / "failed")

    def test_parameters_that_do_not_fit(self) -> None:
        class Given(EngineConformance):
            params = {"workers": 3}  # noqa: RUF012

        with pytest.raises(SpecError, match="workers"):
            Given().test_unknown_parameters_are_refused(Engine(name="plain", target=impatient))


class SilentReader:
    """A faulty data set: it reads nothing of what is there, and says nothing."""

    class_names = ("a", "b")

    def sources(self, root: Path) -> list[Path]:
        return list(root.iterdir())

    def read(self, source: Path) -> list[Clip]:
        return []

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        (root / "all.txt").write_text("")


def test_readers_that_pass_over_damage(tmp_path: Path) -> None:
    component = Dataset(name="silent", target=SilentReader, layout="ntu25", classes=2, protocols=("all",))
    with pytest.raises(AssertionError, match="no file is named"):
        DatasetConformance().test_a_damaged_file_is_told(component, tmp_path)
