"""Regularised evolution, by NNI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from nni.mutable import Categorical, MutableDict
from nni.nas.strategy.evolution import Individual, RegularizedEvolution

from skelbench.engine.nas.nni_search import NniSearch, Raw


class Evolution(NniSearch):
    """Regularised (ageing) evolution (Real et al., AAAI 2019), by NNI's `RegularizedEvolution`.

    Its own parameters are those of ``EvolutionParams``: population (the oldest leaves it for each new
    one), tournament (individuals drawn, of which the best becomes a parent), mutation (probability that
    a decision is drawn anew) and crossover (mix two parents before mutation).
    """

    NAMES: ClassVar[Mapping[str, str]] = {
        "population": "population_size",
        "tournament": "sample_size",
        "mutation": "mutation_prob",
        "crossover": "crossover",
    }

    def _start(self, seed: int) -> None:
        sizes = {label: len(found) for label, found in self._outcomes.items()}
        choices = {label: Categorical(range(size), label=label) for label, size in sizes.items()}
        self._nni = _Breeder(MutableDict(choices), seed=seed, **self._settings)

    def _next(self, number: int) -> Mapping[str, Any] | None:
        return self._nni.breed()

    def _report(self, number: int, raw: Raw, fitness: float | None) -> None:
        if fitness is not None:
            self._nni.admit(dict(zip(self._outcomes, raw, strict=True)), fitness)

    def figures(self) -> dict[str, Any]:
        """Counts and the highest fitness so far, and the mean fitness of the population."""
        fitness = self._nni.fitness()
        return super().figures() | {"mean_fitness": float(np.mean(fitness)) if fitness else None}


class _Breeder(RegularizedEvolution):
    """NNI's evolution without an engine: individuals come in and go out one by one."""

    def __init__(self, space: MutableDict, **settings: Any) -> None:
        super().__init__(**settings)
        self._model_space = space

    def breed(self) -> Mapping[str, Any] | None:
        """A new individual, random until the population is full; None where none is found."""
        full = len(self._population) == self.population_size
        sample: Mapping[str, Any] | None = self._retry_helper.retry(
            self.new_individual if full else self.random
        )
        return sample

    def admit(self, sample: Mapping[str, Any], fitness: float) -> None:
        """Add an individual to the population, from which the oldest goes where it is full."""
        self._population.append(Individual(sample, fitness))
        if len(self._population) > self.population_size:
            self._population.popleft()

    def fitness(self) -> list[float]:
        """The fitness of each individual, the oldest first."""
        return [individual.y for individual in self._population]
