"""What the names of files say of recordings: a pattern for them, guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from .pattern import CAMERA, CLASS, FRAME, LABEL, PART, SUBJECT

_PIECE = re.compile(r"[0-9]+|[A-Za-z]+|[^0-9A-Za-z]+")
_LETTERS = {
    **dict.fromkeys(("a", "action", "label", "class", "gesture"), LABEL),
    **dict.fromkeys(("s", "p", "subject", "person", "performer", "actor"), SUBJECT),
    **dict.fromkeys(("c", "v", "camera", "view"), CAMERA),
}
"""What the letters before a number usually mean."""
_PARTS = {"train", "training", "test", "testing", "val", "validation"}
_OPENPOSE = re.compile(r"^(.*?)_?([0-9]{6,})_keypoints\.json$")
_PAIR = re.compile(r"(?<![^/])([A-Za-z]+)\{subject\}\1\{part[0-9]*\}(?=/)")
"""Two performers in the name of a folder, who are one pair."""
_SOLE = 0.95
"""Share of the names that one form must cover to be taken for the form of all."""


@dataclass(frozen=True)
class Names:
    """What was guessed from names.

    Attributes:
        pattern: For the parameter ``files``.
        doubts: What could not be decided, in lines for people.
        fit: The names that the guess is about.
    """

    pattern: str
    fit: tuple[str, ...]
    doubts: tuple[str, ...] = ()


@dataclass
class _Guess:
    """A guess in progress: what each number and word of a path is called, at most once each."""

    taken: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)

    def name(self, wanted: str) -> str:
        """A name that nothing else has."""
        number, name = 2, wanted
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name


def guess_names(names: Sequence[str], labelled: bool = False) -> Names:
    """A pattern for the paths of recordings below a folder, with ``/`` between folders.

    Args:
        names: At least one path.
        labelled: Whether the files say their class themselves, so that their names need not.
    """
    known = {CLASS} if labelled else set[str]()
    guess = _Guess(set(known))
    if all(_OPENPOSE.match(name) for name in names):
        return _of_frames(names, guess)
    forms = Counter(_form(name) for name in names)
    form, count = forms.most_common(1)[0]
    if count >= _SOLE * len(names):
        fit = tuple(name for name in names if _form(name) == form)
        pattern = _by_numbers(fit, guess)
        if LABEL in guess.taken or CLASS in guess.taken:
            return Names(pattern, fit, tuple(guess.doubts))
        guess = _Guess(set(known))
    return Names(_by_folders(names, guess), tuple(names), tuple(guess.doubts))


def _form(name: str) -> str:
    """A path with every number replaced."""
    return re.sub(r"[0-9]+", "#", name)


def _of_frames(names: Sequence[str], guess: _Guess) -> Names:
    """OpenPose's files, one a frame, in a folder a clip or with the clip's name before the frame's number."""
    folders = [name.rpartition("/")[0] for name in names]
    start = _folders(folders, guess)
    rest = {(_OPENPOSE.match(name.rpartition("/")[2]) or [""] * 2)[1] for name in names}
    head = "" if rest == {""} else ("{" + guess.name("name") + "}_")
    guess.taken.add(FRAME)
    return Names(f"{start}{head}{{frame}}_keypoints.json", tuple(names), tuple(guess.doubts))


def _by_folders(names: Sequence[str], guess: _Guess) -> str:
    """Words of folders as classes and parts, and any name of a file."""
    start = _folders([name.rpartition("/")[0] for name in names], guess)
    endings = {name.rpartition(".")[2] for name in names}
    stems = [name.rpartition("/")[2].rpartition(".")[0] for name in names]
    ending = f".{endings.pop()}" if len(endings) == 1 else ".*"
    if CLASS not in guess.taken and all("_" in stem for stem in stems):
        guess.taken.add(CLASS)
        guess.doubts.append("the class is taken to be what names of files begin with, up to the first '_'")
        return f"{start}{{class}}_{{name}}{ending}"
    if not {CLASS, LABEL} & guess.taken:
        guess.doubts.append(
            "no part of the names was recognised as the class: put {label} or {class} into 'files'"
        )
    subject = re.compile(r"^[sp]([0-9]+)_")
    if SUBJECT not in guess.taken and all(subject.match(stem) for stem in stems):
        letter = stems[0][0]
        if all(stem[0] == letter for stem in stems):
            guess.doubts.append(f"the number behind '{letter}' is taken for the performer")
            return f"{start}{letter}{{subject}}_{{name}}{ending}"
    return f"{start}{{name}}{ending}"


def _folders(folders: Sequence[str], guess: _Guess) -> str:
    """The pattern of the folders before the file, with a stroke at its end where there are any."""
    steps = [folder.split("/") if folder else [] for folder in folders]
    depth = {len(one) for one in steps}
    if depth == {0}:
        return ""
    if len(depth) > 1:
        guess.doubts.append("files stand at different depths of folders")
        return "**/"
    levels = [sorted({one[level] for one in steps}) for level in range(depth.pop())]
    out = []
    for level, values in enumerate(levels):
        last = level == len(levels) - 1
        if len(values) == 1:
            out.append(values[0])
        elif PART not in guess.taken and (around := _around_parts(values)) is not None:
            out.append(around[0] + "{" + guess.name(PART) + "}" + around[1])
        elif CLASS not in guess.taken and (
            last or len(values) < len(set(map(tuple, steps))) or len(levels) == 1
        ):
            guess.doubts.append(f"folders such as '{values[0]}' are taken for the classes")
            out.append("{" + guess.name(CLASS) + "}")
        else:
            out.append("{" + guess.name("clip") + "}")
    return "/".join(out) + "/"


def _around_parts(values: Sequence[str]) -> tuple[str, str] | None:
    """What stands before and after the name of a part in all names of folders; None where one has none."""
    first = values[0]
    for start in range(len(first)):
        for end in range(len(first), start, -1):
            before, after = first[:start], first[end:]
            if first[start:end].lower() in _PARTS and all(_is_part(value, before, after) for value in values):
                return before, after
    return None


def _is_part(value: str, before: str, after: str) -> bool:
    inner = value.removeprefix(before).removesuffix(after)
    return value == before + inner + after and inner.lower() in _PARTS


def _by_numbers(names: Sequence[str], guess: _Guess) -> str:
    """Names that differ in their numbers alone: each number by the letters before it."""
    split = [_PIECE.findall(name) for name in names]
    pieces = split[0]
    varied = [i for i, piece in enumerate(pieces) if piece.isdigit() and len({one[i] for one in split}) > 1]
    known = {i: _LETTERS.get(pieces[i - 1].lower(), "") if i else "" for i in varied}
    if (
        LABEL not in known.values()
        and (label := _likely_label(split, [i for i in varied if not known[i]])) is not None
    ):
        known[label] = LABEL
        some = ", ".join(sorted({one[label] for one in split})[:4])
        guess.doubts.append(
            f"the numbers {some} ... are taken for the classes: move {{label}} if they are not"
        )
    out = ""
    for i, piece in enumerate(pieces):
        if i not in varied:
            out += piece
            continue
        name = known[i] if known[i] and known[i] not in guess.taken else ""
        out += "{" + guess.name(name or ("trial" if i == varied[-1] else "part")) + "}"
        if name in (SUBJECT, CAMERA):
            guess.doubts.append(f"'{pieces[i - 1]}' before a number is taken for the {name}")
    return _PAIR.sub("{subject}", out)


def _likely_label(split: Sequence[Sequence[str]], free: Sequence[int]) -> int | None:
    """The first number that is a folder of its own, where there is one: the class stands above its trials."""

    def alone(i: int) -> bool:
        around = (split[0][i - 1] if i else "/", split[0][i + 1] if i + 1 < len(split[0]) else "")
        return all(sign.startswith("/") or sign.endswith("/") for sign in around)

    return next((i for i in free if alone(i)), None)
