"""What operators say of joints, persons and frames is told with its line before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from skelbench.check.build import _Unfilled
from skelbench.check.fit import fit_to_data
from skelbench.check.network import refuse_misfits
from skelbench.check.reach import reach_warnings
from skelbench.check.spec import check_architecture, check_spec
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.spec.resolve import load_spec

REGISTRY = load_registry()
SHREC = ("data.protocol=official", "data.preprocess=none", "data.clip.persons=1")
SPEC = """skelbench: 1
name: own
data:
  dataset: {name: skeletons, layout: openni15, persons: PERSONS, classes: 3, split: {share: 0.7}}
  clip: {frames: FRAMES, fill: resize}
network:
  input: INPUT
  body:
    - BODY
  head: mean_pool_linear
search: {strategy: {name: random, weights: own}}
train: {validation: {by: random}}
"""


def spec(tmp_path: Path, **given: str) -> Path:
    words = {
        "PERSONS": "1",
        "FRAMES": "16",
        "INPUT": "data_bn",
        "BODY": "{op: stgcn_block, channels: 8, graph: adjacency}",
    }
    text = SPEC
    for word, value in (words | given).items():
        text = text.replace(word, value)
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("given", "line", "told"),
    [
        ({"INPUT": "{op: sgn_embed, joints: 16}"}, 7, "makes 16 of the 15 joints of 'openni15'"),
        ({"INPUT": "{op: sgn_embed, groups: [[0, 15]]}"}, 7, "has a group with joint 15"),
        ({"INPUT": "{op: sgn_embed, groups: [[0, 1]]}"}, 7, "has groups without joint 2"),
        ({"INPUT": "sgn_embed", "PERSONS": "3"}, 7, "cannot leave out the absent ones of 3 persons"),
        (
            {"INPUT": "{op: sgn_embed, joints: {value: {label: n, from: [24, 25]}}}"},
            7,
            "makes 24 of the 15 joints",
        ),
        ({"BODY": "{op: hypergraph_attention, groups: [0, 1]}"}, 9, "groups 2 joints"),
        (
            {"BODY": "{op: block_graph_conv, parents: [[1, 20]]}"},
            9,
            "joint 1 of layout 'openni15' cannot hang",
        ),
        (
            {"BODY": "{op: block_graph_conv, parents: [[1, 1]]}"},
            9,
            "joint 1 of layout 'openni15' cannot hang",
        ),
        ({"BODY": "{op: hypergraph_attention, parents: [[4, 5], [5, 4]]}"}, 9, "no bones lead from joint"),
        ({"BODY": "{op: hypergraph_attention, parents: [[4, 2], [4, 3]]}"}, 9, "'openni15' twice"),
    ],
)
def test_what_does_not_fit_is_told_with_line_and_remedy(
    tmp_path: Path, given: dict[str, str], line: int, told: str
) -> None:
    with pytest.raises(SpecError) as caught:
        check_spec(load_spec(spec(tmp_path, **given)), REGISTRY)
    problem = caught.value.problems[0]
    assert told in problem.what
    assert problem.where.endswith(f"own.yaml:{line}")
    assert problem.remedy


def test_an_option_that_does_not_fit_is_refused_where_it_could_be_chosen(tmp_path: Path) -> None:
    """An architecture of the space may do without it."""
    given = "{op: sgn_embed, joints: {value: {label: n, from: [9, 25]}}}"
    checked = check_spec(load_spec(spec(tmp_path, INPUT=given)), REGISTRY)
    with pytest.raises(SpecError, match=r"own\.yaml:7: .*makes 25 of the 15 joints"):
        refuse_misfits(checked)


def test_groups_that_nobody_has_given_come_of_the_bones(tmp_path: Path) -> None:
    check_spec(load_spec(spec(tmp_path, INPUT="{op: sgn_embed, joints: 7}")), REGISTRY)
    check_spec(load_spec(spec(tmp_path, BODY="hypergraph_attention")), REGISTRY)


@pytest.mark.parametrize(
    ("body", "frames", "told"),
    [
        ("{op: stgcn_block, channels: 8, graph: adjacency, kernel: 9}", "4", "a kernel of 9 frames where 4"),
        ("{op: stgcn_block, channels: 8, graph: adjacency, kernel: 3, stride: 2}", "1", "a stride of 2"),
    ],
)
def test_frames_against_kernels_and_strides(tmp_path: Path, body: str, frames: str, told: str) -> None:
    found = reach_warnings(check_spec(load_spec(spec(tmp_path, BODY=body, FRAMES=frames)), REGISTRY))
    assert [told in problem.what for problem in found] == [True]
    assert found[0].where.endswith("own.yaml:9")


def test_clips_that_are_long_enough_are_not_warned_of() -> None:
    for name in ("sgcn", "sgn", "baselines", "baselines-ucla"):
        assert reach_warnings(check_spec(load_spec(name), REGISTRY)) == []


def test_a_named_architecture_of_other_joints_is_told_where_it_is_used() -> None:
    shrec = check_spec(load_spec("baselines", sets=["data.dataset=shrec17-14", *SHREC]), REGISTRY)
    with pytest.raises(SpecError, match=r"'hyperformer': .*joint 23 of layout 'shrec22' cannot hang"):
        check_architecture(shrec, REGISTRY, "hyperformer")


@pytest.mark.parametrize("name", ["adasgn", "adasgn-ucla", "sgn"])
def test_adasgn_takes_own_data_of_fewer_joints(tmp_path: Path, name: str) -> None:
    (tmp_path / "my.yaml").write_text(
        "data: {dataset: {name: skeletons, layout: openni15, classes: 3, split: {share: 0.7}}}\n"
    )
    found = fit_to_data(load_spec(name, data=tmp_path / "my.yaml"), REGISTRY)
    check_spec(found, REGISTRY)
    assert any(note.startswith("joints: 15") for note in found.notes)


def test_weights_that_are_drawn_until_they_are_in_a_range_are_built_in_the_end():
    """Fills of parameters are skipped; a loop that waits for numbers draws others, and these are filled."""
    weights = torch.nn.Parameter(torch.full((4,), 9.0))
    with _Unfilled():
        torch.nn.init.trunc_normal_(weights, std=0.02)  # within -2 and 2
        torch.nn.init.normal_(weights, 100.0)
    assert bool((weights.abs() <= 2).all()), "what was outside is drawn anew, and nothing else"
