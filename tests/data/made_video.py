"""Small video files of every kind that decoding must cope with, and their plain full decode."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def moving(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """(count, height, width, 3) uint8: a pattern that drifts under noise; no two frames are alike."""
    rng = np.random.default_rng(0)
    still = np.kron(rng.integers(40, 200, (height // 8, width // 8, 3)), np.ones((8, 8, 1)))
    drift = np.stack([np.roll(still, 3 * t, axis=1) for t in range(count)])
    return (drift + rng.integers(0, 40, (count, height, width, 1))).astype(np.uint8)


def plain(path: Path) -> np.ndarray:
    """Every frame, as PyAV decodes the whole file."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def encode(
    path: Path,
    frames: np.ndarray,
    codec: str,
    *,
    form: str | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: float = 0,
    container: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Encode with any of libav's codecs and options; ``pts`` are in units of ``time_base``."""
    with av.open(str(path), "w", format=form, container_options=container or {}) as file:
        stream: Any = file.add_stream(codec, rate=25, options={"b": "3000000", **options})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        if rotation:
            stream.set_display_rotation(rotation)
        if time_base:
            stream.codec_context.time_base = time_base
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels)
            if pts is not None:
                frame.pts, frame.time_base = pts[number], time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def copy(source: Path, target: Path, *, shift: int = 0, skip: int = 0) -> Path:
    """Mux the packets of ``source`` again, ``skip`` of them left out, ``shift`` ticks later."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is None or number < skip:
                continue
            packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
            packet.stream = stream
            new.mux(packet)
    return target


FRAMES = moving(60)
_NO_CUTS = "1000000000"  # key pictures at even distances only
Make = Callable[[Path], Path]


def _encoded(name: str, codec: str, **options: object) -> Make:
    return lambda folder: encode(folder / name, FRAMES, codec, **options)  # type: ignore[arg-type]


def _edit_list(folder: Path) -> Path:
    """Four frames before time 0, which a list of edits tells players to decode and not to show."""
    whole = encode(folder / "whole.mp4", FRAMES, "mpeg4", g="12")
    with av.open(str(whole)) as file:
        tick = (file.streams.video[0].duration or 0) // len(FRAMES)
    return copy(whole, folder / "edit.mp4", shift=-4 * tick)


def _from_the_middle(folder: Path) -> Path:
    """Begins with a picture that needs one which is not there."""
    return copy(encode(folder / "whole.avi", FRAMES, "mpeg4", g="12", bf="2"), folder / "cut.avi", skip=5)


def _begins_with_b(folder: Path) -> Path:
    """Begins with an I picture and B pictures that need one which is not there."""
    whole = encode(folder / "whole.avi", FRAMES, "mpeg4", g="12", bf="2", sc_threshold=_NO_CUTS)
    with av.open(str(whole)) as file:
        keys = [number for number, packet in enumerate(file.demux(video=0)) if packet.is_keyframe]
    return copy(whole, folder / "cut.avi", skip=keys[1])


def _two_pictures_in_a_packet(folder: Path) -> Path:
    """As DivX packs a B picture into the packet of the one that it needs; an empty one stands for it."""
    whole = encode(folder / "whole.avi", FRAMES, "mpeg4", g="12", bf="1")
    target = folder / "packed.avi"
    with av.open(str(whole)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux(video=0) if packet.size]
        kinds = [bytes(packet)[bytes(packet).find(b"\x00\x00\x01\xb6") + 4] >> 6 for packet in packets]
        for number, packet in enumerate(packets):
            data = bytes(packet)
            if kinds[number] == 2:
                data = b"\x00\x00\x01\xb6\x51\xcf"
            elif number + 1 < len(packets) and kinds[number + 1] == 2:
                data += bytes(packets[number + 1])
            if number == 0:
                data = data.replace(b"Lavc", b"DivX503b1393p\x00", 1)
            copied = av.Packet(data)
            copied.pts = copied.dts = number
            copied.time_base, copied.stream = packet.time_base, stream
            copied.is_keyframe = packet.is_keyframe
            new.mux(copied)
    return target


def _xvid(folder: Path) -> Path:
    """The encoder names itself in the first packet only, and decoders compute blocks as that one does."""
    path = encode(folder / "xvid.avi", FRAMES, "mpeg4", g="12", bf="2")
    head, mark, rest = path.read_bytes().partition(b"movi")
    name = re.compile(rb"\x00\x00\x01\xb2(Lavc[0-9.]+)")
    found = name.findall(rest)
    if len(found) < 4:
        raise ValueError("the encoder no longer names itself in every key picture")
    blank = name.sub(lambda name: name[0][:4] + b"?" * len(name[1]), rest)
    first = b"XviD0046".ljust(len(found[0]), b"\x00")
    path.write_bytes(head + mark + blank.replace(b"?" * len(first), first, 1))
    target = copy(path, folder / "copied.avi")  # has the first packet's head in its own, too
    target.write_bytes(target.read_bytes().replace(first, b"?" * len(first), 1))
    return target


def _low_delay(folder: Path) -> Path:
    """Says that it has no B pictures, and has some."""
    path = encode(folder / "low.avi", FRAMES, "mpeg4", g="12", bf="2")
    data = bytearray(path.read_bytes())
    for found in re.finditer(rb"\x00\x00\x01[\x20-\x2f]", bytes(data)):
        bits = int.from_bytes(data[found.end() : found.end() + 4], "big")
        place = 9 + (8 if bits >> 22 & 1 else 1) + 4  # type, version, aspect ratio; then the control's flag
        if not bits >> (31 - place) & 1:
            raise ValueError("the encoder no longer says whether there are B pictures")
        data[found.end() : found.end() + 4] = (bits | 1 << (31 - place - 3)).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def _gaps(folder: Path) -> Path:
    """Times with holes: AVI fills them with empty packets."""
    times = [2 * t + t // 5 for t in range(len(FRAMES))]
    return encode(folder / "gaps.avi", FRAMES, "mpeg4", g="12", pts=times, time_base=Fraction(1, 50))


_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
_H264 = {"g": "12", "bf": "3", "preset": "veryfast"}
_ODD = {"pts": [1001 * t + 7919 + t % 3 for t in range(60)], "time_base": Fraction(1, 30_011)}
# Every kind that decoding from a key picture must give right; "trusted" ones are not decoded from the start.
TRUSTED: dict[str, Make] = {
    "mpeg4 avi": _encoded("a.avi", "mpeg4", g="12"),
    "mpeg4 avi b": _encoded("a.avi", "mpeg4", g="12", bf="2"),
    "mpeg4 avi long b": _encoded("a.avi", "mpeg4", g="250", bf="3", sc_threshold=_NO_CUTS),
    "mpeg4 avi closed b": _encoded("a.avi", "mpeg4", g="12", bf="2", flags="+cgop", sc_threshold=_NO_CUTS),
    "mpeg4 mp4 b": _encoded("a.mp4", "mpeg4", g="12", bf="2"),
    "h264 mp4": _encoded("a.mp4", "libx264", **{**_H264, "bf": "0"}),
    "h264 mp4 b": _encoded("a.mp4", "libx264", **_H264),
    "h264 open groups": _encoded("a.mp4", "libx264", **_H264, **{"x264-params": "open-gop=1"}),
    "h264 pyramid": _encoded("a.mp4", "libx264", **_H264, **{"x264-params": "b-pyramid=normal:ref=4"}),
    "h264 refresh": _encoded("a.mp4", "libx264", **_H264, **{"x264-params": "intra-refresh=1"}),
    "h264 odd times": _encoded("a.mp4", "libx264", **_ODD, **_H264),
    "h264 slices": _encoded("a.mp4", "libx264", **_H264, slices="3"),
    "h264 fragments": _encoded("a.mp4", "libx264", **_H264, container=_FRAGMENTS),
    "h264 interlaced": _encoded("a.mp4", "libx264", **_H264, flags="+ildct+ilme"),
    "mpeg4 gaps": _gaps,
    "mpeg4 xvid": _xvid,
}
UNTRUSTED: dict[str, Make] = {
    "h264 mkv": _encoded("a.mkv", "libx264", **_H264),
    "h264 ts": _encoded("a.ts", "libx264", **_H264),
    "h264 avi": _encoded("a.avi", "libx264", **_H264),
    "mpeg2 ts": _encoded("a.ts", "mpeg2video", g="12", bf="2"),
    "vp8 webm": _encoded("a.webm", "libvpx", g="12", **{"auto-alt-ref": "1", "lag-in-frames": "10"}),
    "mpeg4 edit list": _edit_list,
    "mpeg4 from the middle": _from_the_middle,
    "mpeg4 begins with b": _begins_with_b,
    "mpeg4 low delay": _low_delay,
    "mpeg4 packed": _two_pictures_in_a_packet,
}
