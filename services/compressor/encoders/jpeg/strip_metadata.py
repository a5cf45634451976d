"""Take the metadata out of a JPEG without touching its pixels."""

from services.compressor.decoders import START_OF_SCAN, Picture, iter_jpeg_segments, scan_data_end

_START_OF_IMAGE = b"\xff\xd8"
_END_OF_IMAGE = b"\xff\xd9"
_JFIF_BYTES = 18  # with marker, length and a thumbnail of no pixels
_COMMENT, _FIRST_APPLICATION, _LAST_APPLICATION = 0xFE, 0xE0, 0xEF
_SAY_WHAT_COLOURS_ARE = ((0xE0, b"JFIF\0"), (0xEE, b"Adobe"), (0xE2, b"ICC_PROFILE\0"))


def strip_jpeg_metadata(original: bytes, picture: Picture) -> bytes | None:
    """The same pixels, and only the metadata that is to be kept; nothing of what stands behind their end.

    None if the picture is no longer the original's: scaled, turned upright or with other colours; or if some of its
    metadata is to be kept, which would have to be written anew.
    """
    if picture.jpeg is None or picture.jpeg.rotated or picture.exif or picture.xmp:
        return None
    kept = [_START_OF_IMAGE]
    for marker, start, end in iter_jpeg_segments(original):
        if marker == START_OF_SCAN:
            kept.append(original[start - 4 : scan_data_end(original, end)])
        elif _belongs(marker, original[start:end], with_profile=picture.icc_profile is not None):
            kept.append(_without_thumbnail(original[start - 4 : end]))
    return b"".join((*kept, _END_OF_IMAGE))


def _without_thumbnail(segment: bytes) -> bytes:
    """Of a JFIF segment what stands before its thumbnail; any other as it is."""
    if segment[4:9] != b"JFIF\0" or len(segment) <= _JFIF_BYTES:
        return segment
    return segment[:2] + (_JFIF_BYTES - 2).to_bytes(2, "big") + segment[4 : _JFIF_BYTES - 2] + b"\0\0"


def _belongs(marker: int, content: bytes, *, with_profile: bool) -> bool:
    if marker == _COMMENT:
        return False
    if not _FIRST_APPLICATION <= marker <= _LAST_APPLICATION:
        return True
    name = next((name for number, name in _SAY_WHAT_COLOURS_ARE if marker == number and content.startswith(name)), None)
    return name is not None and (with_profile or name != b"ICC_PROFILE\0")
