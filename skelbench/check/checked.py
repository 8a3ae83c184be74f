"""A spec that fits the registry: what every later step works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skelbench.check.data import frame_size
from skelbench.components import BuildContext, Dataset, Engine, Layout, Metric, Strategy
from skelbench.errors import Problem, SpecError
from skelbench.space.arch import NamedArchitecture
from skelbench.space.nodes import NetworkNodes
from skelbench.space.size import SearchSpace
from skelbench.spec.resolve import Resolved
from skelbench.spec.schema import Spec
from skelbench.spec.yaml import path_of


@dataclass(frozen=True)
class Checked:
    """A spec that fits the registry, with all that it names found.

    Attributes:
        resolved: The spec as it was loaded.
        network: The network's nodes.
        search_network: The network as it stands in the search, with the same decisions.
        space: The decisions in it.
        architectures: The named architectures.
        dataset: The data set.
        layout: The skeleton layout in use.
        protocol: The evaluation protocol in use.
        strategy: The search strategy.
        strategy_params: Its validated parameters.
        engine: The execution engine.
        engine_params: Its validated parameters.
        metrics: The metrics, the headline first.
    """

    resolved: Resolved
    network: NetworkNodes
    search_network: NetworkNodes
    space: SearchSpace
    architectures: Mapping[str, NamedArchitecture]
    dataset: Dataset
    layout: Layout
    protocol: str
    strategy: Strategy
    strategy_params: Mapping[str, Any]
    engine: Engine
    engine_params: Mapping[str, Any]
    metrics: tuple[Metric, ...]

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.resolved.spec

    @property
    def stream(self) -> str:
        """The input stream as records have it."""
        return self.dataset.stream if self.dataset.modality == "video" else self.spec.data.stream

    def placed(self, error: SpecError) -> SpecError:
        """The same error, with the lines of the spec where it names keys (``network.body[1]``)."""
        return SpecError.of(self._placed(problem) for problem in error.problems)

    def _placed(self, problem: Problem) -> Problem:
        path = path_of(problem.where)
        if not path or path[0] not in self.resolved.data:
            return problem
        return Problem(problem.what, self.resolved.marks.at(path), problem.remedy)

    def clip_options(self) -> dict[str, Any]:
        """How a recording becomes a clip, as plain data, without what no result depends on."""
        data = self.spec.data
        if self.dataset.modality == "video":
            return data.video.model_dump(mode="json", exclude={"cache_gib"})
        return data.clip.model_dump(mode="json")

    def context(self) -> BuildContext:
        """Shape of a clip, classes and layout, for building a network."""
        data = self.spec.data
        video = self.dataset.modality == "video"
        height, width = frame_size(self.dataset, data.video) or (0, 0) if video else (0, 0)
        return BuildContext(
            channels=self.dataset.channels,
            frames=data.video.frames if video else data.clip.frames,
            joints=len(self.layout.joints),
            persons=1 if video else data.clip.persons or self.dataset.persons,
            classes=self.dataset.classes,
            layout=self.layout,
            height=height,
            width=width,
        )

    def clip_shape(self, clips: int = 1) -> tuple[int, int, int, int, int]:
        """(N, C, T, V, M) of the spec's clips, of videos (N, C, T, H, W)."""
        _, channels, frames, *ends = self.context().clip_shape
        return clips, channels, frames, ends[0], ends[1]
