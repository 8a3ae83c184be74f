"""Whether an engine can do what a search asks of it: asked where one is about to begin."""

from __future__ import annotations

from skelbench.check.checked import Checked
from skelbench.errors import SpecError

LIMITS = ("trial_timeout", "trial_memory", "most_failed")
"""Keys of a search that limit its trials."""


def check_engine(checked: Checked) -> None:
    """See that the engine can carry the search.

    A finished run is opened again without it, as its engine may have been named with ``--workers``.

    Raises:
        SpecError: It cannot.
    """
    search, engine, marks = checked.spec.search, checked.engine, checked.resolved.marks
    shared = search.strategy.weights == "shared"
    limits = [name for name in LIMITS if getattr(search, name) is not None]
    if search.proxy is not None and shared:
        what, where = "with shared weights no architecture is rated by a proxy", "proxy"
        remedy = "Set search.strategy.weights to own, or leave out 'proxy'"
    elif search.ahead > 1 and (shared or not checked.strategy.asks_ahead):
        where, why = "ahead", "with shared weights a generation is evaluated after its epoch"
        if not shared:
            why = f"strategy '{checked.strategy.name}' has to hear of a generation before the next one"
        what, remedy = f"nothing can be asked ahead: {why}", "Leave out 'ahead'"
    elif limits and shared:
        where = limits[0]
        what, remedy = "with shared weights there are no trials to be limited", f"Leave out '{where}'"
    elif set(limits) - {"most_failed"} and not engine.workers:
        where = limits[0]
        what = f"engine '{engine.name}' cannot stop a trial that takes too much"
        remedy = f"Use --workers or 'engine: {{name: local}}', or leave out '{where}'"
    elif shared and engine.workers and checked.strategy.form != "ask_tell":
        what = (
            f"engine '{engine.name}' has nothing to do: strategy '{checked.strategy.name}' has no "
            "generations of candidates, and one process trains its supernet"
        )
        where, remedy = "engine", "Leave it out, and --workers"
    else:
        return
    raise SpecError(what, where=marks.at(("search", where)), remedy=remedy)
