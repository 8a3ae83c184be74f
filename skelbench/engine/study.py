"""Several runs of one spec, over seeds, stages and streams, side by side in workers where that is wished."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skelbench.check.build import check_networks
from skelbench.check.checked import Checked
from skelbench.engine.engine_given import open_workers
from skelbench.engine.job import RunOptions
from skelbench.engine.run import Setting, open_setting, run_in
from skelbench.engine.stages import chosen_stages, confirm_starts, run_stages, sources_of, starts_of
from skelbench.engine.workers.pool import Pool
from skelbench.errors import SpecError, WorkFailed
from skelbench.results.record import Record
from skelbench.spec.pipeline import SEARCH
from skelbench.spec.schema import StageSpec

_SEEDS = re.compile(r"(\d+)(?:\.\.(\d+))?")
_SHARD = re.compile(r"([1-9]\d*)/([1-9]\d*)")


@dataclass(frozen=True)
class OneRun:
    """One run of a study.

    Attributes:
        seed: Its seed.
        architecture: What is trained; None: what the search finds.
        stream: Another stream than the spec's own, or None.
    """

    seed: int
    architecture: str | None = None
    stream: str | None = None

    @property
    def name(self) -> str:
        """What to call it on the screen."""
        parts = [self.architecture or SEARCH, self.stream or "", f"seed {self.seed}"]
        return ", ".join(part for part in parts if part)


def run_study(
    spec: str,
    options: RunOptions,
    wanted: Sequence[str] = (),
    seeds: str | None = None,
    shard: str | None = None,
) -> Record | list[Record]:
    """Run a spec (see `run_stages`) with each of several seeds.

    With workers, runs that do not start from each other go on side by side; the trials of one search alone
    do so where there is one seed and no stage.

    Args:
        spec: A spec file or the name of a shipped spec.
        options: What the command line adds.
        wanted: Names of stages.
        seeds: As in ``0..4`` or ``0,3,7``; None: the one of the options.
        shard: ``i/n`` takes the i-th of n parts of the seeds, the first being 1; None: all.

    Returns:
        The record of each run; of a search with one seed its one record.

    Raises:
        SkelbenchError: The input is wrong; nothing has begun.
        WorkFailed: Runs failed; the others have been made.
    """
    chosen = part_of(parse_seeds(seeds) if seeds else [options.seed], shard)
    alone = replace(options, workers=None, ray=None)
    setting = open_setting(spec, replace(alone, seed=chosen[0], progress=False))  # each run says its notes
    stages = chosen_stages(setting.checked.resolved.spec.stages, wanted, setting.checked.resolved.path)
    by_workers = options.workers is not None or options.ray is not None
    if by_workers and (stages or len(chosen) > 1):
        setting = open_setting(spec, replace(alone, seed=chosen[0]))
        if not stages:
            check_networks(setting.checked)  # once, before any worker begins
        _side_by_side(spec, setting, options, stages, SEARCH in wanted or not stages, chosen)
        options = replace(alone, resume=True, progress=False)  # all is done but what is fused of it
    made: list[Record] = []
    for seed in chosen:
        result = run_stages(spec, replace(options, seed=seed), wanted)
        if isinstance(result, Record) and seeds is None:
            return result
        made += result if isinstance(result, list) else [result]
    return made


def parse_seeds(text: str) -> list[int]:
    """The seeds of ``0..4``, ``0,3,7`` or both, each once.

    Raises:
        SpecError: It is of neither form.
    """
    seeds: dict[int, None] = {}
    for part in text.split(","):
        match = _SEEDS.fullmatch(part.strip())
        last = int(match[2] or match[1]) if match else -1
        if match is None or last < int(match[1]):
            what = f"'{text}' names no seeds"
            raise SpecError(what, where="--seeds", remedy="Give them as in 0..4, or as in 0,3,7")
        seeds |= dict.fromkeys(range(int(match[1]), last + 1))
    return list(seeds)


def part_of(seeds: Sequence[int], shard: str | None) -> list[int]:
    """Every n-th of the seeds, beginning with the i-th.

    Raises:
        SpecError: The shard is not of the form ``i/n``, or has no seed.
    """
    if shard is None:
        return list(seeds)
    match = _SHARD.fullmatch(shard)
    if match is None or int(match[1]) > int(match[2]):
        remedy = "Give the part and the number of parts, as in 1/4 to 4/4"
        raise SpecError(f"'{shard}' is no part", where="--shard", remedy=remedy)
    mine = list(seeds)[int(match[1]) - 1 :: int(match[2])]
    if not mine:
        what = f"there are no seeds left for part {match[1]}, as there are only {len(seeds)}"
        raise SpecError(what, where="--shard", remedy="Use fewer parts, or more --seeds")
    return mine


def waves(
    checked: Checked, stages: Sequence[StageSpec], options: RunOptions, search: bool, seeds: Sequence[int]
) -> list[list[OneRun]]:
    """All runs, those of a wave being independent of each other and dependent on earlier waves alone."""
    depths: dict[tuple[str, str | None], int] = {}
    own = checked.spec.data.stream

    def note(name: str, stream: str | None) -> int:
        given = {text.partition("=")[0] for text in starts_of(checked, name, options)}
        before = sorted(sources_of(checked, name) - given)
        depths[name, stream] = 1 + max((note(source, stream) for source in before), default=-1)
        return depths[name, stream]

    for stage in stages:
        for stream in stage.streams or (own,):
            for name in stage.train:
                note(name, None if stream == own else stream)
    found = [[OneRun(seed) for seed in seeds] if search else []]
    for depth in range(max(depths.values(), default=-1) + 1):
        runs = [OneRun(seed, *at) for seed in seeds for at, its in depths.items() if its == depth]
        found = [found[0] + runs] if depth == 0 else [*found, runs]
    return found


class StudyRuns:
    """Makes one run after the other in a worker, and gives the name of each.

    Args:
        spec: The spec.
        options: What the command line adds, without workers.
    """

    def __init__(self, spec: str, options: RunOptions) -> None:
        self._spec, self._options = spec, options

    def __call__(self, one: OneRun) -> str:
        """Make a run, or go on with it."""
        sets = (*self._options.sets, *([f"data.stream={one.stream}"] if one.stream else ()))
        options = replace(self._options, seed=one.seed, sets=sets, label=f"{one.name}: ")
        setting = open_setting(self._spec, options, one.architecture)
        starts = starts_of(setting.checked, one.architecture, options) if one.architecture else ()
        return run_in(setting, replace(options, start=starts), one.architecture).run


def _side_by_side(
    spec: str,
    setting: Setting,
    options: RunOptions,
    stages: Sequence[StageSpec],
    search: bool,
    seeds: Sequence[int],
) -> None:
    """Make all runs in workers.

    Raises:
        SpecError: There is no such number of workers, or a run starts processes of its own.
        WorkFailed: Runs failed.
    """
    checked = setting.checked
    if checked.engine.workers or options.devices > 1:
        who = "--devices" if options.devices > 1 else f"engine '{checked.engine.name}'"
        remedy = "Leave out --workers: one run follows the other then"
        raise SpecError(f"{who} starts processes in each run already", where="--workers", remedy=remedy)
    confirm_starts(checked, stages, options)
    workers = open_workers(options.workers, options.ray, setting.registry)
    setting.data.fingerprints  # noqa: B018 - recordings are prepared once, not by every worker
    profile = checked.resolved.profile or None
    task = StudyRuns(spec, replace(options, workers=None, ray=None, profile=profile))
    with Pool(workers, task) as pool:
        for wave in waves(checked, stages, options, search, seeds):
            _carry(pool, wave, setting)


def _carry(pool: Pool, wave: Sequence[OneRun], setting: Setting) -> None:
    """Make the runs of a wave.

    Raises:
        WorkFailed: Some failed.
    """
    failed: dict[str, Any] = {}
    for number, one in enumerate(wave):
        pool.submit(number, one)
    while pool.pending:
        for number, answer in pool.wait():
            name = wave[number].name
            ended = f"failed: {answer.error}" if answer.error else f"{answer.value}"
            setting.screen.say(f"{name}: {ended}  {answer.seconds:.1f} s")
            if answer.error:
                failed[name] = answer.error
    if failed:
        raise _failure(failed, len(wave))


def _failure(failed: Mapping[str, str], runs: int) -> WorkFailed:
    listed = "; ".join(f"{name}: {error}" for name, error in sorted(failed.items()))
    what = f"{len(failed)} of {runs} runs failed: {listed}"
    return WorkFailed(what, remedy="The same command goes on with what is left")
