"""Comparing claims with what we compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from skelbench.errors import SkelbenchError
from skelbench.papers.claims import Claim, Paper, read_paper, systems
from skelbench.papers.quantities import compute

Verdict = Literal["agrees", "explained", "differs"]


@dataclass(frozen=True)
class Finding:
    """A claim and what we compute.

    Attributes:
        system: The system.
        claim: The claim.
        ours: What we compute.
    """

    system: str
    claim: Claim
    ours: float | int

    @property
    def verdict(self) -> Verdict:
        """Whether it agrees to the last printed digit, differs as explained, or differs."""
        if _agree(self.claim.says, self.ours):
            return "agrees" if self.claim.ours is None else "differs"  # what is explained is no longer so
        if self.claim.ours is not None and _agree(self.claim.ours, self.ours):
            return "explained"
        return "differs"

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        said = {"system": self.system, **self.claim.model_dump(exclude={"compute", "ours"})}
        return {**said, "ours": self.ours, "difference": self.shown_difference, "verdict": self.verdict}

    @property
    def shown(self) -> str:
        """What we compute, with two digits more than are printed."""
        if isinstance(self.ours, int):
            return str(self.ours)
        return f"{self.ours:.{max(0, 2 - _exponent(self.claim.says))}f}"

    @property
    def shown_difference(self) -> str:
        """Ours less the paper's, in percent of the paper's; nothing where they agree."""
        says = Decimal(self.claim.says)
        if _agree(self.claim.says, self.ours):
            return ""
        if says == 0:
            return f"{Decimal(str(self.ours)):+}"
        return f"{100 * (Decimal(str(self.ours)) - says) / says:+.2f} %"


def verify(folder: Path, wanted: Iterable[str] = ()) -> Iterator[Finding]:
    """Every claim of some systems, or of all.

    Args:
        folder: Where the claims lie, beside the leaderboards.
        wanted: Names of systems; none: all.

    Raises:
        SkelbenchError: There is no such system, or a claim is faulty.
    """
    papers: dict[str, Paper] = {name: read_paper(folder, name) for name in wanted or systems(folder)}
    for system, paper in papers.items():
        for claim in paper.claims:
            ((quantity, arguments),) = claim.compute.items()
            try:
                ours = compute(quantity, arguments)
            except SkelbenchError as error:
                raise SkelbenchError(f"{system}: {claim.what}: {error}") from error
            yield Finding(system, claim, ours)


def _agree(printed: str, ours: float | int) -> bool:
    half = Decimal(5).scaleb(_exponent(printed) - 1)
    return abs(Decimal(str(ours)) - Decimal(printed)) <= half


def _exponent(printed: str) -> int:
    """The power of ten of the last printed digit."""
    exponent = Decimal(printed).as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
