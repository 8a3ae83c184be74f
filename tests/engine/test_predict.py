"""Classifying recordings without labels: the same probabilities as in the test, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from skelbench_plugins.datasets.ucla.reader import UclaReader

from skelbench.engine.predict import Source, classify
from skelbench.errors import DataError, RunFolderError, SkelbenchError
from skelbench.results.store import RunFolder

from .tiny import only_run, run, spec


@pytest.fixture(scope="module")
def finished(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained network that changes its input before and looks at two views."""
    folder = tmp_path_factory.mktemp("trained")
    data = spec()
    data["data"] = data["data"] | {"preprocess": "sgn", "stream": "bone"}
    data["evaluate"] = {"views": 2}
    run(folder, raw, data, arch="plain")
    return only_run(folder / "runs").path


def files(raw: Path) -> list[Path]:
    return sorted((raw / "all_sqe").glob("*.json"))


def test_probabilities_are_those_of_the_test(finished: Path, raw: Path, tmp_path: Path) -> None:
    scores = RunFolder(finished).load_scores()
    wanted = dict(zip(scores.ids, scores.scores, strict=True))
    tested = [file for file in files(raw) if file.stem in wanted]
    for number, file in enumerate(tested):  # a name that tells nothing
        (tmp_path / f"{number:03d}.json").write_bytes(file.read_bytes())
    names, found = classify([finished], Source((tmp_path,)))
    assert len(found) == len(tested) > 10
    for one, file in zip(found, tested, strict=True):
        np.testing.assert_allclose(one.probabilities, wanted[file.stem], atol=1e-6)
    assert names == UclaReader.class_names
    best = found[0].best(3, names)
    assert [b["probability"] for b in best] == sorted((b["probability"] for b in best), reverse=True)
    assert best[0]["label"] == names[int(found[0].probabilities.argmax())]


def test_a_whole_data_set_and_arrays_give_the_same_as_files(
    finished: Path, raw: Path, tmp_path: Path
) -> None:
    _, whole = classify([finished], Source((raw,)))
    assert [one.id for one in whole] == [file.stem for file in files(raw)]
    frames = [UclaReader().frames(file) for file in files(raw)[:3]]
    np.savez(tmp_path / "some.npz", a=frames[0], b=frames[1][:, 0], c=np.stack([frames[2], frames[2]]))
    _, arrays = classify([finished], Source(arrays=tmp_path / "some.npz"))
    assert [one.id for one in arrays] == ["a", "b", "c/0", "c/1"]
    for one, other in zip(arrays, [whole[i] for i in (0, 1, 2, 2)], strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_times_are_told_by_the_rate_of_the_data_set(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(24):
        place = tmp_path / "own" / f"s{number % 3}_a{number % 2}_{number}.npy"
        place.parent.mkdir(exist_ok=True)
        np.save(place, rng.normal(size=(10, 20, 3)).astype(np.float32))
    dataset = {
        "name": "skeletons",
        "files": "s{subject}_a{label}_{trial}.npy",
        "layout": "kinect20",
        "classes": 2,
        "fps": 5,
        "split": {"subjects": [0, 1]},
    }
    own = spec()
    own["data"] = {"dataset": dataset, "clip": {"frames": 4, "fill": "resize", "persons": 1}}
    run(tmp_path, tmp_path / "own", own, arch="plain")
    trained = only_run(tmp_path / "runs").path
    for fps, rate in ((None, 5), (2.0, 2)):
        _, found = classify([trained], Source((place,), window=6, fps=fps))
        assert {one.rate for one in found} == {rate}


def test_several_runs_are_averaged(finished: Path, raw: Path, tmp_path: Path) -> None:
    run(tmp_path, raw, arch="plain", seed=1)
    other, source = only_run(tmp_path / "runs").path, Source((files(raw)[0],))
    one, two = (classify([path], source)[1][0].probabilities for path in (finished, other))
    both = classify([finished, other], source, weights=[3, 1])[1][0].probabilities
    np.testing.assert_allclose(both, 0.75 * one + 0.25 * two, atol=1e-6)


def test_windows_are_recordings_of_their_own(finished: Path, raw: Path, tmp_path: Path) -> None:
    frames = np.concatenate([UclaReader().frames(file) for file in files(raw)[:3]])[:90]
    np.save(tmp_path / "long.npy", frames)
    _, found = classify([finished], Source(arrays=tmp_path / "long.npy", window=40, stride=30, fps=30.0))
    assert [(one.start, one.stop, one.rate) for one in found] == [(0, 40, 30), (30, 70, 30), (50, 90, 30)]
    np.save(tmp_path / "part.npy", frames[30:70])
    _, (alone,) = classify([finished], Source(arrays=tmp_path / "part.npy"))
    np.testing.assert_allclose(found[1].probabilities, alone.probabilities, atol=1e-6)


def test_the_names_of_classes_are_kept_in_the_run(finished: Path, raw: Path) -> None:
    assert json.loads((finished / "classes.json").read_text()) == list(UclaReader.class_names)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "truncated or malformed"),
        (b'{"skeletons": [[[1, 2]]]}', r"not \(T, 20, 3\)"),
        (b'{"skeletons": []}', "shape"),
        (b'{"skeletons": 1e999}', "truncated"),
    ],
)
def test_a_damaged_file_is_named(finished: Path, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(DataError, match=f"bad.json.*{told}"):
        classify([finished], Source((tmp_path / "bad.json",)))


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((4, 20)), "no recording"),
        (np.zeros((4, 19, 3)), "19 joints and layout"),
        (np.zeros((0, 20, 3)), "no frame"),
        (np.full((4, 20, 3), np.nan), "the first in frame 0, person 0"),
        (np.zeros((1, 4, 2, 20, 3)), "2 persons, and data set"),
        (np.array(["text"]), "no recording"),
        (np.full((4, 20, 3), "text"), "coordinates are <U4"),
        (np.array([{}], dtype=object), "holds no numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    finished: Path, tmp_path: Path, array: np.ndarray, told: str
) -> None:
    np.savez(tmp_path / "bad.npz", a=array)
    with pytest.raises(DataError, match=rf"bad.npz.*{told}"):
        classify([finished], Source(arrays=tmp_path / "bad.npz"))


def test_what_is_missing_is_told(finished: Path, tmp_path: Path) -> None:
    for source, told in (
        (Source(), "nothing to classify"),
        (Source((tmp_path / "none.json",)), "none.json: no such file"),
        (Source(arrays=tmp_path / "none.npz"), "none.npz: cannot be read"),
        (Source((tmp_path,)), "no NW-UCLA recording"),
    ):
        with pytest.raises(DataError, match=told):
            classify([finished], source)
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(DataError, match=r"torn.npz.* damaged"):
        classify([finished], Source(arrays=tmp_path / "torn.npz"))


def test_runs_that_tell_other_classes_apart_are_refused(finished: Path, raw: Path, tmp_path: Path) -> None:
    run(tmp_path, raw, arch="plain")
    other = only_run(tmp_path / "runs").path
    (other / "classes.json").write_text(json.dumps(["walk", "run"]))
    with pytest.raises(RunFolderError, match="classes are others"):
        classify([finished, other], Source((raw,)))
    (other / "classes.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"classes.json.*damaged"):
        classify([other], Source((raw,)))
    with pytest.raises(SkelbenchError, match="2 weights"):
        classify([finished], Source((raw,)), weights=[1, 2])
