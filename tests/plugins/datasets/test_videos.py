"""Videos of one's own in folders of classes: by parts, lists, a share, and HMDB51's lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from skelbench_plugins.datasets import VIDEOS
from skelbench_plugins.datasets.common.video_synthetic import write_moving_shape

from skelbench.components import Dataset
from skelbench.data import Videos, open_videos
from skelbench.errors import DataError, SkelbenchError
from skelbench.recipe import VideoOptions
from tests.plugins.datasets.own import write

CLIP = VideoOptions(frames=4, resize=(16, 16))


def own(**params: Any) -> Dataset:
    return VIDEOS.with_params({"classes": 2} | params)


def folders(root: Path, *parts: str) -> Path:
    for part in parts or (".",):
        for label, name in enumerate(("jump", "sit down")):
            for number in range(3):
                write_moving_shape(root / part / name.replace(" ", "_") / f"v{number}.mp4", label, 0, number)
    return root


def videos(root: Path, component: Dataset, protocol: str | None = None, **options: Any) -> Videos:
    clip = CLIP.model_copy(update=options)
    return open_videos(component, root, protocol or component.protocols[0], clip)


@pytest.mark.parametrize("test", ["test", "val"])
def test_folders_of_parts_say_the_split(tmp_path: Path, test: str) -> None:
    found = videos(folders(tmp_path, "train", test), own())
    assert (len(found), int(found.train.sum())) == (12, 6)
    assert found.class_names == ("jump", "sit_down")
    assert found.labels.tolist() == ([0] * 3 + [1] * 3) * 2
    named = videos(tmp_path, own(classes=("sit down", "jump")))
    assert named.class_names == ("sit down", "jump")
    assert sorted(named.labels.tolist()) == sorted(found.labels.tolist())


def test_a_share_depends_on_each_video_alone(tmp_path: Path) -> None:
    component = own(split={"share": 0.5})
    whole = videos(folders(tmp_path), component)
    assert set(whole.train.tolist()) == {True, False}
    before = dict(zip(whole.ids.tolist(), whole.train.tolist(), strict=True))
    (tmp_path / "jump" / "v0.mp4").unlink()
    after = videos(tmp_path, component)
    assert dict(zip(after.ids.tolist(), after.train.tolist(), strict=True)).items() <= before.items()


def test_lists_name_videos_in_any_usual_way(tmp_path: Path) -> None:
    folders(tmp_path)
    write(tmp_path / "train.txt", "jump/v0.mp4\nsit_down/v0\n")
    write(tmp_path / "test.txt", "jump/v1\nsit_down/v2.mp4\n")
    found = videos(tmp_path, own(split={"train": "train.txt", "test": "test.txt"}))
    assert found.ids[found.train].tolist() == ["jump/v0", "sit_down/v0"]
    assert found.ids[~found.train].tolist() == ["jump/v1", "sit_down/v2"]


def test_hmdb51s_lists_give_three_splits(tmp_path: Path) -> None:
    folders(tmp_path)
    for number in (1, 2, 3):
        for name in ("jump", "sit_down"):
            marks = ["v0.mp4 1 ", "v1.mp4 2 ", "v2.mp4 0 "]
            marks = marks[number:] + marks[:number]
            write(tmp_path / "lists" / f"{name}_test_split{number}.txt", "\n".join(marks))
    component = own(split={"lists": "lists"})
    assert component.protocols == ("split1", "split2", "split3")
    for protocol in component.protocols:
        found = videos(tmp_path, component, protocol)
        assert found.ids[found.train].tolist() == ["jump/v0", "sit_down/v0"]
        assert found.ids[~found.train].tolist() == ["jump/v1", "sit_down/v1"]
    write(tmp_path / "lists" / "jump_test_split1.txt", "v0.mp4 1\ngone.mp4 2\n")
    with pytest.raises(DataError, match=r"gone\.mp4"):
        videos(tmp_path, component, "split1")
    left = videos(tmp_path, component, "split1", skip_broken=True)
    assert len(left.left_out) == 1
    write(tmp_path / "lists" / "jump_test_split1.txt", "v0.mp4 7\n")
    with pytest.raises(DataError, match=r"jump_test_split1\.txt:1: 'VIDEO 0'"):
        videos(tmp_path, component, "split1")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (
            {"classes": 3},
            r"2 folders of classes \(jump, sit_down ...\), and 'classes' says 3. Set classes: 2",
        ),
        ({"classes": ("jump", "sit")}, "folder 'sit_down' is no class"),
    ],
)
def test_other_classes_are_told(tmp_path: Path, params: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        videos(folders(tmp_path, "train", "test"), own(**params))


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folders .*Set 'split' of the data set: share"):
        videos(folders(tmp_path), own())
    with pytest.raises(SkelbenchError, match="no protocol 'split4'"):
        videos(tmp_path, own(), "split4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 folders of classes"):
        videos(tmp_path / "empty", own(split={"share": 0.5}))
    with pytest.raises(DataError, match="is no folder"):
        videos(tmp_path / "jump" / "v0.mp4", own(split={"share": 0.5}))
    with pytest.raises(DataError, match="the list cannot be read"):
        videos(tmp_path, own(classes=3, split={"lists": "no"}), "split1")
