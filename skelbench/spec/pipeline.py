"""What is wrong with the stages of a spec, and with the weights that its architectures start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skelbench.errors import Problem, did_you_mean
from skelbench.spec.schema import Spec, StageSpec, StartSpec
from skelbench.spec.yaml import Marks, Path

SEARCH = "search"
"""The stage that every spec has: its search."""


def pipeline_problems(spec: Spec, marks: Marks) -> Iterator[Problem]:
    """Every problem of a spec's stages and starts, each with its place and a remedy."""
    sources = {name: tuple(given.start.weights) for name, given in spec.architectures.items() if given.start}
    for name, given in spec.architectures.items():
        if given.start is not None:
            yield from _start_problems(name, given.start, spec, marks)
    for circle in _circles(sources):
        what = f"architectures start from each other in a circle: {' -> '.join(circle)}"
        remedy = "Let one of them begin with fresh weights"
        yield Problem(what, marks.at(("architectures", circle[0], "start", "weights", circle[1])), remedy)
    for index, stage in enumerate(spec.stages):
        yield from _stage_problems(stage, ("stages", index), spec, marks)
        if stage.name in [earlier.name for earlier in spec.stages[:index]]:
            what = f"there are two stages '{stage.name}'"
            yield Problem(what, marks.at(("stages", index, "name")), "Rename one of them")


# --- architectures -------------------------------------------------------------------------------


def _start_problems(name: str, start: StartSpec, spec: Spec, marks: Marks) -> Iterator[Problem]:
    taken: list[str] = []
    for source, parts in start.weights.items():
        path: Path = ("architectures", name, "start", "weights", source)
        others = [other for other in spec.architectures if other != name]
        if source == name:
            yield Problem(f"'{name}' starts from itself", marks.at(path), did_you_mean(source, others))
        elif source not in spec.architectures:
            what = f"'{name}' starts from an unknown architecture '{source}'"
            yield Problem(what, marks.at(path), did_you_mean(source, others))
        if not parts:
            yield Problem(f"no part of '{source}' is taken", marks.at(path), "Name parts, or leave it out")
        for there, here in parts.items():
            double = [part for part in taken if _within(part, here) or _within(here, part)]
            if double:
                what = f"the part '{here}' of '{name}' gets weights twice: '{double[0]}' has some already"
                yield Problem(what, marks.at((*path, there)), "Leave out one of the two")
            taken.append(here)


def _within(part: str, other: str) -> bool:
    """Whether ``part`` is ``other`` or inside it."""
    return f"{part}.".startswith(f"{other}.")


def _circles(sources: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Each circle of two architectures or more, once, beginning with the one that stands first."""
    order = {name: place for place, name in enumerate(sources)}

    def follow(chain: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for source in sources.get(chain[-1], ()):
            if source == chain[0] and len(chain) > 1:
                yield (*chain, source)
            elif source not in chain and order.get(source, -1) > order[chain[0]]:
                yield from follow((*chain, source))

    for name in sources:
        yield from follow((name,))


# --- stages --------------------------------------------------------------------------------------


def _stage_problems(stage: StageSpec, path: Path, spec: Spec, marks: Marks) -> Iterator[Problem]:
    if stage.name == SEARCH:
        what = f"a stage cannot be named '{SEARCH}', which is the spec's search"
        yield Problem(what, marks.at((*path, "name")), "Rename it")
    if not stage.train:
        what = f"stage '{stage.name}' trains nothing"
        yield Problem(what, marks.at((*path, "train")), "Name architectures under 'train'")
    for index, name in enumerate(stage.train):
        if name not in spec.architectures:
            what = f"stage '{stage.name}' trains an unknown architecture '{name}'"
            yield Problem(what, marks.at((*path, "train", index)), did_you_mean(name, spec.architectures))
    for key, named in (("train", stage.train), ("streams", stage.streams)):
        for index in _repeated(named):
            what = f"stage '{stage.name}' names '{named[index]}' twice"
            yield Problem(what, marks.at((*path, key, index)), "Name it once")
    yield from _fuse_problems(stage, (*path, "fuse"), marks)


def _fuse_problems(stage: StageSpec, path: Path, marks: Marks) -> Iterator[Problem]:
    count = len(stage.streams)
    if stage.fuse and count < 2:
        what = f"stage '{stage.name}' has nothing to fuse with {count} streams"
        yield Problem(what, marks.at(path), "Name two or more under 'streams', or leave out 'fuse'")
        return
    for index, weights in enumerate(stage.fuse):
        if len(weights) != count:
            what = f"stage '{stage.name}' fuses {count} streams by {len(weights)} weights"
            yield Problem(what, marks.at((*path, index)), "Give one weight for each stream")
        elif not any(weights):
            what = f"stage '{stage.name}' fuses by weights that are all zero"
            yield Problem(what, marks.at((*path, index)), "Give one of them a share")


def _repeated(names: Iterable[str]) -> list[int]:
    """The places of names that stood before already."""
    listed = list(names)
    return [index for index, name in enumerate(listed) if name in listed[:index]]
