"""How much a search could tell its candidates apart, as it stands in journals and records."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from skelbench.results.part import NonNegative, Part

LEAST_RELIABILITY: Final = 0.3
"""Below it the ranking of candidates is chance for the most part."""
MOST_TIES: Final = 0.5
"""Above it a search selects among equals for the most part."""
FEWEST: Final = 4
"""Of fewer candidates nothing is said."""

Fitness = Literal["accuracy", "cross_entropy"]
Normalisation = Literal["recalibrated", "batch", "running", "own"]
Share = Annotated[float, Field(ge=0, le=1)]
Correlation = Annotated[float, Field(ge=-1, le=1)]


class SearchHealth(Part):
    """Signal and noise of a search, or of one of its generations.

    Attributes:
        fitness: What candidates were compared by.
        normalisation: What batch normalisation took in a candidate on a supernet, see
            ``search.normalisation`` of a spec; ``own`` where each candidate was trained by itself.
        candidates: How many were evaluated, on all clips.
        rejected: How many more were rejected early; all else is of the others, which are more alike.
        distinct: Different values of the fitness among them, before cross-entropy breaks ties of accuracy.
        ties: Share of pairs of candidates with one fitness, None of fewer than two. Candidates that were
            evaluated in different generations of one supernet are not compared.
        spread: Standard deviation of the fitness (percent, or nats) within a generation of a supernet.
        reliability: Split-half reliability of the fitness: the correlation over candidates between two
            halves of the validation clips, averaged over splits and corrected to all clips
            (Spearman-Brown). 1: a ranking by other clips would be the same; 0: it would be another.
        reliability_accuracy: The same of the accuracy, whatever the fitness is.
        reliability_cross_entropy: The same of the cross-entropy.
        disagreement: Share of the clips for which two candidates predict different classes, over pairs.
        entropy: Entropy of the architecture weights at the end, in nats, averaged over decisions.
        entropy_noise: What it would be, had the same search been told fitness drawn by lot.
        entropy_slope: Its change per epoch or generation, by least squares.
        alpha_steps: Steps that architecture weights took by gradients.
    """

    fitness: Fitness
    normalisation: Normalisation
    candidates: NonNegative
    rejected: NonNegative | None = None
    distinct: NonNegative
    ties: Share | None = None
    spread: Annotated[float, Field(ge=0)] | None = None
    reliability: Correlation | None = None
    reliability_accuracy: Correlation | None = None
    reliability_cross_entropy: Correlation | None = None
    disagreement: Share | None = None
    entropy: float | None = None
    entropy_noise: float | None = None
    entropy_slope: float | None = None
    alpha_steps: NonNegative | None = None

    @property
    def problem(self) -> str:
        """Why the search has no signal, in a few words; empty where it has, or where nothing can be said."""
        if self.candidates < FEWEST:
            return ""
        if self.ties is not None and self.ties > MOST_TIES:
            return f"{100 * self.ties:.0f} % of the pairs of candidates have one fitness"
        if self.reliability is not None and self.reliability < LEAST_RELIABILITY:
            return f"split-half reliability {self.reliability:.2f}, below {LEAST_RELIABILITY}"
        return ""
