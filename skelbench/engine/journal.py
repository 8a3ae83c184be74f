"""The search's diary: a line per trial and per generation, and the state to go on from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from skelbench.engine.starts import Starts
from skelbench.engine.watch import Watch
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.results.answers import ClipAnswers
from skelbench.results.health import SearchHealth
from skelbench.results.record_parts import Failure, SearchCost
from skelbench.results.store import RunFolder
from skelbench.search import Proposal, Sample, Search

STATE = "search.json"
SPACING = 1.1
"""The state is stored again after so many times as many generations as the last time."""
Tell = Callable[[dict[str, Any]], None]
Generation = tuple[int, Sequence[Proposal]]
"""What a search asked for at once, and its number."""


class Journal:
    """Writes and reads what a search did in its run folder.

    Args:
        folder: The run folder.
        on_line: Told of each new line.
        watch: Measures the health of each generation; None leaves it out.
    """

    def __init__(
        self, folder: RunFolder, on_line: Tell = lambda line: None, watch: Watch | None = None
    ) -> None:
        self._folder = folder
        self._on_line = on_line
        self._watch = watch
        self.starts = Starts(folder)
        """Trials that may have ended the processes before this one."""
        self.damaged = folder.repair()
        """Lines that were set aside. What they held is tried anew where that is possible."""
        self._answers = {
            (line["generation"], line["number"]): ClipAnswers.of_line(line) for line in folder.answers()
        }
        self._lines: dict[tuple[str, int, int], dict[str, Any]] = {}
        self._fitness: dict[tuple[str, int | None], float] = {}
        self._saved = 0
        for line in folder.trials():
            self._keep(line)

    @property
    def scratch(self) -> Path:
        """Where others may write while the search goes on; what they leave is removed at the next start."""
        return self._folder.checkpoints

    def _keep(self, line: dict[str, Any]) -> None:
        self._lines[_key(line)] = line
        if line.get("fitness") is not None and "choices" in line:
            self._fitness.setdefault((_plain(line["choices"]), line.get("epochs")), line["fitness"])

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [self._lines[key] for key in sorted(self._lines) if key[0] == kind]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """Every trial's line, in the order of generation and number."""
        return self._of("trial")

    def known(self, generation: int, number: int) -> dict[str, Any] | None:
        """The line of a trial that an interrupted run has finished."""
        return self._lines.get(("trial", generation, number))

    def fitness_of(self, proposal: Proposal) -> float | None:
        """The fitness of what a trial has succeeded with already, else None."""
        if proposal.sample is None:
            return None
        return self._fitness.get((_plain(proposal.sample), proposal.epochs))

    def trial(
        self,
        generation: int,
        number: int,
        proposal: Proposal,
        *,
        fitness: float | None,
        seconds: float,
        answers: ClipAnswers | None = None,
        rejected: bool = False,
        error: str = "",
        traceback: str = "",
    ) -> None:
        """Add a trial's line; before it, that of its answers where they are those of all clips."""
        line: dict[str, Any] = {"kind": "trial", "generation": generation, "number": number}
        known = proposal.fitness is not None
        line |= {"fitness": fitness, "kept": proposal.kept, "known": known, "seconds": round(seconds, 3)}
        if proposal.sample is not None:
            line["choices"] = proposal.sample
        if proposal.epochs is not None:
            line["epochs"] = proposal.epochs
        if proposal.weights is not None:
            line["weights"] = {k: [round(float(w), 5) for w in v] for k, v in proposal.weights.items()}
        if answers is not None:
            line |= {"top1": round(answers.top1, 4), "cross_entropy": round(answers.cross_entropy, 6)}
            if rejected:
                line["rejected_after"] = len(answers.right)
            else:
                self._keep_answers(generation, number, answers)
        if error:
            line |= {"error": error, "traceback": traceback}
        self._add(line)

    def _keep_answers(self, generation: int, number: int, answers: ClipAnswers) -> None:
        if (generation, number) not in self._answers:
            line = answers.line()
            self._folder.append_answers({"generation": generation, "number": number, **line})
            self._answers[generation, number] = ClipAnswers.of_line(line)

    def generation(self, generation: int, figures: dict[str, Any]) -> None:
        """Add a generation's line with the search's own figures, and its health."""
        head = {"kind": "generation", "generation": generation, "number": -1}
        line = {**head, **figures, **head}
        if self._watch is not None and _key(line) not in self._lines:
            line |= self._watch.noise(generation, figures)
            trials = [trial for trial in self.trials if trial["generation"] == generation]
            measured = self._watch.health(trials, self._answers, [line])
            line["health"] = measured.model_dump(mode="json", exclude_none=True)
        self._add(line)

    def health(self) -> SearchHealth | None:
        """The health of the search so far; None where nothing watches it or was to be measured."""
        if self._watch is None:
            return None
        found = self._watch.health(self.trials, self._answers, self._of("generation"))
        return found if found.candidates or found.entropy is not None else None

    def epoch(self, row: dict[str, Any]) -> None:
        """Add a line for an epoch of the supernet."""
        self._add({"kind": "epoch", "generation": row["epoch"] - 1, "number": -1, **row})

    def _add(self, line: dict[str, Any]) -> None:
        """Add a line, once however often the search is resumed."""
        if _key(line) not in self._lines:
            self._folder.append_trial(line)
            self._keep(line)
            self._on_line(line)

    def cost(self) -> SearchCost:
        """What the search cost, over every resumption."""
        # The time of an epoch has that of its trials in it, but not that of trials after the last one.
        epochs = self._of("epoch")
        timed = [*epochs, *(line for line in self.trials if line["generation"] >= len(epochs))]
        return SearchCost(
            seconds=sum(line["seconds"] for line in timed),
            trials=sum(not line["known"] for line in self.trials),
            samples=len(self.trials),
            kept=sum(line["kept"] for line in self.trials),
        )

    def failures(self) -> tuple[Failure, ...]:
        """The trials that failed."""
        failed = ((n, line) for n, line in enumerate(self.trials) if "error" in line)
        return tuple(Failure(trial=n, error=line["error"], traceback=line["traceback"]) for n, line in failed)

    def save(self, generation: int, search: Search, waiting: Iterable[Generation] = ()) -> None:
        """Store the state after ``generation``, unless few have passed since the last time.

        A search that goes on is asked again for the generations after the stored state, and its
        trials are answered from their lines. So a state that grows is not stored once per trial.

        Args:
            generation: The one that the search was told of last.
            search: The search.
            waiting: What it has asked for since.
        """
        if generation + 1 < SPACING * self._saved:
            return
        self._saved = generation + 1
        saved = {
            "generation": generation,
            "state": search.state(),
            "waiting": [_asked(p) for _, p in waiting],
        }
        self._folder.write_text(STATE, json.dumps(saved))

    def load(self, search: Search) -> tuple[int, list[Generation]]:
        """Put ``search`` where the run was left.

        Returns:
            The number of the generation that it was to be told of next, and what it has asked for from that
            one on.

        Where no state stands or it is damaged, or lines of the journal are lost, that is the first one: what
        the journal holds is answered from it.

        Raises:
            RunFolderError: The state is of another search.
        """
        path = self._folder.path / STATE
        if self.damaged or not path.exists():
            return 0, []
        try:
            saved = json.loads(self._folder.read_text(STATE))
            generation, state = int(saved["generation"]) + 1, saved["state"]
            waiting = [_proposals(asked) for asked in saved.get("waiting", [])]
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return 0, []  # all generations are gone through again, and answered from the journal
        try:
            search.restore(state)
        except SkelbenchError:
            raise
        except Exception as error:  # strategies raise what they like at a state that is none of theirs
            remedy = "Remove it: the search goes through its journal again"
            raise RunFolderError("the search's state is damaged", where=path, remedy=remedy) from error
        self._saved = generation
        return generation, list(enumerate(waiting, generation))


def _key(line: dict[str, Any]) -> tuple[str, int, int]:
    return line["kind"], line["generation"], line["number"]


def _asked(proposals: Sequence[Proposal]) -> list[dict[str, Any]]:
    """Proposals with own weights as plain data."""
    return [{"choices": one.sample, "epochs": one.epochs, "fitness": one.fitness} for one in proposals]


def _proposals(asked: list[dict[str, Any]]) -> list[Proposal]:
    return [Proposal(one["choices"], None, one["fitness"], epochs=one["epochs"]) for one in asked]


def _plain(sample: Sample) -> str:
    return json.dumps(sample, sort_keys=True)
