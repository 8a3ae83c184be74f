"""Whether an engine can do what a search asks of it: asked where one is about to begin."""

from __future__ import annotations

from skelbench.check.checked import Checked
from skelbench.errors import SpecError
from skelbench.spec.search_schema import SearchSpec

LIMITS = ("trial_timeout", "trial_memory", "most_failed")
"""Keys of a search that limit its trials."""
Problem = tuple[str, str, str]
"""A key of the search, what is wrong with it, and the remedy."""


def check_engine(checked: Checked) -> None:
    """See that the engine can carry the search.

    A finished run is opened again without it, as its engine may have been named with ``--workers``.

    Raises:
        SpecError: It cannot.
    """
    search, shared = checked.spec.search, checked.spec.search.strategy.weights == "shared"
    found = (_of_shared if shared else _of_own)(search, checked)
    if found is not None:
        where, what, remedy = found
        raise SpecError(what, where=checked.resolved.marks.at(("search", where)), remedy=remedy)


def _of_shared(search: SearchSpec, checked: Checked) -> Problem | None:
    """A key of a search with shared weights that nothing can be done with, what is wrong, and the remedy."""
    limits = [name for name in LIMITS if getattr(search, name) is not None]
    none = f"strategy '{checked.strategy.name}' has no generations of candidates"
    generations = checked.strategy.form == "ask_tell"
    if search.proxy is not None:
        remedy = "Set search.strategy.weights to own, or leave out 'proxy'"
        return "proxy", "with shared weights no architecture is rated by a proxy", remedy
    if search.ahead > 1:
        what = "nothing can be asked ahead: with shared weights a generation is evaluated after its epoch"
        return "ahead", what, "Leave out 'ahead'"
    if limits:
        what = "with shared weights there are no trials to be limited"
        return limits[0], what, f"Leave out '{limits[0]}'"
    if search.reject_early is not None and not generations:
        return "reject_early", f"nothing can be rejected early: {none}", "Leave out 'reject_early'"
    if checked.engine.workers and not generations:
        what = (
            f"engine '{checked.engine.name}' has nothing to do: {none}, and one process trains its supernet"
        )
        return "engine", what, "Leave it out, and --workers"
    return None


def _of_own(search: SearchSpec, checked: Checked) -> Problem | None:
    limits = [name for name in LIMITS if getattr(search, name) is not None and name != "most_failed"]
    if search.ahead > 1 and not checked.strategy.asks_ahead:
        name = checked.strategy.name
        what = (
            f"nothing can be asked ahead: strategy '{name}' has to hear of a generation before the next one"
        )
        return "ahead", what, "Leave out 'ahead'"
    if search.reject_early is not None:
        what = "with own weights nothing is rejected early: each candidate is trained for itself"
        return (
            "reject_early",
            what,
            "Leave out 'reject_early', or take strategy 'asha', which ends trials early",
        )
    if limits and not checked.engine.workers:
        remedy = f"Use --workers or 'engine: {{name: local}}', or leave out '{limits[0]}'"
        return limits[0], f"engine '{checked.engine.name}' cannot stop a trial that takes too much", remedy
    return None
