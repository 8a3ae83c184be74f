"""Every problem of a spec against the registry, all at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skelbench import hookimpl
from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.cli.app import app
from skelbench.components import Layout, Strategy
from skelbench.errors import SpecError
from skelbench.host.registry import Registry, load_registry
from skelbench.space.expand import FORMS
from skelbench.spec.resolve import load_spec, shipped_names

SPEC = """\
skelbench: 1
name: small
data: {dataset: ucla, protocol: xview, preprocess: ctrgcn, clip: {frames: 20, persons: 1}}
network:
  input: data_bn
  body:
    - op: stgcn_block
      channels: 8
      graph: {mix: {label: graph, from: [cheb.l, cheb.l2]}}
    - {op: stgcn_block, channels: 8, kernel: 9, graph: adjacency}
  head: mean_pool_linear
search:
  strategy: {name: ceim, population: 8}
  engine: {name: sequential}
  derive: {threshold: 0.1}
evaluate: {metrics: [top1, top5]}
architectures:
  one:
    choices: {graph: [cheb.l]}
  fixed:
    network:
      input: data_bn
      body: [{op: stgcn_block, channels: 8, graph: adjacency}]
      head: mean_pool_linear
"""


class Broken:
    @hookimpl
    def register_metrics(self) -> list[Any]:
        raise RuntimeError("no such luck")


class Toys:
    @hookimpl
    def register_layouts(self) -> list[Layout]:
        return [
            Layout(name="stick3", joints=("a", "b", "c"), inward=((1, 0), (2, 1)), root=0, torso=(0, 1, 2, 2))
        ]

    @hookimpl
    def register_strategies(self) -> list[Strategy]:
        return [Strategy(name="picky", searches={"own": frozenset(["choice", "mix"])})]


@pytest.fixture(scope="module")
def toys() -> Registry:
    return load_registry(extra=[("toys", Toys()), ("broken", Broken())])


@pytest.fixture
def check(toys: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Checked]:
    monkeypatch.chdir(tmp_path)

    def _check(text: str, **options: Any) -> Checked:
        Path("s.yaml").write_text(text, encoding="utf-8")
        return check_spec(load_spec("s.yaml", **options), toys)

    return _check


def test_what_is_checked_has_every_part_found(check: Callable[..., Checked]):
    checked = check(SPEC)
    assert (checked.dataset.name, checked.layout.name, checked.protocol) == ("ucla", "ucla20", "xview")
    assert checked.strategy_params["population"] == 8
    assert checked.strategy_params["variance"] == 1e-3, "defaults are filled in"
    assert [metric.name for metric in checked.metrics] == ["top1", "top5"]
    assert checked.space.size() == 3
    assert checked.architectures["one"].sample == {"graph": ["cheb.l"]}
    assert checked.architectures["fixed"].sample == {}
    context = checked.context()
    assert (context.channels, context.frames, context.joints, context.persons, context.classes) == (
        3,
        20,
        20,
        1,
        10,
    )


def test_the_protocol_is_by_default_the_data_sets_first(check: Callable[..., Checked]):
    text = SPEC.replace("dataset: ucla, protocol: xview", "dataset: ntu60").replace(", persons: 1", "")
    checked = check(text)
    assert (checked.protocol, checked.context().persons) == ("xsub", 2)


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_specs_fit_the_registry_in_every_profile(name: str, registry: Registry):
    for profile in (None, *load_spec(name).profiles):
        checked = check_spec(load_spec(name, profile=profile), registry)
        assert checked.space.size() > 1
        assert set(checked.architectures) == set(checked.spec.architectures)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dataset: ucla", "dataset: ulca", "s.yaml:3: unknown dataset 'ulca'. Did you mean 'ucla'?"),
        (
            "protocol: xview",
            "protocol: xsub",
            "s.yaml:3: data set 'ucla' has no protocol 'xsub'. Valid names: xview",
        ),
        ("ctrgcn", "ctrgnc", "s.yaml:3: unknown pre-processing 'ctrgnc'. Did you mean 'ctrgcn'?"),
        ("persons: 1", "persons: 2", "s.yaml:3: a clip of 2 persons, where data set 'ucla' has at most 1"),
        (
            "dataset: ucla",
            "dataset: ucla, layout: stick3",
            "s.yaml:3: layout 'stick3' has 3 joints, but data set",
        ),
        ("dataset: ucla", "dataset: ucla, layout: ntu52", "unknown layout 'ntu52'. Did you mean 'ntu25'?"),
        ("[top1, top5]", "[top1, topp5]", "s.yaml:16: unknown metric 'topp5'. Did you mean 'top5'?"),
        ("[top1, top5]", "[top1, f1]", "Plugins that failed to load: broken (RuntimeError: no such luck)"),
        ("name: sequential", "name: paralel", "s.yaml:14: unknown engine 'paralel'"),
        ("name: sequential", "name: sequential, x: 1", "engine 'sequential' has no parameter 'x'"),
        ("name: ceim", "name: ceem", "s.yaml:13: unknown strategy 'ceem'. Did you mean 'ceim'?"),
        (
            "population: 8",
            "popualtion: 8",
            "strategy 'ceim' has no parameter 'popualtion'. Did you mean 'population'",
        ),
        (
            "population: 8",
            "population: 1",
            "s.yaml:13: strategy 'ceim': population: must be at least 2",
        ),
        ("threshold: 0.1", "threshold: 1", "s.yaml:15: no weight can exceed a threshold of 1"),
        (
            "[cheb.l]}",
            "[cheb.l9]}",
            "s.yaml:19: the mix 'graph' has no option 'cheb.l9'. Did you mean 'cheb.l'?",
        ),
        (
            "choices: {graph:",
            "choices: {grap:",
            "s.yaml:19: the space has no label 'grap'. Did you mean 'graph'?",
        ),
        (
            "choices: {graph: [cheb.l]}",
            "summary: x",
            "s.yaml:18: no decision for the mix 'graph'. Choose from",
        ),
        (
            "body: [{op: stgcn_block, c",
            "body: [{op: stgcn, c",
            "s.yaml:23: unknown operator 'stgcn'. Did you mean",
        ),
        (
            "graph: adjacency}]",
            "graph: {choice: {label: g, from: [learned]}}}]",
            "s.yaml:20: no decision for the choice 'g'",
        ),
        (
            "name: ceim, population: 8",
            "name: picky",
            "s.yaml:9: strategy 'picky' cannot search a mix ('graph') with shared weights. "
            "Set search.strategy.weights to 'own'",
        ),
        (
            "kernel: 9",
            "kernel: {value: {label: k, from: [3, 5]}}",
            "s.yaml:10: strategy 'ceim' cannot search a value ('k') with shared weights. "
            "Set search.strategy.weights to 'own'",
        ),
        ("kernel: 9", "kernel: {value: {label: k, from: [3, 4]}}", "an even kernel has no middle frame"),
    ],
)
def test_a_problem_says_its_line_and_the_remedy(
    old: str, new: str, message: str, check: Callable[..., Checked]
):
    assert old in SPEC
    with pytest.raises(SpecError) as error:
        check(SPEC.replace(old, new, 1))
    missing = [p for p in error.value.problems if p.what == "no decision for the value 'k'"]
    assert len(error.value.problems) - len(missing) == 1
    assert message in str(error.value)


def test_what_no_mode_of_the_strategy_searches_names_strategies_that_can(check: Callable[..., Checked]):
    text = SPEC.replace("name: ceim, population: 8", "name: picky, weights: own")
    text = text.replace("kernel: 9", "kernel: {value: {label: k, from: [3, 5]}}")
    with pytest.raises(
        SpecError, match=r"cannot search a value \('k'\) with own weights\. Strategies that can: asha, ceim"
    ):
        check(text)


def test_problems_of_all_parts_are_told_at_once(check: Callable[..., Checked]):
    text = (
        SPEC.replace("ucla", "ulca").replace("ceim", "ceem").replace("top5", "topp5").replace("data_bn", "bn")
    )
    with pytest.raises(SpecError) as error:
        check(text)
    told = str(error.value)
    assert all(word in told for word in ("ulca", "ceem", "topp5", "'bn'"))


def test_a_problem_from_a_change_says_so(check: Callable[..., Checked]):
    with pytest.raises(SpecError, match=r"--set network\.body\.1\.graph: unknown graph module 'adjacenty'"):
        check(SPEC, sets=["network.body.1.graph=adjacenty"])


# --- stages, and weights to start from -------------------------------------------------------

PIPELINE = (
    SPEC.replace(
        "choices: {graph: [cheb.l]}",
        "choices: {graph: [cheb.l]}\n    start: {weights: {fixed: {input: input}}}",
    )
    + """\
stages:
  - {name: first, train: [fixed]}
  - name: second
    train: [one, fixed]
    streams: [joint, bone]
    fuse:
      - [1, 1]
      - [3, 1]
"""
)


def test_stages_and_starts_that_are_well(check: Callable[..., Checked]):
    checked = check(PIPELINE)
    assert [stage.name for stage in checked.spec.stages] == ["first", "second"]
    start = checked.architectures["one"].start
    assert start is not None
    assert (start.freeze, start.weights) == (0.0, {"fixed": {"input": "input"}})
    assert checked.architectures["fixed"].start is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "{fixed: {input",
            "{fixd: {input",
            "s.yaml:20: 'one' starts from an unknown architecture 'fixd'. Did you mean 'fixed'?",
        ),
        ("{fixed: {input", "{one: {input", "s.yaml:20: 'one' starts from itself. Valid names: fixed"),
        ("{input: input}", "{}", "s.yaml:20: no part of 'fixed' is taken. Name parts, or leave it out"),
        (
            "weights: {fixed: {input: input}}",
            "weights: {}",
            "s.yaml:20: 'architectures.one.start.weights': must be longer: it needs at least 1",
        ),
        (
            "{input: input}",
            "{body.0: body, body.1: body.1}",
            "the part 'body.1' of 'one' gets weights twice: 'body' has some already. Leave out one",
        ),
        (
            "{input: input}",
            "{body.1: body.1, body.0: body.1}",
            "s.yaml:20: the part 'body.1' of 'one' gets weights twice",
        ),
        (
            "start: {weights",
            "start: {freeze: 1, weights",
            "s.yaml:20: 'architectures.one.start.freeze': must be less than 1",
        ),
        (
            "start: {weights",
            "start: {frezee: 0, weights",
            "s.yaml:20: unknown key 'architectures.one.start.frezee'. Did you mean 'freeze'?",
        ),
        (
            "  fixed:\n",
            "  fixed:\n    start: {weights: {one: {body: body}}}\n",
            "s.yaml:20: architectures start from each other in a circle: one -> fixed -> one. "
            "Let one of them begin with fresh weights",
        ),
        (
            "train: [fixed]",
            "train: [fixd]",
            "s.yaml:27: stage 'first' trains an unknown architecture 'fixd'. Did you mean 'fixed'?",
        ),
        (
            "train: [fixed]",
            "train: []",
            "s.yaml:27: stage 'first' trains nothing. Name architectures under 'train'",
        ),
        (
            "train: [fixed]",
            "train: [fixed, fixed]",
            "s.yaml:27: stage 'first' names 'fixed' twice. Name it once",
        ),
        ("[joint, bone]", "[joint, joint]", "s.yaml:30: stage 'second' names 'joint' twice. Name it once"),
        ("name: first", "name: second", "s.yaml:28: there are two stages 'second'. Rename one of them"),
        (
            "name: first",
            "name: search",
            "s.yaml:27: a stage cannot be named 'search', which is the spec's search. Rename it",
        ),
        (
            "    streams: [joint, bone]\n",
            "",
            "s.yaml:30: stage 'second' has nothing to fuse with 0 streams. Name two or more",
        ),
        (
            "[joint, bone]",
            "[bone]",
            "s.yaml:31: stage 'second' has nothing to fuse with 1 streams. Name two or more",
        ),
        (
            "- [3, 1]",
            "- [3, 1, 1]",
            "s.yaml:33: stage 'second' fuses 2 streams by 3 weights. Give one weight for each stream",
        ),
        (
            "- [3, 1]",
            "- [0, 0]",
            "s.yaml:33: stage 'second' fuses by weights that are all zero. Give one of them a share",
        ),
        (
            "- [3, 1]",
            "- [3, -1]",
            "s.yaml:33: 'stages.1.fuse.1.1': must be at least 0 (it is -1)",
        ),
        (
            "[joint, bone]",
            "[joint, bones]",
            "s.yaml:30: 'stages.1.streams.1': must be 'joint', 'bone'",
        ),
        ("streams:", "stream:", "s.yaml:30: unknown key 'stages.1.stream'. Did you mean 'streams'?"),
    ],
)
def test_a_problem_of_stages_or_starts_says_its_line_and_the_remedy(
    old: str, new: str, message: str, check: Callable[..., Checked]
):
    assert PIPELINE.count(old) == 1
    with pytest.raises(SpecError) as error:
        check(PIPELINE.replace(old, new))
    assert len(error.value.problems) == 1
    assert message in str(error.value)


def test_circles_are_told_once_each(check: Callable[..., Checked]):
    given = {"choices": {"graph": ["cheb.l"]}}
    arrows = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "f", "f": "e"}
    starts = {name: {**given, "start": {"weights": {to: {"body": "body"}}}} for name, to in arrows.items()}
    text = SPEC.partition("architectures:")[0] + json.dumps({"architectures": starts})[1:-1] + "\n"
    with pytest.raises(SpecError) as error:
        check(text)
    assert [problem.what.partition(": ")[2] for problem in error.value.problems] == [
        "a -> b -> c -> a",
        "e -> f -> e",
    ]


# --- the commands ----------------------------------------------------------------------------


def test_the_command_tells_what_is_well(tmp_path: Path):
    result = CliRunner().invoke(app, ["check", *shipped_names(), "--profile", "quick"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(shipped_names())
    assert "sgcn: ok, 1,162,523,670,191,533,212,890,625 architectures" in result.stdout


def test_the_command_checks_every_profile_unless_one_is_named(tmp_path: Path):
    path = tmp_path / "s.yaml"
    path.write_text(SPEC + "profiles:\n  quick: {train: {epochs: 1}}\n  bad: {train: {epoch: 1}}\n")
    result = CliRunner().invoke(app, ["check", str(path), "--json"])
    assert result.exit_code == 2
    (row,) = json.loads(result.stdout)
    assert row["problems"][0]["where"] == f"{path}:27"
    assert CliRunner().invoke(app, ["check", str(path), "--profile", "quick"]).exit_code == 0


def test_the_command_prints_problems_as_json_and_exits_with_2(tmp_path: Path):
    path = tmp_path / "s.yaml"
    path.write_text(SPEC.replace("ucla", "ulca"), encoding="utf-8")
    result = CliRunner().invoke(app, ["check", "sgcn", str(path), "--json"])
    assert result.exit_code == 2
    well, ill = json.loads(result.stdout)
    assert (well["problems"], well["space_size"]) == ([], 255**10)
    assert ill["problems"][0]["where"] == f"{path}:3"
    assert ill["problems"][0]["remedy"] == "Did you mean 'ucla'?"


def test_the_json_schema_knows_keys_nodes_and_names(registry: Registry):
    result = CliRunner().invoke(app, ["schema"])
    schema = json.loads(result.stdout)
    assert {"skelbench", "name", "extends", "network", "stages"} <= set(schema["properties"])
    assert set(schema["$defs"]["StageSpec"]["properties"]) == {"name", "train", "streams", "fuse", "fuse_of"}
    assert set(schema["$defs"]["StartSpec"]["properties"]) == {"weights", "freeze"}
    node = schema["$defs"]["Node"]["anyOf"]
    assert set(node[0]["enum"]) == {*registry.names("operator"), *registry.names("graph_module")}
    forms = {key for form in node for key in form.get("properties", {})}
    assert forms == {*FORMS, "body"}
