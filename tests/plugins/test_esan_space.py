"""The shipped ESAN spaces: what they hold, and the published networks' size and cost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from skelbench_plugins.operators.esan import EsanBlock

from skelbench.check.spec import check_spec
from skelbench.engine.describe import describe_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

REGISTRY = load_registry()
FRAMES, JOINTS, CLASSES = 20, 25, 60
BLOCKS = [(128, 128), (128, 128), (128, 256), (256, 256)]
ONE_PERSON = ("data.clip.persons=1",)


def embedding(inputs, channels):
    """Weights of two 1x1 convolutions without bias."""
    return inputs * channels + channels * channels


COORDINATES = 2 * embedding(6, 64)
JOINT, FRAME = embedding(JOINTS, 64), embedding(FRAMES, 128)
THETA, PHI = (sum(c * c for c, _ in BLOCKS),) * 2
G, RESIDUAL = sum(c * d for c, d in BLOCKS), sum(3 * c * d for c, d in BLOCKS)
HEAD_CONV, LINEAR = 3 * 256 * 256, 256 * CLASSES
NORMS = 2 * (2 * 6 * JOINTS + sum(d for _, d in BLOCKS) + 256)
UNDIRECTED = COORDINATES + JOINT + FRAME + THETA + G + RESIDUAL + HEAD_CONV + LINEAR + CLASSES + NORMS
DIRECTED = UNDIRECTED + PHI

# One sequence of one person: everything at each joint of each frame but what says otherwise.
PLACES = FRAMES * JOINTS
ONCE = JOINT * JOINTS + FRAME * FRAMES
CONV_MACS = PLACES * (COORDINATES + THETA + G + RESIDUAL) + ONCE + FRAMES * HEAD_CONV + LINEAR
PRODUCTS = PLACES * JOINTS * sum(c + d for c, d in BLOCKS)


def checked(name="esan", **changes):
    return check_spec(load_spec(name, **changes), REGISTRY)


def blocks(network):
    return [module for module in network.modules() if isinstance(module, EsanBlock)]


def in_tables(spec):
    """The 12 architectures of Tables 2 to 5."""
    base = {"varied": "number", "wide_blocks": 2}
    found = [s for s in spec.space.enumerate() if s["representation"] == "J+B"]
    return found + [{"representation": r, **base} for r in ("J", "B")]


def params_of(spec, sample):
    with torch.device("meta"):
        network = build_network(spec.network, sample, spec.context())
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(scope="module")
def esan():
    return checked()


class TestPublishedNetworks:
    def test_parameters_are_those_of_the_parts(self):
        assert (UNDIRECTED, DIRECTED) == (887_252, 1_001_940)  # printed: 0.89 M and 1.00 M
        assert describe_spec("esan", "esan")["params"] == UNDIRECTED
        assert describe_spec("esan", "esan-directed")["params"] == DIRECTED

    def test_cost_of_one_sequence(self):
        """One person, 20 frames, one draw; the paper prints 0.32 GMACs, which leaves the products out."""
        assert round(CONV_MACS / 1e9, 4) == 0.3284
        assert round((CONV_MACS + PRODUCTS) / 1e9, 3) == 0.346
        found = describe_spec("esan", "esan", sets=ONE_PERSON)
        assert found["input_shape"] == [1, 3, FRAMES, JOINTS, 1]
        assert found["macs"] == CONV_MACS + PRODUCTS
        directed = describe_spec("esan", "esan-directed", sets=ONE_PERSON)
        assert directed["macs"] - found["macs"] == PLACES * PHI

    def test_a_clip_of_two_persons_costs_two_sequences_but_what_they_share(self):
        found = describe_spec("esan", "esan")
        assert found["input_shape"] == [1, 3, FRAMES, JOINTS, 2]
        assert found["macs"] == 2 * (CONV_MACS + PRODUCTS) - ONCE - LINEAR

    def test_bones_beside_joints_add_next_to_nothing(self):
        """The paper: "the method increases only 0.002 M parameters"; as read here it is less."""
        both, joints, bones = (
            params_of(checked(), {"representation": r, "varied": "number", "wide_blocks": 2})
            for r in ("J+B", "J", "B")
        )
        assert joints == bones
        assert both - joints == 2 * (3 * 64 + 2 * 3 * JOINTS) < 2_000

    @pytest.mark.parametrize(
        ("arch", "sample"),
        [
            ("esan", {"representation": "J+B", "varied": "number", "wide_blocks": 2}),
            ("esan-directed", {"representation": "J+B", "varied": "direction"}),
        ],
    )
    def test_they_are_points_of_the_space(self, arch, sample, esan):
        named = esan.architectures[arch]
        with torch.device("meta"):
            mine = build_network(named.network, named.sample, esan.context())
            point = build_network(esan.network, esan.space.canonical(sample), esan.context())

        def parts(network):
            return Counter(tuple(p.shape) for p in network.parameters())

        assert parts(mine) == parts(point)
        assert [(b.kind, b.phi is None) for b in blocks(mine)] == [
            (b.kind, b.phi is None) for b in blocks(point)
        ]
        assert mine.input.representation == point.input.representation

    @pytest.mark.parametrize("fixed", ["network.input.representation=J", "data.clip.persons=1"])
    def test_they_stand_whatever_is_fixed(self, fixed):
        assert describe_spec("esan", "esan", sets=(fixed,))["params"] == UNDIRECTED


class TestSpace:
    def test_is_small_enough_for_the_grid(self, esan):
        samples = list(esan.space.enumerate())
        assert len(samples) == esan.space.size() == 30
        assert (esan.strategy.name, esan.spec.search.strategy.weights) == ("grid", "own")

    def test_holds_each_row_of_tables_2_to_5(self, esan):
        base: dict[str, Any] = {"representation": "J+B", "varied": "number", "wide_blocks": 2}
        tables: dict[int, list[dict[str, Any]]] = {
            2: [{**base, "representation": r} for r in ("J", "B", "J+B")],
            3: [base, {"representation": "J+B", "varied": "direction"}],
            4: [{**base, "wide_blocks": blocks} for blocks in (0, 1, 2, 3)],
            5: [base]
            + [
                {"representation": "J+B", "varied": "type", "type": type}
                for type in ("s1", "s2", "t1", "t2", "st")
            ],
        }
        rows = [row for table in tables.values() for row in table]
        assert all(esan.space.canonical(row) in in_tables(esan) for row in rows)
        assert len({tuple(sorted(row.items())) for row in rows}) == len(in_tables(esan)) == 12

    def test_samples_build_what_they_say(self, esan):
        for sample in in_tables(esan):
            with torch.device("meta"):
                network = build_network(esan.network, sample, esan.context())
            number = 2 + sample.get("wide_blocks", 2)
            found = blocks(network)
            assert [b.bn.num_features for b in found] == [128, 128, *[256] * (number - 2)]
            assert {b.kind for b in found} == {sample.get("type", "v")}
            assert {b.phi is not None for b in found} == {sample["varied"] == "direction"}
            assert network.input.representation == sample["representation"]

    def test_one_decision_fixed_leaves_tables_3_to_5(self):
        assert checked(sets=("network.input.representation=J+B",)).space.size() == 10


@pytest.mark.parametrize(
    ("spec", "profile"), [("esan", "quick"), ("esan-ucla", "quick"), ("esan-kinetics", "quick")]
)
def test_architectures_build_and_run(spec, profile):
    found = checked(spec, profile=profile)
    context = found.context()
    shape = (1, context.channels, context.frames, context.joints, context.persons)
    for sample in in_tables(found):
        with torch.device("meta"):
            network = build_network(found.network, sample, context)
        assert cost(network, shape).rows[-1]["output_shape"] == (1, context.classes)


def test_recipe_is_the_papers(esan):
    train, evaluate = esan.spec.train, esan.spec.evaluate
    assert (train.epochs, train.batch_size, train.label_smoothing) == (120, 64, 0.1)
    optimizer = train.optimizer
    assert (optimizer.name, optimizer.lr, optimizer.weight_decay) == ("adam", 1e-3, 1e-4)
    assert (train.schedule.name, train.schedule.at, train.schedule.factor) == ("steps", (60, 90, 110), 0.1)
    assert (train.augment.rotate, evaluate.views) == ((17.0,) * 3, 5)
    assert (train.validation.fraction, train.validation.by) == (0.1, "random")
    assert checked(profile="paper-xview").spec.train.augment.rotate == (30.0,) * 3
    assert esan.spec.search_options() == train


def test_ucla_has_one_person_and_twenty_joints():
    found = checked("esan-ucla")
    context = found.context()
    assert (context.frames, context.joints, context.persons, context.classes) == (20, 20, 1, 10)
    assert (found.protocol, found.spec.data.preprocess) == ("xview", "sgn")
    assert found.spec.data.clip.fill == "segments"


def test_kinetics_is_the_papers():
    """Two persons of 18 joints, nothing augmented, one draw; all else as on NTU."""
    found, ntu = checked("esan-kinetics"), checked()
    context = found.context()
    assert (context.channels, context.frames, context.joints) == (3, 20, 18)
    assert (context.persons, context.classes) == (2, 400)
    assert (found.protocol, found.spec.evaluate.views) == ("val", 1)
    assert found.spec.train == ntu.spec.train.model_copy(update={"augment": found.spec.train.augment})
    assert set(found.spec.train.augment.model_dump(exclude_defaults=True)) == set()
    assert found.space.size() == ntu.space.size() == 30


def test_size_and_cost_on_kinetics():
    fewer, more = JOINTS - 18, 400 - CLASSES
    found = describe_spec("esan-kinetics", "esan", sets=ONE_PERSON)
    assert found["params"] == UNDIRECTED - fewer * (64 + 2 * 2 * 6) + more * 257 == 974_016
    assert found["macs"] < CONV_MACS + PRODUCTS
