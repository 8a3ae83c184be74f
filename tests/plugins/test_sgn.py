"""SGN and its single models: contracts, the papers' formulas, joints, persons, and the shipped specs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from skelbench_plugins.layouts import LAYOUTS, NTU25, SHREC22, UCLA20
from skelbench_plugins.operators.esan import fill_absent
from skelbench_plugins.operators.mixtures import GROUPS, JointMixture, groups_of
from skelbench_plugins.operators.sgn import SgnEmbed, SgnHead, SgnSpatial
from torch import nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.engine.describe import describe_spec
from skelbench.engine.job import RunOptions
from skelbench.engine.run import run_spec
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.leaderboard.reported import read_reported
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.testing.operators import OperatorConformance
from skelbench.testing.params import checked_params
from skelbench.training.cost import cost

REGISTRY = load_registry()
N, T, V = 2, 6, 25
ONE_PERSON = ("data.clip.persons=1",)
# The number of parameters at 60 classes and the MACs of one person with 20 frames, products included.
PUBLISHED = {
    "sgn": (691_048, 168_424_000),
    "sm0-25": (691_673, 168_461_500),
    "sm0-9": (690_057, 62_865_148),
    "sm0-1": (689_249, 13_028_380),
    "sm1-25": (526_681, 81_741_500),
    "sm1-plain": (526_056, 81_704_000),
    "sm1-9": (525_065, 32_751_868),
    "sm1-1": (524_257, 9_743_900),
}
# The same without products of matrices, in GMACs.
CONVOLUTIONS = {
    "sm0-25": 0.158824,
    "sm0-9": 0.061607,
    "sm0-1": 0.013012,
    "sm1-25": 0.076904,
    "sm1-9": 0.032116,
    "sm1-1": 0.009735,
}

REPORTED = Path(__file__).parents[2] / "leaderboards" / "reported.yaml"


class TestEmbedConforms(OperatorConformance):
    name = "sgn_embed"


class TestEmbedOfMixturesConforms(OperatorConformance):
    name = "sgn_embed"
    params = {"joints": 9, "channels": 12, "persons": "all"}  # noqa: RUF012


class TestEmbedOfGroupsConforms(OperatorConformance):
    name = "sgn_embed"
    params = {"groups": [[*range(9)], [*range(9, 18)]]}  # noqa: RUF012
    layout = "openpose18"


class TestSpatialConforms(OperatorConformance):
    name = "sgn_spatial"


class TestSmallSpatialConforms(OperatorConformance):
    name = "sgn_spatial"
    params = {"layers": [16], "hidden": 4}  # noqa: RUF012
    layout = "shrec22"


class TestHeadConforms(OperatorConformance):
    name = "sgn_head"


class TestSmallHeadConforms(OperatorConformance):
    name = "sgn_head"
    params = {"features": 16, "hidden": 4, "dropout": 0.0}  # noqa: RUF012


def network(place, *, places=2, **params):
    """A small SGN in evaluation mode, its weights all drawn at random."""
    torch.manual_seed(0)
    spatial = SgnSpatial(place(channels=16, frames=T), (16, 24), 8)
    for name, weight in spatial.named_parameters():
        if name.endswith("gathered.weight"):
            nn.init.normal_(weight, 0, 0.3)
    embed = SgnEmbed(place(channels=3, frames=T, persons=places), 16, **params)
    return nn.Sequential(embed, spatial, SgnHead(place(channels=24, frames=T, persons=places), 32, 8)).eval()


def apply(conv, x):
    """A 1x1 convolution with bias by the definition."""
    return torch.einsum("oc,nctv->notv", conv.weight[:, :, 0, 0], x) + conv.bias[:, None, None]


def two_layers(layers, x):
    return functional.relu(apply(layers[2], functional.relu(apply(layers[0], x))))


class TestFormulas:
    def test_embedding_adds_position_and_velocity_and_appends_the_joint_type(self, place):
        module = SgnEmbed(place(channels=3, frames=T, persons=1)).eval()
        x = torch.randn(N, 3, T, V, 1)
        positions, scale = x[..., 0], (1 + 1e-5) ** -0.5
        velocities = torch.zeros_like(positions)
        for t in range(1, T):
            velocities[:, :, t] = positions[:, :, t] - positions[:, :, t - 1]
        z = two_layers(module.position[1], positions * scale)
        z = z + two_layers(module.velocity[1], velocities * scale)
        joint = two_layers(module.joint, torch.eye(V)[None, :, None]).expand(N, -1, T, -1)
        assert torch.allclose(module(x), torch.cat([z, joint], 1), atol=1e-5)

    def test_graph_convolutions_share_one_graph_a_frame(self, place):
        module = network(place)[1]
        x = torch.randn(N, 16, T, V)
        theta, phi = apply(module.theta, x), apply(module.phi, x)
        graph = torch.einsum("nctv,nctu->ntvu", theta, phi).softmax(3)
        y = x
        for layer in module.layers:
            gathered = torch.einsum("ntvu,nctu->nctv", graph, y)
            gathered = torch.einsum("oc,nctv->notv", layer.gathered.weight[:, :, 0, 0], gathered)
            y = functional.relu((gathered + apply(layer.own, y)) * (1 + 1e-5) ** -0.5)
        assert torch.allclose(module(x), y.max(3, keepdim=True).values, atol=1e-5)

    def test_head_adds_the_frame_index_before_it_convolves(self, place):
        head = SgnHead(place(channels=8, frames=T, persons=1)).eval()
        x, scale = torch.randn(N, 8, T, 1), (1 + 1e-5) ** -0.5
        x_t = (x + two_layers(head.frame, torch.eye(T)[None, :, :, None]))[..., 0]
        first, second = head.layers[0], head.layers[4]
        y = functional.conv1d(x_t, first.weight[..., 0], first.bias, padding=1)
        y = functional.relu(y * scale)
        y = functional.relu(functional.conv1d(y, second.weight[..., 0], second.bias) * scale)
        scores = y.max(2).values @ head.linear.weight.T + head.linear.bias
        assert torch.allclose(head(x), scores, atol=1e-5)

    def test_weights_after_the_graph_begin_at_zero_and_the_others_do_not(self, place):
        module = SgnSpatial(place(channels=128))
        for layer in module.layers:
            assert not layer.gathered.weight.any()
            deviation = (2 / layer.own.out_channels) ** 0.5
            assert float(layer.own.weight.detach().std()) == pytest.approx(deviation, rel=0.05)


class TestMixtures:
    @pytest.mark.parametrize(
        ("layout", "joints"),
        [(NTU25, 25), (NTU25, 9), (NTU25, 1), (UCLA20, 20), (UCLA20, 9), (UCLA20, 1), (SHREC22, 11)],
    )
    def test_begin_as_means_of_groups(self, layout, joints, place):
        module = SgnEmbed(place(channels=3, frames=T, layout=layout, persons=1), joints=joints)
        groups = groups_of(layout, joints, None)
        x = torch.randn(N, 3, T, len(layout.joints))
        means = torch.stack([x[..., list(group)].mean(3) for group in groups], 3)
        assert torch.allclose(module.mixture(x), means, atol=1e-6)
        assert module(x[..., None]).shape == (N, 128, T, joints)

    def test_known_groups_hold_every_joint_once(self):
        layouts = {layout.name: layout for layout in LAYOUTS}
        for name, known in GROUPS.items():
            for groups in known:
                named = sorted(joint for group in groups for joint in group)
                assert named == list(range(len(layouts[name].joints)))

    def test_all_joints_give_at_first_what_the_network_without_mixture_gives(self, place):
        plain, mixed = network(place), network(place, joints=V)
        mixed.load_state_dict({**plain.state_dict(), "0.mixture.weight": torch.eye(V)})
        x = torch.randn(N, 3, T, V, 2)
        assert torch.allclose(plain(x), mixed(x), atol=1e-5)

    def test_learn_only_after_a_quarter_of_the_training(self):
        mixture = JointMixture([[0, 1], [2]], 3, 0.25)
        before = mixture.weight.detach().clone()
        optimizer = torch.optim.Adam(mixture.parameters(), 0.1, weight_decay=0.1)
        for share, moves in ((0, False), (29 / 120, False), (30 / 120, True)):
            mixture.set_progress(share)
            optimizer.zero_grad()
            (mixture(torch.ones(1, 1, 1, 3, requires_grad=True)).sum()).backward()
            optimizer.step()
            assert torch.equal(mixture.weight, before) != moves

    def test_do_not_share_storage(self, place):
        first, second = (SgnEmbed(place(channels=3), joints=9).mixture.weight for _ in range(2))
        assert first.data_ptr() != second.data_ptr()

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"joints": 26}, "26 of the 25 joints of 'ntu25'.*from 1 to 25"),
            ({"groups": [[*range(24)], [25]]}, "joint 25, but 'ntu25' has 0 to 24"),
            ({"groups": [[*range(24)]]}, r"without joint 24 \(right_thumb\)"),
        ],
    )
    def test_that_do_not_fit_the_layout_are_refused(self, wrong, told, place):
        with pytest.raises(SpecError, match=told):
            SgnEmbed(place(channels=3), **wrong)

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"joints": 1, "groups": [[0]]}, "leave out 'joints'"),
            ({"groups": [[0, 0]]}, "names a joint twice"),
            ({"groups": [[]]}, "at least 1"),
            ({"groups": []}, "at least 1"),
            ({"groups": [[-1]]}, "at least 0"),
            ({"joints": 0}, "greater than 0"),
            ({"channels": 7}, "multiple of 2"),
            ({"freeze": 1}, "less than 1"),
            ({"persons": "some"}, "'present' or 'all'"),
        ],
    )
    def test_wrong_parameters_are_refused(self, wrong, told):
        with pytest.raises(SpecError, match=told):
            checked_params(REGISTRY.get("operator", "sgn_embed"), wrong)

    def test_a_run_of_a_model_that_does_not_fit_leaves_nothing_behind(self, tmp_path):
        options = RunOptions(
            runs=tmp_path / "runs",
            profile="quick",
            sets=("architectures.sm0-25.network.input.joints=26",),
        )
        with pytest.raises(SpecError, match="26 of the 25 joints of 'ntu25'"):
            run_spec("sgn", options, "sm0-25")
        assert not [path for path in tmp_path.glob("runs/[!.]*") if path.is_dir()]


class TestPersons:
    @pytest.mark.parametrize("params", [{}, {"joints": 9}, {"persons": "all"}])
    def test_their_order_does_not_matter(self, params, place):
        module, x = network(place, **params), torch.randn(N, 3, T, V, 2)
        x[1, ..., 1] = 0
        assert torch.allclose(module(x), module(x.flip(4)), atol=1e-5)

    def test_scores_are_the_mean_over_those_present(self, place):
        module, alone = network(place), network(place, places=1)
        alone.load_state_dict(module.state_dict())
        x = torch.randn(N, 3, T, V, 2)
        x[1, ..., 0] = 0
        first, second = alone(x[..., :1]), alone(x[..., 1:])
        assert torch.allclose(module(x)[0], (first[0] + second[0]) / 2, atol=1e-5)
        assert torch.allclose(module(x)[1], second[1], atol=1e-5)

    def test_all_of_them_count_if_asked(self, place):
        module, alone = network(place, persons="all"), network(place, places=1)
        x = torch.randn(N, 3, T, V, 2)
        x[..., 1] = 0
        mean = (alone(x[..., :1]) + alone(x[..., 1:])) / 2
        assert torch.allclose(module(x), mean, atol=1e-5)
        assert not torch.allclose(module(x), alone(x[..., :1]), atol=1e-3)

    def test_one_who_comes_late_keeps_the_empty_frames(self):
        x = torch.randn(1, 3, T, V, 2)
        x[:, :, :3, :, 1] = 0
        assert torch.equal(fill_absent(x, whole_clips=True), x)

    def test_a_clip_of_nobody_stays_empty(self):
        assert not fill_absent(torch.zeros(1, 3, T, V, 2), whole_clips=True).any()

    def test_of_more_than_two_the_absent_ones_cannot_be_left_out(self, place):
        with pytest.raises(SpecError, match="persons: all"):
            SgnEmbed(place(channels=3, persons=3))
        x = torch.randn(N, 3, T, V, 3)
        assert SgnEmbed(place(channels=3, frames=T, persons=3), persons="all")(x).shape[0] == 3 * N


def checked(name, **changes):
    return check_spec(load_spec(name, **changes), REGISTRY)


class TestPublishedModels:
    @pytest.mark.parametrize("name", PUBLISHED)
    def test_size_and_cost(self, name):
        found = describe_spec("sgn", name, sets=ONE_PERSON)
        assert found["input_shape"] == [1, 3, 20, 25, 1]
        assert (found["params"], found["macs"]) == PUBLISHED[name]

    @pytest.mark.parametrize("name", CONVOLUTIONS)
    def test_cost_is_that_of_the_parts(self, name):
        """Convolutions by the closed form; products for the mixture, the graph and each layer."""
        size, joints = name.split("-")
        n, big = int(joints), size == "sm0"
        layers, widths = (229_376, 128 + 128 + 256) if big else (65_536, 128)
        convolutions = 20 * n * (74_112 + layers) + n * (64 * n + 4_096) + 6_906_880 + 512 * 60
        assert round(convolutions / 1e9, 6) == CONVOLUTIONS[name]
        products = 20 * n * n * (256 + widths) + 3 * 20 * 25 * n
        assert convolutions + products == PUBLISHED[name][1]

    def test_two_persons_cost_twice_but_what_they_share(self):
        once = 25 * (64 * 25 + 4_096) + 20 * (64 * 20 + 64 * 256) + 512 * 60
        assert describe_spec("sgn", "sgn")["macs"] == 2 * PUBLISHED["sgn"][1] - once

    def test_size_and_cost_of_sgn_on_ucla(self):
        found = describe_spec("sgn-ucla", "sgn")
        fewer, classes = 25 - 20, 60 - 10
        params = PUBLISHED["sgn"][0] - fewer * (64 + 2 * 2 * 3) - classes * 513
        assert found["params"] == params == 665_018
        assert found["input_shape"] == [1, 3, 20, 20, 1]

    def test_single_models_are_the_points_of_the_space(self):
        spec = checked("sgn")
        for sample in spec.space.enumerate():
            with torch.device("meta"):
                found = build_network(spec.network, sample, spec.context())
            params = sum(p.numel() for p in found.parameters())
            assert params == PUBLISHED[f"{sample['size']}-{sample['joints']}"][0]

    def test_each_figure_of_table_1_is_reported(self):
        rows = [
            row for row in read_reported(REPORTED) if row.source.startswith("Shi et al., ICCV 2021, Table 1")
        ]
        rows = [row for row in rows if row.model in CONVOLUTIONS]
        assert {(row.model, row.protocol) for row in rows} == {
            (model, protocol) for model in CONVOLUTIONS for protocol in ("xsub", "xview")
        }
        for row in rows:  # counted by another convention, and cut where others would round
            counted = float((row.as_reported or "").removesuffix(" GFLOPs"))
            assert counted == pytest.approx(CONVOLUTIONS[row.model], abs=0.0015)


class TestSpecs:
    @pytest.mark.parametrize("name", ["sgn", "sgn-ucla"])
    @pytest.mark.parametrize("profile", [None, "quick"])
    def test_are_grids_of_six_that_all_build_and_run(self, name, profile):
        spec = checked(name, profile=profile)
        samples = list(spec.space.enumerate())
        assert len(samples) == spec.space.size() == 6
        assert (spec.strategy.name, spec.spec.search.strategy.weights) == ("grid", "own")
        for sample in samples:
            with torch.device("meta"):
                found = build_network(spec.network, sample, spec.context())
            assert cost(found, spec.clip_shape()).rows[-1]["output_shape"] == (1, spec.context().classes)

    @pytest.mark.parametrize("name", ["sgn", "sgn-ucla"])
    def test_profiles_and_named_architectures_are_whole(self, name):
        for profile in checked(name).resolved.profiles:
            spec = checked(name, profile=profile)
            for arch in spec.architectures.values():
                with torch.device("meta"):
                    build_network(arch.network, arch.sample, spec.context())

    def test_recipe_is_the_papers(self):
        spec = checked("sgn").spec
        train, evaluate = spec.train, spec.evaluate
        assert (train.epochs, train.batch_size, train.label_smoothing) == (120, 64, 0.1)
        optimizer = train.optimizer
        assert (optimizer.name, optimizer.lr, optimizer.weight_decay) == ("adam", 1e-3, 1e-4)
        assert (train.schedule.at, train.schedule.factor) == ((60, 90, 110), 0.1)
        assert (train.augment.rotate, evaluate.views) == ((17.0,) * 3, 1)
        assert spec.search_options() == train
        assert checked("sgn", profile="paper-xview").spec.train.augment.rotate == (30.0,) * 3
        assert checked("sgn", profile="five-views").spec.evaluate.views == 5

    def test_ucla_has_its_own_joints_and_recipe(self):
        found = checked("sgn-ucla")
        assert set(found.architectures) == {
            "sgn",
            "sm1-plain",
            *(f"sm{s}-{j}" for s in (0, 1) for j in (20, 9, 1)),
        }
        assert found.spec.train.augment.rotate == (30.0,) * 3
        assert (found.spec.train.epochs, found.spec.evaluate.views) == (100, 5)
        assert (found.protocol, found.context().persons) == ("xview", 1)

    @pytest.mark.parametrize("name", ["sgn", "sgn-ucla"])
    def test_the_test_split_chooses_nothing(self, name):
        """Trials are compared on held-out training clips, and of the last training the last epoch counts."""
        spec = checked(name).spec
        assert spec.evaluate.selection == "last"
        assert spec.train.validation.fraction > 0
