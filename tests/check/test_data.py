"""What a spec says of its data, against the kind of recordings of its data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.components import NO_SKELETON
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.spec.jsonschema import json_schema
from skelbench.spec.resolve import load_spec

VIDEO = {
    "network": {
        "input": "pixels",
        "body": [{"op": "video_stem", "channels": 4}],
        "head": "video_pool_linear",
    },
    "data": {"dataset": "ucf101", "video": {"frames": 8, "resize": [32, 40], "crop": 24}},
}
SKELETON = {
    "network": {
        "input": "data_bn",
        "body": [{"op": "stgcn_block", "channels": 4, "graph": "adjacency"}],
        "head": "mean_pool_linear",
    },
    "data": {"dataset": "ucla", "clip": {"frames": 8}},
}


@pytest.fixture
def check(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def _check(base: dict[str, Any], data: dict[str, Any] | None = None, **changes: Any) -> Checked:
        whole = {"skelbench": 1, "name": "s", "search": {"strategy": {"name": "random"}}, **base, **changes}
        whole["data"] = whole["data"] | (data or {})
        Path("s.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
        return check_spec(load_spec("s.yaml"), registry)

    return _check


def test_a_video_network_gets_the_size_of_the_crop(check) -> None:
    checked = check(VIDEO)
    context = checked.context()
    assert checked.clip_shape(2) == (2, 3, 8, 24, 24)
    assert (context.joints, context.persons, context.classes) == (0, 1, 101)
    assert context.layout is checked.layout is NO_SKELETON
    assert checked.stream == "rgb"
    assert checked.clip_options()["crop"] == 24
    assert "cache_gib" not in checked.clip_options()


@pytest.mark.parametrize(
    ("video", "size"), [({"resize": [32, 40]}, (32, 40)), ({"crop": 24}, (24, 24)), ({}, (50, 50))]
)
def test_the_size_is_that_of_crop_resize_or_the_data_set(check, video: dict[str, Any], size) -> None:
    checked = check(VIDEO, {"dataset": "shrec17-depth-14", "video": video})
    assert checked.clip_shape() == (1, 1, 16, *size)


CLIPS = {"name": "clips", "classes": 14, "channels": 3, "frame_size": [30, 20], "labels": "label14"}


def test_parameters_of_a_data_set_describe_it_and_reach_its_reader(check) -> None:
    checked = check(VIDEO, {"dataset": CLIPS, "video": {}})
    assert checked.clip_shape() == (1, 3, 16, 30, 20)
    assert checked.context().classes == 14
    reader = checked.dataset.reader()
    assert (reader.params.labels, reader.params.x, len(reader.class_names)) == ("label14", "x", 14)


def test_a_data_set_without_parameters_may_be_a_mapping_too(check) -> None:
    assert check(VIDEO, {"dataset": {"name": "ucf101"}}).dataset.name == "ucf101"


@pytest.mark.parametrize(
    ("dataset", "line", "words"),
    [
        ({"name": "clips", "clases": 3}, 15, "has no parameter 'clases'. Did you mean 'classes'?"),
        ({"name": "clips", "channels": 2}, 15, "channels: must be 1 or 3 (it is 2)"),
        ({"name": "ucf101", "classes": 3}, 15, "has no parameter 'classes'. It takes no parameters"),
        ({"name": "ucf100"}, 14, "unknown dataset 'ucf100'. Did you mean 'ucf101'?"),
        ("ucf100", 13, "unknown dataset 'ucf100'. Did you mean 'ucf101'?"),
        ({"classes": 3}, 13, "the key 'data.dataset.name' is missing"),
        (3, 13, "give the name of a data set, or a mapping of 'name' and its parameters (it is 3)"),
        (["ucf101"], 13, "give the name of a data set"),
    ],
)
def test_faults_of_a_data_sets_name_and_parameters_have_their_place(check, dataset, line: int, words: str):
    with pytest.raises(SpecError) as told:
        check(VIDEO, {"dataset": dataset})
    (problem,) = told.value.problems
    assert problem.where == f"s.yaml:{line}"
    assert words in str(problem)


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        ({"clip": {"frames": 64}}, {}, "is of videos, and 'clip' is of skeletons. Set 'data.video'"),
        ({"stream": "joint"}, {}, "is of videos, and 'stream' is of skeletons"),
        ({"preprocess": "none"}, {}, "is of videos, and 'preprocess' is of skeletons"),
        ({"layout": "ntu25"}, {}, "is of videos, and 'layout' is of skeletons"),
        ({}, {"train": {"augment": {"shift": 0.1}}}, "'augment' is of skeletons. Set 'data.video.crop'"),
        ({"video": {"frames": 8}}, {}, "differ in size. Set 'data.video.resize' or 'data.video.crop'"),
        ({"video": {"resize": [8, 8]}}, {"evaluate": {"crops": 3}}, "several crops of whole frames"),
        ({"video": {"crop": 9, "resize": [8, 9]}}, {}, "a crop of 9 is larger than frames"),
        ({"video": {"short_side": 9}}, {}, "short_side needs crop"),
        ({"dataset": "shrec17-depth-14", "video": {"crop": 51}}, {}, "a crop of 51 out of frames of 50 x 50"),
        ({"video": {"crop": 8, "frames": 0}}, {}, "'data.video.frames'"),
        ({}, {"evaluate": {"crops": 2}}, "'evaluate.crops'"),
        ({"dataset": "ucla"}, {}, "input 'pixels' takes videos, and data set 'ucla' is of skeletons"),
        ({"dataset": "ucla"}, {}, "is of skeletons, and 'video' is of videos. Set 'data.clip'"),
    ],
)
def test_what_videos_cannot_have_is_told_with_its_remedy(check, data, changes, words: str) -> None:
    with pytest.raises(SpecError) as told:
        check(VIDEO, data, **changes)
    assert words in str(told.value)
    assert all(problem.where.startswith("s.yaml:") for problem in told.value.problems)


def test_stages_of_videos_have_no_streams(check) -> None:
    stages = [{"name": "all", "train": ["one"], "streams": ["joint", "bone"]}]
    with pytest.raises(SpecError, match="is of videos, which has no streams"):
        check(VIDEO, stages=stages, architectures={"one": {"choices": {}}})


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        ({"video": {}}, {}, "is of skeletons, and 'video' is of videos. Set 'data.clip'"),
        ({}, {"evaluate": {"crops": 3}}, "is of skeletons, of which no squares can be cut. Leave it out"),
        ({"dataset": "ucf101"}, {}, "takes skeletons, and data set 'ucf101' is of videos"),
    ],
)
def test_what_skeletons_cannot_have_is_told_too(check, data, changes, words: str) -> None:
    with pytest.raises(SpecError) as told:
        check(SKELETON, data, **changes)
    assert words in str(told.value)


def test_validation_and_inference_leave_something_to_train_on(check) -> None:
    search = {"strategy": {"name": "random"}, "inference": 0.8}
    with pytest.raises(SpecError, match=r"validation takes 0.2 of the training split and inference 0.8"):
        check(VIDEO, search=search)
    assert check(VIDEO, search=search | {"inference": 0.7}).spec.search.inference == 0.7


def test_the_size_of_the_cache_is_no_part_of_a_runs_hash(check) -> None:
    video = VIDEO["data"]["video"]
    plain, cached, other = (
        check(VIDEO, {"video": video | more}).resolved.hash for more in ({}, {"cache_gib": 5}, {"flip": True})
    )
    assert plain == cached != other


def test_the_json_schema_knows_both_forms_of_a_data_set() -> None:
    schema = json_schema({"dataset": ["ucf101", "clips"]})
    word, mapping = schema["$defs"]["DataSpec"]["properties"]["dataset"]["anyOf"]
    assert word["type"] == "string"
    assert word["examples"] == ["ucf101", "clips"]
    assert mapping["$ref"] == "#/$defs/DatasetSpec"
    assert schema["$defs"]["DatasetSpec"]["additionalProperties"] is True
