"""What a spec says of its data, against the data set: what only one of skeletons and videos can have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skelbench.check.fit import misfits
from skelbench.components import Dataset, Layout, Operator
from skelbench.data.preprocess import PREPROCESSES
from skelbench.errors import did_you_mean
from skelbench.recipe import VideoOptions
from skelbench.space.nodes import NetworkNodes
from skelbench.spec.schema import Spec
from skelbench.spec.yaml import Path

Fault = tuple[str, Path, str]
"""What is wrong, where in the spec, and a remedy."""
_ALONE = ("stream", "preprocess", "layout", "clip")
"""Keys of ``data`` that are of skeletons alone."""


def data_problems(
    spec: Spec, dataset: Dataset, network: NetworkNodes | None, layout: Layout | None = None
) -> Iterator[Fault]:
    """Every problem of ``data``, and of what else depends on the kind of recordings.

    Args:
        spec: The spec.
        dataset: Its data set, with its parameters.
        network: Its network; None where it is at fault itself.
        layout: Its skeleton; None where it is at fault itself.
    """
    yield from _of_video(spec, dataset) if dataset.modality == "video" else _of_skeletons(spec, dataset)
    if dataset.modality == "skeleton":
        yield from misfits(spec, dataset, layout)
    yield from _parts(spec)
    if network is not None and (problem := _network_problem(network, dataset)):
        yield problem


def frame_size(dataset: Dataset, video: VideoOptions) -> tuple[int, int] | None:
    """Rows and columns of a video's clips, or None where nothing says them."""
    return (video.crop, video.crop) if video.crop else video.resize or dataset.frame_size


def _of_skeletons(spec: Spec, dataset: Dataset) -> Iterator[Fault]:
    data, kind = spec.data, f"data set '{dataset.name}' is of skeletons"
    if data.preprocess not in PREPROCESSES:
        what = f"unknown pre-processing '{data.preprocess}'"
        yield what, ("data", "preprocess"), did_you_mean(data.preprocess, PREPROCESSES)
    if "video" in data.model_fields_set:
        yield f"{kind}, and 'video' is of videos", ("data", "video"), "Set 'data.clip'"
    if spec.evaluate.crops > 1:
        yield f"{kind}, of which no squares can be cut", ("evaluate", "crops"), "Leave it out"


def _of_video(spec: Spec, dataset: Dataset) -> Iterator[Fault]:
    data, kind = spec.data, f"data set '{dataset.name}' is of videos"
    for key in _ALONE:
        if key in data.model_fields_set:
            remedy = "Set 'data.video'" if key == "clip" else "Leave it out"
            yield f"{kind}, and '{key}' is of skeletons", ("data", key), remedy
    for path in _augmented(spec):
        yield f"{kind}, and 'augment' is of skeletons", path, "Set 'data.video.crop' and 'data.video.flip'"
    for index, stage in enumerate(spec.stages):
        if stage.streams:
            yield f"{kind}, which has no streams", ("stages", index, "streams"), "Leave it out"
    yield from _frames(spec, dataset)


def _augmented(spec: Spec) -> Iterator[Path]:
    if spec.train.augment.model_fields_set:
        yield ("train", "augment")
    if spec.search.train.get("augment"):
        yield ("search", "train", "augment")


def _frames(spec: Spec, dataset: Dataset) -> Iterator[Fault]:
    """Sizes that do not go together."""
    video = spec.data.video
    stored = video.resize or dataset.frame_size
    if frame_size(dataset, video) is None:
        what = f"the videos of data set '{dataset.name}' differ in size"
        yield what, ("data", "video"), "Set 'data.video.resize' or 'data.video.crop'"
    if video.crop and stored and video.crop > min(stored):
        what = f"a crop of {video.crop} out of frames of {stored[0]} x {stored[1]}"
        yield what, ("data", "video", "crop"), f"Take at most {min(stored)}, or set 'data.video.resize'"
    if spec.evaluate.crops > 1 and video.crop is None:
        yield "several crops of whole frames", ("evaluate", "crops"), "Set 'data.video.crop'"


def _parts(spec: Spec) -> Iterator[Fault]:
    share, validation = spec.search.inference, spec.train.validation.fraction
    if share is not None and share + validation >= 1:
        what = f"validation takes {validation:g} of the training split and inference {share:g}"
        yield what, ("search", "inference"), "Leave something to train on"


def _network_problem(network: NetworkNodes, dataset: Dataset) -> Fault | None:
    first: Any = network.input.component
    takes_video = isinstance(first, Operator) and first.contract == "video_input"
    if takes_video == (dataset.modality == "video"):
        return None
    takes, is_of = ("videos", "skeletons") if takes_video else ("skeletons", "videos")
    what = f"the network's input '{first.name}' takes {takes}, and data set '{dataset.name}' is of {is_of}"
    return what, ("network", "input"), f"`skelbench list operator` shows inputs of {is_of}"
