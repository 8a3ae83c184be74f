"""The ``.skeleton`` text: equal to a plain line-by-line reading, and every damage is told with its place."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skelbench_plugins.datasets.ntu.synthetic import skeleton_text
from skelbench_plugins.datasets.ntu.text import most_moving, parse_skeleton

from skelbench.errors import DataError


def plain(text: bytes) -> tuple[list[int], list[int], list[int], np.ndarray]:
    """The straightforward way: one line after the other."""
    lines = iter(text.decode("ascii").splitlines())
    counts, ids, states, joints = [], [], [], []
    for _ in range(int(next(lines))):
        counts.append(int(next(lines)))
        for _ in range(counts[-1]):
            header = next(lines).split()
            ids.append(int(header[0]))
            states.append(int(header[9]))
            joints.append([[float(v) for v in next(lines).split()[:3]] for _ in range(int(next(lines)))])
    return counts, ids, states, np.array(joints, dtype=np.float64).astype(np.float32).reshape(-1, 25, 3)


def assert_as_plain(text: bytes) -> None:
    counts, ids, states, joints = plain(text)
    bodies = parse_skeleton(text, "a.skeleton")
    assert bodies.counts.tolist() == counts
    assert bodies.ids.tolist() == ids
    assert bodies.states.tolist() == states
    np.testing.assert_array_equal(bodies.joints, joints)


def written(counts: list[int], seed: int = 0) -> str:
    """Text with the given number of bodies in each frame."""
    rng = np.random.default_rng(seed)
    text = [f"{len(counts)}\n"]
    for count in counts:
        text.append(f"{count}\n")
        for body in range(count):
            text.append(f"{72057594037931101 + body} 0 1 1 1 1 0 0.0276 -0.05 {body % 3}\n25\n")
            for row in rng.normal(size=(25, 11)) * 10.0 ** rng.integers(-6, 4, (25, 11)):
                text.append(" ".join(f"{value:.7g}" for value in row) + " 2\n")
    return "".join(text)


COUNTS = [0, 1, 2, 0, 1]


@given(st.lists(st.integers(0, 5), max_size=5), st.integers(0, 2**32), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=40, deadline=None)
def test_bulk_reading_equals_plain_reading(counts: list[int], seed: int, ending: str) -> None:
    assert_as_plain(written(counts, seed).replace("\n", ending).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [(" ", "  "), (" ", "\t"), (" ", "\t "), ("\n", " \n"), ("\n", "\r\n"), ("\n", " \r\n"), ("\n", "\n ")],
)
def test_spacing_makes_no_difference(old: str, new: str) -> None:
    assert_as_plain(written(COUNTS).replace(old, new).encode())


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\r\n\r\n", "  \n"])
def test_the_end_of_the_text_makes_no_difference(end: str) -> None:
    assert_as_plain((written(COUNTS).rstrip() + end).encode())


def test_real_recordings_equal_plain_reading(shared_data: Path) -> None:
    files = sorted((shared_data / "ntu-rgbd" / "skeletons").glob("*.skeleton"))
    assert len(files) == 9
    for path in files:
        assert_as_plain(path.read_bytes())


def with_coordinate(token: str) -> bytes:
    lines = written([1, 1]).splitlines()
    values = lines[35].split()
    lines[35] = " ".join([values[0], token, *values[2:]])
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("token", [".5", "5.", "+1.5", "1E-05", "-9.3e-05", "-0", "007", "1e-400"])
def test_every_spelling_of_a_number_is_read(token: str) -> None:
    bodies = parse_skeleton(with_coordinate(token), "a.skeleton")
    assert bodies.joints[1, 3, 1] == np.float32(float(token))
    assert_as_plain(with_coordinate(token))


@pytest.mark.parametrize(
    "token", ["x", "1,5", "1,", "nan", "-1.#IND", "inf", "1e999", "null", "true", "[1]", "\x00"]
)
def test_what_is_no_coordinate_is_told_with_file_line_and_frame(token: str) -> None:
    with pytest.raises(DataError) as told:
        parse_skeleton(with_coordinate(token), "b.skeleton")
    (problem,) = told.value.problems
    assert problem.where == "b.skeleton:36"
    assert problem.what.startswith("frame 2: ")
    assert problem.remedy


def test_text_cut_after_any_line_is_refused() -> None:
    lines = written(COUNTS).splitlines(keepends=True)
    for kept in range(len(lines)):
        with pytest.raises(DataError, match=r"cut\.skeleton:\d+: "):
            parse_skeleton("".join(lines[:kept]).encode(), "cut.skeleton")


def test_text_cut_within_any_line_is_refused() -> None:
    lines = written([1, 2]).splitlines()
    for kept, line in enumerate(lines):
        if " " in line:
            short = "\n".join([*lines[:kept], line.rsplit(" ", 1)[0]])
            for end in ("", " ", "\n"):
                with pytest.raises(DataError, match=r"frame [12]: "):
                    parse_skeleton((short + end).encode(), "cut.skeleton")


@pytest.mark.parametrize("change", [-1, 1])
def test_a_line_with_a_number_too_few_or_too_many_is_told(change: int) -> None:
    lines = written([0, 1, 2]).splitlines()
    for number, line in enumerate(lines):
        if " " not in line:
            continue
        wrong = line.rsplit(" ", 1)[0] if change < 0 else line + " 1"
        text = "\n".join([*lines[:number], wrong, *lines[number + 1 :]])
        with pytest.raises(DataError) as told:
            parse_skeleton(text.encode(), "wrong.skeleton")
        assert told.value.problems[0].where == f"wrong.skeleton:{number + 1}"
        assert told.value.problems[0].what.startswith("frame 2: " if number < 30 else "frame 3: ")


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        (0, "1", "more text after the 1 frames"),
        (0, "3", "the number of bodies should be"),
        (0, "-2", "the number of frames should be here"),
        (0, "two", "the number of frames should be here, not 'two'"),
        (1, "2", "frame 1: "),
        (1, "0", "frame 2: "),
        (1, "9999999999999", "frame 1: the file ends within"),
        (0, "9" * 5000, "the number of frames should be here"),
        (1, "1.5", "the number of bodies should be here, not '1.5'"),
        (1, "", "the number of bodies should be here"),
        (3, "24", "a body has 25 joints, not 24"),
        (3, "many", "the number of joints should be here, not 'many'"),
        (2, "abc 0 0 0 0 0 0 0 0 2", "begins with its id"),
        (2, "1 0 0 0 0 0 0 0 0 2.5", "ends with its tracking state"),
        (2, "99999999999999999999 0 0 0 0 0 0 0 0 2", "begins with its id"),
    ],
)
def test_a_wrong_line_is_told(line: int, text: str, said: str) -> None:
    lines = written([1, 1]).splitlines()
    lines[line] = text
    with pytest.raises(DataError, match=said):
        parse_skeleton("\n".join(lines).encode(), "wrong.skeleton")


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"   ", b"\xff\xfe\x00", b"PK\x03\x04" + bytes(200), b"\x80" * 99]
)
def test_what_is_no_skeleton_text_is_refused(text: bytes) -> None:
    with pytest.raises(DataError, match="the number of frames should be"):
        parse_skeleton(text, "empty.skeleton")


TEXT = written([1, 0, 2]).encode()


@given(st.integers(0, len(TEXT)), st.integers(0, 80), st.binary(max_size=12))
@settings(max_examples=150, deadline=None)
def test_damaged_text_is_read_or_refused_but_never_fails_otherwise(at: int, gone: int, put: bytes) -> None:
    with contextlib.suppress(DataError):
        bodies = parse_skeleton(TEXT[:at] + put + TEXT[at + gone :], "hurt.skeleton")
        assert bodies.joints.shape == (bodies.counts.sum(), 25, 3)
        assert np.isfinite(bodies.joints).all()


def test_bodies_take_their_places_within_the_frame() -> None:
    bodies = parse_skeleton(written([0, 1, 6, 2]).encode(), "a.skeleton")
    slots = bodies.slots()
    assert slots.shape == (4, 4, 25, 3)
    assert not slots[0].any()
    np.testing.assert_array_equal(slots[1, 0], bodies.joints[0])
    np.testing.assert_array_equal(slots[2], bodies.joints[1:5])
    np.testing.assert_array_equal(slots[3, :2], bodies.joints[7:9])
    assert not slots[3, 2:].any()


def moving(amount: float, frames: int = 20) -> np.ndarray:
    """A body of 25 joints at one place 3 m away, swinging by ``amount``, (T, 25, 3)."""
    swing = amount * np.sin(np.arange(frames))[:, None, None]
    return (np.array([0.5, 0.5, 3.0]) + swing * np.ones((frames, 25, 3))).astype(np.float32)


def test_the_most_moving_bodies_are_kept_most_motion_first() -> None:
    scene = np.stack([moving(0.1), moving(0.0), moving(0.7), moving(0.4)], axis=1)
    np.testing.assert_array_equal(most_moving(scene, 2), scene[:, [2, 3]])


def test_absence_is_no_motion() -> None:
    still, lively = moving(0.01), moving(0.2)
    still[10:] = 0
    scene = np.stack([still, lively], axis=1)
    np.testing.assert_array_equal(most_moving(scene, 2), scene[:, [1, 0]])


def test_a_lone_body_stands_first_and_leaves_the_second_zero() -> None:
    scene = np.stack([np.zeros((20, 25, 3), np.float32), moving(0.2)], axis=1)
    kept = most_moving(scene, 2)
    np.testing.assert_array_equal(kept[:, 0], scene[:, 1])
    assert not kept[:, 1].any()
    assert most_moving(scene[:, 1:], 2).shape == (20, 2, 25, 3)


def test_written_text_reads_back(tmp_path: Path) -> None:
    scene = np.stack([moving(0.1), moving(0.3)], axis=1)
    bodies = parse_skeleton(skeleton_text(scene, [72057594037931101, 7]).encode(), "a.skeleton")
    assert bodies.ids[:2].tolist() == [72057594037931101, 7]
    assert set(bodies.states.tolist()) == {2}
    np.testing.assert_allclose(bodies.slots()[:, :2], scene, rtol=1e-6)
