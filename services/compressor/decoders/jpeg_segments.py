"""Iterate over a JPEG's segments. Source: ITU T.81, annexes B and G."""

import re
from collections.abc import Iterator
from typing import NamedTuple

HUFFMAN_TABLES, START_OF_SCAN, _PROGRESSIVE_FRAME = 0xC4, 0xDA, 0xC2
_RESTART_INTERVAL = 0xDD
_END_OF_IMAGE = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # in scan data, 0xff00 is no marker, and 0xffd0-d7 are restarts
_COEFFICIENTS = 64


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


def scan_data_end(jpeg: bytes, start: int) -> int:
    """Where the scan data ends that begins at `start`, after the scan's header."""
    found = _MARKER.search(jpeg, start)
    return found.start() if found else len(jpeg)


def has_restarts(jpeg: bytes) -> bool:
    """Whether restart markers divide the scan data into intervals that decode independently."""
    return any(marker == _RESTART_INTERVAL and any(jpeg[start:end]) for marker, start, end in iter_jpeg_segments(jpeg))


def check_scans(jpeg: bytes) -> None:
    """Raises ValueError if a progressive JPEG lacks scans.

    Decoders show the blurred picture that the present scans give, without a warning if the file ends between two scans.
    """
    missing_bits: dict[int, list[int]] = {}
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker == _PROGRESSIVE_FRAME:
            missing_bits = {component: [1] * _COEFFICIENTS for component in content[6::3]}
        if marker != START_OF_SCAN or not content or len(content) != 4 + 2 * content[0]:
            continue
        first, last, precision = content[-3:]
        for component in content[1:-3:2]:
            if component in missing_bits:
                missing_bits[component][first : last + 1] = [precision & 15] * (last + 1 - first)
    if any(any(bits) for bits in missing_bits.values()):
        raise ValueError("scans are missing")
