"""What a search by independent trials asks for."""

from __future__ import annotations

from typing import NamedTuple

from skelbench.search import Sample


class Asked(NamedTuple):
    """What is evaluated of a proposal with own weights.

    Attributes:
        sample: The architecture.
        epochs: For how many epochs it is trained; None: a whole trial.
    """

    sample: Sample
    epochs: int | None = None
