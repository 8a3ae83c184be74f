"""Parameters of the built-in search strategies; imported for listing and checking, hence light."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skelbench.components import Params

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
Above0 = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class CeimParams(Params):
    """Cross-entropy method with importance mixing (Peng et al., AAAI 2020, Algorithm 1).

    Attributes:
        population: Candidates N of a generation.
        warmup_epochs: Shared weights: epochs trained with even weights before the first generation.
        every: Shared weights: a generation every so many epochs, counted back from the last epoch.
        generations: Own weights: how many generations.
        mean: Start of every component of mu; None is one over the number of options.
        variance: Start of every component of the diagonal of Sigma. The released 1e-3 suits the paper's
            2,500 evaluations; where there are some hundreds, 0.03 moves fast enough to find something.
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
        elite_weights: ``reciprocal``: 1/i as the paper prints eq. 12; ``logarithmic``: log((1 + N)/i)
            over the N that get weight, as in the released code. Equal candidates share their weights.
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
    elite_weights: Literal["reciprocal", "logarithmic"] = "reciprocal"
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


class LocalParams(Params):
    """Local search (White et al., UAI 2021).

    Attributes:
        evaluations: How many different architectures are evaluated; all, where the space has fewer.
    """

    evaluations: Count = 100


class Nsga2Params(Params):
    """NSGA-II (Deb et al., IEEE Transactions on Evolutionary Computation 2002).

    Attributes:
        population: Architectures that survive a generation, and children of each.
        mutation: Probability that a decision of a child is exchanged; None: one of each child on average.
        evaluations: How many different architectures are evaluated; all, where the space has fewer.
    """

    population: Annotated[int, Field(ge=2)] = 20
    mutation: Share | None = None
    evaluations: Count = 100


class AshaParams(Params):
    """Asynchronous successive halving (Li et al., MLSys 2020).

    Attributes:
        evaluations: The epochs that are trained, in whole trials: 50 of 30 epochs are 1,500. A longer trial
            counts as though it went on from the shorter one, as on a table; a run trains it from scratch.
        rungs: Epochs of the shorter trials, the shortest first; a whole trial is the last rung. None: a ninth
            and a third of a whole trial.
        reduction: The best one of so many is trained for longer (the paper's eta).
        batch: Trials of a generation.
    """

    evaluations: Count = 50
    rungs: Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    reduction: Annotated[int, Field(ge=2)] = 3
    batch: Count = 1

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.rungs is not None and list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError("rungs: each has more epochs than the one before it")
        return self


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
    tournament: Count = 10
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
        candidates: Outcomes drawn for a decision, of which the most promising is taken. With many (NNI
            draws 24) nearly every architecture soon is an earlier one, in whose place NNI takes the next
            of the whole space in order; in replays on tables that was little better than chance.
        forgetting: At most so many trials count as good; of the others the worst so many weigh 1,
            better ones less.
        prior: Weight of every outcome beside the trials.
        gamma: Of N trials, ``gamma * sqrt(N)`` count as good.
    """

    evaluations: Count = 100
    startup: Count = 20
    candidates: Count = 4
    forgetting: Count = 25
    prior: Above0 = 1.0
    gamma: Above0 = 0.25


class DartsParams(Params):
    """Differentiable architecture search (DARTS; Liu et al., ICLR 2019), as in SAR-NAS.

    Attributes:
        order: ``2`` descends the validation loss as it would be after one more training step of the
            supernet, ``w' = w - lr * gradient`` (without momentum and weight decay), with the product
            of second derivatives taken by a difference; it costs about four times the passes of ``1``,
            which takes the supernet as it is.
        difference: The length of the step in the supernet's weights by which second derivatives are taken,
            or ``exact``: by differentiating twice, which takes no step, and the memory of both passes.
        measure_error: In each epoch hold one gradient against the exact one of second order; the figures
            say how far it is off (``gradient_error``).
        lr: Adam's learning rate.
        betas: Adam's decay of the first and the second moment.
        weight_decay: Adam's, which draws the alphas towards even weights.
        start: Standard deviation of the first alphas, around even weights.
        warmup_epochs: First epochs in which only the supernet learns and the alphas rest.
        cost_weight: Weight of the expected MACs, as a multiple of those under even weights, in the
            loss of the alphas; 0 searches for accuracy alone.
        most_skips: The share of a cell's chosen edges that may be ``skip`` before the figures warn of
            a collapse, in which alphas drift to skip connections as the supernet is trained.
    """

    order: Literal[1, 2] = 2
    difference: Above0 | Literal["exact"] = 0.01
    measure_error: bool = False
    lr: Above0 = 3e-4
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    weight_decay: NonNegative = 1e-3
    start: NonNegative = 1e-3
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    cost_weight: NonNegative = 0.0
    most_skips: Annotated[float, Field(ge=0, le=1)] = 0.5


class ViterbiParams(Params):
    """A path through a trellis, by gradients and Viterbi (VAR-NAS; Zhou et al., ACML 2021).

    Attributes:
        warmup_epochs: First epochs in which only the supernet learns.
        lr: Adam's learning rate of the architecture weights.
        betas: Adam's decay of the first and the second moment.
        weight_decay: Adam's, which draws the weights towards even ones.
        start: Standard deviation of the first architecture weights, around even ones.
        cost_weight: Lambda of ``lambda * log_k(c)`` in the loss of the architecture weights, where c are
            the expected MMACs of a path through the trellis; 0 searches for accuracy alone.
        cost_base: The k of it.
        alternate: The architecture weights learn once over their clips before each ``epoch`` of the
            supernet, as in the paper, or once before each ``step`` of it.
        mode: A path is worth the ``product`` of its probabilities, or their ``sum`` as in the paper.
        sampled: Compute one operator of each layer where the supernet's weights learn, and two where the
            architecture weights do, drawn in proportion to their weights, instead of all: less memory.
        evaluate_epochs: In so many last epochs the path decoded then is evaluated on the recordings that
            ``search.inference`` holds out.
        final: The answer: the path of the ``last`` epoch, or the one that was ``best`` in these evaluations.
        paths: How many of the best paths of widths the figures show.
    """

    warmup_epochs: Annotated[int, Field(ge=0)] = 10
    lr: Above0 = 3e-4
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    weight_decay: NonNegative = 1e-3
    start: NonNegative = 1e-3
    cost_weight: NonNegative = 0.2
    cost_base: Annotated[float, Field(gt=1)] = 3500.0
    alternate: Literal["epoch", "step"] = "epoch"
    mode: Literal["product", "sum"] = "product"
    sampled: bool = False
    evaluate_epochs: Annotated[int, Field(ge=0)] = 20
    final: Literal["last", "best"] = "last"
    paths: Count = 3
