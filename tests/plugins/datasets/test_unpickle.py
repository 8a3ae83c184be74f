"""Pickles that were made to do harm, and pickles that were damaged by chance."""

import contextlib
import pickle
import random
import resource
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skelbench_plugins.datasets.common.unpickle import load_pickle
from skelbench_plugins.datasets.kinetics.coco import KineticsCocoReader
from skelbench_plugins.datasets.ntu.reader import Ntu60Reader

from skelbench.errors import DataError

NAME = "S001C002P001R001A001"
OBJECTS = b"cnumpy\ndtype\n(S'f8'\nI00\nI01\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"


def refused(path: Path, text: bytes, said: str = "damaged") -> None:
    path.write_bytes(text)
    with pytest.raises(DataError, match=said) as told:
        load_pickle(path)
    assert len(str(told.value)) < len(str(path)) + 500
    assert "\x1b" not in str(told.value)


@contextlib.contextmanager
def memory_of(megabytes: int) -> Iterator[None]:
    """Give the process this much more address space than it has, as a limit that raises."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    "dtype", ["O", "V8", "S4", "U4", "c8", "c16", "M8[s]", "m8[s]", "f16", "f4,i4", "i1, O"]
)
def test_only_arrays_of_numbers_are_built(tmp_path: Path, dtype: str) -> None:
    for value in (np.zeros(2, dtype), np.zeros(2, dtype)[0]):
        if not isinstance(value, np.ndarray | np.generic):
            continue  # an object's scalar is the object
        for protocol in (2, 4, 5):
            refused(tmp_path / "a.pkl", pickle.dumps([value], protocol=protocol))


@pytest.mark.parametrize("dtype", ["b1", "i1", "u1", ">i2", "<u4", "i8", "f2", ">f4", "f8"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_numbers_come_back(tmp_path: Path, dtype: str, protocol: int) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    moved = np.stack([array, array]).transpose(1, 0, 2)
    content = [array, array.T, array[:0], array[1, 2], array, moved]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    loaded = load_pickle(tmp_path / "a.pkl")
    for one, other in zip(loaded, content, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    assert loaded[0] is loaded[4]
    assert loaded[0].flags.writeable


@pytest.mark.parametrize("encoding", ["latin1", "ASCII"])
def test_an_array_that_python_2_stored_comes_back(tmp_path: Path, encoding: str) -> None:
    raw = np.array([1.5, -2.0], "<f4").tobytes()
    text = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85"
    )
    text += (
        b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    )
    text += b"U" + bytes([len(raw)]) + raw + b"tb."
    (tmp_path / "a.pkl").write_bytes(text)
    np.testing.assert_array_equal(load_pickle(tmp_path / "a.pkl"), [1.5, -2.0])


@pytest.mark.parametrize(
    "text",
    [
        # A dtype that is told to be one of objects: NumPy would take the array's bytes for pointers.
        b"cnumpy\ndtype\n(S'O8'\nI00\nI01\ntR.",
        b"cnumpy\ndtype\n(S'f8'\nI00\nI01\ntR(I3\nS'|'\nN(S'a'\nt(dNI8\nI1\nI27\ntb.",
        OBJECTS + b"(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb.",
        # State set on a constructor, which would stay changed.
        b"c_codecs\nencode\n(dS'__defaults__'\n(S'zlib'\ntsb.",
        b"c_codecs\nencode\n(N(dS'call'\nNstb.",
        b"cnumpy\nndarray\n(tR.",
        b"cnumpy\nndarray\n)\x81.",
        # The object that numbers its places, items for what takes none, an array never filled.
        b"c_codecs\nencode\n.",
        b"Nca\x00",
        b"cbuiltins\nbytearray\n(S''\ntRI1\na.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.",
    ],
)
def test_nothing_is_set_on_what_exists(tmp_path: Path, text: bytes) -> None:
    refused(tmp_path / "a.pkl", text, "damaged|no plain data")


def lengths() -> Iterator[bytes]:
    for size in (2**31 - 1, 2**32 - 1):
        yield b"B" + struct.pack("<I", size) + b"ab."
        yield b"X" + struct.pack("<I", size) + b"ab."
        yield b"N" + b"r" + struct.pack("<I", size) + b"ab."
    for size in (2**32, 2**40, 2**62):
        for code in (b"\x8e", b"\x8d", b"\x96", b"\x95"):
            yield b"\x80\x05" + code + struct.pack("<Q", size) + b"ab."
    yield b"T" + struct.pack("<i", 2**31 - 1) + b"ab."
    yield b"\x8b" + struct.pack("<i", 2**31 - 1) + b"ab."
    yield b"cbuiltins\nbytearray\n(I4000000000\ntR."
    yield b"cbuiltins\nset\n(cbuiltins\nrange\n(I4000000000\ntRtR."


@pytest.mark.parametrize("text", list(lengths()))
def test_a_small_file_asks_for_little_memory(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(text)
    told = ""
    with memory_of(64):
        try:
            load_pickle(path)
        except DataError as error:
            told = str(error)
    assert "MemoryError" not in told


def test_one_content_is_not_copied_into_many_arrays(tmp_path: Path) -> None:
    array = b"cnumpy.core.numeric\n_frombuffer\n(g1\ng2\n(I100000\ntS'C'\ntRa"
    text = b"(lB" + struct.pack("<I", 100000) + bytes(100000) + b"p1\na"
    text += b"cnumpy\ndtype\n(S'i1'\nI00\nI01\ntRp2\na" + array * 1000 + b"."
    refused(tmp_path / "a.pkl", text, "more content than the file has bytes")


def bombs() -> Iterator[bytes]:
    for doubled in (b"\x86", b"(g0\ng0\nl", b"(dI0\ng0\nsI1\ng0\ns"):
        text = b"(lp0\n" if doubled == b"\x86" else b"]p0\n"
        step = b"g0\ng0\n\x86p0\n" if doubled == b"\x86" else doubled + b"p0\n"
        yield text + step * 60 + b"."  # 2**60 leaves to show
    yield b"I1\np0\n" + b"g0\ng0\n\x86p0\n" * 60 + b"cbuiltins\nset\n(g0\nltR."
    yield b"}I1\np0\n" + b"g0\ng0\n\x86p0\n" * 60 + b"I1\ns."  # 2**60 numbers to hash
    yield b"]p0\ng0\na."  # holds itself
    yield b"(" * 0 + b"]" * 200_000 + b"a" * 199_999 + b"."
    yield b"N" + b"\x85" * 200_000 + b"."
    yield b"}N" + b"\x85" * 200_000 + b"Ns."
    yield b"(l" + b"L" + b"9" * 5000 + b"L\na."
    yield b"\x8b" + struct.pack("<i", 100_000) + bytes(99_999) + b"\x01."
    collide = b"".join(b"\x8a\x10" + (k * (2**61 - 1)).to_bytes(16, "little") + b"N" for k in range(60_000))
    yield b"}(" + collide + b"u."  # every key has the hash 0


@pytest.mark.parametrize("text", list(bombs()), ids=range(12))
def test_a_bomb_is_refused_at_once(tmp_path: Path, text: bytes) -> None:
    refused(tmp_path / "a.pkl", text)


def test_a_long_or_foreign_name_in_the_error_is_cut_and_made_plain(tmp_path: Path) -> None:
    refused(tmp_path / "a.pkl", b"cos\n\x1b]0;x\x07" + b"y" * 10_000 + b"\n.", "no plain data")
    refused(tmp_path / "a.pkl", b"g" + b"9" * 4000 + b"\n.")


@pytest.mark.parametrize(
    "changes",
    [
        {"frame_dir": ["S001"] * 3},
        {"frame_dir": 3},
        {"frame_dir": None},
        {"label": np.arange(2)},
        {"label": [[0]]},
        {"label": float("inf")},
        {"total_frames": np.arange(2)},
        {"split": {"xsub_train": 3}},
        {"split": {"xsub_train": [3]}},
    ],
)
def test_values_of_another_type_are_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    file = tmp_path / "a.pkl"
    content = pyskl()
    content |= {key: value for key, value in changes.items() if key == "split"}
    content["annotations"][0] |= {key: value for key, value in changes.items() if key != "split"}
    file.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError):
        ntu(file)


def pyskl() -> dict[str, Any]:
    points = np.ones((1, 2, 25, 3), np.float16)
    one = {"frame_dir": NAME, "label": 0, "keypoint": points, "total_frames": np.int64(2)}
    return {"split": {"xsub_train": [], "xsub_val": []}, "annotations": [one]}


def coco() -> dict[str, Any]:
    points, score = np.ones((1, 2, 17, 2), np.float16), np.ones((1, 2, 17), np.float32)
    one = {"frame_dir": "a", "label": 0, "keypoint": points, "keypoint_score": score, "total_frames": 2}
    return {"split": {"train": ["a"], "val": []}, "annotations": [one | {"img_shape": (9, 9)}]}


def ntu(path: Path) -> None:
    for source in (reader := Ntu60Reader()).sources(path):
        list(reader.read(source))


def kinetics(path: Path) -> None:
    for source in (reader := KineticsCocoReader()).sources(path):
        list(reader.read(source))


def mutate(text: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut, doubled, swapped for instructions, or for another place of the same file."""
    changed = bytearray(text)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        at, width = rng.randrange(len(changed)), rng.choice([1, 1, 2, 4, 8, 32])
        match rng.randrange(5):
            case 0:
                changed[at] = rng.randrange(256)
            case 1:
                changed[at : at + width] = b""
            case 2:
                changed[at:at] = changed[at : at + width]
            case 3:
                changed[at] = rng.choice(
                    b"(.0125FGIJKLMNRSTUVX]abcdeghijlopqrstu}BCQ\x80\x81\x85\x8b\x93\x94\x96"
                )
            case 4:
                start = rng.randrange(len(changed))
                changed[at : at + width] = changed[start : start + width]
        changed = changed or bytearray(b".")
    return bytes(changed)


def fuzz(path: Path, count: int) -> None:
    cases: list[tuple[Callable[[Path], None], bytes]] = [
        (read, pickle.dumps(content, protocol=protocol))
        for read, content in ((ntu, pyskl()), (kinetics, coco()))
        for protocol in (0, 2, 4, 5)
    ]
    rng = random.Random(18)
    for at in range(count):
        read, text = cases[at % len(cases)]
        path.write_bytes(mutate(text, rng))
        with contextlib.suppress(DataError):
            read(path)


@pytest.mark.filterwarnings("default")
def test_a_few_thousand_damaged_pickles_are_read_or_refused(tmp_path: Path) -> None:
    with memory_of(256):
        fuzz(tmp_path / "a.pkl", 2000)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_fifty_thousand_damaged_pickles_are_read_or_refused(tmp_path: Path) -> None:
    with memory_of(256):
        fuzz(tmp_path / "a.pkl", 50_000)
