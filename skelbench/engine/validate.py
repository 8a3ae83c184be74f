"""What a strategy gives, seen to be what its form says before anything trips over it."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

from skelbench.components import Strategy
from skelbench.errors import WorkFailed
from skelbench.search import GradientSearch, OneShot, Proposal, Search

_FORMS: dict[str, type] = {"ask_tell": Search, "gradient": GradientSearch, "oneshot": OneShot}
_MEND = "Mend or update the plugin that registers the strategy"


def validate_search(strategy: Strategy, search: Any) -> Any:
    """The search, if it has all that its form asks for.

    Raises:
        WorkFailed: Something is missing.
    """
    form = _FORMS[strategy.form]
    wanted = [name for name in vars(form) if not name.startswith("_")]
    missing = [name for name in wanted if not hasattr(search, name)]
    if missing:
        what = f"strategy '{strategy.name}' gave {reprlib.repr(search)}, no {form.__name__}"
        raise WorkFailed(f"{what}: it has no '{missing[0]}'", remedy=_MEND)
    return search


def proposals_of(search: Search | GradientSearch, generation: int) -> Sequence[Proposal]:
    """What a search asks for.

    Raises:
        WorkFailed: It is no list of proposals.
    """
    proposals = search.ask(generation)
    listed = list(proposals) if isinstance(proposals, Iterable) else [proposals]
    strange = [one for one in listed if not isinstance(one, Proposal)]
    if strange:
        what = f"the search asked for {reprlib.repr(strange[0])}, which is no skelbench.search.Proposal"
        raise WorkFailed(what, remedy=_MEND)
    return listed
