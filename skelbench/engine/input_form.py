"""What stands between a recording and a network, as data for those who use it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skelbench.check.checked import Checked
from skelbench.recipe import ClipOptions

PREPROCESS_STEPS = {
    "none": "none: coordinates as they are recorded",
    "sgcn": "subtract the first person's spine from every frame; rotate all frames so that in the first "
    "frame with a body hip -> spine points along +z and left -> right shoulder along +x",
    "sgn": "subtract the first person's spine in the first frame with a body from all frames",
    "ctrgcn": "subtract the first person's spine in the first frame with a body from all frames",
    "hand": "subtract the wrist in the first frame with a hand; divide by the distance there from the wrist "
    "to the base of the middle finger",
    "kinetics2d": "(x, y, score) in [0, 1] to (x - 0.5, 0.5 - y, score); zero where the score is zero",
}
"""What each pre-processing does, in order, leaving absent persons and missing joints zero."""
_FILL = {
    "repeat": "repeat the recording until it has {frames} frames and cut it there",
    "zero": "take the first {frames} frames and pad with zeros",
    "resize": "interpolate linearly to {frames} frames",
    "uniform": "take the {frames} frames nearest to evenly spread places",
    "segments": "cut the recording into {frames} equal segments and take the middle frame of each",
    "random": "take frame floor(i * (n - 1) / ({frames} - 1)) of n for i = 0 .. {frames} - 1",
}
_STREAM = {
    "bone": "each joint minus the joint that its bone leads to; the root is zero",
    "motion": "the next frame minus this one; the last is zero",
}
_NORMALISE = {
    "minmax": "scale each axis of the clip to [-1, 1] over all that is seen",
    "minmax_recording": "scale each axis to [-1, 1] over all that is seen in the recording",
}


def input_form(checked: Checked, class_names: Sequence[str]) -> dict[str, Any]:
    """Everything that is needed to make a network's input and to read its output.

    Args:
        checked: The spec.
        class_names: One name per class.
    """
    spec, layout, video = checked.spec, checked.layout, checked.dataset.modality == "video"
    own: dict[str, Any] = {"modality": checked.dataset.modality, "dataset": checked.dataset.name}
    if not video:
        own["layout"] = {
            "name": layout.name,
            "joints": list(layout.joints),
            "bones": [list(bone) for bone in layout.inward],
            "root": layout.root,
        }
        own |= {"preprocess": spec.data.preprocess, "stream": spec.data.stream}
    return {
        "input": {
            "name": "clip",
            "shape": ["batch", *checked.clip_shape()[1:]],
            "axes": [
                "batch",
                "channels",
                "frames",
                *(("rows", "columns") if video else ("joints", "persons")),
            ],
            "type": "uint8" if video else "float32",
        },
        "output": {
            "name": "scores",
            "shape": ["batch", checked.dataset.classes],
            "meaning": "softmax gives probabilities; those of the views of a recording are averaged",
        },
        "classes": list(class_names),
        **own,
        "clip": checked.clip_options(),
        "views": spec.evaluate.views * (spec.evaluate.crops if video else 1),
        "steps": _video_steps(checked) if video else _skeleton_steps(checked),
    }


def _skeleton_steps(checked: Checked) -> list[str]:
    data, clip = checked.spec.data, checked.spec.data.clip
    persons = checked.context().persons
    steps = [
        f"a recording is (frames, persons, {len(checked.layout.joints)} joints, {checked.dataset.channels}); "
        f"zeros stand for what was not seen; the first {persons} persons are kept",
        PREPROCESS_STEPS.get(data.preprocess, data.preprocess),
        _cut(clip, checked.spec.evaluate.views),
    ]
    if clip.normalise in _NORMALISE:
        steps.append(_NORMALISE[clip.normalise])
    steps += [what for name, what in _STREAM.items() if name in data.stream]
    return [*steps, "order the axes as channels, frames, joints, persons"]


def _cut(clip: ClipOptions, views: int) -> str:
    what = _FILL[clip.fill].format(frames=clip.frames)
    if clip.crop is not None:
        what = f"take the middle {sum(clip.crop) / 2:g} of the recording, then {what}"
    if views > 1:
        what += f"; {views} such views, of which `skelbench predict` says where they lie, are averaged"
    return what


def _video_steps(checked: Checked) -> list[str]:
    video = checked.spec.data.video
    steps = [
        "frames are bytes, red, green and blue or grey",
        f"take {video.frames} frames in the middle of the video, every {video.step}. one",
    ]
    if video.short_side:
        steps.append(f"resize the shorter side to {video.short_side}, the other in proportion")
    elif video.resize:
        steps.append(f"resize to {video.resize[0]} rows and {video.resize[1]} columns")
    if video.crop:
        steps.append(f"cut the middle square of {video.crop}")
    return [*steps, "order the axes as channels, frames, rows, columns"]
