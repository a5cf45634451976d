"""Go through a JPEG's segments. Source: ITU T.81, annexes B and G."""

import re
from collections.abc import Iterator
from typing import NamedTuple

TABLES, SCAN, PROGRESSIVE = 0xC4, 0xDA, 0xC2
_END = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # those within a scan's data are none, or restarts
_SCAN_HEADER, _END_OF_PICTURE = bytes((0xFF, SCAN)), bytes((0xFF, _END))
_COEFFICIENTS = 64


class Segment(NamedTuple):
    """start, end: of its content, behind the length."""

    marker: int
    start: int
    end: int


def segments(jpeg: bytes) -> Iterator[Segment]:
    """Each with a length, up to the end of the first picture; after a scan's header its data are passed over."""
    at = 2
    while found := _MARKER.search(jpeg, at):
        marker, at = found[1][0], found.end()
        if marker == _END:
            return
        if marker not in _WITHOUT_LENGTH:
            end = at + int.from_bytes(jpeg[at : at + 2], "big")
            yield Segment(marker, at + 2, end)
            at = end


def check_scans(jpeg: bytes) -> None:
    """Raises ValueError if a progressive JPEG lacks scans.

    Decoders show what there is, which is blurred, and do not even warn if the file was cut between two scans.
    """
    missing: dict[int, list[int]] = {}
    first_scan = len(jpeg)
    for marker, start, end in segments(jpeg):
        if marker == PROGRESSIVE:
            missing = {component: [1] * _COEFFICIENTS for component in jpeg[start:end][6::3]}
        if marker == SCAN:
            first_scan = start - 4
            break
    for content in _scan_headers(jpeg, first_scan):
        first, last, precision = content[-3:]
        for component in content[1:-3:2]:
            if component in missing:
                missing[component][first : last + 1] = [precision & 15] * (last + 1 - first)
    if any(any(bits) for bits in missing.values()):
        raise ValueError("scans are missing")


def _scan_headers(jpeg: bytes, first: int) -> Iterator[bytes]:
    """Up to the end of the picture. Behind the first scan nothing else looks like a header or an end."""
    end = jpeg.find(_END_OF_PICTURE, first)
    at = first
    while (at := jpeg.find(_SCAN_HEADER, at, end if end >= 0 else len(jpeg))) >= 0:
        content = jpeg[at + 4 : at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")]
        if content and len(content) == 4 + 2 * content[0]:
            yield content
        at += 4
