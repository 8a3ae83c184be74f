"""The parts that a record is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from skelbench.results.part import Name, NonNegative, Part, Positive

Seconds = Annotated[float, Field(ge=0)]
FusedOf = Literal["probabilities", "logits"]
"""What of several networks' scores is added up."""


class StrategyUsed(Part):
    """The search strategy.

    Attributes:
        name: Its registered name.
        params: Its parameters, defaults filled in.
    """

    name: Name
    params: dict[str, JsonValue] = Field(default_factory=dict)


class ClipCounts(Part):
    """Recordings in each part of the split.

    Attributes:
        train: Recordings that the weights were trained on.
        validation: Recordings held out of the training split, 0 where none were.
        test: Recordings that the metrics were taken on.
    """

    train: NonNegative
    validation: NonNegative
    test: NonNegative


class Latency(Part):
    """Time of one forward pass.

    Attributes:
        ms: Median milliseconds of a batch.
        device: What it was measured on.
        threads: Processor threads in use.
        batch: Clips in the batch.
    """

    ms: Annotated[float, Field(gt=0)]
    device: str
    threads: Positive
    batch: Positive


class SearchCost(Part):
    """What the search cost.

    Attributes:
        seconds: Wall-clock time, summed over resumed parts.
        trials: Evaluations of a candidate.
        samples: Architectures proposed.
        kept: Proposals kept from an earlier generation.
    """

    seconds: Seconds
    trials: NonNegative
    samples: NonNegative
    kept: NonNegative = 0


class Training(Part):
    """The final training as it took place.

    Attributes:
        epochs: Epochs trained.
        seconds: Wall-clock time, summed over resumed parts.
        lr: Effective learning rate at its highest.
        batch_size: Effective batch: clips per optimizer step over all devices.
        precision: What was computed in: ``32``, ``tf32``, ``bf16`` or ``16``.
    """

    epochs: NonNegative
    seconds: Seconds
    lr: Annotated[float, Field(gt=0)]
    batch_size: Positive
    precision: str


class Environment(Part):
    """Where the run took place.

    Attributes:
        python: Version of Python.
        torch: Version of PyTorch.
        nni: Version of NNI, empty where it took no part.
        skelbench: Version of skelbench.
        device: What the training ran on.
        threads: Processor threads in use.
    """

    python: str
    torch: str
    nni: str = ""
    skelbench: str
    device: str
    threads: Positive


class AdaptiveUse(Part):
    """What was chosen frame by frame on the test split.

    Attributes:
        shares: For each choice, the share of frames that took it; a policy that takes several at once
            has shares that sum to more than 1.
        gmacs: For each choice, GMACs of a clip if every frame took it.
    """

    shares: dict[str, Annotated[float, Field(ge=0, le=1)]]
    gmacs: dict[str, Annotated[float, Field(ge=0)]]


class Failure(Part):
    """A trial that failed.

    Attributes:
        trial: Its number in the journal.
        error: The exception in one line.
        traceback: The whole traceback.
    """

    trial: NonNegative
    error: str
    traceback: str = ""


class RunIdentity(Part):
    """What a run's name follows from.

    Attributes:
        scheme: The version of the rule that the hash was made by, see `skelbench.engine.identity`.
        hash: The hash, of which the name has the beginning.
        former: Names of the same run by earlier schemes, latest first.
    """

    scheme: Positive
    hash: Name
    former: tuple[Name, ...] = ()


class Origin(Part):
    """How a run came about, so that it can be made again; ``skelbench reproduce`` reads it.

    Attributes:
        command: Arguments of ``skelbench``, without places of one machine.
        spec: Sha256 of the resolved spec, which stands beside the record; empty for fused scores.
        commit: The commit of skelbench's own sources, empty where they were no checkout or it is not known.
        dirty: Whether these sources had changes beside that commit.
    """

    command: tuple[str, ...] = ()
    spec: Name = ""
    commit: Name = ""
    dirty: bool = False
