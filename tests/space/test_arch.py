"""Architectures: files, hashes, text."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelbench.check import Checked, check_architecture, check_spec
from skelbench.errors import SpecError
from skelbench.registry import Registry
from skelbench.space.arch import Architecture, NamedArchitecture, architecture_hash, closed
from skelbench.spec.resolve import load_spec

SAMPLE = {f"graph_{i}": ["dynamic.s", "cheb.l"] for i in range(1, 11)}


@pytest.fixture(scope="module")
def checked(registry: Registry) -> Checked:
    return check_spec(load_spec("sgcn"), registry)


def test_an_architecture_survives_its_file(checked: Checked, registry: Registry, tmp_path: Path):
    architecture = Architecture.of(checked, "mine", SAMPLE)
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
        ("skelbench: 2\nchoices: {}\n", "a.yaml:1: 'skelbench': Input should be 1"),
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
