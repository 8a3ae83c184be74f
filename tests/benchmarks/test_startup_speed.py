"""How long commands take from start to end, beside the imports that they do without, in the same run."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.made_plugins import COUNT, install_many

ROUNDS = 5
RUN = "import sys; from skelbench.cli.app import main; sys.argv[0] = 'skelbench'; main()"
IMPORTS = ("-c", "import torch, nni")


def seconds(work: Callable[[], object]) -> float:
    """The shortest of a few times: what a command takes where nothing else runs."""
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def python(*arguments: str, folder: Path) -> None:
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def heavy_imports(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that ``import torch, nni`` takes."""
    folder = tmp_path_factory.mktemp("imports")
    return seconds(lambda: python(*IMPORTS, folder=folder))


@pytest.mark.parametrize("command", ["--help", "list", "leaderboard"])
def test_start(benchmark: Any, heavy_imports: float, tmp_path: Path, command: str) -> None:
    benchmark.pedantic(
        lambda: python("-c", RUN, *command.split(), folder=tmp_path), rounds=ROUNDS, warmup_rounds=1
    )
    own = benchmark.stats.stats.min
    benchmark.extra_info.update(
        command=command, import_torch_nni=heavy_imports, times_faster=heavy_imports / own
    )
    print(f"\nskelbench {command}: {own:.2f} s; import torch, nni: {heavy_imports:.2f} s")
    assert own < heavy_imports, "it takes as long as importing what it does without"


def test_start_with_many_plugins(
    benchmark: Any, heavy_imports: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty installed plugins, against none but skelbench's own."""
    alone = seconds(lambda: python("-c", RUN, "list", folder=tmp_path))
    install_many(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    benchmark.pedantic(lambda: python("-c", RUN, "list", folder=tmp_path), rounds=ROUNDS, warmup_rounds=1)
    own = benchmark.stats.stats.min
    benchmark.extra_info.update(
        plugins=COUNT, without=alone, times_slower=own / alone, import_torch_nni=heavy_imports
    )
    print(f"\nskelbench list: {own:.2f} s with {COUNT} plugins, {alone:.2f} s without")
    assert own < heavy_imports, "it takes as long as importing what it does without"
    assert own < 3 * alone, "plugins that import nothing cost more than all the rest"
