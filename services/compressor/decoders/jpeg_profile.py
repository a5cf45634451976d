"""The colour profile of a JPEG as browsers read it. Source: ICC.1, annex B.4 (embedding in JPEG)."""

from services.compressor.decoders.jpeg_applications import JpegApplication
from services.compressor.decoders.jpeg_segments import START_OF_SCAN, iter_jpeg_segments

_NUMBER_AT = len(JpegApplication.PROFILE.header)
_HEADER_BYTES = _NUMBER_AT + 2  # with the part's number and the count of parts


def read_jpeg_profile(jpeg: bytes) -> bytes | None:
    """The parts in the order of their numbers, as soon as there are as many as the first one announces.

    None if a part is missing, or if one before the last has another count or an impossible number.
    """
    parts: dict[int, bytes] = {}
    expected = 0
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker == START_OF_SCAN:
            break
        if not JpegApplication.PROFILE.matches(marker, content) or len(content) <= _HEADER_BYTES:
            continue
        number, count = content[_NUMBER_AT:_HEADER_BYTES]
        expected = expected or count
        if count != expected or not 1 <= number <= count or number in parts:
            return None
        parts[number] = content[_HEADER_BYTES:]
        if len(parts) == expected:
            return b"".join(parts[number] for number in sorted(parts))
    return None
