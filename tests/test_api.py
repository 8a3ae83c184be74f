"""skelbench from Python, as its page says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import skelbench
from skelbench.errors import RunFolderError, SpecError

from .engine import tiny


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, skelbench.Record]:
    """A spec of a second and the record of its search."""
    folder = tmp_path_factory.mktemp("api")
    spec = tiny.write(folder, tiny.spec())
    record = skelbench.run(spec, seed=3, sets={"train.epochs": 1}, runs=folder / "runs")
    assert isinstance(record, skelbench.Record)
    return folder, record


def test_a_run_gives_its_record(finished: tuple[Path, skelbench.Record]) -> None:
    _, record = finished
    assert record.synthetic
    assert record.seed == 3
    assert record.training is not None
    assert record.training.epochs == 1


def test_it_is_quiet_unless_asked(
    finished: tuple[Path, skelbench.Record], capfd: pytest.CaptureFixture[str]
) -> None:
    folder, record = finished
    options = {"seed": 3, "sets": ["train.epochs=1"], "runs": folder / "runs"}
    assert skelbench.run(folder / "tiny.yaml", **options) == record
    assert capfd.readouterr() == ("", "")
    skelbench.run(folder / "tiny.yaml", **options, progress=True)
    assert "is finished" in capfd.readouterr().err


def test_several_seeds_give_a_record_each(finished: tuple[Path, skelbench.Record]) -> None:
    folder, record = finished
    options: dict[str, Any] = {"sets": {"train.epochs": 1}, "runs": folder / "runs"}
    records = skelbench.run(folder / "tiny.yaml", seeds=[3, 4], workers=2, **options)
    assert isinstance(records, skelbench.Records)
    assert [one.seed for one in records] == [3, 4]
    assert records[0] == record, "it was finished"
    assert list(skelbench.run(folder / "tiny.yaml", seeds="3..4", **options)) == list(records)
    with pytest.raises(SpecError, match="--workers: engine 'local': workers"):
        skelbench.run(folder / "tiny.yaml", seed=3, workers=0, **options)


def test_an_architecture_is_trained(finished: tuple[Path, skelbench.Record]) -> None:
    folder, _ = finished
    record = skelbench.train(folder / "tiny.yaml", "plain", sets={"train.epochs": 1}, runs=folder / "runs")
    assert record.model == "plain"


def test_a_finished_run_is_opened(finished: tuple[Path, skelbench.Record]) -> None:
    folder, record = finished
    run = skelbench.open_run(folder / "runs" / record.run)
    assert run.record == record
    assert run.scores.scores.shape == (record.clips.test, 10)
    assert {line["kind"] for line in run.history} == {"trial", "generation", "epoch"}
    assert "choices" in (run.architecture or "")
    assert "tiny" in run.spec
    with torch.no_grad():
        assert run.network(torch.zeros(2, 3, 8, 20, 1)).shape == (2, 10)
    assert not run.network.training


def test_records_are_loaded(finished: tuple[Path, skelbench.Record]) -> None:
    folder, record = finished
    assert record in skelbench.load_records(folder / "runs")


def test_a_spec_is_described(finished: tuple[Path, skelbench.Record]) -> None:
    folder, _ = finished
    described = skelbench.describe(folder / "tiny.yaml", "plain", sets={"data.clip.frames": 16})
    assert described["input_shape"] == [1, 3, 16, 20, 1]
    assert skelbench.describe(folder / "tiny.yaml")["architecture"] == "supernet"


def test_errors_are_exceptions(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nowhere"):
        skelbench.run("nowhere.yaml", runs=tmp_path)
    with pytest.raises(RunFolderError):
        skelbench.open_run(tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        skelbench.fly  # noqa: B018


def test_importing_it_and_reading_records_costs_no_torch(finished: tuple[Path, skelbench.Record]) -> None:
    folder, _ = finished
    code = (
        "import sys, skelbench; "
        f"print(len(skelbench.load_records({str(folder / 'runs')!r})), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, but for a spec of seconds in the place of the shipped one."""
    page = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    assert code.count('"sgcn"') == 3
    assert code.count('"2s-agcn"') == 2
    monkeypatch.chdir(tmp_path)
    tiny.write(tmp_path, tiny.spec())
    names: dict[str, Any] = {}
    exec(code.replace('"sgcn"', '"tiny.yaml"').replace('"2s-agcn"', '"plain"'), names)
    assert names["table"]["model"].tolist() == ["searched", "plain"] or len(names["records"]) == 2
    assert isinstance(names["network"], torch.nn.Module)
