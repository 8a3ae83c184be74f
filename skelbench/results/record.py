"""The record of a run: one typed, versioned document from which every table is made."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, ValidationError, model_validator

from skelbench.errors import RunFolderError
from skelbench.results.files import write_atomic
from skelbench.results.health import SearchHealth
from skelbench.results.part import MOST, Name, NonNegative, Part, Positive
from skelbench.results.record_file import migrated, problems, read_json
from skelbench.results.record_parts import (
    AdaptiveUse,
    ClipCounts,
    Environment,
    Failure,
    FusedOf,
    Latency,
    Origin,
    RunIdentity,
    SearchCost,
    StrategyUsed,
    Training,
)

SCHEMA_VERSION: Final = 2
RECORD = "record.json"

_TIMED: dict[str, Any] = {
    "date": True,
    "environment": True,
    "latency": True,
    "search": {"seconds"},
    "training": {"seconds"},
    "failures": {"__all__": {"traceback"}},
    "origin": {"commit", "dirty"},
    "files": True,
}


class Record(Part):
    """Everything that is known of one finished run.

    Attributes:
        schema_version: The version of this document's form.
        spec: Name of the spec.
        spec_hash: Hash of the resolved spec, hexadecimal; for a fixed architecture, without the space
            and its search.
        space: Name of the search space.
        model: Name of the architecture, ``searched`` where it was found by search.
        architecture: Hash of the architecture, empty where none was reached.
        choices: The decision for each label of the space; empty where nothing was open, and in
            records from before it was kept.
        strategy: The search strategy, None for a fixed architecture.
        plugins: Loaded plugins and the distribution and version of each.
        dataset: Name of the data set.
        layout: Name of the skeleton layout.
        protocol: Name of the evaluation protocol.
        stream: Input stream; fused streams are joined with ``+``.
        split_fingerprint: Fingerprint of ids, labels and membership of the train and test splits;
            runs are ranked together only where it is equal.
        data_fingerprint: Fingerprint of the recordings' coordinates.
        clips: Recordings in each part of the split.
        seed: The run's seed.
        selection: ``last`` epoch, or the epoch ``best_val`` on validation.
        views: Clips per recording whose scores were averaged.
        clip: The clip options, as plain data.
        metrics: Metric name -> percent, on the test split.
        params: Trainable parameters.
        macs: Multiply-accumulates of one clip, all its persons counted; where models are chosen frame
            by frame, the mean over the test split.
        flops: Two for each MAC.
        adaptive: What was chosen frame by frame, None where nothing is chosen.
        forced: The model that every frame was made to take at evaluation, empty where frames chose.
        latency: Forward time, None where it was not measured.
        search: Search cost, None for a fixed architecture.
        health: How far the search could tell candidates apart, None for a fixed architecture and in records
            from before it was measured.
        training: The final training, None where there was none.
        environment: Where the run took place.
        source: ``measured`` by skelbench or ``reported`` by others.
        synthetic: Whether the recordings were synthetic.
        left_out: What was there and not read, in lines; empty too in records from before it was kept.
        profile: The spec profile in use, empty for the spec as it stands.
        date: The UTC day on which the run ended.
        run: Name of the run folder.
        status: ``ok``, or ``failed`` where the work was not completed.
        failures: Trials that failed.
        fusion: For fused scores, run name -> weight.
        fused_of: What of them was added up: class ``probabilities``, or ``logits``.
        started_from: Name of each architecture whose trained weights it began with -> run name.
        pretrained_on: The other data sets that these weights were trained on, joined with ``+``.
        identity: What the run's name follows from, None in records from before it was kept.
        origin: How the run came about, None in records from before it was kept.
        files: Sha256 of scores, weights and checkpoints, by their place in the run's folder.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    spec: Name
    spec_hash: Name
    space: Name
    model: Name
    architecture: Name = ""
    choices: dict[str, JsonValue] = Field(default_factory=dict)
    strategy: StrategyUsed | None = None
    plugins: dict[str, str] = Field(default_factory=dict)
    dataset: Name
    layout: Name
    protocol: Name
    stream: Name
    split_fingerprint: Name
    data_fingerprint: Name
    clips: ClipCounts
    seed: Annotated[int, Field(ge=-MOST, le=MOST)]
    selection: Literal["last", "best_val"]
    views: Positive
    clip: dict[str, JsonValue] = Field(default_factory=dict)
    metrics: dict[Name, float] = Field(default_factory=dict)
    params: NonNegative | None = None
    macs: NonNegative | None = None
    flops: NonNegative | None = None
    adaptive: AdaptiveUse | None = None
    forced: Name = ""
    latency: Latency | None = None
    search: SearchCost | None = None
    health: SearchHealth | None = None
    training: Training | None = None
    environment: Environment
    source: Literal["measured", "reported"] = "measured"
    synthetic: bool
    left_out: tuple[str, ...] = ()
    profile: Name = ""
    date: datetime.date
    run: Name
    status: Literal["ok", "failed"] = "ok"
    failures: tuple[Failure, ...] = ()
    fusion: dict[Name, float] = Field(default_factory=dict)
    fused_of: FusedOf = "probabilities"
    started_from: dict[Name, Name] = Field(default_factory=dict)
    pretrained_on: Name = ""
    identity: RunIdentity | None = None
    origin: Origin | None = None
    files: dict[str, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Record:
        if self.flops != (None if self.macs is None else 2 * self.macs):
            raise ValueError("flops must be twice macs: one MAC is two FLOPs")
        wrong = [name for name in ("top1", "top5") if not 0 <= self.metrics.get(name, 0.0) <= 100]
        if wrong:
            raise ValueError(f"{wrong[0]} is {self.metrics[wrong[0]]:g}, no share in percent")
        if self.status == "ok" and not self.metrics:
            raise ValueError("a run with status 'ok' must have metrics")
        return self

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record stored at ``path``.

        Raises:
            RunFolderError: The file cannot be read, is malformed, or is of a newer schema.
        """
        data = migrated(read_json(path))
        version = data.get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise RunFolderError(
                f"the record has schema version {version}, this skelbench knows {SCHEMA_VERSION}",
                where=path,
                remedy="Update skelbench",
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise RunFolderError.of(problems(path, error)) from error
        except RecursionError as error:
            raise RunFolderError("the record is nested too deeply", where=path) from error

    def write(self, path: Path) -> None:
        """Store the record at ``path``, whole or not at all.

        Raises:
            RunFolderError: The disk is full or the folder cannot be written.
        """
        write_atomic(path, self.model_dump_json(indent=2) + "\n")

    def comparable(self) -> dict[str, Any]:
        """The record without times, dates and figures of the machine.

        Two runs of one spec with one seed on one kind of device agree in it.
        """
        return self.model_dump(mode="json", exclude=_TIMED)
