"""How a run came about: the command that makes it again, its resolved spec, and the sources it ran on."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import skelbench
from skelbench.engine.job import Job
from skelbench.results.record_parts import Origin
from skelbench.results.store import ARCHITECTURE
from skelbench.space.arch import NamedArchitecture

_PATIENCE_S = 10


def origin_of(job: Job, given: NamedArchitecture | None) -> Origin:
    """How a run in progress came about.

    Args:
        job: The run.
        given: Its architecture; None where it was searched.
    """
    commit, dirty = sources_commit()
    return Origin(
        command=command_of(job, given), spec=job.checked.resolved.digest, commit=commit, dirty=dirty
    )


def command_of(job: Job, given: NamedArchitecture | None) -> tuple[str, ...]:
    """Arguments of ``skelbench`` that make the run; files have their name alone, runs theirs."""
    resolved, options = job.checked.resolved, job.options
    words = (
        ["run", Path(resolved.path).name] if given is None else ["train", Path(resolved.path).name, "--arch"]
    )
    if given is not None:
        words.append(ARCHITECTURE if (job.folder.path / ARCHITECTURE).exists() else given.name)
    words += ["--profile", resolved.profile] if resolved.profile else []
    words += [word for change in options.sets for word in ("--set", change)]
    words += [word for name in sorted(job.given) for word in ("--start", f"{name}={job.sources[name].name}")]
    return (*words, "--seed", str(options.seed))


@cache
def sources_commit() -> tuple[str, bool]:
    """The commit of skelbench's own sources, empty where they are no checkout, and whether they differ."""
    here = Path(skelbench.__file__).parent
    if (
        _git(here, "ls-files", "--error-unmatch", "__init__.py") is None
    ):  # installed, perhaps inside another checkout
        return "", False
    commit, changes = (
        _git(here, "rev-parse", "HEAD"),
        _git(here, "status", "--porcelain", "--", ".", "../plugins"),
    )
    return ((commit or "").strip(), bool(changes))


def _git(folder: Path, *words: str) -> str | None:
    """What git says, or None where it is not there or refuses."""
    command = ["git", "-C", str(folder), *words]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout
