"""Go through a JPEG's segments. Source: ITU T.81, annexes B and G."""

import re
from collections.abc import Iterator
from typing import NamedTuple

HUFFMAN_TABLES, START_OF_SCAN, PROGRESSIVE_FRAME = 0xC4, 0xDA, 0xC2
_RESTART_INTERVAL = 0xDD
_END = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # those within a scan's data are none, or restarts
_COEFFICIENTS = 64


class Segment(NamedTuple):
    """start, end: of its content, behind the length."""

    marker: int
    start: int
    end: int


def iter_jpeg_segments(jpeg: bytes) -> Iterator[Segment]:
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


def scan_data_end(jpeg: bytes, start: int) -> int:
    """Where the data of a scan end, which begin behind its header."""
    found = _MARKER.search(jpeg, start)
    return found.start() if found else len(jpeg)


def has_restarts(jpeg: bytes) -> bool:
    """Whether its data are cut into stretches that decode each for itself."""
    return any(marker == _RESTART_INTERVAL and any(jpeg[start:end]) for marker, start, end in iter_jpeg_segments(jpeg))


def check_scans(jpeg: bytes) -> None:
    """Raises ValueError if a progressive JPEG lacks scans.

    Decoders show what there is, which is blurred, and do not even warn if the file was cut between two scans.
    """
    missing: dict[int, list[int]] = {}
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker == PROGRESSIVE_FRAME:
            missing = {component: [1] * _COEFFICIENTS for component in content[6::3]}
        if marker != START_OF_SCAN or not content or len(content) != 4 + 2 * content[0]:
            continue
        first, last, precision = content[-3:]
        for component in content[1:-3:2]:
            if component in missing:
                missing[component][first : last + 1] = [precision & 15] * (last + 1 - first)
    if any(any(bits) for bits in missing.values()):
        raise ValueError("scans are missing")
