"""Small files in the forms that strangers bring, written by hand from the forms' public descriptions.

None of them is a real recording: numbers are drawn at random.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Dataset
from skelbench.data import Clips, read_clips, training_part
from skelbench.data.border import Border
from skelbench.host.registry import load_registry
from skelbench.spec.params import validated_params
from skelbench.spec.yaml import Marks, load_yaml

FRAMES = 4


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.round(np.random.default_rng([seed, *shape]).uniform(0.1, 0.9, shape), 4)


def component(yaml: str) -> Dataset:
    """The data set of a YAML fragment, as a spec would have it."""
    given, _ = load_yaml(yaml, "own.yaml")
    found: Dataset = load_registry().get("dataset", "skeletons")
    params, problems = validated_params(found, given, Marks(), ())
    assert not problems, problems
    return found.with_params(params)


def read(yaml: str, root: Path) -> Clips:
    own = component(yaml)
    layout = load_registry().layout_of(own)
    return read_clips(own, Border(own, layout).reader(), root, layout=layout)


def parts(yaml: str, root: Path, protocol: str | None = None) -> dict[str, bool]:
    own = component(yaml)
    reader = own.reader()
    clips = read_clips(own, reader, root, layout=load_registry().layout_of(own))
    train = training_part(clips, reader, protocol or own.protocols[0])
    return dict(zip(clips.ids.tolist(), train.tolist(), strict=True))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows(values: np.ndarray, sign: str = " ") -> str:
    return "".join(sign.join(f"{v:.4f}" for v in row) + "\n" for row in values)


def msr_action3d(root: Path) -> dict[str, np.ndarray]:
    """MSR-Action3D: a line a joint, x y z and confidence, 20 joints a frame."""
    made = {}
    for label in (1, 2):
        for subject in (1, 2, 3, 4):
            name = f"a{label:02d}_s{subject:02d}_e01_skeleton3D"
            x = drawn(FRAMES, 20, 4, seed=10 * label + subject)
            write(root / f"{name}.txt", rows(x.reshape(-1, 4)))
            made[name] = x[:, None, :, :3]
    return made


MSR_ACTION3D = """
files: a{label:02d}_s{subject:02d}_e{trial}_skeleton3D.txt
layout: msr20
classes: 2
first_label: 1
channels: [x, y, z, "-"]
split: {subjects: [1, 3]}
"""


_PAIRS = (
    *("s01s02", "s01s03", "s01s07", "s02s01", "s02s03", "s02s06", "s02s07", "s03s02", "s03s04", "s03s05"),
    *("s03s06", "s04s02", "s04s03", "s04s06", "s05s02", "s05s03", "s06s02", "s06s03", "s06s04", "s07s01"),
    "s07s03",
)


def sbu(root: Path) -> dict[str, np.ndarray]:
    """SBU Kinect Interaction: comma columns, a frame's number and 2 x 15 x (x, y, z)."""
    made = {}
    for pair in _PAIRS:
        for label in (1, 2):
            x = drawn(FRAMES, 2, 15, 3, seed=label)
            table = np.column_stack([np.arange(1, FRAMES + 1), x.reshape(FRAMES, -1)])
            path = f"{pair}/{label:02d}/001/skeleton_pos"
            write(root / f"{path}.txt", rows(table, ","))
            made[path] = x
    return made


SBU = """
files: "{subject}/{label}/{trial}/skeleton_pos.txt"
layout: openni15
classes: 2
first_label: 1
persons: 2
skip: 1
split: {folds: 2}
"""


def florence(root: Path) -> dict[str, np.ndarray]:
    """Florence 3D Actions, a file a clip: a line a joint in millimetres, ending in a blank."""
    made = {}
    for label in (1, 2):
        for subject in range(1, 11):
            x = 1000 * drawn(FRAMES, 15, 3, seed=20 * label + subject)
            name = f"a{label:02d}_s{subject}_id{10 * label + subject}"
            write(root / f"{name}.txt", rows(x.reshape(-1, 3)).replace("\n", " \n"))
            made[name] = x[:, None]
    return made


FLORENCE = """
files: a{label}_s{subject}_id{id}.txt
layout: openni15
classes: 2
first_label: 1
split: {leave_out: 2}
"""


def jhmdb(root: Path) -> dict[str, np.ndarray]:
    """JHMDB as DD-Net pickles it: lists of arrays (T, 15, 2) and of names, a file a part."""
    import pickle

    root.mkdir(parents=True, exist_ok=True)
    made = {}
    for part in ("train", "test"):
        poses = [drawn(FRAMES + n % 3, 15, 2, seed=n + len(part)) for n in range(28)]
        content = {"pose": poses, "label": [f"action {n % 14:02d}" for n in range(28)]}
        (root / f"GT_{part}_1.pkl").write_bytes(pickle.dumps(content))
        made |= {f"GT_{part}_1/{n:02d}": pose[:, None] for n, pose in enumerate(poses)}
    return made


JHMDB = """
files: GT_{split}_1.pkl
classes: 14
channels: [x, y]
layout: {joints: 15, bones: [[1, 0], [2, 0], [3, 0], [4, 0], [5, 1], [6, 1], [7, 3], [8, 4], [9, 5], [10, 6],
         [11, 7], [12, 8], [13, 9], [14, 10]]}
"""


def mediapipe(root: Path) -> dict[str, np.ndarray]:
    """MediaPipe Pose in CSV, as notebooks write it: a header, time, and 33 x (x, y, z, visibility)."""
    header = ",".join(["time", *(f"{c}{j}" for j in range(33) for c in ("x", "y", "z", "v"))])
    made = {}
    for number, name in enumerate(("squat", "lunge")):
        for subject, trial in product((1, 2), range(3)):
            x = drawn(FRAMES, 33, 4, seed=100 * number + 10 * subject + trial)
            table = np.column_stack([np.arange(FRAMES) / 30, x.reshape(FRAMES, -1)])
            path = f"{name}/p{subject:02d}_{trial:03d}"
            write(root / f"{path}.csv", f"{header}\n{rows(table, ',')}")
            made[path] = x[:, None, :, :3]
    return made


MEDIAPIPE = """
files: "{class}/p{subject}_{n}.csv"
layout: mediapipe33
classes: 2
header: "{channel}{joint}"
split: {subjects: [1]}
"""


def openpose(root: Path) -> dict[str, np.ndarray]:
    """OpenPose with --write_json: a folder a video, a file a frame, people of x, y, score."""
    made = {}
    for part, label, clip in product(("train", "test"), ("jump", "sit"), ("clip1", "clip2")):
        x = drawn(FRAMES, 2, 25, 3, seed=len(part + label + clip))
        x[:, 0, :, 2] = 0.3  # the second person is the surer one
        x[:, 1, :, 2] = 0.8
        for frame, people in enumerate(x):
            content: dict[str, Any] = {"version": 1.3}
            content["people"] = [
                {"person_id": [-1], "pose_keypoints_2d": person.ravel().tolist()} for person in people
            ]
            name = f"{part}/{label}/{clip}/{clip}_{frame:012d}_keypoints.json"
            write(root / name, json.dumps(content))
        made[f"{part}/{label}/{clip}/{clip}__keypoints"] = x[:, 1:]
    return made


OPENPOSE = """
files: "{split}/{class}/{clip}/{name}_{frame}_keypoints.json"
layout: body25
classes: 2
channels: [x, y, score]
"""


def pyskl(root: Path) -> dict[str, np.ndarray]:
    """pyskl's form: annotations of (M, T, V, C) with scores, and a split of names; three classes."""
    import pickle

    root.mkdir(parents=True, exist_ok=True)
    annotations, made = [], {}
    for number in range(12):
        x, score = drawn(1, FRAMES, 17, 2, seed=number), drawn(1, FRAMES, 17, seed=number)
        one = {"frame_dir": f"v{number}", "label": number % 3, "total_frames": FRAMES}
        annotations.append({**one, "img_shape": (480, 640), "keypoint": x, "keypoint_score": score})
        made[f"v{number}"] = np.concatenate([x, score[..., None]], axis=3).transpose(1, 0, 2, 3)
    split = {"train": [f"v{n}" for n in range(6)], "val": [f"v{n}" for n in range(6, 12)]}
    (root / "own.pkl").write_bytes(pickle.dumps({"split": split, "annotations": annotations}))
    return made


PYSKL = "{layout: coco17, classes: 3, channels: [x, y, score]}"

FORMS = {
    "MSR-Action3D": (msr_action3d, MSR_ACTION3D),
    "SBU": (sbu, SBU),
    "Florence": (florence, FLORENCE),
    "JHMDB": (jhmdb, JHMDB),
    "MediaPipe": (mediapipe, MEDIAPIPE),
    "OpenPose": (openpose, OPENPOSE),
    "pyskl": (pyskl, PYSKL),
}
