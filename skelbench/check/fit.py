"""Whether what a spec does with recordings fits what a data set declares of them, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from skelbench.check.joints import fewer_joints
from skelbench.components import Dataset, Layout
from skelbench.host.registry import Registry
from skelbench.spec.params import validated_params
from skelbench.spec.resolve import Resolved
from skelbench.spec.schema import Spec
from skelbench.spec.yaml import Path

Fault = tuple[str, Path, str]
"""What is wrong, where in the spec, and a remedy."""
_PREPROCESS: Path = ("data", "preprocess")
_ROTATE: Path = ("train", "augment", "rotate")
_MOVE: Path = ("train", "augment", "move")
_SEARCH: Path = ("search",)
_BY: Path = ("train", "validation", "by")
_PERSONS: Path = ("data", "clip", "persons")
_HAND = ("wrist", "middle_base")


def misfits(spec: Spec, dataset: Dataset, layout: Layout | None) -> Iterator[Fault]:
    """Everything that a spec does with skeletons and that these cannot have done to them.

    Args:
        spec: The spec.
        dataset: Its data set, with its parameters.
        layout: The skeleton; None where it is at fault itself.
    """
    if layout is not None and (why := _preprocess_misfit(spec.data.preprocess, dataset, layout)):
        what = f"pre-processing '{spec.data.preprocess}' {why}"
        yield (
            what,
            _PREPROCESS,
            "Set data.preprocess: none, and perhaps data.clip.normalise: minmax_recording",
        )
    persons = spec.data.clip.persons
    if persons is not None and persons > dataset.persons:
        what = f"a clip of {persons} persons, where data set '{dataset.name}' has at most {dataset.persons}"
        yield what, _PERSONS, f"Set it to {dataset.persons} or leave it out"
    axes = dataset.channels if dataset.axes is None else dataset.axes
    for path, wanted, does in ((_ROTATE, 3, "rotates in space"), (_MOVE, 2, "moves in the image plane")):
        for place in (path, (*_SEARCH, *path)):
            if _given(spec, place) and (axes != wanted or (path == _ROTATE and dataset.channels != 3)):
                what = f"'{path[-1]}' {does}, and joints of data set '{dataset.name}' have {_values(dataset)}"
                yield what, place, "Leave it out"
    yield from _unknown_subjects(spec, dataset)


def _unknown_subjects(spec: Spec, dataset: Dataset) -> Iterator[Fault]:
    if dataset.subjects:
        return
    for place in (_BY, (*_SEARCH, *_BY)):
        given = spec.search_options() if place[0] == "search" else spec.train
        if given.validation.by == "subject" and (place == _BY or spec.train.validation.by != "subject"):
            what = f"validation holds out performers, and those of data set '{dataset.name}' are not known"
            yield what, place, "Set train.validation.by: random"


def _preprocess_misfit(name: str, dataset: Dataset, layout: Layout) -> str:
    """Why a pre-processing cannot be done, or nothing."""
    axes = dataset.channels if dataset.axes is None else dataset.axes
    if name in ("sgcn", "hand") and (axes, dataset.channels) != (3, 3):
        return f"turns or scales in space, and joints of data set '{dataset.name}' have {_values(dataset)}"
    if name == "kinetics2d" and (axes, dataset.channels) != (2, 3):
        return f"takes x, y and a score, and joints of data set '{dataset.name}' have {_values(dataset)}"
    if name == "sgcn" and layout.torso is None:
        return f"needs a torso, which layout '{layout.name}' does not name"
    if name == "hand" and not set(_HAND) <= set(layout.joints):
        return f"needs the joints {' and '.join(_HAND)}, which layout '{layout.name}' has not"
    return ""


def _values(dataset: Dataset) -> str:
    """What a joint has, in words."""
    axes = dataset.channels if dataset.axes is None else dataset.axes
    others = dataset.channels - axes
    return f"{axes} coordinates" + (" and a score" if others == 1 else f" and {others} others" * bool(others))


def _given(spec: Spec, path: Path) -> Any:
    """A value that a spec sets, or what is false."""
    if path[0] == "search":
        at: Any = spec.search.train
        for step in path[2:]:
            at = at.get(step) if isinstance(at, Mapping) else None
        return at
    return getattr(spec.train.augment, str(path[-1]))


# --- other data ----------------------------------------------------------------------------------


def sets_dataset(sets: Iterable[str]) -> bool:
    """Whether changes such as ``data.dataset=ucla`` name another data set."""
    return any(change.startswith(("data.dataset=", "data.dataset.name=")) for change in sets)


def fit_to_data(resolved: Resolved, registry: Registry) -> Resolved:
    """A spec that was given other data than its own, where all that would not fit them falls back.

    What is changed is said in its ``notes``. What is at fault for other reasons is left to the check.

    Raises:
        SpecError: A value is wrong.
    """
    data = resolved.spec.data
    found = registry.find("dataset", data.dataset.name)
    if not isinstance(found, Dataset):
        return resolved
    params, problems = validated_params(found, data.dataset.params, resolved.marks, ("data", "dataset"))
    if problems:
        return resolved
    dataset, notes = found.with_params(params), []
    changes: dict[Path, Any] = {}
    if data.protocol is not None and data.protocol not in dataset.protocols:
        changes[("data", "protocol")] = dataset.protocols[0]
        notes.append(f"protocol '{dataset.protocols[0]}' for '{data.protocol}', which is of other data")
    if dataset.modality == "skeleton":
        layout = _layout(resolved.spec, dataset, registry)
        for what, path, _ in misfits(resolved.spec, dataset, layout):
            value, told = _instead(path, resolved.spec, dataset)
            changes |= value
            notes.append(f"{told}: {what}")
        fewer = fewer_joints(resolved.data, len(layout.joints)) if layout is not None else {}
        changes |= fewer
        if fewer:
            count, name = len(layout.joints), layout.name  # type: ignore[union-attr]
            notes.append(f"joints: {count} where the network mixes more: layout '{name}' has {count}")
    changed = resolved.with_changes(changes, "changed for the data") if changes else resolved
    return replace(changed, notes=tuple(notes))


def _layout(spec: Spec, dataset: Dataset, registry: Registry) -> Layout | None:
    if spec.data.layout is not None and not isinstance(spec.data.layout, str):
        return spec.data.layout.layout()
    if dataset.own_layout is not None:
        return dataset.own_layout
    found = registry.find("layout", spec.data.layout or dataset.layout)
    return found if isinstance(found, Layout) else None


def _instead(path: Path, spec: Spec, dataset: Dataset) -> tuple[dict[Path, Any], str]:
    """What takes the place of something that does not fit."""
    if path == _PREPROCESS:
        if spec.data.clip.normalise != "none":
            return {path: "none"}, "preprocess: none"
        scaled: dict[Path, Any] = {path: "none", ("data", "clip", "normalise"): "minmax_recording"}
        return scaled, "preprocess: none, clip.normalise: minmax_recording"
    if path == _PERSONS:
        return {path: dataset.persons}, f"clip.persons: {dataset.persons}"
    if path[-1] == "by":
        return {path: "random"}, "validation.by: random"
    return {path: None}, f"no augment.{path[-1]}"
