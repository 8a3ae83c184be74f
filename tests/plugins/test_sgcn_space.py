"""The shipped SGCN space: what it holds, and its architectures' size and cost."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.leaderboard.reported import read_reported
from skelbench.space.arch import closed
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

REGISTRY = load_registry()

REPORTED = Path(__file__).parents[2] / "leaderboards" / "reported.yaml"


@pytest.fixture(scope="module")
def sgcn():
    return check_spec(load_spec("sgcn"), REGISTRY)


def counted(checked, name):
    architecture, context = checked.architectures[name], checked.context()
    with torch.device("meta"):
        network = build_network(architecture.network, architecture.sample, context)
    return cost(network, (1, context.channels, context.frames, context.joints, context.persons))


def base(graphs_of_block):
    """Parameters of the searched network from those of 2s-AGCN without its embeddings.

    ``graphs_of_block(C, E)`` counts a block's graph modules, C channels into E per embedding.
    """
    plain = 3_141_478
    shapes = [(3, 16), *[(64, 16)] * 3, (64, 32), *[(128, 32)] * 2, (128, 64), *[(256, 64)] * 2]
    return plain + sum(graphs_of_block(block, c, e) for block, (c, e) in enumerate(shapes))


def spatial(c, e):
    return 6 * (c * e + e)


def temporal(c, e):
    return 6 * (9 * c * e + e)


def chain(c, e):
    return spatial(c, e) + temporal(e, e)


EXPECTED = [
    ("2s-agcn", 3_469_510, 19.407),
    ("sgcn-released", 6_292_550, 37.496),
    ("agcn-released", base(lambda _, c, e: spatial(c, e) + temporal(c, e)), None),
    ("st-gcn", 3_098_832, None),
    ("ablation-t", base(lambda _, c, e: temporal(c, e)), None),
    ("ablation-st", base(lambda _, c, e: chain(c, e)), None),
    ("ablation-t-cheb", base(lambda _, c, e: temporal(c, e)), None),
    ("ablation-st-cheb", base(lambda _, c, e: chain(c, e)), None),
    (
        "ablation-s-t-st-cheb",
        base(lambda _, c, e: spatial(c, e) + temporal(c, e) + chain(c, e)),
        None,
    ),
    (
        "sgcn",
        base(
            lambda block, c, e: (
                temporal(c, e)
                + (spatial(c, e) if block in (0, 1, 2, 3, 4, 6) else 0)
                + (chain(c, e) if block in (0, 1, 2, 3, 6) else 0)
            )
        ),
        None,
    ),
]


def test_space_has_any_set_of_eight_modules_in_ten_blocks(sgcn):
    assert [point.label for point in sgcn.space.points] == [f"graph_{i}" for i in range(1, 11)]
    assert {len(point.options) for point in sgcn.space.points} == {8}
    assert sgcn.space.size() == (2**8 - 1) ** 10


@pytest.mark.parametrize(("name", "params", "gmacs"), EXPECTED)
def test_architectures_have_the_size_that_their_parts_give(sgcn, name, params, gmacs):
    found = counted(sgcn, name)
    assert found.params == params
    if gmacs is not None:
        assert round(found.macs / 1e9, 3) == gmacs


TABLE_1 = ["2 S T ST", "S T ST", "S T ST", "S T ST", "2 S T", "2 T", "4n 2 S T ST", "2 T", "2 T", "T"]
"""The paper's marks by row, of which there are 28: polynomials by their order, n for the normalised one."""


def test_the_searched_network_has_the_marks_of_table_1(sgcn):
    names = {"S": "dynamic.s", "T": "dynamic.t", "ST": "dynamic.st", "2": "cheb.l2", "4n": "cheb.l4n"}
    marks = {f"graph_{i}": [names[mark] for mark in row.split()] for i, row in enumerate(TABLE_1, 1)}
    assert sum(map(len, marks.values())) == 28
    assert {k: set(v) for k, v in sgcn.architectures["sgcn"].sample.items()} == {
        k: set(v) for k, v in marks.items()
    }


def test_the_released_network_has_one_more_and_another_polynomial(sgcn):
    body = closed(sgcn.architectures["sgcn-released"].network, {})["body"]
    rows = [{term["op"] for term in block["graph"]["sum"]} - {"learned"} for block in body]
    assert sum(map(len, rows)) == 29
    assert [len(row) for row in rows] == [4, 4, 3, 3, 3, 2, 5, 2, 2, 1]
    assert {name for row in rows for name in row} == {
        "dynamic.s",
        "dynamic.t",
        "released.dynamic.st",
        "released.model.l3",
        "released.model.l4n",
    }


def test_kinetics_has_the_recipe_of_the_paper():
    checked = check_spec(load_spec("sgcn-kinetics"), REGISTRY)
    train = checked.spec.train
    assert (train.epochs, train.schedule.at, train.optimizer.weight_decay) == (90, (45, 60, 75), 1e-4)
    assert (checked.spec.data.clip.window, train.augment.move) == (150, True)


def test_every_architecture_is_covered(sgcn):
    assert {name for name, _, _ in EXPECTED} == set(sgcn.architectures)


@pytest.mark.parametrize("spec", ["sgcn", "sgcn-ucla", "sgcn-kinetics"])
@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_profiles_build_and_run(spec, profile):
    checked = check_spec(load_spec(spec, profile=profile), REGISTRY)
    context = checked.context()
    sample = {point.label: list(point.options) for point in checked.space.points}
    network = build_network(checked.network, sample, context).eval()
    shape = (1, context.channels, context.frames, context.joints, context.persons)
    assert cost(network, shape).rows[-1]["output_shape"] == (1, context.classes)


def test_reported_figures_are_the_papers():
    found = [r for r in read_reported(REPORTED) if r.model == "sgcn"]
    rows = {(r.dataset, r.protocol, r.stream, r.model): (r.top1, r.top5) for r in found}
    assert len(rows) == len(found)
    assert rows["ntu60", "xview", "joint+bone", "sgcn"] == (95.7, None)
    assert rows["ntu60", "xsub", "joint+bone", "sgcn"] == (89.4, None)
    assert rows["kinetics", "val", "joint+bone", "sgcn"] == (37.1, 60.1)
