"""The part of a spec's schema that says how its space is searched."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from skelbench.recipe import DeriveOptions, Options, Positive, Proxy

RawNode = Any


class ComponentSpec(BaseModel):
    """A component by name; all other keys are its parameters.

    Attributes:
        name: A registered name.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as written."""
        return dict(self.model_extra or {})


class SearchNetworkSpec(Options):
    """Parts of the network that are others during the search; they hold the same decisions.

    Attributes:
        input: See `NetworkSpec`; None is the network's.
        body: Likewise.
        head: Likewise.
    """

    input: RawNode | None = None
    body: list[RawNode] | None = None
    head: RawNode | None = None


class StrategySpec(ComponentSpec):
    """The search strategy.

    Attributes:
        weights: ``shared``: candidates are evaluated on one supernet; ``own``: each is trained.
    """

    weights: Literal["shared", "own"] = "shared"


class RejectEarly(Options):
    """When the evaluation of a candidate on a supernet ends before all clips are seen.

    Attributes:
        p: Level of the paired test by which a candidate is worse than the leader.
        first: Candidates of a generation that are evaluated on all clips; the best of them leads.
        looks: After how many parts of the clips a candidate is compared; they share the level.
    """

    p: Annotated[float, Field(gt=0, lt=1)] = 0.05
    first: Positive = 4
    looks: Positive = 3


class SearchSpec(Options):
    """How the space is searched.

    Attributes:
        strategy: Which strategy.
        epochs: Epochs of the supernet (shared weights).
        trial_epochs: Epochs of each trial (own weights).
        ahead: Ask for more before the first has been told until so many architectures are being tried (own
            weights), so that as many workers have work though the strategy asks for one at a time. Results
            depend on it and on no number of workers.
        active: In a supernet step, ``single`` drawn candidate per decision or ``all`` of them.
        trial_timeout: Seconds after which a trial has failed (own weights); None: never. It takes an engine
            with workers.
        proxy: Rate architectures untrained, by a zero-cost proxy, instead of training each (own weights); see
            `skelbench.training.proxies`.
        trial_memory: GiB that the process of a trial may take beyond what it has at its start (own weights);
            None: no limit. It takes an engine with workers.
        most_failed: The search ends where more trials fail than this (own weights); None: where all do.
        engine: What carries trials out. No result depends on it, so it is not part of a run's identity.
        fitness: What candidates are compared by on the validation clips: ``accuracy``, whose ties
            cross-entropy breaks, or ``cross_entropy``, of which less is better.
        normalisation: What batch normalisation takes in a candidate on the supernet: statistics measured
            anew for it on training batches (``recalibrated``), those of each validation ``batch``, or
            the supernet's ``running`` ones, which fit all candidates together and none by itself.
        calibration_batches: How many training batches the first of these takes.
        reject_early: End the evaluation of a candidate once it is worse than the best of the first ones of
            its generation (shared weights); its fitness is then the leader's less the difference so far.
            None: every candidate is evaluated on all clips.
        derive: How weights become one architecture.
        inference: Share of the training split that is held out as validation is, for a gradient search to
            evaluate architectures on; nothing learns from it during the search. None: no such part.
        inherit: Whether the final training begins with the weights that the architecture found has in the
            supernet; of a path through a trellis.
        network: Parts of the network that are others during the search, smaller ones as a rule.
        train: Changes of the recipe for the search, in the form of ``train``.
    """

    strategy: StrategySpec
    epochs: Positive = 50
    trial_epochs: Positive = 10
    ahead: Annotated[int, Field(ge=1, le=10_000)] = 1
    trial_timeout: Annotated[float, Field(gt=0)] | None = None
    trial_memory: Annotated[float, Field(gt=0)] | None = None
    proxy: Proxy | None = None
    most_failed: Annotated[int, Field(ge=0)] | None = None
    active: Literal["single", "all"] = "single"
    engine: ComponentSpec = ComponentSpec(name="sequential")
    fitness: Literal["accuracy", "cross_entropy"] = "accuracy"
    normalisation: Literal["recalibrated", "batch", "running"] = "recalibrated"
    calibration_batches: Positive = 8
    reject_early: RejectEarly | None = None
    derive: DeriveOptions = DeriveOptions()
    inference: Annotated[float, Field(gt=0, lt=1)] | None = None
    inherit: bool = False
    network: SearchNetworkSpec = SearchNetworkSpec()
    train: dict[str, Any] = Field(default_factory=dict)
