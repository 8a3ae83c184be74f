"""What ``skelbench data check`` finds, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skelbench.data import Reader, Recordings, VideoReader


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Attributes:
        dataset: The data set.
        protocol: The protocol.
        synthetic: Whether the recordings are synthetic.
        preprocess: The pre-processing of a store, ``none`` for raw files.
        recordings: Recordings found.
        train: Of these in training.
        test: Of these in test.
        expected: (train, test) of the complete data set, or None where unknown.
        missing: (train, test) recordings short of these.
        unexpected: (train, test) recordings beyond these.
        classes: For each class name its (train, test) recordings.
        frames: (shortest, median, longest) recording in frames.
        remarks: What is odd about the recordings and no error.
        unusable: Why each video that is listed cannot be used; these are not counted.
        fingerprint: See `skelbench.data.split_fingerprint`.
    """

    dataset: str
    protocol: str
    synthetic: bool
    preprocess: str
    recordings: int
    train: int
    test: int
    expected: tuple[int, int] | None
    missing: tuple[int, int] | None
    unexpected: tuple[int, int] | None
    classes: dict[str, tuple[int, int]]
    frames: tuple[int, float, int]
    remarks: tuple[str, ...]
    unusable: tuple[str, ...]
    fingerprint: str


def report(clips: Recordings, reader: Reader | VideoReader, protocol: str) -> Report:
    """Counts and fingerprint of recordings under a protocol.

    Raises:
        DataError: The protocol does not fit the recordings.
    """
    import numpy as np

    from skelbench.data import Videos, split_fingerprint, training_part
    from skelbench.data.remarks import remarks

    is_train = training_part(clips, reader, protocol)
    splits = [clips.labels[is_train], clips.labels[~is_train]]
    by_class = np.stack([np.bincount(labels, minlength=len(clips.class_names)) for labels in splits], axis=1)
    train, test = len(splits[0]), len(splits[1])
    expected = None if clips.synthetic else reader.expected(protocol)
    lengths = clips.lengths
    return Report(
        dataset=clips.dataset,
        protocol=protocol,
        synthetic=clips.synthetic,
        preprocess=getattr(clips, "preprocess", "none"),
        recordings=len(clips),
        train=train,
        test=test,
        expected=expected,
        missing=expected and (max(expected[0] - train, 0), max(expected[1] - test, 0)),
        unexpected=expected and (max(train - expected[0], 0), max(test - expected[1], 0)),
        classes={name: (int(a), int(b)) for name, (a, b) in zip(clips.class_names, by_class, strict=True)},
        frames=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())),
        remarks=tuple(remarks(clips, is_train)),
        unusable=clips.left_out if isinstance(clips, Videos) else (),
        fingerprint=split_fingerprint(clips, is_train),
    )


def show_report(found: Report, every: bool = False) -> None:
    """Print a report as a table; damaged files by name, missing ones as a number or, if asked, by name."""
    from rich.console import Console
    from rich.table import Table

    from skelbench.data import short
    from skelbench.data.video.packets import MISSING

    console = Console()
    made_up = ", synthetic" if found.synthetic else ""
    table = Table(title=f"{found.dataset}, {found.protocol}{made_up}")
    table.add_column("class")
    table.add_column("train", justify="right")
    table.add_column("test", justify="right")
    for name, (train, test) in found.classes.items():
        table.add_row(name, str(train), str(test), style=None if train and test else "yellow")
    table.add_section()
    table.add_row("found", str(found.train), str(found.test))
    for label, pair in (
        ("expected", found.expected),
        ("missing", found.missing),
        ("unexpected", found.unexpected),
    ):
        if pair is not None:
            table.add_row(label, *map(str, pair), style="red" if label != "expected" and any(pair) else None)
    console.print(table)
    for line in found.remarks:
        console.print(line, style="yellow", markup=False, soft_wrap=True)
    missing = [line for line in found.unusable if line.endswith(MISSING)]
    for line in [*(one for one in found.unusable if one not in set(missing)), *(missing if every else ())]:
        console.print(line, style="red", markup=False, soft_wrap=True)
    if missing and not every:
        console.print(f"{len(missing)} videos are missing (--list names them)", style="red", soft_wrap=True)
    shortest, median, longest = found.frames
    console.print(f"frames: {shortest} to {longest}, median {median:g}; pre-processing: {found.preprocess}")
    console.print(f"fingerprint: {short(found.fingerprint)}")
