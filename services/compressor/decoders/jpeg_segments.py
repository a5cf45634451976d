"""Iterate over a JPEG's segments. Source: ITU T.81, annexes B and G."""

import re
from collections.abc import Iterator
from typing import NamedTuple

START_OF_IMAGE, END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
HUFFMAN_TABLES, START_OF_SCAN = 0xC4, 0xDA
SEQUENTIAL_FRAMES, _PROGRESSIVE_FRAMES = frozenset({0xC0, 0xC1, 0xC9}), frozenset({0xC2, 0xCA})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # these are tables, and an extension
_JPEG_LS_FRAME = 0xF7
_LOSSLESS_FRAMES = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_DIFFERENTIAL_FRAMES = frozenset({0xC5, 0xC6, 0xCD, 0xCE})
_FRAME_BYTES = 6
_USUAL_PRECISION = 8
_RESTART_INTERVAL = 0xDD
_END_OF_IMAGE = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # in scan data, 0xff00 is no marker, and 0xffd0-d7 are restarts
_COEFFICIENTS = 64
_ALL_COEFFICIENTS = (0, 63, 0)


class Segment(NamedTuple):
    """start, end: of the content, after the length."""

    marker: int
    start: int
    end: int


def iter_jpeg_segments(jpeg: bytes) -> Iterator[Segment]:
    """The segments that have a length, up to the end of the first picture. Scan data is skipped."""
    at = 2
    while found := _MARKER.search(jpeg, at):
        marker, at = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            return
        if marker not in _WITHOUT_LENGTH:
            end = at + int.from_bytes(jpeg[at : at + 2], "big")
            yield Segment(marker, at + 2, end)
            at = end


class FrameHeader(NamedTuple):
    """at: where its content begins. precision: bits per sample. height: 0 if it follows the first scan."""

    marker: int
    at: int
    precision: int
    height: int
    components: int


def frame_of(jpeg: bytes) -> FrameHeader | None:
    """The first frame's header; None if there is none before the first scan."""
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker == START_OF_SCAN:
            return None
        if (marker in _FRAMES or marker == _JPEG_LS_FRAME) and len(content) >= _FRAME_BYTES:
            return FrameHeader(marker, start, content[0], int.from_bytes(content[1:3], "big"), content[5])
    return None


def unsupported_kind(jpeg: bytes) -> str | None:
    """What kind of JPEG the file is that neither browsers nor our decoders read; None if it is a usual one."""
    frame = frame_of(jpeg)
    if frame is None:
        return None
    if frame.marker == _JPEG_LS_FRAME:
        return "a JPEG-LS image"
    if frame.marker in _LOSSLESS_FRAMES:
        return "a lossless JPEG"
    if frame.marker in _DIFFERENTIAL_FRAMES:
        return "a hierarchical JPEG"
    if frame.precision != _USUAL_PRECISION:
        return f"a JPEG of {frame.precision} bits per sample"
    return None if frame.height else "a JPEG whose header lacks the height"


def scan_data_end(jpeg: bytes, start: int) -> int:
    """Where the scan data ends that begins at `start`, after the scan's header."""
    found = _MARKER.search(jpeg, start)
    return found.start() if found else len(jpeg)


def has_restarts(jpeg: bytes) -> bool:
    """Whether restart markers divide the scan data into intervals that decode independently."""
    return any(marker == _RESTART_INTERVAL and any(jpeg[start:end]) for marker, start, end in iter_jpeg_segments(jpeg))


def check_scans(jpeg: bytes) -> None:
    """Raises ValueError if scans are missing.

    Decoders show the grey or blurred picture that the present scans give, without a warning if the file ends between
    two scans.
    """
    missing_bits: dict[int, list[int]] = {}
    is_progressive = False
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker in _PROGRESSIVE_FRAMES or marker in SEQUENTIAL_FRAMES:
            missing_bits = {component: [1] * _COEFFICIENTS for component in content[6::3]}
            is_progressive = marker in _PROGRESSIVE_FRAMES
        if marker != START_OF_SCAN or not content or len(content) != 4 + 2 * content[0]:
            continue
        first, last, precision = content[-3:] if is_progressive else _ALL_COEFFICIENTS
        for component in content[1:-3:2]:
            if component in missing_bits:
                missing_bits[component][first : last + 1] = [precision & 15] * (last + 1 - first)
        if not any(any(bits) for bits in missing_bits.values()):
            return  # without a search of all data, as usual for a sequential file
    raise ValueError("scans are missing")
