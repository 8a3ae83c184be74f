"""The reader of ``skeletons``: recordings of one's own, in files as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Layout
from skelbench.data import Clip, Clips
from skelbench.errors import DataError, did_you_mean
from skelbench.layouts import LayoutOptions

from ...layouts import LAYOUTS
from . import bundles, made_up, pattern, tables
from .arrays import Arrays, Item
from .labels import label_of
from .loose import gathered
from .params import SkeletonsParams
from .pyskl import Pyskl
from .shape import Form
from .split import TEST, TRAIN, UNKNOWN, is_train, listed_part, read_lists, subject_number

_PARTS = {"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST, "val": TEST, "validation": TEST}


class SkeletonsReader:
    """Reads what `SkeletonsParams` describes.

    Args:
        params: The fields of `SkeletonsParams`.

    Attributes:
        params: The parameters.
        class_names: The names of the classes; those of folders and texts once `sources` has found them.
        dropped: What the last `sources` left out, in lines for people.
    """

    patterns: tuple[str, ...] = tuple(f"*{ending}" for ending in tables.ENDINGS)
    bundles: tuple[str, ...] = tuple(f"*{ending}" for ending in bundles.ENDINGS)

    def __init__(self, **params: Any) -> None:
        self.params = SkeletonsParams(**params)
        given = self.params.classes
        numbered = tuple(f"class {number}" for number in range(1, self.params.class_count + 1))
        self.class_names: tuple[str, ...] = given if isinstance(given, tuple) else numbered
        self.dropped: tuple[str, ...] = ()
        self._lists: dict[str, int] = {}
        self._opened: tuple[Path, Arrays | Pyskl] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which opens files by itself."""
        return {**self.__dict__, "_opened": None}

    @cached_property
    def layout(self) -> Layout:
        """The skeleton.

        Raises:
            DataError: There is none of that name, and nobody has told it.
        """
        given = self.params.layout
        if isinstance(given, LayoutOptions):
            return given.layout()
        known = {layout.name: layout for layout in LAYOUTS}
        if given not in known:
            remedy = f"{did_you_mean(given, known)} Or write 'joints' and 'bones' under 'layout'"
            what = f"there is no built-in layout '{given}'"
            raise DataError(what, where="data.dataset.layout", remedy=remedy)
        return known[given]

    def use_layout(self, layout: Layout) -> None:
        """Take a skeleton for the one that the parameters name, which may be a plugin's."""
        self.layout = layout

    @property
    def form(self) -> Form:
        """What a recording looks like."""
        return Form(self.params, self.layout.joints)

    # --- what there is -----------------------------------------------------------------------

    def sources(self, root: Path) -> Sequence[pattern.Found]:
        """The files that are recordings, or that hold many.

        Raises:
            DataError: There is none, or what names say of a class is none.
        """
        if made_up.is_made_up(root):
            return [pattern.Found("", (root / made_up.FILE,))]
        self.dropped = ()
        self._lists = read_lists(root, self.params.split)
        found = self._listed(self._found(root))
        several = [one for one in found if one.path.suffix.lower() in bundles.ENDINGS]
        texts, pieces = set[str](), []
        for one in several:
            try:
                bundle = self._bundle(one.path)
                texts |= {label for label in bundle.labels() if isinstance(label, str)}
                pieces += [replace(one, piece=piece) for piece in bundle.pieces()]
                if unlisted := bundle.unlisted():
                    self._drop(f"{unlisted} recordings of '{one.path.name}' are in no part of its split")
            except DataError:  # is told when it is read, with whatever else is damaged
                pieces.append(one)
        self._name_classes(texts | {one.parts[pattern.CLASS] for one in found if pattern.CLASS in one.parts})
        return pieces or found

    def _found(self, root: Path) -> list[pattern.Found]:
        if self.params.files is not None and root.is_dir():
            lists = (self.params.split.train, self.params.split.test)
            found, others = pattern.find(root, self.params.files)
            others = [name for name in others if name not in lists]
            if others:
                self._drop(
                    f"{len(others)} files do not fit 'files' and are not read, '{others[0]}' the first"
                )
            return found
        if self.params.files is not None and root.suffix.lower() not in bundles.ENDINGS:
            what = "is one file, and 'files' is a pattern of names below a folder"
            raise DataError(what, where=root, remedy="Give the folder, or leave out 'files'")
        paths = (
            [root] if root.is_file() else [p for p in sorted(root.iterdir()) if p.suffix in bundles.ENDINGS]
        )
        if len(paths) != 1:
            what = f"{len(paths)} npz or pickle files here, and no 'files' says what is read"
            remedy = "Set 'files' of the data set; `skelbench data describe` proposes it"
            raise DataError(what, where=root, remedy=remedy)
        if paths[0].suffix.lower() not in bundles.ENDINGS:
            what = f"a file of many recordings ends in {', '.join(bundles.ENDINGS)}"
            raise DataError(what, where=paths[0], remedy="Give the folder and set 'files' of the data set")
        return [pattern.Found("", (paths[0],))]

    def _drop(self, told: str) -> None:
        self.dropped = (*self.dropped, told)

    def _listed(self, found: list[pattern.Found]) -> list[pattern.Found]:
        """Without files of single recordings that no list of the split names."""
        if not self._lists:
            return found
        several = bundles.ENDINGS
        kept = [
            one for one in found if one.path.suffix.lower() in several or self._part(one, one.id) is not None
        ]
        if unlisted := len(found) - len(kept):
            self._drop(f"{unlisted} recordings are in no list of 'split' and are not read")
        return kept

    def _bundle(self, path: Path) -> Arrays | Pyskl:
        """A file of many recordings, open until another one is wanted."""
        if self._opened is None or self._opened[0] != path:
            self._opened = (path, bundles.open_bundle(path, self.form))
        return self._opened[1]

    def _name_classes(self, names: set[str]) -> None:
        """Take names of folders and texts for the classes, where the parameters only count them."""
        if isinstance(self.params.classes, tuple) or self.params.labels is not None:
            return
        if names and len(names) != self.params.class_count:
            some = ", ".join(sorted(names)[:5])
            count = self.params.class_count
            what = f"{len(names)} classes in the files ({some} ...), and 'classes' says {count}"
            raise DataError(what, where="data.dataset.classes", remedy=f"Set classes: {len(names)}")
        if names:
            self.class_names = tuple(sorted(names))

    # --- what is in it -----------------------------------------------------------------------

    def read(self, source: pattern.Found) -> Sequence[Clip]:
        """The recordings of a file, without those that no part of the split lists.

        Raises:
            DataError: It is damaged, or does not fit the parameters; says where.
        """
        if source.path.name == made_up.FILE:
            return made_up.read(source.path)
        if source.path.suffix.lower() in bundles.ENDINGS:
            bundle = self._bundle(source.path)
            try:
                clips = [self._of_item(item, source) for item in bundle.items(source.piece)]
            except DataError:
                bundle.close()
                raise
            return [clip for clip in clips if clip is not None]
        clip = self._of_file(source)
        return [] if clip is None else [clip]

    def frames(self, path: Path) -> np.ndarray:
        """The coordinates in a file of one recording, whatever its name, (T, M, V, C) float32.

        Raises:
            DataError: It is truncated, malformed or of another form.
        """
        return self.joined([path])

    def joined(self, paths: Sequence[Path]) -> np.ndarray:
        """The coordinates in the files of one recording, (T, M, V, C) float32.

        Raises:
            DataError: One is truncated, malformed or of another form.
        """
        return tables.read_recording(paths, self.form)

    def unlabelled(self, path: Path) -> Iterator[tuple[str, np.ndarray]]:
        """Each recording of a file of many by its id, (T, M, V, C) float32; classes are not looked at.

        Raises:
            DataError: The file is damaged, or a recording does not fit the parameters.
        """
        for item in bundles.open_bundle(path, self.form, labelled=False).items():
            yield item.id, item.frames

    def gathered(self, folder: Path) -> dict[str, tuple[Path, ...]]:
        """See `skelbench_plugins.datasets.skeletons.loose.gathered`."""
        return gathered(folder, self.params.files)

    def _of_file(self, source: pattern.Found) -> Clip | None:
        part = self._part(source, source.id)
        if part is None:
            return None
        parts = source.parts
        given = parts.get(pattern.CLASS, parts.get(pattern.LABEL))
        if given is None and source.path.suffix.lower() == ".json":
            given = tables.label_in(source.path)
        if given is None:
            what = "nothing says the class of a recording"
            raise DataError(what, where=source.path, remedy="Name {label} or {class} in 'files'")
        return Clip(
            id=source.id,
            label=label_of(given, str(source.path), self.params, self.class_names),
            frames=tables.read_recording(source.paths, self.form),
            subject=subject_number(parts[pattern.SUBJECT]) if pattern.SUBJECT in parts else -1,
            camera=int(parts[pattern.CAMERA]) if pattern.CAMERA in parts else -1,
            setup=part,
        )

    def _of_item(self, item: Item, source: pattern.Found) -> Clip | None:
        part = self._part(source, item.id)
        if part == UNKNOWN and item.train is not None:
            part = TRAIN if item.train else TEST
        if part is None:
            return None
        given = item.label if item.label is not None else source.parts.get(pattern.CLASS)
        subject = item.subject if item.subject is not None else source.parts.get(pattern.SUBJECT)
        return Clip(
            id=item.id,
            label=label_of(given, f"{source.path}, '{item.id}'", self.params, self.class_names),
            frames=item.frames,
            subject=-1 if subject is None else subject_number(subject),
            setup=part,
        )

    def _part(self, source: pattern.Found, name: str) -> int | None:
        """The part that a list or a folder puts a recording in; None: no list names it."""
        if self._lists:
            path = source.path.as_posix()
            tail = path.rsplit("/", 2)
            names = (name, source.path.name, source.path.stem, "/".join(tail[-2:]), name.rsplit("/", 1)[-1])
            return listed_part(names, self._lists, self.params.split)
        given = source.parts.get(pattern.PART)
        if given is None:
            return UNKNOWN
        if given.lower() not in _PARTS:
            what = f"{{split}} is '{given}', which is none of {', '.join(_PARTS)}"
            raise DataError(what, where=source.path, remedy="Correct 'files' of the data set")
        return _PARTS[given.lower()]

    # --- the rest ----------------------------------------------------------------------------

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """See `skelbench_plugins.datasets.skeletons.split.is_train`."""
        return is_train(clips, protocol, self.params.split)

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown: the recordings are somebody's own."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings as one npz, which is read whatever the parameters say of files."""
        made_up.write(root, self.params, self.layout, clips=clips, seed=seed, classes=classes)
