"""Conformance suite for strategies that NNI carries out: subclass, name the strategy, run pytest."""

from __future__ import annotations

import json
from typing import ClassVar, Literal

import numpy as np

from skelbench.components import Strategy
from skelbench.recipe import DeriveOptions
from skelbench.search import OneShot
from skelbench.testing.gradient import GRADIENT_POINTS
from skelbench.testing.params import checked_params
from skelbench.testing.replay import TabulatedSpace
from skelbench.testing.strategies import DeclaredStrategy


class OneShotConformance(DeclaredStrategy):
    """What every strategy must do that names a one-shot strategy of NNI.

    Attributes:
        epochs: Supernet epochs that the strategy is told of.
    """

    form: ClassVar[Literal["ask_tell", "gradient", "oneshot"]] = "oneshot"
    epochs: ClassVar[int] = 4

    def make(self, component: Strategy, seed: int = 0) -> OneShot:
        """What the strategy gives for a small space of the kinds that it searches, made as a run makes it."""
        kinds = component.searches["shared"]
        space = TabulatedSpace([point for point in GRADIENT_POINTS if point.kind in kinds])
        chosen: OneShot = component.load()(
            space,
            seed=seed,
            weights="shared",
            epochs=self.epochs,
            derive=DeriveOptions(),
            **checked_params(component, self.params),
        )
        return chosen

    def test_searches_what_nni_can(self, component: Strategy) -> None:
        """One-shot strategies share weights, and NNI's know decisions with a fixed number of options."""
        assert set(component.searches) == {"shared"}
        assert component.searches["shared"] <= {"choice", "inputs", "cell"}

    def test_names_a_strategy_of_nni(self, component: Strategy) -> None:
        """NNI has the class, and the class takes the arguments."""
        from skelbench.engine import nas  # late: NNI takes seconds

        chosen = self.make(component)
        assert isinstance(chosen, OneShot)
        nas.oneshot_class(chosen.name)(**chosen.arguments)

    def test_has_an_answer(self, component: Strategy) -> None:
        """Either NNI's class learns weights, or architectures are evaluated."""
        from skelbench.engine import nas

        chosen = self.make(component)
        learns = nas.learns_weights(nas.oneshot_class(chosen.name))
        assert learns or chosen.evaluations > 0, "nothing learns, and nothing is evaluated"

    def test_same_seed_same_description(self, component: Strategy) -> None:
        """Nothing but the seed decides, and the seed is handed on."""
        first, second = self.make(component, seed=3), self.make(component, seed=3)
        assert first == second
        assert first.seed == 3
        assert self.make(component, seed=4).seed == 4

    def test_arguments_are_plain_data(self, component: Strategy) -> None:
        """The description can be written down."""
        chosen = self.make(component)
        json.dumps(dict(chosen.arguments), allow_nan=False)
        assert isinstance(chosen.evaluations, int)
        assert chosen.evaluations >= 0
        np.random.default_rng(chosen.seed)
