"""No run opens a socket but on the loopback, and none leaves anything in HOME or TMPDIR."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from . import test_oneshot, tiny

TABLES = ("tcp", "tcp6", "udp", "udp6")
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1, the same in IPv6's form, ::1."""
OWN = tiny.own("random", evaluations=4, batch=2)
RUNS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "sequential": (tiny.spec(search=OWN), ()),
    "local": (tiny.spec(search=OWN), ("--workers", "2")),
    "local, on a supernet": (tiny.spec(), ("--workers", "2")),
    "NNI's one-shot": (test_oneshot.spec("gumbel_darts"), ()),
}


def family(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def addresses(pid: int) -> set[str]:
    """Both ends of every socket of a process and its descendants, but for those not yet bound to any."""
    inodes = set()
    for one in family(pid):
        with suppress(OSError):
            for link in Path(f"/proc/{one}/fd").iterdir():
                with suppress(OSError):
                    found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
                    inodes |= {found[1]} if found else set()
    ends = set()
    for name in TABLES:
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                local, remote = (field.split(":") for field in fields[1:3])
                ends.add(local[0])
                ends |= {remote[0]} if remote[1] != "0000" else set()
    return ends


def watched(command: list[str], folder: Path) -> tuple[int, set[str]]:
    """The exit code of a command and every address that it used, looked at a hundred times a second."""
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    places = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **places})
    seen: set[str] = set()
    while process.poll() is None:
        seen |= addresses(process.pid)
        time.sleep(0.01)
    return process.returncode, seen


def command(data: dict[str, Any], raw: Path, folder: Path, *more: str) -> list[str]:
    path = tiny.write(folder, data)
    words = ["run", str(path), "--data", str(raw), "--accelerator", "cpu", *more]
    return [sys.executable, "-m", "skelbench", *words]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_listens_and_speaks_on_the_loopback_alone(name: str, raw: Path, tmp_path: Path) -> None:
    data, more = RUNS[name]
    code, seen = watched(command(data, raw, tmp_path, *more), tmp_path)
    assert code == 0
    assert seen <= LOOPBACK
    assert left_in(tmp_path / "home") == []
    assert left_in(tmp_path / "tmp") == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_ray_listens_and_speaks_on_the_loopback_alone(raw: Path, tmp_path: Path) -> None:
    code, seen = watched(command(tiny.spec(search=OWN), raw, tmp_path, "--ray", "local"), tmp_path)
    assert code == 0
    assert seen
    assert seen <= LOOPBACK
    assert left_in(tmp_path / "home") == []


def test_a_socket_that_everybody_reaches_would_be_seen(tmp_path: Path) -> None:
    opens = "import socket, time; s = socket.create_server(('', 0)); time.sleep(0.5)"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {opens!r}])"
    code, seen = watched([sys.executable, "-c", starts], tmp_path)
    assert code == 0
    assert "00000000" in seen


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
