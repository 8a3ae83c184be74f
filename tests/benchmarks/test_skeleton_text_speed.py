"""How much faster ``.skeleton`` text is read in bulk than line by line, measured in the same run."""

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from skelbench_plugins.datasets.ntu.synthetic import skeleton_text
from skelbench_plugins.datasets.ntu.text import parse_skeleton

ROUNDS = 15
JOINT = ("x", "y", "z", "depth_x", "depth_y", "colour_x", "colour_y", "qw", "qx", "qy", "qz", "state")


def line_by_line(path: Path) -> np.ndarray:
    """The plain way: a dictionary of every number for every joint, then an array, (B, 25, 3)."""
    bodies = []
    with path.open() as file:
        for _ in range(int(file.readline())):
            for _ in range(int(file.readline())):
                header = [float(number) for number in file.readline().split()]
                joints = [
                    dict(zip(JOINT, map(float, file.readline().split()), strict=True))
                    for _ in range(int(file.readline()))
                ]
                bodies.append((header, joints))
    return np.array([[[j["x"], j["y"], j["z"]] for j in joints] for _, joints in bodies], np.float32)


def only_coordinates(path: Path) -> np.ndarray:
    """Line by line again, but converting nothing except x, y, z, (B, 25, 3)."""
    bodies = []
    with path.open() as file:
        for _ in range(int(file.readline())):
            for _ in range(int(file.readline())):
                file.readline()
                joints = range(int(file.readline()))
                bodies.append([[float(v) for v in file.readline().split()[:3]] for _ in joints])
    return np.array(bodies, np.float32)


def in_bulk(path: Path) -> np.ndarray:
    return parse_skeleton(path.read_bytes(), path).joints


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of the usual size: one person, 100 frames."""
    rng = np.random.default_rng(0)
    scene = np.array([0.2, 0.3, 3.5]) + rng.normal(0, 0.4, (100, 1, 25, 3))
    path = tmp_path / "S001C001P001R001A001.skeleton"
    path.write_text(skeleton_text(scene, [72057594037931101]))
    return path


def seconds(reads: list[Any], path: Path) -> list[float]:
    """The least time of each way, the ways taking turns so that all see the same load."""
    times = np.empty((ROUNDS, len(reads)))
    for turn in range(ROUNDS):
        for way, read in enumerate(reads):
            start = perf_counter()
            read(path)
            times[turn, way] = perf_counter() - start
    return times.min(axis=0).tolist()


def compare(benchmark: Any, path: Path) -> None:
    np.testing.assert_array_equal(in_bulk(path), line_by_line(path))
    plain, coordinates, bulk = seconds([line_by_line, only_coordinates, in_bulk], path)
    benchmark.extra_info["times_faster"] = plain / bulk
    benchmark.extra_info["times_faster_than_coordinates_only"] = coordinates / bulk
    benchmark.pedantic(in_bulk, args=(path,), rounds=ROUNDS)
    assert plain / bulk >= 4
    assert coordinates / bulk >= 1.3


def test_bulk_reading_is_four_times_faster(benchmark: Any, recording: Path) -> None:
    compare(benchmark, recording)


def test_bulk_reading_is_four_times_faster_on_a_real_recording(benchmark: Any, shared_data: Path) -> None:
    compare(benchmark, shared_data / "ntu-rgbd" / "skeletons" / "S001C001P001R001A001.skeleton")
