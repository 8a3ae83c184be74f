"""The command line: help, output for programs, exit codes, and what a command may import."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from skelbench_plugins.datasets.ucla.reader import UclaReader
from typer.testing import CliRunner

from skelbench import __version__
from skelbench.cli import app as cli
from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.results.record import Record
from skelbench.spec.resolve import load_spec

SPEC = """\
skelbench: 1
name: tiny
data: {dataset: ucla, clip: {frames: 8, fill: resize, persons: 1}}
network:
  input: data_bn
  body:
    - {op: stgcn_block, channels: 4, kernel: 3, graph: {mix: {label: graph, from: [cheb.l, cheb.l2]}}}
  head: mean_pool_linear
search: {strategy: {name: random, evaluations: 2}, epochs: 1}
train: {epochs: 1, batch_size: 16, precision: "32"}
evaluate: {metrics: [top1, top5]}
architectures:
  plain: {choices: {graph: [cheb.l]}}
"""
CPU = ("--accelerator", "cpu")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and thirty synthetic recordings."""
    folder = tmp_path_factory.mktemp("place")
    UclaReader().synthesise(folder / "raw", clips=30, seed=0, classes=3)
    (folder / "tiny.yaml").write_text(SPEC)
    return folder


@pytest.fixture(autouse=True)
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def invoke(*arguments: object) -> Any:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def commands(command: Any, name: str = "") -> list[tuple[str, Any]]:
    """Every command below, with the words that call it."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(name, command)]
    return [pair for word, sub in below.items() for pair in commands(sub, f"{name} {word}".strip())]


ALL = dict(commands(typer.main.get_command(cli.app)))


# --- help --------------------------------------------------------------------------------------


def test_the_commands_are_those_that_others_script_against():
    promised = {
        *("run", "check", "describe", "list", "plugins", "doctor", "train", "evaluate", "fuse"),
        *("leaderboard", "data check", "data prepare", "data synth", "schema"),
    }
    assert promised <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help_with_an_example_of_itself(name: str):
    result = invoke(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    shown = " ".join(result.stdout.replace("│", " ").split())
    assert f"skelbench {name}" in shown


@pytest.mark.parametrize("name", ALL)
def test_every_option_and_argument_is_explained(name: str):
    for parameter in ALL[name].params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), parameter.opts


def test_the_version():
    assert invoke("--version").stdout == f"{__version__}\n"


# --- a whole way by commands --------------------------------------------------------------------


def test_run_prints_the_record_for_programs_and_says_the_rest_on_standard_error():
    result = invoke("run", "tiny.yaml", "--data", "raw", "--json", "--seed", 3, *CPU)
    assert result.exit_code == 0
    record = Record.model_validate(json.loads(result.stdout))
    assert (record.seed, record.spec, record.model) == (3, "tiny", "searched")
    assert "searching with random" in result.stderr
    assert Record.read(Path("runs") / record.run / "record.json") == record


def test_run_prints_the_leaderboard_row_for_people():
    result = invoke("run", "tiny.yaml", "--data", "raw", *CPU)
    assert "| rank | model |" in result.stdout
    assert "found by random" in result.stdout
    assert "record: runs/tiny-" in result.stderr


def test_changes_seeds_and_folders_reach_the_run():
    sets = ("--set", "train.epochs=2", "--set", "evaluate.metrics=[top1]")
    arguments = ("train", "tiny.yaml", "--arch", "plain", "--data", "raw", "--json", "--runs", "elsewhere")
    record = Record.model_validate(json.loads(invoke(*arguments, *sets, *CPU).stdout))
    assert record.training is not None
    assert record.training.epochs == 2
    assert list(record.metrics) == ["top1"]
    assert record.model == "plain"
    assert (Path("elsewhere") / record.run / "record.json").is_file()


def test_evaluate_scores_a_run_again_with_other_views():
    arguments = ("train", "tiny.yaml", "--arch", "plain", "--data", "raw", "--json", *CPU)
    record = Record.model_validate(json.loads(invoke(*arguments).stdout))
    again = json.loads(invoke("evaluate", f"runs/{record.run}", "--json").stdout)
    assert Record.model_validate(again) == record
    third = invoke("evaluate", f"runs/{record.run}", "--views", 3, "--json")
    more = Record.model_validate(json.loads(third.stdout))
    assert (more.views, more.model) == (3, "plain")
    assert more.run != record.run


def test_describe_gives_exact_figures_without_data():
    found = json.loads(invoke("describe", "tiny.yaml", "--arch", "plain", "--json").stdout)
    assert found["space_size"] == 3
    assert found["spec_hash"] == load_spec("tiny.yaml").hash
    assert found["choices"] == {"graph": ["cheb.l"]}
    assert found["flops"] == 2 * found["macs"]
    assert found["input_shape"] == [1, 3, 8, 20, 1]
    for figure in ("params", "macs", "as_reported"):
        assert found[figure] == sum(block[figure] for block in found["blocks"])
    supernet = json.loads(invoke("describe", "tiny.yaml", "--json").stdout)
    assert supernet["architecture"] == "supernet"
    assert supernet["macs"] >= found["macs"]
    table = invoke("describe", "tiny.yaml", "--arch", "plain").stdout
    assert "3 architectures, 1 decisions" in table
    assert all(f"{found[figure]:,}" in table for figure in ("params", "macs", "as_reported"))
    assert "\nas reported: MACs as AdaSGN counts them" in table


def test_without_data_a_run_is_synthetic_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("skelbench.engine.data.SYNTHETIC_CLASSES", 3)
    result = invoke("train", "tiny.yaml", "--arch", "plain", "--runs", tmp_path, "--json", *CPU)
    assert Record.model_validate(json.loads(result.stdout)).synthetic
    assert "no --data given" in result.stderr


# --- exit codes ---------------------------------------------------------------------------------


def main(raised: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of a run that raises."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise raised

    monkeypatch.setattr("skelbench.engine.finished.finished_record", fail)
    monkeypatch.setattr(sys, "argv", ["skelbench", "run", "tiny.yaml"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (SkelbenchError("it is wrong", where="a:1", remedy="Mend it"), 2, "a:1: it is wrong. Mend it"),
        (WorkFailed("no luck", remedy="Try again"), 1, "no luck. Try again"),
    ],
)
def test_errors_become_one_paragraph_and_an_exit_code(
    raised: BaseException,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    assert main(raised, monkeypatch) == code
    assert capsys.readouterr() == ("", f"skelbench: {told}\n")


PRINTS = """
import rich
from skelbench.cli import ending
def lines():
    for n in range(100_000):
        rich.print(n)
ending.run(lines, lambda: False)
"""


def test_a_reader_that_ends_is_no_error():
    """As with ``| head``; nothing is said of it, whoever notices."""
    command = [sys.executable, "-c", PRINTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "0\n"
        first.stdout.close()
        assert first.stderr.read() == ""
    assert first.returncode == 141


def test_an_interruption_is_exit_code_130(monkeypatch: pytest.MonkeyPatch):
    assert main(KeyboardInterrupt(), monkeypatch) == 130


def test_an_interruption_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    main(KeyboardInterrupt(), monkeypatch)
    assert "the same command goes on from here" in capsys.readouterr().err


def test_a_wrong_option_is_exit_code_2():
    assert invoke("run", "tiny.yaml", "--sed", 1).exit_code == 2
    assert invoke("run").exit_code == 2
    assert invoke("evaluate", "runs/x", "--views", 0).exit_code == 2


# --- processes ----------------------------------------------------------------------------------

MAIN = "from skelbench.cli.app import main; main()"


LOOK = """
import sys
try:
    from skelbench.cli.app import main; main()
finally:
    print(sorted({"torch", "nni", "pytorch_lightning"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("line", ["--help", "list", "plugins", "leaderboard --runs runs"])
def test_light_commands_import_neither_torch_nor_nni(line: str):
    command = [sys.executable, "-c", LOOK, *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("[]\n")


def test_an_interrupt_from_outside_ends_with_130_and_leaves_a_checkpoint(tmp_path: Path):
    """SIGINT in the middle of the supernet's training, as by Ctrl-C."""
    command = [sys.executable, "-c", MAIN, "run", "tiny.yaml", "--data", "raw", "--runs", str(tmp_path), *CPU]
    long = ["--set", "search.epochs=4000", "--set", "train.epochs=1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, *long],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment,
        # Shells let background jobs ignore the signal, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("search 3/"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "Traceback" not in rest
    (run,) = tmp_path.glob("tiny-*")
    assert (run / "checkpoints" / "search" / "last.ckpt").is_file()
    assert not (run / "record.json").exists()
    assert not (run / "architecture.yaml").exists()
