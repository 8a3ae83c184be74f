"""Specs from files: extends, profiles, changes, hash, and faults with their places."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import SpecError
from skelbench.spec.resolve import load_spec, shipped_names, spec_hash
from skelbench.spec.yaml import dump_yaml

BASE = """\
skelbench: 1
name: base
summary: A base
data: {dataset: ucla, protocol: xview, clip: {frames: 20}}
network:
  input: data_bn
  body:
    - {op: stgcn_block, channels: 8, graph: adjacency}
  head: mean_pool_linear
search:
  strategy: {name: ceim, population: 8, warmup_epochs: 1}
  epochs: 4
train:
  epochs: 6
  optimizer: {name: sgd, lr: 1e-1, momentum: 0.8}
  schedule: {name: steps, at: [3, 5]}
profiles:
  quick:
    train: {epochs: 2}
reported:
  - {dataset: ucla, protocol: xview, top1: 50, source: "A, 2020"}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def _write(text: str, name: str = "base.yaml") -> str:
        Path(name).write_text(text, encoding="utf-8")
        return name

    return _write


def fails(name: str, **options: Any) -> list[str]:
    with pytest.raises(SpecError) as error:
        load_spec(name, **options)
    assert error.value.exit_code == 2
    return [str(problem) for problem in error.value.problems]


def test_a_file_loads_with_its_values_and_places(write):
    resolved = load_spec(write(BASE))
    assert resolved.spec.train.optimizer.lr == 0.1
    assert resolved.spec.data.clip.frames == 20
    assert resolved.marks.at(("train", "optimizer", "lr")) == "base.yaml:15"
    assert resolved.profiles == ("quick",)
    assert len(resolved.hash) == 64


@pytest.mark.parametrize("name", shipped_names())
@pytest.mark.parametrize("profile", [None, "quick"])
def test_shipped_specs_load_by_name_from_anywhere(name: str, profile: str | None, write):
    assert load_spec(name, profile=profile).spec.name == name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 6", "epoch: 6", "base.yaml:14: unknown key 'train.epoch'. Did you mean 'epochs'?"),
        ("lr: 1e-1", "lr: '0.1'", "base.yaml:15: 'train.optimizer.lr': must be a number"),
        ("epochs: 6", "epochs: true", "base.yaml:14: 'train.epochs': must be a whole number"),
        ("epochs: 6", "epochs: 0", "base.yaml:14: 'train.epochs': must be greater than 0"),
        (
            "name: steps",
            "name: step",
            "base.yaml:16: 'train.schedule.name': must be 'steps', 'cosine'",
        ),
        (
            "momentum",
            "momentun",
            "base.yaml:15: unknown key 'train.optimizer.momentun'. Did you mean 'momentum'?",
        ),
        ("frames: 20", "frame: 20", "base.yaml:4: unknown key 'data.clip.frame'. Did you mean 'frames'?"),
        ("summary:", "sumary:", "base.yaml:3: unknown key 'sumary'. Did you mean 'summary'?"),
        ("skelbench: 1", "skelbench: 2", "base.yaml:1: 'skelbench': must be 1"),
        ("name: base", "name: Base X", "base.yaml:2: 'name': must be a text of the form"),
        ("name: base\n", "", "the key 'name' is missing. Add 'name'"),
        ("  head: mean_pool_linear\n", "", "base.yaml:5: the key 'network.head' is missing. Add 'head'"),
        (
            "  epochs: 4",
            "  train: {epochs: 3}",
            "base.yaml:12: 'search.train' has no 'epochs'. Set 'search.epochs'",
        ),
        ("  epochs: 4", "  train: {lr: 3}", "base.yaml:12: unknown key 'search.train.lr'"),
        (
            "top1: 50",
            "top1: 150",
            "base.yaml:21: 'reported.0.top1': must be at most 100",
        ),
        (
            "frames: 20",
            "frames: 20, crop: [0.5, 1]",
            "base.yaml:4: 'data.clip': crop needs fill: resize",
        ),
    ],
)
def test_a_fault_says_its_line_and_the_remedy(old: str, new: str, message: str, write):
    assert old in BASE
    problems = fails(write(BASE.replace(old, new, 1)))
    assert len(problems) == 1
    assert message in problems[0]


def test_all_faults_are_told_at_once(write):
    text = BASE.replace("epochs: 6", "epochs: x").replace("frames:", "framse:").replace("momentum", "mom")
    assert len(fails(write(text))) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a spec is a mapping"),
        ("- a\n", "a spec is a mapping"),
        ("extends: [a]\n", "'extends' names one spec"),
    ],
)
def test_what_is_no_spec_is_refused(text: str, message: str, write):
    assert message in fails(write(text))[0]


def test_a_missing_file_names_the_nearest_shipped_spec(write):
    (problem,) = fails("sgcm")
    assert problem == "sgcm: there is no such spec. Name a file or a shipped spec. Did you mean 'sgcn'?"


def test_a_file_that_is_not_utf_8_is_refused_in_one_line(write):
    Path("latin.yaml").write_bytes(b"skelbench: 1\nname: caf\xe9\n")
    (problem,) = fails("latin.yaml")
    assert problem.startswith("latin.yaml: cannot be read")


# --- extends ---------------------------------------------------------------------------------


def test_extends_merges_mappings_and_replaces_lists_and_keeps_places(write):
    write(BASE)
    child = (
        "skelbench: 1\nextends: base.yaml\nname: c\ntrain:\n  optimizer: {lr: 0.5}\n  schedule: {at: [4]}\n"
    )
    resolved = load_spec(write(child, "child.yaml"))
    assert resolved.spec.train.optimizer.lr == 0.5
    assert resolved.spec.train.optimizer.momentum == 0.8
    assert resolved.spec.train.schedule.at == (4,)
    assert resolved.marks.at(("train", "optimizer", "lr")) == "child.yaml:5"
    assert resolved.marks.at(("train", "optimizer", "momentum")) == "base.yaml:15"
    assert resolved.marks.at(("train", "schedule", "at", 0)) == "child.yaml:6"


def test_null_takes_out_a_profile_or_an_architecture_of_the_base(write):
    write(BASE + "architectures:\n  a: {choices: {}}\n  b: {choices: {}}\n")
    child = "skelbench: 1\nextends: base.yaml\nname: c\nprofiles: {quick: null}\narchitectures: {a: null}\n"
    resolved = load_spec(write(child, "child.yaml"))
    assert resolved.profiles == ()
    assert list(resolved.spec.architectures) == ["b"]


def test_a_base_keeps_its_name_and_reported_figures_to_itself(write):
    write(BASE)
    assert any("'name' is missing" in p for p in fails(write("skelbench: 1\nextends: base.yaml\n", "c.yaml")))
    spec = load_spec(write("skelbench: 1\nextends: base.yaml\nname: c\n", "c.yaml")).spec
    assert (spec.summary, spec.reported) == ("", ())


def test_naming_another_component_drops_the_parameters_of_the_one_before(write):
    write(BASE)
    child = "skelbench: 1\nextends: base.yaml\nname: c\nsearch: {strategy: {name: random, evaluations: 3}}\n"
    resolved = load_spec(write(child, "c.yaml"))
    assert resolved.spec.search.strategy.params == {"evaluations": 3}
    same = "skelbench: 1\nextends: base.yaml\nname: c\nsearch: {strategy: {name: ceim, population: 9}}\n"
    resolved = load_spec(write(same, "c.yaml"))
    assert resolved.spec.search.strategy.params == {"population": 9, "warmup_epochs": 1}


def test_a_change_of_name_drops_the_parameters_of_the_component_before(write):
    resolved = load_spec(write(BASE), sets=["search.strategy.name=random", "search.strategy.evaluations=5"])
    assert resolved.spec.search.strategy.params == {"evaluations": 5}
    kept = load_spec("base.yaml", sets=["search.strategy.name=ceim", "name=other"])
    assert kept.spec.search.strategy.params == {"population": 8, "warmup_epochs": 1}
    assert kept.spec.search.epochs == 4


def test_specs_that_extend_each_other_are_refused(write):
    write("skelbench: 1\nname: a\nextends: b.yaml\n", "a.yaml")
    write("skelbench: 1\nname: b\nextends: a.yaml\n", "b.yaml")
    assert "extend each other in a circle: a.yaml -> b.yaml -> a.yaml" in fails("a.yaml")[0]
    Path("d").mkdir()
    write("skelbench: 1\nname: a\nextends: ../d/a.yaml\n", "d/a.yaml")
    assert "extend each other" in fails("d/a.yaml")[0]


# --- profiles and changes --------------------------------------------------------------------


def test_a_profile_is_laid_over(write):
    resolved = load_spec(write(BASE), profile="quick")
    assert (resolved.spec.train.epochs, resolved.profile) == (2, "quick")
    assert resolved.marks.at(("train", "epochs")) == "base.yaml:19"
    assert "profiles" not in resolved.data


def test_a_profile_may_leave_out_what_is_named(write):
    text = BASE.replace(
        "profiles:", "architectures: {a: {choices: {}}}\nprofiles:\n  none: {architectures: null}", 1
    )
    assert list(load_spec(write(text)).spec.architectures) == ["a"]
    assert not load_spec(write(text), profile="none").spec.architectures


def test_an_unknown_profile_names_the_nearest(write):
    assert fails(write(BASE), profile="quik") == [
        "base.yaml:17: the spec has no profile 'quik'. Did you mean 'quick'?"
    ]


def test_changes_come_last_and_follow_the_rules_of_scalars(write):
    sets = [
        "train.epochs=3",
        "train.optimizer.lr=1e-3",
        "network.body.0.channels=16",
        "train.schedule.at=[1, 2]",
    ]
    resolved = load_spec(write(BASE), profile="quick", sets=sets)
    assert resolved.spec.train.epochs == 3
    assert resolved.spec.train.optimizer.lr == 0.001
    assert resolved.spec.network.body[0]["channels"] == 16
    assert resolved.spec.train.schedule.at == (1, 2)
    assert resolved.marks.at(("train", "epochs")) == "--set train.epochs"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.epocs=3", "--set train.epocs: unknown key 'train.epocs'. Did you mean 'epochs'?"),
        ("trian.epochs=3", "unknown key 'trian'. Did you mean 'train'?"),
        (
            "network.body.7.channels=3",
            "--set network.body.7.channels: '7' does not exist: it would be inside a list of 1",
        ),
        ("train.epochs.more=3", "it would be inside a single value"),
        ("train.epochs", "'train.epochs' is not of the form a.b=value"),
        ("train.epochs=[1", "not YAML"),
        ("train.epochs=no", "--set train.epochs: 'train.epochs': must be a whole number"),
    ],
)
def test_a_wrong_change_says_which_and_the_nearest_key(change: str, message: str, write):
    (problem,) = fails(write(BASE), sets=[change])
    assert message in problem


# --- the hash --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("summary: A base", "summary: Another", True),
        ("top1: 50", "top1: 51", True),
        ("epochs: 2", "epochs: 3", True),
        ("1e-1", "0.1", True),
        ("epochs: 6", "epochs: 7", False),
        ("channels: 8", "channels: 9", False),
        ("name: base", "name: bases", False),
    ],
)
def test_the_hash_changes_with_what_defines_a_run_only(old: str, new: str, same: bool, write):
    before = load_spec(write(BASE)).hash
    assert (load_spec(write(BASE.replace(old, new, 1))).hash == before) is same


def test_the_place_of_the_data_is_no_part_of_the_hash(write):
    resolved = load_spec(write(BASE))
    assert load_spec(write(BASE), sets=["data.root=/somewhere"]).hash == resolved.hash
    with_root = resolved.with_root(Path("x"))
    assert with_root.data["data"]["root"].endswith("x")
    assert "root" not in resolved.data["data"]


def test_a_dumped_spec_loads_back_identical(write):
    resolved = load_spec("sgcn-ucla", profile="quick", sets=["train.label_smoothing=0.1"])
    again = load_spec(write(resolved.dump(), "spec.resolved.yaml"))
    assert again.data == resolved.data
    assert again.spec == resolved.spec
    assert again.hash == resolved.hash


plain = st.recursive(
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abc", max_size=4)
    | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcd", max_size=3), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text("xyz", max_size=3), plain, max_size=5), st.randoms(use_true_random=False))
def test_the_hash_does_not_depend_on_the_order_of_keys(data: dict[str, Any], rng: random.Random):
    assert spec_hash(_shuffled(data, rng)) == spec_hash(data)
    assert dump_yaml(data)


def _shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, rng) for item in value]
    if not isinstance(value, dict):
        return value
    items = [(key, _shuffled(item, rng)) for key, item in value.items()]
    rng.shuffle(items)
    return dict(items)
