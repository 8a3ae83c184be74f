"""Frames of video files: those that a plain decode of the whole file gives, or one error that names it."""

from __future__ import annotations

import builtins
import dataclasses
import logging
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skelbench.data.video.packets import Kind, Unsure, h264_kind, mpeg4_kind, open_video, quiet
from skelbench.data.video.reader import VideoInfo, probe, read_frames
from skelbench.data.video.write import write_video
from skelbench.errors import DataError, SkelbenchError
from tests.data.made_video import FRAMES, TRUSTED, UNTRUSTED, encode, moving, plain

Files = Callable[[str], tuple[Path, np.ndarray]]
KINDS = [*TRUSTED, *UNTRUSTED]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A kind's file and its plain full decode, each made once."""
    made: dict[str, tuple[Path, np.ndarray]] = {}

    def get(kind: str) -> tuple[Path, np.ndarray]:
        if kind not in made:
            path = {**TRUSTED, **UNTRUSTED}[kind](tmp_path_factory.mktemp("video"))
            made[kind] = path, plain(path)
        return made[kind]

    return get


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_alone_is_that_of_the_full_decode(files: Files, kind: str) -> None:
    path, full = files(kind)
    assert len({frame.tobytes() for frame in full}) == len(full) >= 48
    for index in range(0, len(full), 1 if kind in TRUSTED else 7):  # the others always start at the beginning
        np.testing.assert_array_equal(read_frames(path, [index]), full[[index]])


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_frames_are_counted_as_the_full_decode_gives(files: Files, kind: str) -> None:
    path, full = files(kind)
    info = probe(path)
    assert (info.frames, info.height, info.width, info.rotation) == (*full.shape[:3], 0)
    assert info.rate > 20


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), places=st.lists(st.integers(0, 10_000), max_size=6))
def test_any_list_of_indices_gives_those_frames(files: Files, kind: str, places: list[int]) -> None:
    path, full = files(kind)
    indices = [place % len(full) for place in places]
    np.testing.assert_array_equal(read_frames(path, indices), full[np.array(indices, int)])


@pytest.mark.parametrize("kind", [*TRUSTED])
def test_decoding_starts_at_the_last_key_picture_that_gives_the_frame(files: Files, kind: str) -> None:
    path, full = files(kind)
    with open_video(path) as video:
        kinds = [kind for _, kind in video.pictures()]
    letters = "".join(kind.name[0] for kind in kinds)  # S, A, B
    shown = [found.start() + len(found[1]) for found in re.finditer("S(B*)", letters)]
    for index in range(len(full)):
        with open_video(path) as video:
            assert video.start_before(index).index == max(place for place in shown if place <= index)


@pytest.mark.parametrize("kind", ["mpeg4 avi", "mpeg4 avi b", "mpeg4 mp4 b", "h264 mp4 b", "mpeg4 gaps"])
def test_these_files_have_several_starts(files: Files, kind: str) -> None:
    with open_video(files(kind)[0]) as video:
        assert sum(kind is Kind.START for _, kind in video.pictures()) >= 4


@pytest.mark.parametrize("kind", [*UNTRUSTED])
def test_files_that_cannot_be_trusted_are_decoded_from_the_beginning(files: Files, kind: str) -> None:
    with open_video(files(kind)[0]) as video, pytest.raises(Unsure):
        video.start_before(40)


def test_no_more_is_decoded_than_up_to_the_last_wanted_frame(files: Files, tmp_path: Path) -> None:
    path, full = files("mpeg4 avi")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as file:
        places = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    damaged = tmp_path / "damaged.avi"
    for number in (*range(1, 12), *range(35, 60)):
        place, length = places[number]
        data[place + 16 : place + length] = b"\xff" * (length - 16)  # the picture's head stays
    damaged.write_bytes(data)
    np.testing.assert_array_equal(read_frames(damaged, range(24, 34)), full[24:34])
    with pytest.raises(DataError, match=r"damaged\.avi: .*damaged"):
        read_frames(damaged, [4])


@pytest.mark.parametrize(
    "clip", ["v_ApplyEyeMakeup_g01_c01.avi", "v_SoccerJuggling_g23_c01.avi"], ids=["makeup", "juggling"]
)
def test_windows_of_real_clips_are_those_of_the_full_decode(shared_data: Path, clip: str) -> None:
    path = shared_data / "ucf101" / "videos" / clip
    full = plain(path)
    info = probe(path)
    assert (info.frames, info.height, info.width) == full.shape[:3]
    assert info.rate in (25, 30_000 / 1001)
    for start in np.random.default_rng(0).integers(0, len(full) - 16, 6).tolist():
        np.testing.assert_array_equal(read_frames(path, range(start, start + 16)), full[start : start + 16])


# Sizes


def test_frames_are_resized_to_a_short_side_or_a_size(files: Files) -> None:
    path, full = files("mpeg4 avi")
    assert read_frames(path, [3, 3], short_side=24).shape == (2, 24, 32, 3)
    assert read_frames(path, [3], short_side=25).shape == (1, 25, 33, 3)
    assert read_frames(path, [3], size=(100, 20)).shape == (1, 100, 20, 3)
    assert read_frames(path, [], short_side=24).shape == (0, 24, 32, 3)
    np.testing.assert_array_equal(read_frames(path, [3], size=(48, 64)), full[[3]])


def test_a_shrunk_frame_averages_all_pixels(tmp_path: Path) -> None:
    stripes = np.zeros((2, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    path = tmp_path / "stripes.avi"
    write_video(path, stripes, 25)
    shrunk = read_frames(path, [0], size=(8, 8)).astype(int)
    assert np.abs(shrunk - 127).max() < 30


def test_a_rotation_is_told_and_not_applied(tmp_path: Path) -> None:
    path = encode(tmp_path / "turned.mp4", FRAMES[:4], "mpeg4", rotation=90)
    info = probe(path)
    assert (abs(info.rotation), info.height, info.width) == (90, 48, 64)
    np.testing.assert_array_equal(read_frames(path, range(4)), plain(path))


def test_what_a_video_holds_cannot_be_changed(files: Files) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        probe(files("mpeg4 avi")[0]).frames = 3  # type: ignore[misc]
    assert probe(files("mpeg4 avi")[0]) == VideoInfo(60, 64, 48, 25.0)


# Requests that cannot be met


@pytest.mark.parametrize("kind", ["mpeg4 avi b", "h264 mp4 b", "h264 ts"])
def test_a_frame_too_many_names_the_file_and_both_numbers(files: Files, kind: str) -> None:
    path, _ = files(kind)
    with pytest.raises(DataError, match="frame 60 is wanted, and only 60 frames") as error:
        read_frames(path, [5, 60])
    assert error.value.problems[0].where == str(path)
    assert error.value.problems[0].remedy


@pytest.mark.parametrize("indices", [[-1], [0.5], [[1, 2]], ["a"]])
def test_indices_are_whole_numbers_from_0(files: Files, indices: list[int]) -> None:
    with pytest.raises(DataError, match="whole numbers from 0"):
        read_frames(files("mpeg4 avi")[0], indices)


@pytest.mark.parametrize("asked", [{"short_side": 0}, {"size": (0, 4)}, {"short_side": 8, "size": (8, 8)}])
def test_sizes_that_make_no_sense(files: Files, asked: dict) -> None:
    with pytest.raises(DataError, match=r"without a pixel|both given"):
        read_frames(files("mpeg4 avi")[0], [0], **asked)


# Bad files


def both_fail(path: Path, match: str) -> None:
    for read in (probe, lambda path: read_frames(path, [0])):
        with pytest.raises(DataError, match=match) as error:
            read(path)
        assert error.value.problems[0].where == str(path)
        assert error.value.problems[0].remedy


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    both_fail(tmp_path / "v.avi", "the video is missing")
    both_fail(tmp_path, "is a folder")


@pytest.mark.parametrize(
    "content",
    [
        b"Kein Film.\n" * 50,
        b"RIFF" + b"\0" * 400,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.avi\n",
        b"ffconcat version 1.0\nfile 'other.avi'\n",
        bytes(range(256)) * 8,
    ],
    ids=["text", "riff", "playlist", "concatenation", "bytes"],
)
@pytest.mark.parametrize("name", ["v.avi", "v.txt", "v.m3u8", "v.mp4"])
def test_what_is_no_video_is_not_read_as_one(tmp_path: Path, content: bytes, name: str) -> None:
    write_video(tmp_path / "other.avi", FRAMES[:3], 25)
    (tmp_path / name).write_bytes(content)
    both_fail(tmp_path / name, "not a video, or damaged|no video stream|no frame in it|unknown codec")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "v.avi").touch()
    both_fail(tmp_path / "v.avi", "the file is empty")


def test_a_file_of_sound_alone(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        file.mux(stream.encode(sound))
        file.mux(stream.encode(None))
    both_fail(path, "no video stream in it")


@pytest.mark.parametrize("kind", ["mpeg4 avi", "mpeg4 avi b", "h264 fragments", "h264 ts", "mpeg4 packed"])
def test_a_file_cut_short_has_the_frames_before_the_cut(files: Files, kind: str, tmp_path: Path) -> None:
    path, full = files(kind)
    cut = tmp_path / f"cut{path.suffix}"
    content = path.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    info = probe(cut)
    assert 20 < info.frames < 40
    read = read_frames(cut, range(info.frames))
    np.testing.assert_array_equal(read[:20], full[:20])
    np.testing.assert_array_equal(read_frames(cut, [info.frames - 1]), read[-1:])
    with pytest.raises(DataError, match=rf"only {info.frames} frames|frame {info.frames} is damaged"):
        read_frames(cut, [info.frames])


def test_a_file_cut_before_its_index(files: Files, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(files("h264 mp4")[0].read_bytes()[:9000])
    both_fail(cut, "not a video, or damaged")


def test_a_header_of_no_frames_is_not_believed(files: Files, tmp_path: Path) -> None:
    path, full = files("mpeg4 avi")
    data = bytearray(path.read_bytes())
    data[48:52] = bytes(4)  # dwTotalFrames of the main header
    stream = data.index(b"strh") + 8
    data[stream + 32 : stream + 36] = bytes(4)  # dwLength of the stream's
    changed = tmp_path / "none.avi"
    changed.write_bytes(data)
    assert probe(changed).frames == len(full)
    np.testing.assert_array_equal(read_frames(changed, [50]), full[[50]])


def test_a_header_without_a_frame_rate(tmp_path: Path) -> None:
    still = encode(tmp_path / "still.nut", FRAMES[:1], "mpeg4")
    with pytest.raises(DataError, match=r"still\.nut: does not say how many frames a second"):
        probe(still)
    assert len(read_frames(still, [0])) == 1


def test_an_avi_header_of_rate_0_means_25(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.avi", FRAMES[:5], "mpeg4")
    data = bytearray(path.read_bytes())
    data[32:36] = bytes(4)  # dwMicroSecPerFrame of the main header
    stream = data.index(b"strh") + 8
    data[stream + 20 : stream + 28] = bytes(8)  # dwScale and dwRate of the stream's
    path.write_bytes(data)
    assert probe(path) == VideoInfo(5, 64, 48, 25.0)


def test_a_file_without_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.open()
        file.start_encoding()
    with pytest.raises(DataError, match=r"none\.avi: (no frame in it|not a video)"):
        probe(path)
    with pytest.raises(DataError, match=r"none\.avi: frame 0 is wanted|not a video"):
        read_frames(path, [0])


@pytest.mark.parametrize("kind", ["mpeg4 avi", "h264 mp4 b", "vp8 webm", "mpeg2 ts"])
@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_give_frames_or_one_error(files: Files, kind: str, seed: int, tmp_path: Path) -> None:
    path, _ = files(kind)
    rng = np.random.default_rng(seed)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    data[rng.integers(len(data) // 20, len(data), 60)] ^= rng.integers(1, 256, 60, dtype=np.uint8)
    damaged = tmp_path / path.name
    damaged.write_bytes(data.tobytes())
    for read in (probe, lambda path: read_frames(path, range(30, 50))):
        # Any other error fails the test; libav may have hidden the damage.
        with suppress(DataError):
            read(damaged)


def test_frames_that_change_their_size(tmp_path: Path) -> None:
    path = tmp_path / "two.ts"
    parts = [encode(tmp_path / f"{n}.ts", moving(8, 16 * n, 32 * n), "mpeg2video", bf="0") for n in (2, 3)]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = probe(path).frames
    assert frames == 15  # the decoder loses the last one before the change
    assert read_frames(path, range(frames), size=(32, 64)).shape == (frames, 32, 64, 3)
    with pytest.raises(DataError, match="change their size at or before frame 7"):
        read_frames(path, range(frames))


# Surroundings


def test_libav_keeps_quiet_and_its_log_level_comes_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "v.avi").write_bytes(b"RIFF" + b"\0" * 400)
    before = av.logging.get_level()
    av.logging.set_level(av.logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG), pytest.raises(DataError):
            probe(tmp_path / "v.avi")
        assert av.logging.get_level() == av.logging.DEBUG
    finally:
        av.logging.set_level(before)
    assert not [record for record in caplog.records if record.name.startswith("libav")]
    assert capfd.readouterr() == ("", "")


def test_without_pyav_the_remedy_is_told(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = files("mpeg4 avi")
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "av" or name.startswith("av."):
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    for use in (
        lambda: probe(path),
        lambda: read_frames(path, [0]),
        lambda: write_video(path.with_name("w.avi"), FRAMES, 25),
    ):
        with pytest.raises(SkelbenchError, match=r"pip install av"):
            use()


# What a picture's bits say


def vop(coding: int, size: int = 40) -> bytes:
    return b"\x00\x00\x01\xb6" + bytes([coding << 6]) + bytes([0x55]) * size


def test_kinds_of_mpeg4_pictures() -> None:
    kinds = [mpeg4_kind(b"\x00\x00\x01\xb2user" + vop(coding)) for coding in range(4)]
    assert kinds == [Kind.START, Kind.ANCHOR, Kind.BETWEEN, Kind.ANCHOR]
    assert mpeg4_kind(vop(1) + vop(2)) is None
    assert mpeg4_kind(vop(1, size=2)) is None
    assert mpeg4_kind(b"") is mpeg4_kind(b"\xff" * 90) is None


def units(*parts: tuple[int, int], length: int = 4) -> bytes:
    """NAL units by type and the byte behind it (0x80: first macroblock 0)."""
    bodies = [bytes([kind, second, 7]) for kind, second in parts]
    return b"".join(len(body).to_bytes(length, "big") + body for body in bodies)


def test_kinds_of_h264_pictures() -> None:
    for length in (1, 2, 4):
        assert h264_kind(units((7, 0), (8, 0), (6, 0), (5, 0x80), length=length), length) is Kind.START
        assert h264_kind(units((9, 0), (1, 0x80), (1, 0x40), length=length), length) is Kind.ANCHOR
    assert h264_kind(units((1, 0x80), (1, 0x80)), 4) is None  # two fields
    assert h264_kind(units((6, 0)), 4) is None  # none
    assert h264_kind(units((8, 0), (1, 0x80)), 4) is None  # parameters that later pictures may need
    assert h264_kind(units((2, 0x80)), 4) is None  # partitions
    assert h264_kind(units((5, 0x80))[:-1], 4) is None
    assert h264_kind(b"", 4) is h264_kind(b"\xff" * 30, 4) is None


@given(st.binary(max_size=60))
def test_any_bits_have_a_kind_or_none(data: bytes) -> None:
    for kind in (mpeg4_kind(data), *(h264_kind(data, length) for length in (1, 2, 4))):
        assert kind is None or kind in Kind


# Writing


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first = tmp_path / f"first{suffix}"
    write_video(first, FRAMES, 30_000 / 1001, b_frames=2)
    for again in range(6):
        other = tmp_path / f"{again}{suffix}"
        write_video(other, iter(FRAMES), 30_000 / 1001, b_frames=2)
        assert first.read_bytes() == other.read_bytes()
        other.unlink()
    assert [*tmp_path.iterdir()] == [first]
    assert probe(first).rate == pytest.approx(30_000 / 1001)
    assert np.abs(read_frames(first, range(60)).astype(int) - FRAMES).mean() < 20


def test_write_replaces_a_file_only_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "v.avi"
    write_video(path, FRAMES[:5], 25)
    old = path.read_bytes()
    with pytest.raises(DataError, match=r"v\.avi: a frame of uint8, shape \(48, 62, 3\)"):
        write_video(path, [FRAMES[0], FRAMES[1][:, :62]], 25)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), "needs a frame"),
        (np.zeros((2, 8, 8, 3), np.float32), "frame of float32"),
        (np.zeros((2, 9, 8, 3), np.uint8), r"shape \(9, 8, 3\)"),
        (np.zeros((2, 8, 8), np.uint8), r"shape \(8, 8\)"),
        (np.zeros((2, 0, 8, 3), np.uint8), r"shape \(0, 8, 3\)"),
    ],
)
def test_frames_that_cannot_be_written(tmp_path: Path, frames: np.ndarray, match: str) -> None:
    with pytest.raises(DataError, match=match):
        write_video(tmp_path / "v.avi", frames, 25)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"form '\.gif'"):
        write_video(tmp_path / "v.gif", FRAMES, 25)
    with pytest.raises(DataError, match="cannot write here"):
        write_video(tmp_path / "none" / "v.avi", FRAMES, 25)
    with pytest.raises(DataError, match="rate 0"):
        write_video(tmp_path / "v.avi", FRAMES, 0)
    (tmp_path / "v.avi").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        write_video(tmp_path / "v.avi", FRAMES[:2], 25)


def test_names_that_look_like_addresses(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "http:%03d#?.avi"
    shutil.copy(files("mpeg4 avi")[0], path)
    assert probe(path).frames == 60
    with quiet():
        write_video(path, FRAMES[:2], 25)
    assert probe(path).frames == 2
