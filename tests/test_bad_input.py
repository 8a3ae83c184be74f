"""Wrong input: one error that says where, what and how to mend it, exit code 2, and nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from skelbench_plugins.datasets.ucla.reader import UclaReader
from typer.testing import CliRunner

from skelbench.check.spec import check_spec
from skelbench.cli.app import app
from skelbench.engine.identity import run_hash
from skelbench.errors import Problem, SkelbenchError
from skelbench.host.registry import load_registry
from skelbench.results import files, journal
from skelbench.results.store import RunFolder
from skelbench.spec.resolve import load_spec

SPEC = """\
skelbench: 1
name: tiny
data: {dataset: ucla, protocol: xview, clip: {frames: 8, fill: resize, persons: 1}}
network:
  input: data_bn
  body:
    - {op: stgcn_block, channels: 4, kernel: 3, graph: {mix: {label: graph, from: [cheb.l, cheb.l2]}}}
    - {op: stgcn_block, channels: 4, kernel: 3, graph: adjacency}
  head: mean_pool_linear
search: {strategy: {name: random, evaluations: 2}, epochs: 1}
train: {epochs: 1, batch_size: 16, precision: "32"}
architectures:
  plain: {choices: {graph: [cheb.l]}}
"""

CELLS = """\
skelbench: 1
name: tiny
data: {dataset: ucla, protocol: xview, clip: {frames: 8, fill: uniform, persons: 1}}
network:
  input: skeleton_image
  body:
    - {op: image_stem, channels: 4}
    - cell:
        layers: 3
        channels: 4
        from: [sep3, skip, zero]
        nodes: 2
  head: mean_pool_linear
search:
  strategy: {name: darts}
  network:
    body:
      - {op: image_stem, channels: 4}
      - {cell: {layers: 3, channels: 2, nodes: 2, from: [sep3, skip, zero]}}
architectures:
  chosen:
    choices:
      normal.2: [sep3(0), skip(1)]
      normal.3: [sep3(0), skip(2)]
      reduce.2: [sep3(0), skip(1)]
      reduce.3: [sep3(0), skip(1)]
  given:
    network:
      input: skeleton_image
      body:
        - cell:
            layers: 3
            channels: 4
            genotype:
              normal: [[sep3(0)], [max3(1), se(2)]]
              reduce: [[skip(0)], [dil3(1), se(2)]]
      head: mean_pool_linear
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty synthetic recordings."""
    root = tmp_path_factory.mktemp("ucla")
    UclaReader().synthesise(root, clips=30, seed=0, classes=3)
    return root


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(SPEC)
    return tmp_path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["run", *map(str, arguments), "--accelerator", "cpu"])


def fault(*arguments: object, exit_code: int = 2) -> Problem:
    """The one problem that `skelbench run` tells."""
    error = run(*arguments).exception
    assert isinstance(error, SkelbenchError), error
    assert error.exit_code == exit_code
    (problem,) = error.problems
    assert problem.where
    assert "\n" not in str(problem)
    return problem


def left_behind() -> list[str]:
    """Every file and folder that is no input, stores and their locks apart."""
    found = (p for p in Path().rglob("*") if not set(p.parts) & {"tiny.yaml", "data", ".stores"})
    return sorted(map(str, (p for p in found if p != Path("runs"))))


# --- specs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "remedy"),
    [
        ("epochs: 1, batch", "epoch: 1, batch", "tiny.yaml:11", "unknown key 'train.epoch'", "'epochs'"),
        (
            "search: {",
            "name: other\nsearch: {",
            "tiny.yaml:10",
            "the key 'name' stands twice, first at tiny.yaml:2",
            "Keep one",
        ),
        (
            "epochs: 1, batch",
            "epochs: many, batch",
            "tiny.yaml:11",
            "must be a whole number (it is 'many')",
            "",
        ),
        (
            "graph: adjacency",
            "graph: ajacency",
            "tiny.yaml:8",
            "unknown graph module 'ajacency'",
            "'adjacency'",
        ),
        ("name: random", "name: randon", "tiny.yaml:10", "unknown strategy 'randon'", "'random'"),
        ("dataset: ucla", "dataset: ucal", "tiny.yaml:3", "unknown dataset 'ucal'", "'ucla'"),
        ("evaluations: 2", "evaluation: 2", "tiny.yaml:10", "'evaluation'", "'evaluations'"),
        (
            "graph: adjacency",
            "graph: {choice: {label: graph, from: [cheb.l, cheb.l2]}}",
            "tiny.yaml:8",
            "label 'graph'",
            "label",
        ),
        (
            "dataset: ucla,",
            "dataset: ucla, layout: ntu25,",
            "tiny.yaml:3",
            "layout 'ntu25' has 25 joints, but data set 'ucla' has 20",
            "'ucla20'",
        ),
        ("protocol: xview", "protocol: xvew", "tiny.yaml:3", "no protocol 'xvew'", "'xview'"),
        (
            "kernel: 3, graph: adj",
            "kernel: 4, graph: adj",
            "tiny.yaml:8",
            "an even kernel has no middle frame; take an odd one (it is 4)",
            "",
        ),
        ("[cheb.l]}", "[cheb.l3]}", "tiny.yaml:13", "cheb.l3", "cheb.l"),
    ],
)
def test_a_faulty_spec(old: str, new: str, where: str, what: str, remedy: str, raw: Path):
    assert old in SPEC
    Path("tiny.yaml").write_text(SPEC.replace(old, new, 1))
    problem = fault("tiny.yaml", "--data", raw)
    assert problem.where == where
    assert what in problem.what
    assert remedy in problem.remedy
    assert bool(problem.remedy) == bool(remedy), "where it is empty, the fault itself says what is wanted"
    assert left_behind() == []


def test_a_strategy_that_cannot_search_a_kind_of_decision(raw: Path):
    searched = SPEC.replace("channels: 4", "channels: {value: {label: width, from: [4, 8]}}", 1)
    Path("tiny.yaml").write_text(searched.partition("architectures")[0])
    problem = fault("tiny.yaml", "--data", raw)
    assert problem.what == "strategy 'random' cannot search a value ('width') with shared weights"
    assert problem.where == "tiny.yaml:7"
    assert problem.remedy == "Set search.strategy.weights to 'own'"
    assert left_behind() == []


# --- cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "remedy"),
    [
        ("[sep3, skip, zero]\n  ", "[sep33, skip, zero]\n  ", 11, "unknown operator 'sep33'", "'sep3'"),
        (
            "[sep3, skip, zero]\n  ",
            "[qqq, skip, zero]\n  ",
            11,
            "unknown operator 'qqq'",
            "Valid names: avg3, conv3, dil3, dil5, max3, se, sep3, sep5, skip, zero",
        ),
        (
            "[sep3, skip, zero]\n  ",
            "[image_stem, skip, zero]\n  ",
            11,
            "operator 'image_stem' (skeleton) cannot stand here: cell is needed",
            "Valid names: avg3, conv3",
        ),
        (
            "layers: 3\n        ch",
            "layers: 2\n        ch",
            9,
            "2 cells have no one and two thirds",
            "reduce_at",
        ),
        ("nodes: 2\n", "drop_path: 1.5\n", 12, "'drop_path' is a share from 0 to below 1, not 1.5", ""),
        ("[sep3, skip, zero]}}", "[sep3, zero]}}", 19, "the label 'normal.2' stands for another", "labels"),
        ("[sep3(0), skip(2)]", "[sep3(0), skip(3)]", 24, "has no input 3", "Its inputs are 0, 1, 2"),
        ("[sep3(0), skip(2)]", "[sep3(0), skip(0)]", 24, "takes one input twice", "an input of its own"),
        ("[sep3(0), skip(2)]", "[sep3(0), skp(2)]", 24, "has no option 'skp(2)'", "'skip(2)'"),
        ("[sep3(0), skip(2)]", "[sep3(0), zero(2)]", 24, "has no option 'zero(2)'", "'sep3(2)'"),
        (
            "      normal.3: [sep3(0), skip(2)]\n",
            "",
            22,
            "no decision for the cell 'normal.3'",
            "Choose from",
        ),
        ("normal.3:", "norml.3:", 24, "the space has no label 'norml.3'", "'normal.3'"),
        ("max3(1), se(2)", "max3(1), se(3)", 35, "node 3 has no input 3", "0 to 2"),
        ("max3(1), se(2)", "max3(1), see(2)", 35, "unknown operator 'see'", "'se'"),
        ("max3(1), se(2)", "max3(1), data_bn(2)", 35, "cell is needed", "Valid names: avg3"),
        ("max3(1), se(2)", "max3(1), se(1)", 35, "node 3 takes one input twice", "its own input"),
        (
            "              reduce: [[skip(0)], [dil3(1), se(2)]]\n",
            "",
            34,
            "the genotype has no 'reduce' cell",
            "Add 'reduce'",
        ),
    ],
)
def test_faulty_cells(old: str, new: str, where: int, what: str, remedy: str, raw: Path):
    """The same fault at several nodes of a cell is told for each; nothing is begun."""
    assert CELLS.count(old) == 1
    Path("tiny.yaml").write_text(CELLS.replace(old, new))
    error = run("tiny.yaml", "--data", raw).exception
    assert isinstance(error, SkelbenchError), error
    assert error.exit_code == 2
    first = error.problems[0]
    assert first.where == f"tiny.yaml:{where}"
    assert what in first.what
    assert remedy in first.remedy
    assert len({(problem.where, problem.remedy) for problem in error.problems}) == 1
    assert left_behind() == []


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "remedy"),
    [
        (
            "name: darts",
            "name: evolution",
            "tiny.yaml:8",
            "strategy 'evolution' cannot search a cell ('normal.2') with shared weights",
            "Set search.strategy.weights to 'own'",
        ),
        (
            "- {op: image_stem, channels: 4}\n    - cell",
            "- {op: image_stem, channels: {value: {label: width, from: [4, 8]}}}\n    - cell",
            "tiny.yaml:7",
            "strategy 'darts' cannot search a value ('width') with shared weights",
            "Strategies that can: asha, ceim, evolution",
        ),
        (
            "- {op: image_stem, channels: 4}\n    - cell",
            "- {depth: {label: deep, of: {op: image_stem, channels: 4}, from: [1, 2]}}\n    - cell",
            "tiny.yaml:7",
            "strategy 'darts' cannot search a depth ('deep') with shared weights",
            "Strategies that can: asha, ceim, evolution",
        ),
        (
            "layers: 3\n        ch",
            "layers: {value: {label: cells, from: [3, 4]}}\n        ch",
            "tiny.yaml:9",
            "strategy 'darts' cannot search a value ('cells') with shared weights",
            "Strategies that can",
        ),
    ],
)
def test_a_strategy_that_cannot_search_what_the_network_holds(
    old: str, new: str, where: str, what: str, remedy: str, raw: Path
):
    text = CELLS.partition("  network:\n    body:\n      - {op")[0]  # one network for the search and after it
    assert text.count(old) == 1
    Path("tiny.yaml").write_text(text.replace(old, new))
    problem = fault("tiny.yaml", "--data", raw)
    assert (problem.where, problem.what) == (where, what)
    assert remedy in problem.remedy
    assert left_behind() == []


def test_a_mix_beside_cells_is_nothing_for_a_strategy_that_keeps_one_option(raw: Path):
    stem = "{op: image_stem, channels: 4}"
    text = CELLS.partition("architectures")[0].replace("darts", "gumbel_darts")
    Path("tiny.yaml").write_text(text.replace(stem, f"{{mix: {{label: stems, from: [{stem}, {stem}]}}}}"))
    problem = fault("tiny.yaml", "--data", raw)
    assert problem.where == "tiny.yaml:7"
    assert problem.what == "strategy 'gumbel_darts' cannot search a mix ('stems') with shared weights"
    assert problem.remedy.startswith("Strategies that can: asha, ceim, darts")
    assert left_behind() == []


@pytest.mark.parametrize(
    ("old", "new", "label", "which"),
    [
        (", nodes: 2, from", ", nodes: 1, from", "normal.3", "the search's network"),
        (", nodes: 2, from", ", nodes: 3, from", "normal.4", "the network"),
        ("channels: 2, nodes", "channels: 2, label: small, nodes", "normal.2", "the search's network"),
        ("channels: 2, nodes", "channels: 2, reduce_at: [], nodes", "reduce.2", "the search's network"),
    ],
)
def test_a_network_for_the_search_with_other_decisions(old: str, new: str, label: str, which: str, raw: Path):
    assert CELLS.count(old) == 1
    Path("tiny.yaml").write_text(CELLS.partition("architectures")[0].replace(old, new))
    error = run("tiny.yaml", "--data", raw).exception
    assert isinstance(error, SkelbenchError), error
    assert error.exit_code == 2
    assert f"{which} has no decision '{label}'" in [problem.what for problem in error.problems]
    assert {problem.where for problem in error.problems} == {"tiny.yaml:16"}
    assert {problem.remedy for problem in error.problems} == {"Give both networks the same decisions"}
    assert left_behind() == []


def test_an_architecture_of_another_space(raw: Path):
    Path("tiny.yaml").write_text(CELLS)
    Path("other.yaml").write_text("skelbench: 1\nspace: sgcn\nchoices:\n  graph_1: [cheb.l]\n")
    arguments = ["train", "tiny.yaml", "--arch", "other.yaml", "--data", str(raw)]
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, SkelbenchError), error
    assert error.exit_code == 2
    (problem,) = error.problems
    assert problem.where == "other.yaml:4"
    assert problem.what == "the space has no label 'graph_1'"
    assert problem.remedy == "Valid names: normal.2, normal.3, reduce.2, reduce.3"
    assert left_behind() == ["other.yaml"]


def test_no_such_spec_profile_or_architecture(raw: Path):
    assert "'sgcn'" in fault("sgcm").remedy
    assert "profile" in fault("tiny.yaml", "--data", raw, "--profile", "quick").what
    error = CliRunner().invoke(app, ["train", "tiny.yaml", "--arch", "plane", "--data", str(raw)]).exception
    assert isinstance(error, SkelbenchError)
    assert "Did you mean 'plain'?" in str(error)
    assert left_behind() == []


# --- data --------------------------------------------------------------------------------------


def test_a_missing_data_root():
    problem = fault("tiny.yaml", "--data", "nowhere")
    assert (problem.where, problem.what) == ("nowhere", "no such file or folder")
    assert left_behind() == []


def test_a_folder_without_recordings():
    Path("data").mkdir()
    assert "no NW-UCLA recording" in fault("tiny.yaml", "--data", "data").what
    assert left_behind() == []


def test_a_truncated_recording(raw: Path):
    shutil.copytree(raw, "data")
    victim = sorted(Path("data/all_sqe").glob("*.json"))[3]
    victim.write_bytes(victim.read_bytes()[:-200])
    problem = fault("tiny.yaml", "--data", "data")
    assert problem.where == str(victim)
    assert "truncated" in problem.what
    assert left_behind() == []
    assert not list(Path("runs/.stores").glob("*/store.json")), "no store of half the recordings"


def test_a_truncated_skeleton_file():
    made = CliRunner().invoke(app, ["data", "synth", "ntu60", "data", "--clips", "8", "--classes", "2"])
    assert made.exit_code == 0, made.output
    victim = sorted(Path("data").rglob("*.skeleton"))[2]
    victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    text = SPEC.replace("dataset: ucla, protocol: xview", "dataset: ntu60, protocol: xsub")
    Path("tiny.yaml").write_text(text)
    problem = fault("tiny.yaml", "--data", "data")
    assert problem.where.startswith(str(victim))
    assert left_behind() == []
    assert not list(Path("runs/.stores").glob("*/store.json"))


@pytest.mark.parametrize("name", ["frames.npy", "index.npz", "store.json"])
def test_a_corrupt_store(name: str, raw: Path):
    made = CliRunner().invoke(app, ["data", "prepare", "ucla", str(raw), "data"])
    assert made.exit_code == 0, made.output
    file = Path("data") / name
    file.write_bytes(file.read_bytes()[:-20])
    problem = fault("tiny.yaml", "--data", "data")
    assert problem.where.endswith(name)
    assert "damaged" in problem.what
    assert "prepare" in problem.remedy
    assert left_behind() == []


def test_a_store_of_another_data_set(raw: Path):
    CliRunner().invoke(app, ["data", "prepare", "ucla", str(raw), "data"])
    Path("tiny.yaml").write_text(SPEC.replace("dataset: ucla, protocol: xview", "dataset: ntu60"))
    assert "the store holds data set 'ucla', not 'ntu60'" in fault("tiny.yaml", "--data", "data").what
    assert left_behind() == []


# --- run folders and the disk ------------------------------------------------------------------


def test_a_run_folder_of_another_spec(raw: Path):
    found = run_hash(check_spec(load_spec("tiny.yaml"), load_registry()), None, synthetic=True)
    other = RunFolder.create(Path("runs"), "tiny", found[:8] + "0" * 56, 0)
    before = left_behind()
    problem = fault("tiny.yaml", "--data", raw)
    assert problem.where == str(other.path)
    assert "--runs" in problem.remedy
    assert left_behind() == before


def test_a_run_folder_that_is_a_file(raw: Path):
    Path("runs").write_text("not a folder")
    result = run("tiny.yaml", "--data", raw)
    assert isinstance(result.exception, SkelbenchError), result.exception
    assert result.exception.exit_code == 2
    assert Path("runs").read_text() == "not a folder"


def _full(*arguments: Any, **options: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("module", "name"), [(files, "_write_through"), (journal, "_append"), (os, "replace"), (os, "fsync")]
)
def test_no_space_for_a_run(module: Any, name: str, raw: Path, monkeypatch: pytest.MonkeyPatch):
    """On a disk that is full from the start; the store is there already."""
    assert run("tiny.yaml", "--data", raw, "--runs", "runs").exit_code == 0
    for path in Path("runs").glob("tiny-*"):
        shutil.rmtree(path)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, _full)
        problem = fault("tiny.yaml", "--data", raw, exit_code=1)
    assert "No space left on device" in problem.what
    assert "Free some space" in problem.remedy
    assert module is journal or left_behind() == [], "a run whose first trial has ended stays, to go on"
    assert run("tiny.yaml", "--data", raw).exit_code == 0


def test_space_that_runs_out_leaves_a_run_that_goes_on(raw: Path, monkeypatch: pytest.MonkeyPatch):
    write, seen = files._write_through, []

    def full_at_scores(path: Path, content: bytes) -> None:
        seen.append(path.name)
        if "scores" in path.name:
            path.write_bytes(content[:10])
            _full()
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_write_through", full_at_scores)
        problem = fault("tiny.yaml", "--data", raw, exit_code=1)
    assert problem.where.endswith("scores.npz")
    (found,) = Path("runs").glob("tiny-*")
    assert not (found / "scores.npz").exists()
    assert not list(found.rglob("*.tmp"))
    assert run("tiny.yaml", "--data", raw).exit_code == 0
    assert RunFolder(found).record() is not None


def test_no_space_for_a_store(raw: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("skelbench.data.store._write_frames", _full)
    problem = fault("tiny.yaml", "--data", raw, exit_code=1)
    assert "the store cannot be written: No space left on device" in problem.what
    assert left_behind() == []
    assert not list(Path("runs/.stores").glob("*/store.json"))


# --- the process -------------------------------------------------------------------------------


@pytest.fixture
def skelbench() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in a process of its own."""
    main = "from skelbench.cli.app import main; main()"

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", main, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return call


def test_a_fault_is_one_paragraph_on_standard_error_and_exit_code_2(
    skelbench: Callable[..., subprocess.CompletedProcess[str]],
):
    Path("tiny.yaml").write_text(SPEC.replace("cheb.l2", "cheb.l22"))
    done = skelbench("check", "tiny.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    expected = "skelbench: tiny.yaml:7: unknown graph module 'cheb.l22'. Did you mean 'cheb.l2'?\n"
    assert done.stderr == expected
    shown = skelbench("--debug", "check", "tiny.yaml")
    assert shown.returncode != 0
    assert "Traceback" in shown.stderr
