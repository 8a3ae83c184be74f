"""The coded pictures of a video file, and where among them decoding can start.

A frame's index counts what a plain decode of the whole file gives. Timestamps do not tell it (AVI has none,
others start late, repeat or lie), so it is counted here: in some files every packet is known to hold just
one picture, and the picture's own bits say whether decoding can start at it and whether it is shown before
the picture that precedes it in the file. Trusted are, after a look into every packet:

- MPEG-4 part 2 in AVI, MP4 and MOV: an I picture starts; B pictures right behind it are shown before it;
- H.264 in MP4 and MOV: only an IDR picture starts. An I picture of an open group is none.

Whatever else there is (other codecs and containers, two pictures or none in a packet, a file that does not
begin with a start, packets an edit list discards) is decoded from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skelbench.errors import DataError, SkelbenchError

if TYPE_CHECKING:
    from av import Packet, VideoFrame

AGAIN = "Fetch the file again, or leave it out"
MISSING = "the video is missing"
# Text, pictures and playlists are no videos, though libavformat has readers for them.
_FORMATS = "avi,mov,mp4,matroska,webm,mpegts,mpeg,flv,asf,ogg,nut"
_VOP = b"\x00\x00\x01\xb6"
_EMPTY_VOP = 16  # a picture "not coded", which the decoder leaves out, has fewer bytes than this


class Kind(Enum):
    """What a coded picture is to the pictures around it."""

    START = "decoding can start here"
    ANCHOR = "needs earlier pictures; in MPEG-4, later ones may need it"
    BETWEEN = "shown before the picture that precedes it in the file"


class Unsure(Exception):
    """The frames cannot be counted by packets; the file must be decoded from its beginning."""


@dataclass(frozen=True)
class Start:
    """Where to decode from.

    Attributes:
        index: The index of the first frame that comes out.
        packets: What to decode before the packets that the file gives next.
    """

    index: int
    packets: list[Packet[Any]]


def import_av() -> Any:
    """PyAV.

    Raises:
        SkelbenchError: It is not installed.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        what = "videos need PyAV, which is not installed"
        raise SkelbenchError(what, remedy="Install it: pip install av") from error
    return av


@contextmanager
def quiet() -> Iterator[None]:
    """Keep libav from logging; its level is what it was afterwards. Failures come as exceptions anyway."""
    logging = import_av().logging
    level = logging.get_level()
    logging.set_level(None)
    try:
        yield
    finally:
        logging.set_level(level)


class CodedVideo:
    """An open file's first video stream (not a cover picture), its packets read once in the file's order.

    Args:
        path: The file, for messages.
        container: PyAV's open container.
        stream: The stream in it.
    """

    def __init__(self, path: Path, container: Any, stream: Any) -> None:
        self.path = path
        self.stream = stream
        self._context = stream.codec_context
        self._context.thread_count = 1  # many workers decode at once
        self._failure: type[Exception] = import_av().error.FFmpegError
        self._packets = self._demux(container)
        self._kind_of = _reader_of_kinds(container.format.name, self._context)

    def _demux(self, container: Any) -> Iterator[Packet[Any]]:
        """Packets until the file ends or is cut short; empty ones (a repeated frame in AVI) left out."""
        # In a transport stream the mark means that the counters jump, as where two streams were joined.
        jumps = container.format.name == "mpegts"
        try:
            for packet in container.demux(self.stream):
                if packet.is_corrupt and not jumps:
                    return
                if packet.size:
                    yield packet
        except self._failure:
            return

    def frames(self, first: Iterable[Packet[Any]] = ()) -> Generator[VideoFrame]:
        """Decode ``first`` and then the packets not read yet.

        Raises:
            DataError: The decoder refuses a packet.
        """
        try:
            for packet in chain(first, self._packets):
                yield from self._context.decode(packet)
            yield from self._context.decode(None)
        except self._failure as error:
            raise DataError(f"a damaged packet ({_reason(error)})", where=self.path, remedy=AGAIN) from error

    def _show_opening(self, packet: Packet[Any]) -> None:
        """Let the decoder see the first packet: encoders name themselves there, and decoders heed that."""
        try:
            self._context.decode(packet)
            self._context.decode(None)
        except self._failure as error:
            raise Unsure from error
        self._context.flush_buffers()

    def pictures(self) -> Iterator[tuple[Packet[Any], Kind]]:
        """The packets not read yet, from the file's beginning, one picture each.

        Raises:
            Unsure: There is one of which that is not known.
        """
        if self._kind_of is None:
            raise Unsure
        for number, packet in enumerate(self._packets):
            kind = None if packet.is_discard or _changes_decoder(packet) else self._kind_of(bytes(packet))
            if kind is None or (number == 0 and kind is not Kind.START):
                raise Unsure
            if number == 0:
                self._show_opening(packet)
            # Without the picture before it, or where none was announced, the decoder drops or shifts it.
            if kind is Kind.BETWEEN and (number == 1 or not self._context.has_b_frames):
                raise Unsure
            yield packet, kind

    def start_before(self, index: int) -> Start:
        """The last place to decode from that still gives frame ``index``.

        The packets before it are read, not decoded, and at most two groups of pictures are kept.

        Raises:
            Unsure: See `pictures`.
        """
        before: list[tuple[Packet[Any], Kind]] = []
        group: list[tuple[Packet[Any], Kind]] = []
        place = 0
        for number, (packet, kind) in enumerate(self.pictures()):
            if kind is Kind.START and number <= index:
                before, group, place = group, [], number
            group.append((packet, kind))
            if number > index and kind is not Kind.BETWEEN:
                break
        leading = _leading(group)
        if place + leading <= index:
            return Start(place + leading, _from_start(group))
        place -= len(before)
        return Start(place + _leading(before), _from_start(before) + [packet for packet, _ in group])


def _leading(group: list[tuple[Packet[Any], Kind]]) -> int:
    """How many pictures right behind the group's start are shown before it."""
    for count, (_, kind) in enumerate(group[1:]):
        if kind is not Kind.BETWEEN:
            return count
    return max(len(group) - 1, 0)


def _from_start(group: list[tuple[Packet[Any], Kind]]) -> list[Packet[Any]]:
    """The group without the pictures that are shown before its start."""
    packets = [packet for packet, _ in group]
    return packets[:1] + packets[1 + _leading(group) :]


def _changes_decoder(packet: Packet[Any]) -> bool:
    return packet.has_sidedata("new_extradata") or packet.has_sidedata("param_change")


def _reader_of_kinds(container: str, context: Any) -> Callable[[bytes], Kind | None] | None:
    """What tells a packet's kind in such a container, or None where nothing is to be trusted."""
    if context.name == "mpeg4" and container.split(",")[0] in ("avi", "mov"):
        return mpeg4_kind
    header = context.extradata or b""
    if context.name == "h264" and container.startswith("mov") and len(header) > 4 and header[0] == 1:
        length = (header[4] & 3) + 1  # ISO/IEC 14496-15, lengthSizeMinusOne
        return lambda data: h264_kind(data, length)
    return None


def mpeg4_kind(data: bytes) -> Kind | None:
    """The kind of an MPEG-4 part 2 picture by its VOP header (ISO/IEC 14496-2), None unless there is one."""
    place = data.find(_VOP) + len(_VOP)
    if data.count(_VOP) != 1 or len(data) - place < _EMPTY_VOP:
        return None
    return (Kind.START, Kind.ANCHOR, Kind.BETWEEN, Kind.ANCHOR)[data[place] >> 6]  # I, P, B, S


def h264_kind(data: bytes, length: int) -> Kind | None:
    """The kind of an H.264 picture by its NAL units (ITU-T H.264, 7.3), None unless there is one.

    Args:
        data: NAL units, each behind its size.
        length: Bytes of such a size.
    """
    place, pictures, types = 0, 0, set()
    while place + length + 1 < len(data):
        unit = place + length
        types.add(data[unit] & 31)
        # A slice whose first macroblock is number 0, in Exp-Golomb code a single 1, begins a picture.
        pictures += data[unit] & 31 in (1, 5) and data[unit + 1] >= 128
        place = unit + int.from_bytes(data[place:unit], "big")
    if place != len(data) or pictures != 1 or types & {2, 3, 4}:
        return None
    if 5 in types:
        return Kind.START
    return None if types & {7, 8} else Kind.ANCHOR  # later pictures may need these parameters


@contextmanager
def open_video(path: Path) -> Iterator[CodedVideo]:
    """Open a video file; nothing but that file is ever read, whatever it refers to.

    Raises:
        DataError: It is missing, empty, no video, damaged, or has no video stream.
        SkelbenchError: PyAV is missing.
    """
    av = import_av()
    _check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    try:
        container = av.open(f"file:{path}", container_options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        what = f"not a video, or damaged ({_reason(error)})"
        raise DataError(what, where=path, remedy=AGAIN) from error
    with container:
        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in container.streams.video if not stream.disposition & cover]
        if not streams or streams[0].codec_context is None:
            what = "a video stream of an unknown codec" if streams else "no video stream in it"
            raise DataError(what, where=path, remedy=AGAIN)
        yield CodedVideo(path, container, streams[0])


def _check_file(path: Path) -> None:
    if not path.is_file():
        what = "is a folder, not a video" if path.is_dir() else MISSING
        raise DataError(what, where=path, remedy="Check the folder of the videos and the name in the list")
    if not path.stat().st_size:
        raise DataError("the file is empty", where=path, remedy=AGAIN)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
