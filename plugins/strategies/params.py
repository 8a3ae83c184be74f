"""Parameters of the built-in search strategies; imported for listing and checking, hence light."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skelbench.components import Params

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
Above0 = Annotated[float, Field(gt=0)]


class CeimParams(Params):
    """Cross-entropy method with importance mixing (Peng et al., AAAI 2020, Algorithm 1).

    Attributes:
        population: Candidates N of a generation.
        warmup_epochs: Shared weights: epochs trained with even weights before the first generation.
        every: Shared weights: a generation every so many epochs, counted back from the last epoch.
        generations: Own weights: how many generations.
        mean: Start of every component of mu; None is one over the number of options.
        variance: Start of every component of the diagonal of Sigma.
        noise: The noise eps of eq. 14 in the first generation.
        noise_decay: The share of the distance to ``noise_floor`` that is left a generation later.
        noise_floor: What the noise falls towards.
        sigma_floor: Smallest standard deviation of a component of alpha.
        importance_mixing: Keep and add samples by eq. 10 and 11; without it all are drawn anew. In
            replays on tables it moved the population with about 30 % fewer new evaluations, but found
            its first good architecture no sooner, and with own weights a long search ended worse.
        min_new: The least number of new samples in a generation.
        re_evaluate: Take the fitness of kept samples again; None does so with shared weights, which
            move under the samples, and does not with own weights, where nothing has changed.
        elite: Share of the population, best first, over which eq. 12 spreads its weights; the
            paper's is 1, the authors' released code uses 0.5.
        final: The answer: the ``best`` sample or the ``mean`` of the distribution. The best is that
            of the last population where fitness is taken again, else that of all populations.
        normalise: From alpha to weights: ``sum`` (eq. 8; negative components count as 0) or ``softmax``.
    """

    population: Annotated[int, Field(ge=2)] = 50
    warmup_epochs: Annotated[int, Field(ge=0)] = 20
    every: Count = 1
    generations: Count = 20
    mean: NonNegative | None = None
    variance: Above0 = 1e-3
    noise: NonNegative = 1e-3
    noise_decay: Annotated[float, Field(ge=0, le=1)] = 0.95
    noise_floor: NonNegative = 1e-5
    sigma_floor: Above0 = 1e-3
    importance_mixing: bool = True
    min_new: Annotated[int, Field(ge=0)] = 1
    re_evaluate: bool | None = None
    elite: Share = 1.0
    final: Literal["best", "mean"] = "best"
    normalise: Literal["sum", "softmax"] = "sum"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.min_new > self.population:
            raise ValueError(f"min_new ({self.min_new}) exceeds the population ({self.population})")
        if self.noise_floor > self.noise:
            raise ValueError(f"noise_floor ({self.noise_floor:g}) exceeds noise ({self.noise:g})")
        return self


class RandomParams(Params):
    """Random search.

    Attributes:
        evaluations: How many different architectures are evaluated; all, where the space has fewer.
        batch: Own weights: architectures handed out at a time.
    """

    evaluations: Count = 50
    batch: Count = 8


class GridParams(Params):
    """Exhaustive search.

    Attributes:
        limit: A space with more architectures than this is refused.
        batch: Own weights: architectures handed out at a time.
    """

    limit: Count = 10_000
    batch: Count = 8


class EvolutionParams(Params):
    """Regularised (ageing) evolution (Real et al., AAAI 2019), as NNI has it.

    Attributes:
        population: Individuals of the population, the first ones drawn at random; the oldest leaves
            it for each new one.
        tournament: Individuals drawn from the population, of which the best becomes a parent.
        mutation: Probability that a decision is drawn anew, possibly to the same; a child equal to
            an earlier individual is bred again.
        crossover: Take each decision from either of two parents before mutation.
        evaluations: How many different architectures are evaluated; fewer, where none is found any more.
    """

    population: Count = 20
    tournament: Count = 5
    mutation: Share = 0.1
    crossover: bool = False
    evaluations: Count = 100

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tournament > self.population:
            raise ValueError(f"tournament ({self.tournament}) exceeds the population ({self.population})")
        if self.population >= self.evaluations:
            raise ValueError(
                f"population ({self.population}) is not below evaluations ({self.evaluations}), "
                "so that nothing would evolve"
            )
        return self


class TpeParams(Params):
    """Tree-structured Parzen estimator (Bergstra et al., NIPS 2011), as NNI has it.

    Attributes:
        evaluations: How many different architectures are evaluated; fewer, where the space has fewer.
        startup: Architectures drawn at random first.
        candidates: Outcomes drawn for a decision, of which the most promising is taken.
        forgetting: At most so many trials count as good; of the others the worst so many weigh 1,
            better ones less.
        prior: Weight of every outcome beside the trials.
        gamma: Of N trials, ``gamma * sqrt(N)`` count as good.
    """

    evaluations: Count = 100
    startup: Count = 20
    candidates: Count = 24
    forgetting: Count = 25
    prior: Above0 = 1.0
    gamma: Above0 = 0.25
