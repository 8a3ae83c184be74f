"""What the owners of NTU RGB+D 60 and 120 fixed: names, splits, unusable recordings, classes, counts.

Sources: Shahroudy et al., "NTU RGB+D", CVPR 2016 (60 classes, cross-subject and cross-view);
Liu et al., "NTU RGB+D 120", TPAMI 2019 (120 classes, cross-subject and cross-setup).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from skelbench.data import Clips
from skelbench.errors import DataError

JOINTS = 25
PERSONS = 2

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
_SUBJECTS_60 = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
_SUBJECTS_120 = (
    *_SUBJECTS_60,
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86),
    *(89, 91, 92, 93, 94, 95, 97, 98, 100, 103),
)


@dataclass(frozen=True)
class NtuName:
    """The five numbers in a recording's name ``SsssCcccPpppRrrrAaaa``, all counted from 1."""

    setup: int
    camera: int
    subject: int
    replication: int
    action: int

    @classmethod
    def parse(cls, text: str, where: object = "") -> NtuName:
        """Read a name, with or without a file ending.

        Args:
            text: ``S001C002P003R001A013`` or ``S001C002P003R001A013.skeleton``.
            where: The file to name in an error.

        Raises:
            DataError: It is no name of NTU RGB+D.
        """
        found = _NAME.fullmatch(text.split(".")[0])
        if found is None:
            raise DataError(
                f"'{text}' is no name of an NTU RGB+D recording",
                where=where,
                remedy="Names look like S001C002P003R002A013: set-up, camera, performer, replication, action",
            )
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"S{self.setup:03}C{self.camera:03}P{self.subject:03}R{self.replication:03}A{self.action:03}"


@dataclass(frozen=True)
class Protocol:
    """A published split.

    Attributes:
        trains: (subjects, cameras, setups), each (n,), -> (n,) bool: the training recordings.
        expected: (train, test) counts of the complete data set without unusable recordings.
    """

    trains: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    expected: tuple[int, int]


@dataclass(frozen=True)
class Edition:
    """One of the two data sets.

    Attributes:
        name: ``ntu60`` or ``ntu120``.
        actions: Its actions are 1..actions.
        setups: Its set-ups are 1..setups.
        protocols: Its published splits by name.
    """

    name: str
    actions: int
    setups: int
    protocols: dict[str, Protocol]

    def uses(self, name: NtuName) -> bool:
        """Whether the recording belongs to this data set and its owners do not list it as unusable."""
        inside = 1 <= name.action <= self.actions and 1 <= name.setup <= self.setups
        return inside and str(name) not in missing()

    def protocol(self, name: str) -> Protocol:
        """The published split ``name``.

        Raises:
            DataError: This data set has none of that name.
        """
        if name not in self.protocols:
            raise DataError(
                f"{self.name} has no protocol '{name}'", remedy=f"Choose one of {', '.join(self.protocols)}"
            )
        return self.protocols[name]

    def trains(self, clips: Clips, protocol: str) -> np.ndarray:
        """(n,) bool: the recordings that ``protocol`` trains on, by their names' numbers."""
        return self.protocol(protocol).trains(clips.subjects, clips.cameras, clips.setups)

    def trains_names(self, names: Sequence[NtuName], protocol: str) -> np.ndarray:
        """(n,) bool: which of the named recordings ``protocol`` trains on."""
        numbers = np.array([(n.subject, n.camera, n.setup) for n in names], dtype=np.int64).reshape(-1, 3)
        return self.protocol(protocol).trains(*numbers.T)


NTU60 = Edition(
    "ntu60",
    60,
    17,
    {
        "xsub": Protocol(lambda subject, camera, setup: np.isin(subject, _SUBJECTS_60), (40_091, 16_487)),
        "xview": Protocol(lambda subject, camera, setup: np.isin(camera, (2, 3)), (37_646, 18_932)),
    },
)
NTU120 = Edition(
    "ntu120",
    120,
    32,
    {
        "xsub": Protocol(lambda subject, camera, setup: np.isin(subject, _SUBJECTS_120), (63_026, 50_919)),
        "xset": Protocol(lambda subject, camera, setup: setup % 2 == 0, (54_468, 59_477)),
    },
)


@cache
def missing() -> frozenset[str]:
    """The 535 recordings that the owners list as without usable skeletons (302 of them of NTU 60)."""
    return frozenset(Path(__file__).with_name("missing.txt").read_text(encoding="utf-8").split())


@cache
def class_names(actions: int) -> tuple[str, ...]:
    """Names of the first ``actions`` classes, in the owners' order."""
    text = Path(__file__).with_name("classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines()[:actions])
