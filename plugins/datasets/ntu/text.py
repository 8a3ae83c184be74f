"""The ``.skeleton`` text of NTU RGB+D: Kinect v2 bodies, frame by frame.

A file holds the number of frames; each frame the number of bodies; each body a line of ten numbers
(the first its id, the last its tracking state), the number of joints (25) and one line of twelve
numbers for each joint, of which the first three are x, y, z in metres.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter, ValidationError

from skelbench.errors import DataError

JOINTS = 25
_BODY_SIZES = np.array([10, 1] + [12] * JOINTS)  # numbers in each line of a body
_BODY_LINES = len(_BODY_SIZES)
_SPACE, _NEWLINE = ord(" "), ord("\n")
_COMMAS = bytes.maketrans(b" \n", b",,")
_SLOTS = 4  # bodies of a frame that are looked at; 2s-AGCN's data preparation does the same
_FLOATS = TypeAdapter(list[float])


@dataclass(frozen=True)
class Bodies:
    """Every body of a recording, in the order of the file.

    Attributes:
        counts: Bodies in each frame, (T,) int64.
        ids: The sensor's number of each body, (B,) int64, B = sum of counts.
        states: The tracking state of each body, (B,) int64.
        joints: x, y, z in metres, (B, 25, 3) float32.
    """

    counts: np.ndarray
    ids: np.ndarray
    states: np.ndarray
    joints: np.ndarray

    def slots(self) -> np.ndarray:
        """The bodies by frame and place within the frame, (T, S, 25, 3); absent ones are zero."""
        frame = np.repeat(np.arange(len(self.counts)), self.counts)
        place = np.arange(len(frame)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        kept = place < _SLOTS
        out = np.zeros((len(self.counts), _SLOTS, JOINTS, 3), dtype=np.float32)
        out[frame[kept], place[kept]] = self.joints[kept]
        return out


def most_moving(frames: np.ndarray, persons: int) -> np.ndarray:
    """The bodies that move most, most motion first.

    Motion is the sum over x, y, z of the standard deviation of a coordinate over all joints of the
    frames in which the body is present, as in the data preparation of 2s-AGCN (Shi et al., CVPR 2019).

    Args:
        frames: (T, S, V, 3); an absent body is zero.
        persons: How many to keep.

    Returns:
        (T, persons, V, 3); zeros stand for persons beyond S.
    """
    present = (frames != 0).any(axis=(2, 3))
    motion = np.zeros(frames.shape[1])
    for body in np.flatnonzero(present.any(axis=0)):
        motion[body] = frames[present[:, body], body].std(axis=(0, 1), dtype=np.float64).sum()
    order = np.argsort(-motion, kind="stable")[:persons]
    out = np.zeros((len(frames), persons, *frames.shape[2:]), dtype=np.float32)
    out[:, : len(order)] = frames[:, order]
    return out


def parse_skeleton(text: bytes, where: object) -> Bodies:
    """Read a ``.skeleton`` file.

    The nine numbers of a joint after x, y, z (places in the images, rotation, tracking state) are
    counted but not converted, for converting numbers is most of the work.

    Args:
        text: The file's contents.
        where: Its name, for errors.

    Raises:
        DataError: It is truncated or malformed; names the line and the frame.
    """
    lines = _Lines(text, where)
    try:
        counts = lines.walk()
    finally:
        lines.check_bodies()  # also where the walk failed: an earlier fault may have led it astray
    numbers = [lines.header(line) for line in lines.headers]
    ids, states = np.array(numbers, dtype=np.int64).reshape(-1, 2).T
    return Bodies(np.array(counts, dtype=np.int64), ids, states, lines.joints())


class _Lines:
    """The lines of a ``.skeleton`` file, found at once, and where its frames begin.

    Attributes:
        ends: Where each number ends in the text, (numbers,).
        last: The index in ``ends`` of each line's last number, (lines,).
        stops: Where each line ends in the text.
        starts: The first line of each frame passed so far.
        headers: The first line of each body passed so far.
    """

    def __init__(self, text: bytes, where: object) -> None:
        self.where = where
        self.text = _evenly_spaced(text)
        characters = np.frombuffer(self.text, dtype=np.uint8)
        self.ends = np.flatnonzero((characters == _SPACE) | (characters == _NEWLINE))
        self.last = np.flatnonzero(characters[self.ends] == _NEWLINE)
        self.stops: list[int] = self.ends[self.last].tolist()
        self.starts: list[int] = []
        self.headers: list[int] = []

    def __len__(self) -> int:
        return len(self.stops)

    def __getitem__(self, line: int) -> bytes:
        return self.text[self.stops[line - 1] + 1 if line else 0 : self.stops[line]]

    def fault(self, line: int, what: str) -> DataError:
        """What is wrong in a line, with its frame (counted from 1)."""
        frame = bisect_right(self.starts, line)
        return DataError(
            f"frame {frame}: {what}" if frame else what,
            where=f"{self.where}:{line + 1}",
            remedy="The file is truncated or damaged; fetch it again from the owners' archive",
        )

    def whole(self, line: int, meaning: str) -> int:
        """The one whole number, not negative, in a line."""
        if line >= len(self):
            raise self.fault(line, f"the file ends where {meaning} should be")
        if not _is_whole(self[line]):
            raise self.fault(line, f"{meaning} should be here, not '{_shown(self[line])}'")
        return int(self[line])

    def walk(self) -> list[int]:
        """The number of bodies of each frame; finds the first line of each frame and body."""
        counts: list[int] = []
        line = 1
        for _ in range(self.whole(0, "the number of frames")):
            self.starts.append(line)
            bodies = self.whole(line, "the number of bodies")
            after = line + 1 + bodies * _BODY_LINES
            if after > len(self):
                raise self.fault(len(self), f"the file ends within this frame of {bodies} bodies")
            self.headers.extend(range(line + 1, after, _BODY_LINES))
            counts.append(bodies)
            line = after
        if line < len(self):
            raise self.fault(line, f"there is more text after the {len(counts)} frames announced")
        return counts

    def _lines_of_bodies(self) -> np.ndarray:
        """Every line of every body, (B, 27)."""
        return np.array(self.headers, dtype=np.int64)[:, None] + np.arange(_BODY_LINES)

    def check_bodies(self) -> None:
        """Every line of every body must hold as many numbers as it should."""
        sizes = np.diff(self.last, prepend=-1)[self._lines_of_bodies()]
        wrong = np.argwhere(sizes != _BODY_SIZES)
        if len(wrong):
            body, line = wrong[0]
            what = f"{_BODY_SIZES[line]} numbers should be here, not {sizes[body, line]}"
            raise self.fault(self.headers[body] + int(line), what)

    def header(self, line: int) -> tuple[int, int]:
        """The id and tracking state in a body's first line; the second line must announce 25 joints."""
        joints = self.whole(line + 1, "the number of joints")
        if joints != JOINTS:
            raise self.fault(line + 1, f"a body has {JOINTS} joints, not {joints}")
        values = self[line].split(b" ")
        if not (_is_whole(values[0]) and _is_whole(values[-1])):
            raise self.fault(line, "a body begins with its id and ends with its tracking state")
        return int(values[0]), int(values[-1])

    def joints(self) -> np.ndarray:
        """x, y, z of every joint of the bodies, (B, 25, 3) float32."""
        lines = self._lines_of_bodies()[:, 2:].ravel()
        before = self.last[lines - 1]
        spans = zip(self.ends[before].tolist(), self.ends[before + 3].tolist(), strict=True)
        values = _convert(b"".join([self.text[start:stop] for start, stop in spans])[1:])
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            joint, axis = divmod(int(wrong[0]), 3)
            token = _shown(self[lines[joint]].split(b" ")[axis])
            raise self.fault(int(lines[joint]), f"'{token}' is no coordinate")
        return values.reshape(-1, JOINTS, 3)


def _evenly_spaced(text: bytes) -> bytes:
    """The text with one space between the numbers of a line and one newline after every line."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if not text.endswith(b"\n"):
        text += b"\n"
    blank = np.frombuffer(text, dtype=np.uint8) <= _SPACE
    if b"\t" in text or (blank[1:] & blank[:-1]).any():
        text = b"".join(b" ".join(line.split()) + b"\n" for line in text.rstrip().split(b"\n"))
    return text


def _convert(numbers: bytes) -> np.ndarray:
    """Numbers with one blank between them as float32; what is none becomes NaN.

    They are handed over as one JSON list, since pydantic's JSON reader converts (correctly
    rounded) several times faster than `float`; spellings that JSON does not know go one by one.
    """
    listed = b"[" + numbers.translate(_COMMAS) + b"]"
    try:
        values = _FLOATS.validate_json(listed if b"," not in numbers else b"", strict=True)
    except ValidationError:
        values = [_number(token) for token in re.split(b"[ \n]", numbers)] if numbers else []
    with np.errstate(over="ignore"):
        return np.array(values, dtype=np.float32)


def _number(token: bytes) -> float:
    try:
        return float(token)
    except ValueError:
        return float("nan")


def _is_whole(text: bytes) -> bool:
    return text.isdigit() and len(text) < 19  # fits 64 bits


def _shown(text: bytes) -> str:
    return text[:40].decode("ascii", errors="replace")
