"""The readers of NTU RGB+D 60 and 120, for the owners' files and the prepared forms in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError

from .names import NTU60, NTU120, Edition, class_names
from .prepared import Prepared, fixed_split, prepared_sources, read_prepared
from .raw import ZipMember, read_bodies, read_recording, recordings
from .synthetic import write_recordings

Source = Path | ZipMember | Prepared


class NtuReader:
    """Reads one edition of NTU RGB+D; each clip has two persons, the most moving first.

    Attributes:
        edition: Which of the two data sets.
        class_names: One name per class.
        patterns: The owners' files.
    """

    edition: Edition
    class_names: tuple[str, ...]
    patterns = ("*.skeleton",)

    def sources(self, root: Path) -> Sequence[Source]:
        """The recordings under ``root``: raw ones where there are any, else those of a prepared form.

        Args:
            root: A folder of ``.skeleton`` files or of the owners' archives (searched through), one
                archive, a folder of ST-GCN's prepared arrays, CTR-GCN's npz or pyskl's pickle.

        Raises:
            DataError: There is nothing of this data set, or an archive or a name is damaged.
        """
        if not root.exists():
            raise DataError("no such file or folder", where=root)
        found: list[Source] = [*recordings(root, self.edition)]
        if not found:
            found += prepared_sources(root, self.edition)
        if not found:
            raise DataError(
                f"nothing of {self.edition.name} here",
                where=root,
                remedy="Give .skeleton files (folder or zip), ST-GCN's arrays, CTR-GCN's npz or pyskl's pkl",
            )
        return found

    def read(self, source: Source) -> Sequence[Clip]:
        """The recordings of a source; none where a recording shows nobody.

        Raises:
            DataError: The source is truncated, malformed or does not fit; says where.
        """
        if isinstance(source, Path | ZipMember):
            return read_recording(source)
        return read_prepared(source, self.edition)

    def frames(self, path: Path) -> np.ndarray:
        """The two most moving persons of a ``.skeleton`` file of any name, (T, 2, 25, 3).

        Raises:
            DataError: It is truncated or malformed, or shows nobody.
        """
        return read_bodies(path)

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """(n,) bool: the recordings that ``protocol`` trains on.

        Raises:
            DataError: The protocol is unknown, or a prepared file fixes the split of another.
        """
        self.edition.protocol(protocol)
        fixed = fixed_split(clips.ids, protocol, self.edition.name)
        return self.edition.trains(clips, protocol) if fixed is None else fixed

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """(train, test) counts of the complete data set without the recordings listed as unusable."""
        found = self.edition.protocols.get(protocol)
        return found.expected if found else None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings as ``.skeleton`` text; see `write_recordings`."""
        write_recordings(root, self.edition, clips=clips, seed=seed, classes=classes)


class Ntu60Reader(NtuReader):
    """NTU RGB+D 60: 60 actions, protocols ``xsub`` and ``xview``."""

    edition = NTU60
    class_names = class_names(NTU60.actions)


class Ntu120Reader(NtuReader):
    """NTU RGB+D 120: 120 actions, protocols ``xsub`` and ``xset``."""

    edition = NTU120
    class_names = class_names(NTU120.actions)
