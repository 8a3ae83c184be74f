"""Every problem of a spec against the registry, all at once, before anything is built or read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelbench.check.checked import Checked
from skelbench.check.data import data_problems
from skelbench.check.network import misfit_problems, network_misfits
from skelbench.check.size import memory_problems, number_problems
from skelbench.components import (
    NO_SKELETON,
    Component,
    Dataset,
    Layout,
    Metric,
    Strategy,
)
from skelbench.errors import Problem, SkelbenchError, SpecError, did_you_mean
from skelbench.host.registry import Registry
from skelbench.space.arch import Architecture, NamedArchitecture, fitted
from skelbench.space.expand import Expander
from skelbench.space.nodes import NetworkNodes
from skelbench.space.size import SearchSpace
from skelbench.spec.params import validated_params
from skelbench.spec.pipeline import pipeline_problems
from skelbench.spec.resolve import Resolved
from skelbench.spec.schema import ArchitectureSpec
from skelbench.spec.yaml import Marks
from skelbench.spec.yaml import Path as SpecPath


def check_spec(resolved: Resolved, registry: Registry) -> Checked:
    """Check a resolved spec against the registry.

    Args:
        resolved: The spec.
        registry: All components.

    Raises:
        SpecError: Every problem, each with its place and a remedy.
    """
    return _Check(resolved, registry).run()


def check_architecture(checked: Checked, registry: Registry, name: str) -> NamedArchitecture:
    """An architecture that the spec names, or one from a file.

    Args:
        checked: The spec.
        registry: All components, for a file that brings a network of its own.
        name: The architecture's name in the spec, or a file.

    Raises:
        SpecError: There is none, or it does not fit the space.
    """
    if name in checked.architectures:
        named = checked.architectures[name]
        if problems := architecture_problems(checked, named):
            raise SpecError.of(problems)
        return named
    if not Path(name).is_file():
        remedy = f"Name a file or one of the spec's. {did_you_mean(name, checked.architectures)}"
        raise SpecError(f"there is no architecture '{name}'", where=checked.resolved.path, remedy=remedy)
    given = Architecture.read(name)
    if given.network is None:
        return NamedArchitecture(given.name, "", checked.network, given.sample_in(checked.space))
    missing = [part for part in ("input", "body", "head") if part not in given.network]
    if missing:
        raise SpecError(f"the network has no '{missing[0]}'", where=given.marks.at(("network",)))
    network = _expanded(registry, given.marks, given.network, "network")
    return NamedArchitecture(given.name, "", network, given.sample_in(SearchSpace(network)))


def architecture_problems(checked: Checked, named: NamedArchitecture) -> list[Problem]:
    """Why a named architecture cannot take the clips: some are for other data than a spec is used on."""
    if checked.dataset.modality == "video":
        return []
    marks, found = checked.resolved.marks, dict.fromkeys(network_misfits(named.network, checked.context()))
    told = f"architecture '{named.name}': "
    return [Problem(told + what, marks.at(path), remedy) for what, path, remedy in found]


def _expanded(registry: Registry, marks: Marks, raw: Mapping[str, Any], *path: str) -> NetworkNodes:
    expander = Expander(registry, marks)
    network = expander.network(raw, *path)
    if network is None:
        raise SpecError.of(expander.problems)
    return network


class _Check:
    """One check in progress; problems are gathered."""

    def __init__(self, resolved: Resolved, registry: Registry) -> None:
        self.resolved, self.registry = resolved, registry
        self.spec, self.marks = resolved.spec, resolved.marks
        self.problems: list[Problem] = []

    def run(self) -> Checked:
        """Take every step, then tell every problem; sizes that cannot be come before all steps."""
        if too_large := number_problems(self.resolved):
            raise SpecError.of(too_large)
        expander = Expander(self.registry, self.marks)
        network = expander.network(_parts(self.spec.network), "network")
        self.problems += expander.problems
        space = SearchSpace(network) if network else None
        search_network = self._search_network(expander, space) or network
        dataset, layout, protocol = self._data(network)
        strategy, strategy_params = self._strategy(space, expander.places)
        engine, engine_params = self._chosen("engine", self.spec.search.engine, "search", "engine")
        metrics = [
            self._find("metric", name, "evaluate", "metrics", i)
            for i, name in enumerate(self.spec.evaluate.metrics)
        ]
        architectures = self._architectures(network, space)
        self.problems += pipeline_problems(self.spec, self.marks)
        if self.problems or network is None or search_network is None or space is None:
            raise SpecError.of(dict.fromkeys(self.problems))
        # With no problem noted, every component was found.
        found: Any = {"dataset": dataset, "layout": layout, "strategy": strategy, "engine": engine}
        checked = Checked(
            resolved=self.resolved,
            network=network,
            search_network=search_network,
            space=space,
            architectures=architectures,
            protocol=protocol,
            strategy_params=strategy_params,
            engine_params=engine_params,
            metrics=tuple(m for m in metrics if isinstance(m, Metric)),
            **found,
        )
        if too_much := [*memory_problems(checked), *self._clip_problems(checked)]:
            raise SpecError.of(too_much)
        return checked

    def _clip_problems(self, checked: Checked) -> list[Problem]:
        """Parameters of operators that do not fit the joints, persons and frames of the clips."""
        return [] if checked.dataset.modality == "video" else misfit_problems(checked, some=True)

    def _fault(self, what: str, path: SpecPath, remedy: str = "") -> None:
        self.problems.append(Problem(what, self.marks.at(path), remedy))

    def _find(self, kind: str, name: str, *path: str | int) -> Component | None:
        component = self.registry.find(kind, name)
        if component is None:
            self._fault(f"unknown {kind} '{name}'", path, self.registry.remedy(kind, name))
        return component

    def _chosen(self, kind: str, chosen: Any, *path: str) -> tuple[Component | None, dict[str, Any]]:
        component = self._find(kind, chosen.name, *path, "name")
        if component is None:
            return None, {}
        params, problems = validated_params(component, chosen.params, self.marks, path)
        self.problems += problems
        return component, params

    # --- data --------------------------------------------------------------------------------

    def _data(self, network: NetworkNodes | None) -> tuple[Component | None, Component | None, str]:
        data = self.spec.data
        found, params = self._chosen("dataset", data.dataset, "data", "dataset")
        if not isinstance(found, Dataset):
            return None, None, ""
        dataset = found.with_params(params)
        protocol = data.protocol or dataset.protocols[0]
        if protocol not in dataset.protocols:
            what = f"data set '{dataset.name}' has no protocol '{protocol}'"
            self._fault(what, ("data", "protocol"), did_you_mean(protocol, dataset.protocols))
        layout = self._layout(dataset)
        skeleton = layout if isinstance(layout, Layout) else None
        for what, path, remedy in data_problems(self.spec, dataset, network, skeleton):
            self._fault(what, path, remedy)
        return dataset, layout, protocol

    def _layout(self, dataset: Dataset) -> Component | None:
        if dataset.modality == "video":
            return NO_SKELETON
        own = dataset.own_layout or self._find("layout", dataset.layout, "data", "dataset")
        given = self.spec.data.layout
        if given is None:
            return own
        own_words = None if isinstance(given, str) else given.layout()
        layout = own_words or self._find("layout", str(given), "data", "layout")
        if isinstance(own, Layout) and isinstance(layout, Layout) and len(layout.joints) != len(own.joints):
            what = (
                f"layout '{layout.name}' has {len(layout.joints)} joints, "
                f"but data set '{dataset.name}' has {len(own.joints)}"
            )
            self._fault(what, ("data", "layout"), f"Leave it out, or use '{own.name}'")
        return layout

    # --- search ------------------------------------------------------------------------------

    def _search_network(self, expander: Expander, space: SearchSpace | None) -> NetworkNodes | None:
        """The search's own network, if there is one; it must hold the decisions of the other."""
        others = self.spec.search.network.model_dump(exclude_none=True)
        if space is None or not others:
            return None
        network = expander.network(_parts(self.spec.network), "network", others=others)
        self.problems += expander.problems
        if network is not None:
            there, here = {p.label for p in SearchSpace(network).points}, {p.label for p in space.points}
            for label in sorted(there ^ here):
                which = "the network" if label in there else "the search's network"
                what = f"{which} has no decision '{label}'"
                self._fault(what, ("search", "network"), "Give both networks the same decisions")
        return network

    def _strategy(
        self, space: SearchSpace | None, places: Mapping[str, str]
    ) -> tuple[Component | None, dict[str, Any]]:
        chosen, derive = self.spec.search.strategy, self.spec.search.derive
        if derive.by == "threshold" and derive.threshold >= 1:
            what = "no weight can exceed a threshold of 1, as weights sum to 1"
            self._fault(what, ("search", "derive", "threshold"), "Take a lower one, or derive by: argmax")
        strategy, params = self._chosen("strategy", chosen, "search", "strategy")
        if isinstance(strategy, Strategy) and space is not None:
            self._searchable(strategy, chosen.weights, space, places)
        if self.spec.search.inherit and space is not None:
            self._heritable(space)
        return strategy, params

    def _heritable(self, space: SearchSpace) -> None:
        """Refuse to take over weights that no supernet has, or has in another size."""
        search = self.spec.search
        if search.strategy.weights == "own" or space.kinds() != {"trellis"}:
            what = "only a path through a trellis, found with shared weights, has weights to begin with"
        elif search.network.model_dump(exclude_none=True):
            what = "the search has another network, whose weights do not fit"
        else:
            return
        self._fault(what, ("search", "inherit"), "Leave out 'inherit'")

    def _searchable(
        self, strategy: Strategy, weights: str, space: SearchSpace, places: Mapping[str, str]
    ) -> None:
        """Refuse decisions that the strategy cannot take, each kind once."""
        unable = {
            p.kind: p for p in reversed(space.points) if p.kind not in strategy.searches.get(weights, ())
        }
        for kind, point in unable.items():
            others = [mode for mode, kinds in strategy.searches.items() if kind in kinds]
            remedy = f"Set search.strategy.weights to '{others[0]}'" if others else self._able(kind)
            what = (
                f"strategy '{strategy.name}' cannot search a {kind} ('{point.label}') with {weights} weights"
            )
            self.problems.append(Problem(what, places.get(point.label, ""), remedy))

    def _able(self, kind: str) -> str:
        able = [
            entry.component.name
            for entry in self.registry.entries("strategy")
            if isinstance(entry.component, Strategy)
            and kind in frozenset().union(*entry.component.searches.values())
        ]
        return f"Strategies that can: {', '.join(able)}" if able else "No strategy can: take a fixed value"

    # --- architectures -----------------------------------------------------------------------

    def _architectures(
        self, network: NetworkNodes | None, space: SearchSpace | None
    ) -> dict[str, NamedArchitecture]:
        found = {}
        for name, given in self.spec.architectures.items():
            try:
                found[name] = self._architecture(name, given, network, space)
            except SkelbenchError as error:
                self.problems += error.problems
        return {name: architecture for name, architecture in found.items() if architecture is not None}

    def _architecture(
        self, name: str, given: ArchitectureSpec, network: NetworkNodes | None, space: SearchSpace | None
    ) -> NamedArchitecture | None:
        path = ("architectures", name)
        if given.network is not None:
            network = _expanded(self.registry, self.marks, _parts(given.network), *path, "network")
            space = SearchSpace(network)
        if network is None or space is None:  # the spec's own network is at fault, which is told already
            return None
        sample = fitted(space, given.choices or {}, self.marks, *path)
        return NamedArchitecture(name, given.summary, network, sample, given.start)


def _parts(network: Any) -> dict[str, Any]:
    return {"input": network.input, "body": network.body, "head": network.head}
