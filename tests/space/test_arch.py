"""Architectures: files, hashes, text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelbench.check.checked import Checked
from skelbench.check.spec import check_architecture, check_spec
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.space.arch import Architecture, NamedArchitecture, architecture_hash, closed
from skelbench.spec.resolve import load_spec

SAMPLE = {f"graph_{i}": ["dynamic.s", "cheb.l"] for i in range(1, 11)}
GENOTYPE = {"normal": [["sep3(0)", "max3(1)"]], "reduce": [["skip(1)", "se(0)"]]}


@pytest.fixture(scope="module")
def checked(registry: Registry) -> Checked:
    return check_spec(load_spec("sgcn"), registry)


def test_an_architecture_survives_its_file(checked: Checked, registry: Registry, tmp_path: Path):
    architecture = Architecture.of(checked.resolved, checked.space, "mine", SAMPLE)
    path = tmp_path / "architecture.yaml"
    path.write_text(architecture.to_yaml(), encoding="utf-8")
    assert Architecture.read(path) == architecture
    assert (architecture.space, architecture.spec_hash) == ("sgcn", checked.resolved.hash)
    found = check_architecture(checked, registry, str(path))
    assert found.sample == checked.space.canonical(SAMPLE)
    assert (found.name, found.hash) == ("mine", checked.architectures["2s-agcn"].hash)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "skelbench: 1\nchoices:\n  graf_1: [cheb.l]\n",
            "a.yaml:3: the space has no label 'graf_1'. Did you mean",
        ),
        (
            "skelbench: 1\nchoices:\n  graph_1: [cheb.l9]\n",
            "a.yaml:3: the mix 'graph_1' has no option 'cheb.l9'",
        ),
        ("skelbench: 1\nchoices: {graph_1: [cheb.l]}\n", "a.yaml:2: no decision for the mix 'graph_2'"),
        ("skelbench: 2\nchoices: {}\n", "a.yaml:1: 'skelbench': must be 1"),
        ("skelbench: 1\nchoice: {}\n", "a.yaml:2: unknown key 'choice'. Did you mean 'choices'?"),
        ("- 1\n", "an architecture is a mapping"),
        ("skelbench: 1\nnetwork: {input: data_bn}\n", "a.yaml:2: the network has no 'body'"),
        (
            "skelbench: 1\nnetwork: {input: data_bn, head: mean_pool_linear, body: [stgcn_blok]}\n",
            "a.yaml:2: unknown operator 'stgcn_blok'. Did you mean 'stgcn_block'?",
        ),
    ],
)
def test_a_file_that_does_not_fit_says_where(
    text: str,
    message: str,
    checked: Checked,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as error:
        check_architecture(checked, registry, "a.yaml")
    assert message in str(error.value)


def test_a_file_may_bring_a_network_of_its_own(checked: Checked, registry: Registry, tmp_path: Path):
    network = {"input": "data_bn", "body": [{"op": "stgcn_block", "channels": 8, "graph": "adjacency"}]}
    own = Architecture("own", "sgcn", "", {}, {**network, "head": "mean_pool_linear"})
    path = tmp_path / "own.yaml"
    path.write_text(own.to_yaml(), encoding="utf-8")
    found = check_architecture(checked, registry, str(path))
    assert closed(found.network, found.sample)["body"][0]["channels"] == 8


def test_an_unknown_name_names_the_nearest(checked: Checked, registry: Registry):
    with pytest.raises(SpecError, match=r"there is no architecture '2s-agc'\. .*Did you mean '2s-agcn'\?"):
        check_architecture(checked, registry, "2s-agc")


def test_the_hash_is_of_the_network_whatever_the_order_of_its_choices(checked: Checked):
    turned = {label: list(reversed(names)) for label, names in reversed(SAMPLE.items())}
    one = architecture_hash(checked.network, checked.space.canonical(SAMPLE))
    assert architecture_hash(checked.network, checked.space.canonical(turned)) == one
    other = checked.space.canonical({**SAMPLE, "graph_5": ["cheb.l"]})
    assert architecture_hash(checked.network, other) != one


def test_architectures_of_the_shipped_spec_have_different_hashes(checked: Checked):
    hashes = [architecture.hash for architecture in checked.architectures.values()]
    assert len(set(hashes)) == len(hashes) > 5


def test_a_closed_network_has_nothing_left_open(checked: Checked):
    plain = closed(checked.network, checked.space.canonical(SAMPLE))
    assert len(plain["body"]) == 10
    learned, kept = plain["body"][0]["graph"]["sum"]
    assert learned == {"op": "learned"}
    assert [module["op"] for module in kept["sum"]] == ["cheb.l", "dynamic.s"]


def test_text_has_a_line_per_decision(checked: Checked):
    text = NamedArchitecture("a", "", checked.network, checked.space.canonical(SAMPLE)).describe_text()
    assert text.splitlines()[0] == "graph_1   cheb.l + dynamic.s"
    assert len(text.splitlines()) == 10


# --- cells -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sarnas(registry: Registry) -> Checked:
    return check_spec(load_spec("sarnas"), registry)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_drawn_cells_survive_their_file_and_being_closed(
    seed: int, sarnas: Checked, registry: Registry, tmp_path_factory: pytest.TempPathFactory
):
    sample = sarnas.space.sample(np.random.default_rng(seed))
    path = tmp_path_factory.mktemp("cells") / "architecture.yaml"
    path.write_text(
        Architecture.of(sarnas.resolved, sarnas.space, "drawn", sample).to_yaml(), encoding="utf-8"
    )
    found = check_architecture(sarnas, registry, str(path))
    assert found.sample == sample
    plain = closed(sarnas.network, sample)
    path.write_text(Architecture("closed", "", "", {}, plain).to_yaml(), encoding="utf-8")
    again = check_architecture(sarnas, registry, str(path))
    assert again.sample == {}
    assert closed(again.network, {}) == plain
    assert again.hash == found.hash == architecture_hash(sarnas.network, sample)


def test_a_genotype_is_the_architecture_that_its_choices_are(sarnas: Checked, registry: Registry):
    named = sarnas.architectures["sarnas-cs"]
    genotype = closed(named.network, {})["body"][1]["cell"]["genotype"]
    choices = {
        f"{kind}.{k}": list(reversed(kept)) for kind in genotype for k, kept in enumerate(genotype[kind], 2)
    }
    assert architecture_hash(sarnas.network, sarnas.space.canonical(choices)) == named.hash
    assert sarnas.architectures["sarnas-cv"].hash != named.hash


def test_a_closed_stack_holds_what_stands_in_it_only(sarnas: Checked):
    sample = {
        label: ["sep3(0)", "max3(1)"] if label.startswith("normal") else ["skip(0)", "se(1)"]
        for label in (point.label for point in sarnas.space.points)
    }
    plain = closed(sarnas.network, sarnas.space.canonical(sample))["body"][1]["cell"]
    assert list(plain["from"]) == ["sep3", "max3", "skip", "se"]
    assert plain["from"]["se"] == {"op": "se"}
    assert (plain["layers"], plain["channels"], plain["drop_path"]) == (9, 36, 0.2)
    assert plain["reduce_at"] == [3, 6]
    assert plain["genotype"]["normal"] == [["sep3(0)", "max3(1)"]] * 4


def test_a_searched_number_of_cells_is_closed(registry: Registry):
    depth = check_spec(load_spec("sarnas-depth"), registry)
    hashes = set()
    for sample, reduce_at in zip(
        depth.space.enumerate(), ([2, 4], [2, 5], [3, 6], [3, 6], [3, 7]), strict=True
    ):
        plain = closed(depth.network, sample)["body"][1]["cell"]
        assert (plain["layers"], plain["reduce_at"]) == (sample["cells"], reduce_at)
        hashes.add(architecture_hash(depth.network, sample))
    assert len(hashes) == 5
    assert architecture_hash(depth.network, {"cells": 9}) == depth.architectures["sarnas-cs"].hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("choices:\n  graph_1: [cheb.l]\n", "a.yaml:3: the space has no label 'graph_1'"),
        (
            "choices:\n  normal.2: [sep3(0), sep4(1)]\n",
            "a.yaml:3: the cell 'normal.2' has no option 'sep4(1)'. Did you mean 'sep3(1)'?",
        ),
        (
            "choices:\n  normal.2: [sep3(0), max3(2)]\n",
            "a.yaml:3: the cell 'normal.2' has no input 2. Its inputs are 0, 1",
        ),
        (
            "choices:\n  normal.2: [sep3(0), max3(0)]\n",
            "a.yaml:3: the cell 'normal.2' takes one input twice. Give each edge an input of its own",
        ),
        (
            "choices:\n  normal.2: [sep3(0), max3(1)]\n",
            "a.yaml:2: no decision for the cell 'reduce.2'. Choose from conv3(0), sep3(0)",
        ),
    ],
)
def test_cells_that_do_not_fit_say_where(
    text: str,
    message: str,
    sarnas: Checked,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(f"skelbench: 1\n{text}", encoding="utf-8")
    with pytest.raises(SpecError) as error:
        check_architecture(sarnas, registry, "a.yaml")
    assert message in str(error.value)
    assert all(problem.where.startswith("a.yaml:") for problem in error.value.problems)


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        (GENOTYPE | {"normal": [["sep4(0)"]]}, "unknown operator 'sep4'. Did you mean 'sep5'?"),
        (GENOTYPE | {"normal": [["sep3(2)"]]}, "node 2 has no input 2. Its inputs are 0 to 1"),
        (GENOTYPE | {"normal": [["sep3(0)", "se(0)"]]}, "node 2 takes one input twice"),
        ({"normal": [["sep3(0)"]]}, "the genotype has no 'reduce' cell. Add 'reduce'"),
    ],
)
def test_a_file_with_a_faulty_genotype_says_where(
    genotype: dict[str, list[list[str]]], message: str, sarnas: Checked, registry: Registry, tmp_path: Path
):
    cell = {"cell": {"layers": 3, "channels": 4, "genotype": genotype}}
    own = {"input": "skeleton_image", "body": [cell], "head": "mean_pool_linear"}
    path = tmp_path / "own.yaml"
    path.write_text(Architecture("own", "", "", {}, own).to_yaml(), encoding="utf-8")
    with pytest.raises(SpecError) as error:
        check_architecture(sarnas, registry, str(path))
    (problem,) = error.value.problems
    assert problem.where.rpartition(":")[0] == str(path)
    assert message in str(problem)
