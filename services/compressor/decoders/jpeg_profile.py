"""The colour profile of a JPEG as browsers read it. Source: ICC.1, annex B.4 (embedding in JPEG)."""

from services.compressor.decoders.jpeg_segments import APP2, START_OF_SCAN, iter_jpeg_segments

_NAME = b"ICC_PROFILE\0"
_HEADER_BYTES = len(_NAME) + 2  # with the part's number and the count of parts


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
        if marker != APP2 or not content.startswith(_NAME) or len(content) <= _HEADER_BYTES:
            continue
        number, count = content[len(_NAME) : _HEADER_BYTES]
        expected = expected or count
        if count != expected or not 1 <= number <= count or number in parts:
            return None
        parts[number] = content[_HEADER_BYTES:]
        if len(parts) == expected:
            return b"".join(parts[number] for number in sorted(parts))
    return None
