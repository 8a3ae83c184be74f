"""Whole runs on video files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skelbench_plugins.datasets.ucf101.reader import Ucf101Reader

from skelbench.data import VideoFile
from skelbench.engine.predict import Source, classify
from skelbench.engine.rescore import rescore
from skelbench.errors import DataError
from skelbench.results.record import Record
from skelbench.results.store import RunFolder

from . import tiny


def spec(**video: Any) -> dict[str, Any]:
    """A network of one layer, on clips of eight frames."""
    options = {"frames": 8, "resize": [16, 20], "short_side": 14, "crop": 12, "flip": True, **video}
    return {
        "skelbench": 1,
        "name": "tiny",
        "data": {"dataset": "ucf101", "video": options},
        "network": {
            "input": "pixels",
            "body": [{"op": "video_stem", "channels": 2}],
            "head": "video_pool_linear",
        },
        "search": {"strategy": {"name": "random"}},
        "train": {"epochs": 2, "batch_size": 8, "precision": "32"},
        "evaluate": {"views": 2, "crops": 3, "batch_size": 16},
        "architectures": {"plain": {"choices": {}}},
    }


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    Ucf101Reader().synthesise(root, clips=24, seed=0, classes=3)
    return root


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, videos: Path) -> tuple[Path, Record]:
    folder = tmp_path_factory.mktemp("finished")
    return folder, tiny.run(folder, videos, spec(), arch="plain")


def test_a_record_tells_views_with_crops_clip_and_stream(finished: tuple[Path, Record]) -> None:
    _, record = finished
    assert (record.views, record.stream, record.layout) == (6, "rgb", "none")
    assert (record.clip["frames"], record.clip["crop"]) == (8, 12)
    assert record.clips.train + record.clips.test == 24
    assert record.synthetic
    assert record.macs > 0


def test_scoring_again_gives_the_metrics_and_other_views_a_record_of_their_own(
    finished: tuple[Path, Record], videos: Path
) -> None:
    folder, record = finished
    path = folder / "runs" / record.run
    assert rescore(path, videos) == record
    other = rescore(path, videos, views=3)
    assert (other.views, other.split_fingerprint) == (9, record.split_fingerprint)


def test_a_second_run_finds_the_index_and_gives_the_same(
    finished: tuple[Path, Record], videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".stores").symlink_to(finished[0] / "runs" / ".stores")
    monkeypatch.setattr(VideoFile, "extent", None)
    assert tiny.run(tmp_path, videos, spec(), arch="plain").metrics == finished[1].metrics


def test_a_cache_of_frames_changes_neither_run_nor_result(
    finished: tuple[Path, Record], videos: Path, tmp_path: Path
) -> None:
    record = tiny.run(tmp_path, videos, spec(cache_gib=0.01), arch="plain")
    assert (record.run, record.metrics) == (finished[1].run, finished[1].metrics)
    assert list((tmp_path / "runs" / ".stores" / "frames").rglob("*.npy"))


def test_broken_videos_end_a_run_before_it_begins_or_are_left_out_and_told(
    finished: tuple[Path, Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Ucf101Reader().synthesise(tmp_path / "raw", clips=24, seed=0, classes=3)
    broken = sorted((tmp_path / "raw").rglob("*.avi"))[3]
    broken.write_bytes(b"")
    with pytest.raises(DataError, match="1 of 24 videos cannot be used"):
        tiny.run(tmp_path, tmp_path / "raw", spec(), arch="plain")
    assert [p.name for p in (tmp_path / "runs").iterdir() if not p.name.startswith(".")] == []
    record = tiny.run(tmp_path, tmp_path / "raw", spec(skip_broken=True), arch="plain")
    assert f"{broken}: the file is empty" in capsys.readouterr().err
    assert record.clips.train + record.clips.test == 23
    assert record.split_fingerprint != finished[1].split_fingerprint


def test_without_inference_the_whole_training_split_is_trained_on_and_a_third_part_comes_back(
    finished: tuple[Path, Record], videos: Path, tmp_path: Path
) -> None:
    data = spec()
    data["search"] = {**data["search"], "inference": 0.2}
    assert tiny.run(tmp_path, videos, data, arch="plain").clips == finished[1].clips


def test_files_without_labels_get_the_scores_of_the_test_and_long_ones_windows(
    finished: tuple[Path, Record], videos: Path, tmp_path: Path
) -> None:
    folder, record = finished
    path = folder / "runs" / record.run
    scores = RunFolder(path).load_scores()
    (file,) = videos.rglob(f"{scores.ids[0]}.avi")
    _, (whole,) = classify([path], Source((file,)))
    np.testing.assert_allclose(whole.probabilities, scores.scores[0], atol=1e-6)
    _, windows = classify([path], Source((file,), window=10, stride=4))
    assert [one.start for one in windows][:2] == [0, 4]
    assert windows[-1].stop == whole.stop
    assert windows[0].rate
    assert windows[0].rate == whole.rate
    frames = VideoFile(file).read(np.arange(4, 14))
    np.save(tmp_path / "part.npy", frames)
    _, (part,) = classify([path], Source(arrays=tmp_path / "part.npy"))
    np.testing.assert_allclose(part.probabilities, windows[1].probabilities, atol=0.05)  # resized otherwise
    for array, told in ((frames[:5], "a clip spans"), (frames.astype(float), "which is no video")):
        np.save(tmp_path / "bad.npy", array)
        with pytest.raises(DataError, match=rf"bad\.npy.*{told}"):
            classify([path], Source(arrays=tmp_path / "bad.npy"))
