"""The main path, top to bottom: check, search, derive, train, evaluate, record."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from skelbench.check.build import check_architecture_network, check_networks
from skelbench.check.checked import Checked
from skelbench.check.engine import check_engine
from skelbench.check.network import refuse_misfits
from skelbench.check.remarks import remarks
from skelbench.check.spec import check_spec
from skelbench.check.strategy import check_strategy
from skelbench.console import Screen
from skelbench.engine.data import LoadedData, load_data, synthetic_root
from skelbench.engine.engine_given import engine_given
from skelbench.engine.finished import WITHOUT_DATA, resolve_spec
from skelbench.engine.identity import Identity, run_hash
from skelbench.engine.inherit import inherit
from skelbench.engine.job import Job, RunOptions
from skelbench.engine.record import make_record
from skelbench.engine.search import SearchResult, search_architecture
from skelbench.engine.start import (
    confirm_start,
    given_architecture,
    given_runs,
    identities,
    starting,
    store_identities,
)
from skelbench.engine.targets import load_targets
from skelbench.engine.training import derive, evaluate_network, train_network
from skelbench.errors import SkelbenchError
from skelbench.host.registry import Registry, load_registry
from skelbench.results.leftovers import collect, drop_earlier_checkpoints
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder
from skelbench.space.arch import NamedArchitecture
from skelbench.training.devices import check_devices, precision_name
from skelbench.training.graphs import check_graph


@dataclass(frozen=True)
class Setting:
    """A checked spec and its recordings, which are read once for all of its runs.

    Attributes:
        registry: All components.
        checked: The spec.
        options: What the command line adds.
        synthetic: Whether it runs on the built-in synthetic recordings.
        screen: Where progress is shown.
        shares: A setting of the same recordings, which are not read again then.
    """

    registry: Registry
    checked: Checked
    options: RunOptions
    synthetic: bool
    screen: Screen
    shares: Setting | None = None

    @cached_property
    def root(self) -> Path:
        """Where the recordings are, or are now."""
        if self.synthetic:
            return synthetic_root(self.checked, self.options.stores, self.screen)
        return self.options.root or Path(self.checked.spec.data.root or "")

    @cached_property
    def data(self) -> LoadedData:
        """The recordings and their split."""
        if self.shares is not None:
            return replace(self.shares.data, checked=self.checked)
        return load_data(self.checked, self.root, self.options.stores, self.options.seed, self.screen)


def run_spec(spec: str, options: RunOptions, architecture: str | None = None) -> Record:
    """Run a spec to its record: with a search, or for one given architecture.

    Args:
        spec: A spec file or the name of a shipped spec.
        options: What the command line adds.
        architecture: Name or file of an architecture; None searches for one.

    Returns:
        The record as stored; that of the earlier run if it is finished already.

    Raises:
        SkelbenchError: The input is wrong; nothing has begun.
        WorkFailed: The work failed; what was done is in the run folder.
    """
    setting = open_setting(spec, options, architecture)
    if architecture:
        given = given_architecture(setting.checked, setting.registry, architecture, options.start)
        confirm_start(setting.checked, given, options.start)
    return run_in(setting, options, architecture)


def run_in(
    setting: Setting, options: RunOptions, architecture: str | None = None, source_of: str = ""
) -> Record:
    """`run_spec` where spec and recordings are open and what the architecture starts from is confirmed.

    Args:
        setting: The spec and its recordings.
        options: May differ from the setting's in ``resume`` and ``start``.
        architecture: As in `run_spec`.
        source_of: The architecture that waits for this run to start from it; a finished one is not told then.
    """
    checked, registry, screen = setting.checked, setting.registry, setting.screen
    given = given_architecture(checked, registry, architecture, options.start) if architecture else None
    if given:
        check_architecture_network(checked, given)
    else:
        check_networks(checked)
    started = given_runs(options.start, given)
    data = setting.data
    folder, previous = open_folder(checked, given, data, options, identities(started))
    with folder.lock(), cleanup_if_unused(folder, previous):
        collect(folder.path)
        data.confirm(folder)
        finished = folder.record()
        if finished is not None:
            if not source_of:
                screen.say(f"{folder.path} is finished; --no-resume runs it again")
            return finished
        if previous is not None and not options.discard:
            screen.say(f"the earlier run is kept in {previous}")
        if source_of:
            screen.say(f"{source_of} starts from {architecture}: training that first")
        sources = started | run_sources(setting, options, given, started)
        job = Job(registry, checked, data, folder, options, screen, sources, identities(started))
        store_identities(folder, job.given)
        folder.write_text(SPEC, checked.resolved.with_root(setting.root).dump())
        if architecture and architecture not in checked.architectures:
            folder.write_text(ARCHITECTURE, Path(architecture).read_text(encoding="utf-8"))
        registry.hooks.before_run(spec=checked.resolved.data, context=job.context)

        found = SearchResult(given) if given else search_architecture(job)
        network = derive(job, found.architecture)
        inherit(job, network, found)
        with starting(network, found.architecture.start, sources):
            trained = train_network(job, network)
        metrics = evaluate_network(job, network)

        record = make_record(job, found, network, trained, metrics)
        drop_earlier_checkpoints(folder.path)
        record = folder.write_record(record)
        registry.hooks.after_run(record=record, context=job.context)
        if previous is not None and options.discard:
            shutil.rmtree(previous)
        return record


def open_setting(spec: str, options: RunOptions, architecture: str | None = None) -> Setting:
    """Resolve and check a spec; without data it runs on synthetic ones, by default in a small profile.

    Raises:
        SkelbenchError: There are no such devices, or they do not compute in the recipe's precision.
        SpecError: The spec is wrong.
        PluginError: Something that it names cannot be imported.
    """
    check_devices(options.accelerator, options.devices)
    screen, registry = Screen(quiet=not options.progress, label=options.label), load_registry()
    resolved, synthetic = resolve_spec(spec, options, registry, architecture)
    for note in resolved.notes:
        screen.say(f"note: {note}")
    if synthetic and options.profile is None and resolved.profile in WITHOUT_DATA:
        screen.say(f"no --data given: profile {resolved.profile} on synthetic data; the row will say so")
    if given := engine_given(options.workers, options.ray, resolved.spec.search.engine):
        resolved = resolved.with_engine(*given)
    checked = check_spec(resolved, registry)
    check_engine(checked)
    if architecture is None:
        for remark in remarks(checked):
            screen.say(f"warning: {remark}")
    if architecture is None and not resolved.spec.stages:
        refuse_misfits(checked)
        check_strategy(checked)
    precision_name(resolved.spec.train.precision, options.accelerator)
    if options.cuda_graph:
        check_graph(options.accelerator, options.devices, resolved.spec.train)
    load_targets(checked)
    return Setting(registry, checked, options, synthetic, screen)


def run_sources(
    setting: Setting,
    options: RunOptions,
    given: NamedArchitecture | None,
    started: Mapping[str, RunFolder],
) -> dict[str, RunFolder]:
    """The runs of the architectures that the given one starts from, made now or found finished.

    Each is a run by itself that goes on where it stopped, whether or not the given one begins anew.
    """
    sources = {}
    for name in given.start.weights if given and given.start else ():
        if given and name not in started:
            record = run_in(setting, replace(options, start=(), resume=True), name, source_of=given.name)
            sources[name] = RunFolder(options.runs / record.run)
    return sources


def open_folder(
    checked: Checked,
    given: NamedArchitecture | None,
    data: LoadedData,
    options: RunOptions,
    started: Mapping[str, Identity],
) -> tuple[RunFolder, Path | None]:
    """The run's folder, and where an earlier run stands that is not to be resumed and was set aside."""
    name = f"{checked.spec.name}.{given.name}" if given else checked.spec.name
    identity = run_hash(checked, given, data.clips.synthetic, started)
    folder = RunFolder.create(options.runs, name, identity, options.seed)
    if options.resume or not folder.holds_work():
        return folder, None
    with folder.lock():
        previous = folder.set_aside()
    return RunFolder.create(options.runs, name, identity, options.seed), previous


@contextmanager
def cleanup_if_unused(folder: RunFolder, previous: Path | None) -> Iterator[None]:
    """Leave no folder of a run whose input turns out to be wrong before any work; put an earlier one back."""
    try:
        yield
    except SkelbenchError as error:
        if error.exit_code == SkelbenchError.exit_code and not folder.holds_work():
            shutil.rmtree(folder.path)
            if previous is not None:
                previous.rename(folder.path)
        raise
