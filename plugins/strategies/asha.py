"""Asynchronous successive halving: Li et al., "A system for massively parallel ...", MLSys 2020."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from skelbench.errors import SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Proposal, Sample, Space, WeightMode, Weights, as_weights

from .fresh import drawn_anew, sample_key
from .params import AshaParams
from .refusals import refuse_empty


class Asha:
    """Trains many architectures briefly, and the best share of each length for longer (Algorithm 2).

    Args:
        space: What is searched.
        seed: Of all its randomness.
        weights: Always ``own``.
        epochs: Of a whole trial, the last rung.
        derive: Without effect: candidates are architectures already.
        params: See `AshaParams`.

    Raises:
        SpecError: There is nothing to search, or a rung is no shorter than a whole trial.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        weights: WeightMode,
        epochs: int,
        derive: DeriveOptions = DeriveOptions(),
        **params: Any,
    ) -> None:
        refuse_empty(space)
        self._params, self._space = AshaParams(**params), space
        rungs = self._params.rungs or sorted({max(1, epochs // 9), max(1, epochs // 3)})
        if rungs[-1] >= epochs:
            what = f"a rung of {rungs[-1]} epochs is no shorter than a trial of {epochs}"
            raise SpecError(what, where="search.strategy.rungs", remedy="Give shorter rungs or longer trials")
        self._lengths = (*rungs, epochs)
        self._rng = np.random.default_rng(seed)
        self._samples: dict[str, Sample] = {}
        self._rungs: list[dict[str, float | None]] = [{} for _ in self._lengths]
        self._begun: list[set[str]] = [set() for _ in self._lengths]

    def training_weights(self, epoch: int) -> Weights:
        """Even weights; there is no supernet."""
        return as_weights(self._space.points, {})

    def ask(self, generation: int) -> list[Proposal]:
        """Promotions where there are any, from the longest rung down, else new architectures."""
        found: list[Proposal] = []
        budget = self._params.evaluations * self._lengths[-1]
        while len(found) < self._params.batch and self._spent() < budget:
            following = self._promotion() or self._new()
            if following is None:
                break
            rung, key = following
            self._begun[rung].add(key)
            found.append(Proposal(self._samples[key], epochs=self._epochs(rung)))
        return found

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Enter each in the rung of its length; a trial that failed is never promoted."""
        for proposal, value in zip(proposals, fitness, strict=True):
            good = value is not None and bool(np.isfinite(value))
            rung = self._lengths.index(proposal.epochs or self._lengths[-1])
            self._rungs[rung][sample_key(proposal.sample or {})] = value if good else None

    def best(self) -> Proposal:
        """The best of the longest rung that holds any; before there is one, what was asked for first."""
        for results in reversed(self._rungs):
            known = {key: value for key, value in results.items() if value is not None}
            if known:
                key = max(known, key=known.__getitem__)
                return Proposal(self._samples[key], None, known[key])
        return Proposal(next(iter(self._samples.values()), next(iter(self._space.enumerate()))))

    def figures(self) -> dict[str, Any]:
        """How many architectures were trained to each rung."""
        lengths = zip(self._lengths, self._rungs, strict=True)
        return {"evaluated": len(self._rungs[0]), "rungs": {str(n): len(rung) for n, rung in lengths}}

    def state(self) -> dict[str, Any]:
        """All that changes in a search, with the state of its random numbers."""
        return {
            "rng": copy.deepcopy(self._rng.bit_generator.state),
            "samples": dict(self._samples),
            "rungs": [dict(rung) for rung in self._rungs],
            "begun": [sorted(begun) for begun in self._begun],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters."""
        self._rng.bit_generator.state = copy.deepcopy(state["rng"])
        self._samples = dict(state["samples"])
        self._rungs = [dict(rung) for rung in state["rungs"]]
        self._begun = [set(begun) for begun in state["begun"]]

    def _spent(self) -> int:
        """Epochs of all trials begun; one that is longer pays what it has more than the rung before."""
        steps = (length - before for before, length in pairwise((0, *self._lengths)))
        return sum(step * len(begun) for step, begun in zip(steps, self._begun, strict=True))

    def _epochs(self, rung: int) -> int | None:
        return self._lengths[rung] if rung < len(self._lengths) - 1 else None

    def _promotion(self) -> tuple[int, str] | None:
        """The best that is not promoted yet among the best 1/eta of a rung, the longest rung first."""
        for rung in reversed(range(len(self._lengths) - 1)):
            known = [(value, key) for key, value in self._rungs[rung].items() if value is not None]
            top = sorted(known, key=lambda one: -one[0])[: len(self._rungs[rung]) // self._params.reduction]
            for _, key in top:
                if key not in self._begun[rung + 1]:
                    return rung + 1, key
        return None

    def _new(self) -> tuple[int, str] | None:
        sample = drawn_anew(self._space, self._rng, self._samples)
        if sample is None:
            return None
        self._samples[sample_key(sample)] = sample
        return 0, sample_key(sample)
