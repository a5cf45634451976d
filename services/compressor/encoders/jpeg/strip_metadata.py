"""Remove the metadata of a JPEG without touching its pixels."""

from services.compressor.decoders import START_OF_SCAN, Picture, iter_jpeg_segments, scan_data_end

_START_OF_IMAGE = b"\xff\xd8"
_END_OF_IMAGE = b"\xff\xd9"
_JFIF_BYTES = 18  # of a segment without thumbnail, with marker and length
_COMMENT, _FIRST_APPLICATION, _LAST_APPLICATION = 0xFE, 0xE0, 0xEF
_COLOUR_SEGMENTS = ((0xE0, b"JFIF\0"), (0xEE, b"Adobe"), (0xE2, b"ICC_PROFILE\0"))


def strip_jpeg_metadata(original: bytes, picture: Picture) -> bytes | None:
    """The original without metadata, apart from what its colours need, and without trailing data.

    None if the picture's pixels differ from the original's (scaled, rotated upright or converted), or if some metadata
    has to be kept, which would need new segments.
    """
    if picture.jpeg is None or picture.jpeg.rotated or picture.exif or picture.xmp:
        return None
    kept = [_START_OF_IMAGE]
    for marker, start, end in iter_jpeg_segments(original):
        if marker == START_OF_SCAN:
            kept.append(original[start - 4 : scan_data_end(original, end)])
        elif _is_kept(marker, original[start:end], with_profile=picture.icc_profile is not None):
            kept.append(_without_thumbnail(original[start - 4 : end]))
    return b"".join((*kept, _END_OF_IMAGE))


def _without_thumbnail(segment: bytes) -> bytes:
    """A JFIF segment without its thumbnail; any other segment unchanged."""
    if segment[4:9] != b"JFIF\0" or len(segment) <= _JFIF_BYTES:
        return segment
    return segment[:2] + (_JFIF_BYTES - 2).to_bytes(2, "big") + segment[4 : _JFIF_BYTES - 2] + b"\0\0"


def _is_kept(marker: int, content: bytes, *, with_profile: bool) -> bool:
    if marker == _COMMENT:
        return False
    if not _FIRST_APPLICATION <= marker <= _LAST_APPLICATION:
        return True
    name = next((name for number, name in _COLOUR_SEGMENTS if marker == number and content.startswith(name)), None)
    return name is not None and (with_profile or name != b"ICC_PROFILE\0")
