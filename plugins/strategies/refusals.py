"""What no search of a supernet can begin with."""

from __future__ import annotations

from skelbench.errors import SpecError
from skelbench.search import Space


def refuse_empty(space: Space) -> None:
    """Refuse a space without a decision.

    Raises:
        SpecError: There is none.
    """
    if not space.points:
        raise SpecError(
            "there is nothing to search: the network has no open decision",
            where="search.strategy",
            remedy="Give the network a choice or a mix, or train it as it is",
        )


def refuse_mere_warmup(epochs: int, warmup_epochs: int) -> None:
    """Refuse a warm-up that leaves no epoch to search in.

    Args:
        epochs: Supernet epochs.
        warmup_epochs: Those before the search begins.

    Raises:
        SpecError: None is left.
    """
    if epochs <= warmup_epochs:
        raise SpecError(
            f"a warm-up of {warmup_epochs} epochs leaves none of {epochs} to search in",
            where="search.strategy.warmup_epochs",
            remedy="Lower warmup_epochs or raise search.epochs",
        )
