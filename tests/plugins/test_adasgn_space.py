"""AdaSGN's specs: published sizes and costs, stages, what is chosen, and clips with nobody in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

from skelbench.check.spec import check_spec
from skelbench.console import Screen
from skelbench.engine.describe import describe_spec
from skelbench.engine.job import RunOptions
from skelbench.engine.run import run_spec
from skelbench.engine.stages import run_stages
from skelbench.engine.start import confirm_start
from skelbench.errors import RunFolderError, SpecError
from skelbench.host.registry import load_registry
from skelbench.layers import prepare_for_inference
from skelbench.leaderboard.reported import read_reported
from skelbench.results.store import RunFolder
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec

REGISTRY = load_registry()
SPECS = ("adasgn", "adasgn-ucla", "adasgn-shrec")
ONE_PERSON = ("data.clip.persons=1",)
# Parameters of the whole network, policy and all six models included.
SIZES = {
    ("adasgn", ()): 1_757_856,
    ("adasgn", ("data.dataset=ntu120",)): 1_788_636,
    ("adasgn-shrec", ()): 1_733_852,
    ("adasgn-shrec", ("data.dataset=shrec17-28",)): 1_741_034,
}
# MACs of one person if every frame takes the same model: counted as everywhere, and as the paper does.
COSTS = {
    "s-1": (9_837_560, 9_968_356),
    "b-1": (15_929_840, 16_119_572),
    "s-9": (35_665_328, 35_566_228),
    "b-9": (65_778_608, 65_333_908),
    "s-25": (84_678_960, 81_099_156),
    "b-25": (171_398_960, 163_787_156),
}

REPORTED = Path(__file__).parents[2] / "leaderboards" / "reported.yaml"


def checked(name, **changes):
    return check_spec(load_spec(name, **changes), REGISTRY)


def built(name, architecture, **changes):
    spec = checked(name, **changes)
    found = spec.architectures[architecture]
    return build_network(found.network, found.sample, spec.context()), spec.clip_shape()


class TestPublished:
    @pytest.mark.parametrize(("name", "sets"), SIZES)
    def test_size(self, name, sets):
        assert describe_spec(name, "adasgn", sets=(*ONE_PERSON, *sets))["params"] == SIZES[name, sets]

    def test_cost_by_choice_in_both_conventions(self):
        found = describe_spec("adasgn", "adasgn", sets=ONE_PERSON)
        assert {name: tuple(macs.values()) for name, macs in found["by_choice"].items()} == COSTS

    def test_cost_of_a_choice_is_that_of_its_single_model(self):
        """But for the policy, the first model and the mixture, which is applied to velocities as well."""
        policy, head = 20 * 3 * 256 * 6, 6_906_880 + 512 * 60
        first = COSTS["s-1"][0] - policy - head
        for name, model in (("b-1", "sm0-1"), ("s-9", "sm1-9"), ("b-25", "sm0-25")):
            joints = int(name.partition("-")[2])
            single = describe_spec("adasgn", model, sets=ONE_PERSON)["macs"] - head
            again = 20 * 3 * 25 * joints
            assert COSTS[name][0] == head + policy + first + single + again

    def test_what_the_paper_prints_of_them(self):
        """Its own convention counts a fixed part of .00996 GMACs: classifier and pool over time included."""
        printed = {"b-1": 0.0161, "b-9": 0.0653, "s-25": 0.0811}
        assert {name: round(COSTS[name][1] / 1e9, 4) for name in printed} == printed
        apart = {"s-1": 0.0099, "s-9": 0.0355, "b-25": 0.1637}
        for name, value in apart.items():
            without = COSTS[name][1] - (512 + 1) * 60 - 20 * 512
            assert round(without / 1e9, 4) == value

    def test_evenly_mixed_and_all_at_once(self):
        fixed = COSTS["s-1"][1]
        own = [reported - fixed for _, reported in COSTS.values()]
        assert round((fixed + sum(own) / 6) / 1e9, 3) == 0.062
        assert round((fixed + sum(own)) / 1e9, 4) == 0.3220
        assert describe_spec("adasgn", "adasgn", sets=ONE_PERSON)["as_reported"] == fixed + sum(own)


class TestSpecs:
    @pytest.mark.parametrize("name", SPECS)
    @pytest.mark.parametrize("profile", [None, "quick"])
    def test_what_it_starts_from_fits(self, name, profile):
        spec = checked(name, profile=profile)
        architecture = spec.architectures["adasgn"]
        assert len(architecture.start.weights) == 6
        assert confirm_start(spec, architecture, ()) is None

    @pytest.mark.parametrize("name", ["adasgn-lstm", "adasgn-transformer", "adasgn-conv2", "random", "fuse"])
    def test_so_it_does_with_other_policies(self, name):
        spec = checked("adasgn")
        assert confirm_start(spec, spec.architectures[name], ()) is None

    @pytest.mark.parametrize("name", SPECS)
    def test_the_search_is_over_policies_and_alphas(self, name):
        space = checked(name).space
        assert [point.label for point in space.points] == ["policy", "alpha"]
        assert space.size() == 36

    def test_stages_train_the_single_models_and_every_row_of_table_3(self):
        spec = checked("adasgn").spec
        singles, alphas, streams, released, policies, plain = spec.stages
        assert set(singles.train) == {f"sm{k}-{n}" for k in (0, 1) for n in (1, 9, 25)}
        networks = {row.network for row in read_reported(REPORTED) if any(p.table == "3" for p in row.places)}
        assert {f"adasgn#{name}" for name in alphas.train} == {n for n in networks if n.startswith("adasgn#")}
        assert (streams.fuse, streams.fuse_of) == (((1, 1, 1),), "probabilities")
        assert (released.fuse, released.fuse_of) == (((3, 3, 1),), "logits")
        assert released.streams == streams.streams == plain.streams
        assert policies.train == ("adasgn-conv2", "adasgn-lstm", "adasgn-transformer", "adasgn-scratch")
        assert plain.train == ("sgn", "sm1-plain")

    @pytest.mark.parametrize("name", SPECS)
    def test_whatever_starts_is_kept_as_it_was_for_a_quarter_of_the_training(self, name):
        starts = [a["start"] for a in load_spec(name).data["architectures"].values() if "start" in a]
        assert starts
        assert {start["freeze"] for start in starts} == {0.25}

    def test_transforms_of_another_layout_are_refused(self):
        with pytest.raises(SpecError, match="makes 25 of the 22 joints of 'shrec22'"):
            built("adasgn", "adasgn", sets=("data.dataset=shrec17-14", "data.protocol=official", *ONE_PERSON))


class TestClips:
    @pytest.fixture(params=["adasgn", "random", "fuse"])
    def network(self, request):
        torch.manual_seed(0)
        return built("adasgn", request.param)

    def test_of_nobody_give_finite_scores(self, network):
        module, shape = network
        scores = module.eval()(torch.zeros(3, *shape[1:]))
        assert torch.isfinite(scores).all()

    @pytest.mark.parametrize("name", ["adasgn", "fuse"])  # a random policy draws by the place in the batch
    def test_of_one_person_do_not_depend_on_the_absent_one(self, name):
        torch.manual_seed(0)
        module, shape = built("adasgn", name)
        x = torch.randn(2, *shape[1:])
        x[..., 1] = 0
        one, two = x.clone(), x.clone()
        two[..., 1] = two[..., 0]
        assert torch.allclose(module.eval()(one), module(two), atol=1e-5)

    def test_prepared_give_the_same(self, network):
        module, shape = network
        x = torch.randn(3, *shape[1:])
        with torch.no_grad():
            assert torch.allclose(prepare_for_inference(module)(x), module.eval()(x), atol=1e-5)


def small(joints):
    return [
        {"op": "sgn_joints", "channels": 8, "joints": joints},
        {"op": "sgn_spatial", "layers": [8], "hidden": 8},
    ]


def single(joints):
    embed, spatial = small(joints)
    head = {"op": "sgn_head", "features": 16, "hidden": 4}
    return {"network": {"input": {**embed, "op": "sgn_embed"}, "body": [spatial], "head": head}}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A pipeline of two single models and an adaptive network of both, on synthetic clips."""
    folder = tmp_path_factory.mktemp("adasgn")
    adaptive = {"policy": "conv_policy", "alpha": 1, "from": {"few": small(1), "all": small(20)}}
    parts = {"one": "few", "twenty": "all"}
    weights = {
        a: {"input": f"body.0.models.{b}.0", "body.0": f"body.0.models.{b}.1"} for a, b in parts.items()
    }
    spec = {
        "skelbench": 1,
        "name": "small",
        "data": {"dataset": "ucla", "clip": {"frames": 8, "fill": "segments", "persons": 1}},
        "network": {
            "input": "sgn_clip",
            "body": [{"adaptive": adaptive}],
            "head": {"op": "sgn_head", "features": 16, "hidden": 4},
        },
        "search": {"strategy": {"name": "grid", "weights": "own"}},
        "train": {
            "epochs": 3,
            "batch_size": 16,
            "precision": "32",
            "optimizer": {"name": "adam", "lr": 5e-3},
        },
        "architectures": {
            "one": single(1),
            "twenty": single(20),
            "both": {"choices": {}, "start": {"freeze": 0.5, "weights": weights}},
        },
        "stages": [
            {"name": "singles", "train": ["one", "twenty"]},
            {"name": "streams", "train": ["both"], "streams": ["joint", "bone"], "fuse": [[1, 1], [3, 1]]},
        ],
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    runs = folder / "runs"
    return path, runs, run_stages(str(path), RunOptions(runs=runs))


class TestPipeline:
    def test_it_ends_with_a_row_for_each_run_and_fusion(self, pipeline):
        _, _, records = pipeline
        assert [(r.model, r.stream) for r in records] == [
            ("one", "joint"),
            ("twenty", "joint"),
            ("both", "joint"),
            ("both", "bone"),
            ("both", "joint+bone"),
            ("both", "joint+bone"),
        ]
        assert [list(r.fusion.values()) for r in records[-2:]] == [[0.5, 0.5], [0.75, 0.25]]

    def test_it_starts_from_the_single_models_of_its_stream(self, pipeline):
        _, runs, records = pipeline
        joint, bone = records[2:4]
        assert joint.started_from == {"one": records[0].run, "twenty": records[1].run}
        for run in bone.started_from.values():
            assert RunFolder(runs / run).record().stream == "bone"

    def test_the_record_has_what_was_chosen_and_what_it_cost(self, pipeline):
        for record in pipeline[2][2:4]:
            few, everything = record.adaptive.gmacs.values()
            assert sum(record.adaptive.shares.values()) == pytest.approx(1, abs=1e-5)
            share = record.adaptive.shares["all"]
            assert record.macs / 1e9 == pytest.approx(few + share * (everything - few), rel=1e-4)

    def test_the_same_command_again_does_nothing(self, pipeline):
        path, runs, records = pipeline
        files = [path for path in runs.glob("small*/**/*") if path.is_file() and path.name != "lock"]
        before = [path.stat().st_mtime_ns for path in files]
        assert run_stages(str(path), RunOptions(runs=runs)) == records
        assert [path.stat().st_mtime_ns for path in files] == before

    def test_interrupted_between_epochs_it_draws_on_as_if_it_had_not_been(
        self, pipeline, tmp_path, monkeypatch
    ):
        """Draws of the policy, its temperature, the rise of alpha and what is frozen all go on."""
        path, _, records = pipeline
        options = RunOptions(runs=tmp_path / "runs")

        def stop(screen, phase, row, epochs):
            if row["epoch"] == 2:
                raise KeyboardInterrupt

        for name in ("one", "twenty"):
            run_spec(str(path), options, name)
        with monkeypatch.context() as patch:
            patch.setattr(Screen, "epoch", stop)
            with pytest.raises(KeyboardInterrupt):
                run_spec(str(path), options, "both")
        assert run_spec(str(path), options, "both").comparable() == records[2].comparable()

    def test_records_are_written_as_they_are_read(self, pipeline):
        _, runs, records = pipeline
        for record in records:
            stored = json.loads((runs / record.run / "record.json").read_text())
            assert stored == record.model_dump(mode="json")

    def test_weights_of_another_size_are_refused_and_leave_nothing(self, pipeline, tmp_path):
        path, runs, records = pipeline
        wrong = RunOptions(runs=tmp_path / "runs", start=(f"twenty={runs / records[0].run}",))
        with pytest.raises(RunFolderError, match="are of another network"):
            run_stages(str(path), wrong, ["streams"])
        left = list((tmp_path / "runs").glob("small*")) if (tmp_path / "runs").exists() else []
        assert left == []
