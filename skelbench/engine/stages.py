"""A spec's stages: runs of named architectures, one after the other, and their fused rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skelbench.check.checked import Checked
from skelbench.engine.fusion import fuse_runs, store_fusion
from skelbench.engine.job import RunOptions
from skelbench.engine.run import Setting, open_setting, run_in
from skelbench.engine.start import confirm_start, parse_start
from skelbench.errors import SpecError, did_you_mean
from skelbench.results.record import Record
from skelbench.spec.pipeline import SEARCH
from skelbench.spec.schema import StageSpec


def run_stages(spec: str, options: RunOptions, wanted: Sequence[str] = ()) -> Record | list[Record]:
    """Run a spec: its stages in their order, or its search if it has none.

    Runs that are finished already are taken as they are, so that an interrupted pipeline goes on. One
    that fails ends it; what is done stays.

    Args:
        spec: A spec file or the name of a shipped spec.
        options: What the command line adds.
        wanted: Names of stages, of which ``search`` is the spec's search; none: all that the spec lists.

    Returns:
        The record of each run, every one once; of the search alone its one record.

    Raises:
        SkelbenchError: The input is wrong; nothing has begun.
        WorkFailed: A run failed.
    """
    setting = open_setting(spec, options)
    resolved = setting.checked.resolved
    stages = chosen_stages(resolved.spec.stages, wanted, resolved.path)
    if not stages:
        return run_in(setting, options)
    confirm_starts(setting.checked, stages, options)
    pipeline = _Pipeline(spec, setting, options)
    for number, stage in enumerate(stages, start=1):
        pipeline.run(stage, f"stage {stage.name} ({number} of {len(stages)})")
    if SEARCH in wanted:
        pipeline.keep(run_in(setting, replace(options, start=())))
    return list(pipeline.records.values())


def chosen_stages(stages: Sequence[StageSpec], wanted: Sequence[str], place: str) -> list[StageSpec]:
    """The stages that are wanted, in the order of the spec; all of them where none is named.

    Raises:
        SpecError: There is no such stage.
    """
    names = [stage.name for stage in stages]
    for name in wanted:
        if name not in (*names, SEARCH):
            remedy = did_you_mean(name, [*names, SEARCH])
            raise SpecError(f"the spec has no stage '{name}'", where=place, remedy=remedy)
    return [stage for stage in stages if not wanted or stage.name in wanted]


def confirm_starts(checked: Checked, stages: Sequence[StageSpec], options: RunOptions) -> None:
    """Find what does not fit in the last stage before the first one has trained for hours.

    Raises:
        SpecError: Weights do not fit, or a run is given whose architecture no stage starts from.
    """
    trained = dict.fromkeys(name for stage in stages for name in stage.train)
    sources = {source for name in trained for source in sources_of(checked, name)}
    for name, _ in map(parse_start, options.start):
        if name not in sources:
            remedy = did_you_mean(name, sources) if sources else "Leave out --start"
            raise SpecError(f"no stage starts from '{name}'", where="--start", remedy=remedy)
    for name in trained:
        confirm_start(checked, checked.architectures[name], starts_of(checked, name, options))


def starts_of(checked: Checked, architecture: str, options: RunOptions) -> tuple[str, ...]:
    """The runs among those given that an architecture starts from."""
    sources = sources_of(checked, architecture)
    return tuple(text for text in options.start if parse_start(text)[0] in sources)


def sources_of(checked: Checked, architecture: str) -> set[str]:
    """The architectures that an architecture starts from."""
    start = checked.architectures[architecture].start
    return set(start.weights) if start else set()


class _Pipeline:
    """Stages in progress; each run is made once, whichever stages name it."""

    def __init__(self, spec: str, setting: Setting, options: RunOptions) -> None:
        self.spec, self.checked, self.screen = spec, setting.checked, setting.screen
        self.options = replace(options, profile=setting.checked.resolved.profile or None)
        self.records: dict[str, Record] = {}
        self._own = setting
        self._settings: dict[str, Setting] = {setting.checked.spec.data.stream: setting}
        self._made: dict[tuple[str, str], Record] = {}

    def keep(self, record: Record) -> None:
        """Have a record among the rows."""
        self.records[record.run] = record

    def run(self, stage: StageSpec, title: str) -> None:
        """Every run of a stage, and its fused rows; ``title`` says on the screen where this is."""
        streams = stage.streams or (self.checked.spec.data.stream,)
        for number, name in enumerate(stage.train, start=1):
            for stream in streams:
                shown = f"{name}, {stream}" if stage.streams else name
                self.screen.say(f"{title}: {shown} ({number} of {len(stage.train)})")
                self.keep(self._run(name, stream))
            for weights in stage.fuse:
                by = " : ".join(f"{weight:g}" for weight in weights)
                self.screen.say(f"{title}: {name}, {' + '.join(streams)} fused by {by}")
                folders = [self.options.runs / self._made[name, stream].run for stream in streams]
                self.keep(store_fusion(fuse_runs(folders, weights, stage.fuse_of), self.options.runs))

    def _run(self, name: str, stream: str) -> Record:
        if (name, stream) not in self._made:
            starts = starts_of(self.checked, name, self.options)
            if not self.options.resume:  # what it starts from is begun anew too, and before it
                for source in sorted(sources_of(self.checked, name) - {parse_start(s)[0] for s in starts}):
                    self._run(source, stream)
            options = replace(self.options, start=starts)
            self._made[name, stream] = run_in(self._setting(stream), options, name)
        return self._made[name, stream]

    def _setting(self, stream: str) -> Setting:
        """The spec with another stream; with its own it is as it is without stages, and so are its runs."""
        if stream not in self._settings:
            sets = (*self.options.sets, f"data.stream={stream}")
            opened = open_setting(self.spec, replace(self.options, sets=sets))
            self._settings[stream] = replace(opened, shares=self._own)
        return self._settings[stream]
