"""Processes that read for a store: none of them outlives the one that wants it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from skelbench.data.parts import Plan, write_parts
from tests.data.made import made_dataset

SOURCES = tuple(range(129))  # two parts


class Slow:
    """A reader that never comes to an end; says who is reading."""

    class_names = ("a",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, source: int) -> NoReturn:
        (self._folder / str(os.getpid())).touch()
        while True:
            time.sleep(60)


def prepare(folder: Path) -> None:
    """What the command does, without what surrounds it."""
    from skelbench.host import stopping

    stopping.install()
    reader: Any = Slow(folder / "pids")
    plan = Plan(folder / "x.partial", folder, "key", made_dataset(), reader, SOURCES, "none", None)  # type: ignore[arg-type]
    try:
        write_parts(plan, workers=2, progress=None, resume=True)
    except KeyboardInterrupt:
        stopping.leave()


def alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it takes a second")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_no_reader_outlives_its_command(number: int, code: int, tmp_path: Path):
    pids = tmp_path / "pids"
    pids.mkdir()
    script = "import sys; from pathlib import Path; from tests.data.test_parts import prepare; "
    script += "prepare(Path(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE) as process:
        try:
            while len(list(pids.iterdir())) < 2 and process.poll() is None:
                time.sleep(0.05)
            process.send_signal(number)
            assert process.wait(60) == code
        finally:
            process.kill()
    readers = [int(path.name) for path in pids.iterdir()]
    deadline = time.monotonic() + 5
    while any(map(alive, readers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(readers) == 2
    assert not any(map(alive, readers))
