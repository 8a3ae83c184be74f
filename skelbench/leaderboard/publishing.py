"""Publishing a run: its record, scores and resolved spec are copied to where published ones lie."""

from __future__ import annotations

import shutil
from pathlib import Path

from skelbench.errors import RunFolderError
from skelbench.leaderboard.hits import compact
from skelbench.leaderboard.publish import is_published
from skelbench.leaderboard.reproduce import spec_file
from skelbench.results.files import disk, write_atomic
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder
from skelbench.spec.resolve import load_spec


def publish_run(run: Path, published: Path) -> list[Path]:
    """Copy what is published of a run.

    Args:
        run: The folder of a finished run on real recordings.
        published: A folder of published leaderboards.

    Returns:
        The files written.

    Raises:
        RunFolderError: The run is not finished or of an earlier version, or its spec was changed.
    """
    if not is_published(published):
        raise RunFolderError("there are no published leaderboards", where=published, remedy="Check --output")
    folder = RunFolder(run)
    record = folder.finished()
    if record.origin is None or record.identity is None:
        remedy = "It is of an earlier version: run it again"
        raise RunFolderError("the record does not say how it was made", where=run, remedy=remedy)
    scores = compact(folder.load_scores())
    text = "" if record.fusion else _spec_text(folder, record)
    written = [published / "records" / f"{record.run}.npz", published / "records" / f"{record.run}.json"]
    write_atomic(written[0], scores)
    if text:
        written.append(spec_file(published, record))
        write_atomic(written[-1], text)
    if record.strategy is None and (run / ARCHITECTURE).is_file():
        written.append(published / "architectures" / f"{record.architecture}.yaml")
        with disk(written[-1], "write"):
            written[-1].parent.mkdir(exist_ok=True)
            shutil.copyfile(run / ARCHITECTURE, written[-1])
    record.write(written[1])
    return written


def _spec_text(folder: RunFolder, record: Record) -> str:
    resolved = load_spec(folder.path / SPEC)
    if record.origin is not None and resolved.digest != record.origin.spec:
        remedy = "It was changed by hand; run it again"
        raise RunFolderError("this is not the spec of the run", where=folder.path / SPEC, remedy=remedy)
    return resolved.portable()
