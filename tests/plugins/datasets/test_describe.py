"""What `data describe` prints reads the recordings that it looked at, and says what it could not know."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from skelbench_plugins.datasets.skeletons.describe import describe
from skelbench_plugins.datasets.skeletons.guess_names import guess_names
from skelbench_plugins.layouts import LAYOUTS

from skelbench.data.synthetic import generate
from skelbench.errors import DataError
from skelbench.host.registry import load_registry
from skelbench.spec.data_file import load_data_file
from skelbench.spec.yaml import dump_yaml
from tests.plugins.datasets.own import FORMS, drawn, read, rows, write

REAL = Path(os.environ.get("SKELBENCH_SHARED_DATA", "../shared/data")) / "own"


def described(root: Path, folder: Path) -> tuple[str, str]:
    """The fragment of a description, and its comments."""
    text = describe(root)
    assert text is not None
    (folder / "my.yaml").write_text(text)
    data, _ = load_data_file(folder / "my.yaml")
    given = data["dataset"]
    assert given.pop("name") == "skeletons"
    assert data["root"] == str(root.resolve())
    return dump_yaml(given), "\n".join(line for line in text.splitlines() if line.startswith("#"))


@pytest.mark.parametrize("form", FORMS)
def test_what_it_prints_reads_every_recording(tmp_path: Path, form: str) -> None:
    made, _ = FORMS[form]
    written = made(tmp_path / "data")
    yaml, said = described(tmp_path / "data", tmp_path)
    assert "not read yet" not in said
    clips = read(yaml, tmp_path / "data")
    assert len(clips) == len(written)
    found = sorted(clips.clip(n).frames[..., :2].sum() for n in range(len(clips)))
    if form != "OpenPose":  # both persons are kept there, and the test's own reading keeps one
        np.testing.assert_allclose(found, sorted(x[..., :2].sum() for x in written.values()), rtol=1e-5)
    assert set(clips.labels.tolist()) == set(range(len(clips.class_names)))


@pytest.mark.parametrize("name", ["kinect20", "msr20", "openni15", "jhmdb15", "body25", "ntu25"])
def test_the_layout_is_the_one_whose_bones_are_shortest(tmp_path: Path, name: str) -> None:
    layout = next(one for one in LAYOUTS if one.name == name)
    for label in (1, 2):
        for subject in (1, 2):
            x = generate(layout, label, subject, 0, np.random.default_rng(label), 8)
            write(tmp_path / "data" / f"a{label}_s{subject}.txt", rows(x.reshape(-1, 3)))
    yaml, said = described(tmp_path / "data", tmp_path)
    assert f"layout: {name}\n" in yaml, said
    assert f"taken for {name}" in said


def test_joints_of_no_known_layout_get_bones_to_be_replaced(tmp_path: Path) -> None:
    content = {"pose": [drawn(5, 13, 2, seed=n) for n in range(4)], "label": ["a", "b", "a", "b"]}
    (tmp_path / "own.pkl").write_bytes(pickle.dumps(content))
    yaml, said = described(tmp_path / "own.pkl", tmp_path)
    assert "no built-in one has 13 joints" in said
    assert "share: 0.7" in yaml
    assert read(yaml, tmp_path / "own.pkl").frames.shape[2] == 13


def test_columns_by_the_names_of_joints_and_a_missing_value(tmp_path: Path) -> None:
    layout = load_registry().get("layout", "openni15")
    header = ",".join(["frame", *(f"{joint}_{axis}" for joint in layout.joints for axis in "xyz")])
    for kind in ("walk", "sit"):
        table = np.column_stack([np.arange(4), drawn(4, 45, seed=len(kind))])
        write(tmp_path / "data" / kind / "one.csv", f"{header}\n{rows(table, ',')}")
    yaml, _ = described(tmp_path / "data", tmp_path)
    assert "header: '{name}_{channel}'" in yaml
    assert read(yaml, tmp_path / "data").class_names == ("sit", "walk")


def test_lists_beside_the_folders_of_recordings_are_no_recordings(tmp_path: Path) -> None:
    for part in ("kinetics_train", "kinetics_val"):
        for number in range(3):
            pose = [{"pose": [0.1] * 36, "score": [0.5] * 18}]
            frame = {"frame_index": 1, "skeleton": pose}
            text = str({"data": [frame], "label_index": number}).replace("'", '"')
            write(tmp_path / "data" / part / f"{part}{number}.json", text)
        write(tmp_path / "data" / f"{part}_label.json", "{}")
    yaml, said = described(tmp_path / "data", tmp_path)
    assert "files: kinetics_{split}/{name}.json" in yaml
    assert "classes: 3" in yaml
    assert "class there" not in said  # the files say it themselves


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["a01_s02_e1.txt", "a02_s02_e2.txt", "a01_s03_e3.txt"], "a{label}_s{subject}_e{trial}.txt"),
        (["s01s02/03/001/p.txt", "s02s03/04/002/p.txt"], "{subject}/{label}/{trial}/p.txt"),
        (["train/jump/a.npy", "test/sit/b.npy"], "{split}/{class}/{name}.npy"),
        (["jump/x.json", "sit/b.json", "sit/y.json"], "{class}/{name}.json"),
        (["jump_a.csv", "sit_a.csv", "sit_b.csv"], "{class}_{name}.csv"),
        (
            ["v/c1/c1_000000000000_keypoints.json", "v/c1/c1_000000000001_keypoints.json"],
            "v/c1/{name}_{frame}_keypoints.json",
        ),
    ],
)
def test_patterns_of_names(names: list[str], pattern: str) -> None:
    assert guess_names(names).pattern == pattern


def test_names_that_tell_no_class_are_told() -> None:
    assert "no part of the names" in " ".join(guess_names(["x.txt", "y.txt"]).doubts)


def test_files_of_another_kind_are_not_described(tmp_path: Path) -> None:
    write(tmp_path / "readme.md", "text")
    assert describe(tmp_path) is None


def test_a_damaged_file_is_one_error(tmp_path: Path) -> None:
    write(tmp_path / "a1_s1.txt", "1 2 3\n1 x 3\n")
    with pytest.raises(DataError, match=r"a1_s1.txt:2"):
        describe(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings: SKELBENCH_SHARED_DATA is not set")
@pytest.mark.parametrize(
    ("name", "layout", "classes"),
    [
        ("msr-action3d", "msr20", 20),
        ("sbu", "openni15", 8),
        ("florence", "openni15", 9),
        ("jhmdb", "jhmdb15", 14),
        ("mediapipe-made", "mediapipe33", 4),
    ],
)
def test_real_recordings_are_recognised(name: str, layout: str, classes: int) -> None:
    text = describe(REAL / name)
    assert text is not None
    assert f"layout: {layout}\n" in text
    assert f"classes: {classes}\n" in text
    assert "not read yet" not in text
