"""The search's diary: a line per trial and per generation, and the state to go on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from skelbench.results.store import RunFolder
from skelbench.search import Proposal, Search

STATE = "search.json"


class Journal:
    """Writes and reads what a search did in its run folder.

    Args:
        folder: The run folder.
        on_trial: Told of each new trial's line.
    """

    def __init__(self, folder: RunFolder, on_trial: Callable[[dict[str, Any]], None] = lambda line: None):
        self._folder = folder
        self._on_trial = on_trial
        lines = folder.trials()
        self._trials = {(t["generation"], t["number"]): t for t in lines if t["kind"] == "trial"}
        self._generations = {t["generation"] for t in lines if t["kind"] == "generation"}

    @property
    def trials(self) -> list[dict[str, Any]]:
        """Every trial's line, in the order of generation and number."""
        return [self._trials[key] for key in sorted(self._trials)]

    def known(self, generation: int, number: int) -> dict[str, Any] | None:
        """The line of a trial that an interrupted run has finished."""
        return self._trials.get((generation, number))

    def trial(
        self,
        generation: int,
        number: int,
        proposal: Proposal,
        *,
        fitness: float | None,
        seconds: float,
        error: str = "",
        traceback: str = "",
    ) -> None:
        """Add a trial's line, once however often the search is resumed."""
        if (generation, number) in self._trials:
            return
        line: dict[str, Any] = {"kind": "trial", "generation": generation, "number": number}
        line |= {"fitness": fitness, "kept": proposal.kept, "seconds": round(seconds, 3)}
        if proposal.sample is not None:
            line["choices"] = proposal.sample
        if proposal.weights is not None:
            line["weights"] = {k: [round(float(w), 5) for w in v] for k, v in proposal.weights.items()}
        if error:
            line |= {"error": error, "traceback": traceback}
        self._folder.append_trial(line)
        self._trials[generation, number] = line
        self._on_trial(line)

    def generation(self, generation: int, figures: dict[str, Any]) -> None:
        """Add a generation's line with the search's own figures."""
        if generation not in self._generations:
            self._generations.add(generation)
            self._folder.append_trial({"kind": "generation", "generation": generation, **figures})

    def save(self, generation: int, search: Search) -> None:
        """Store the state after ``generation``."""
        self._folder.write_text(STATE, json.dumps({"generation": generation, "state": search.state()}))

    def load(self, search: Search) -> int:
        """Put ``search`` where the run was left; the number of the next generation."""
        if not (self._folder.path / STATE).exists():
            return 0
        saved = json.loads(self._folder.read_text(STATE))
        search.restore(saved["state"])
        return saved["generation"] + 1
