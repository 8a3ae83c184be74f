"""Whether an engine can do what a search asks of it: asked where one is about to begin."""

from __future__ import annotations

from skelbench.check.checked import Checked
from skelbench.errors import SpecError


def check_engine(checked: Checked) -> None:
    """See that the engine can carry the search.

    A finished run is opened again without it, as its engine may have been named with ``--workers``.

    Raises:
        SpecError: It cannot.
    """
    search, engine, marks = checked.spec.search, checked.engine, checked.resolved.marks
    limited, shared = search.trial_timeout is not None, search.strategy.weights == "shared"
    if limited and shared:
        what = "with shared weights there are no trials that could take too long"
        where, remedy = "trial_timeout", "Leave out 'trial_timeout'"
    elif limited and not engine.workers:
        what = f"engine '{engine.name}' cannot stop a trial that takes too long"
        where = "trial_timeout"
        remedy = "Use --workers or 'engine: {name: local}', or leave out 'trial_timeout'"
    elif shared and engine.workers and checked.strategy.form != "ask_tell":
        what = (
            f"engine '{engine.name}' has nothing to do: strategy '{checked.strategy.name}' has no "
            "generations of candidates, and one process trains its supernet"
        )
        where, remedy = "engine", "Leave it out, and --workers"
    else:
        return
    raise SpecError(what, where=marks.at(("search", where)), remedy=remedy)
