"""Remove the metadata of a JPEG. Source: ITU T.81, annex B; the JFIF and Adobe segments as libjpeg reads them."""

from services.compressor.decoders import (
    START_OF_SCAN,
    JpegApplication,
    is_icc_profile,
    iter_jpeg_segments,
    jfif_density,
    read_jpeg_profile,
    scan_data_end,
)
from services.compressor.stripping.kept import Kept

_JFIF, _PROFILE, _ADOBE = JpegApplication.JFIF, JpegApplication.PROFILE, JpegApplication.ADOBE
_START_OF_IMAGE, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Frame headers; Huffman and quantisation tables, arithmetic conditioning, restart interval.
_PIXEL_SEGMENTS = _FRAMES | {0xC4, 0xCC, 0xDB, 0xDD}
_MARKER_AND_LENGTH = 4
_JFIF_VERSION_BYTES = 2
_INKS = 4
_PROFILE_PART_BYTES = 0xFFFF - 16


def strip_jpeg(original: bytes, kept: Kept) -> bytes:
    """The pixels, what their colours need, and `kept`; without anything after the end of the first picture."""
    jfif, segments = b"", []
    profile = _profile(original) if kept.profile or _has_inks(original) else b""
    for marker, start, end in iter_jpeg_segments(original):
        content = original[start:end]
        if marker == START_OF_SCAN:
            segments.append(original[start - _MARKER_AND_LENGTH : scan_data_end(original, end)])
        elif _JFIF.matches(marker, content) and len(content) >= _JFIF.fields:  # decoders ignore shorter ones
            version = content[len(_JFIF.header) :][:_JFIF_VERSION_BYTES]
            jfif = jfif or _JFIF.segment(version + jfif_density(kept.density) + b"\0\0")
        elif _ADOBE.matches(marker, content):
            segments.append(_ADOBE.segment(content[len(_ADOBE.header) : _ADOBE.fields]))
        elif _PROFILE.matches(marker, content):
            segments.append(profile)
            profile = b""
        elif marker in _PIXEL_SEGMENTS:
            segments.append(original[start - _MARKER_AND_LENGTH : end])
    exif = JpegApplication.EXIF.segment(kept.exif) if kept.exif else b""
    return b"".join((_START_OF_IMAGE, jfif, exif, *segments, _END_OF_IMAGE))


def _profile(jpeg: bytes) -> bytes:
    """The segments of its profile, without any that are not a part of it."""
    profile = read_jpeg_profile(jpeg) or b""
    if not is_icc_profile(profile):
        return b""
    parts = [profile[at : at + _PROFILE_PART_BYTES] for at in range(0, len(profile), _PROFILE_PART_BYTES)]
    return b"".join(_PROFILE.segment(bytes((number, len(parts))) + part) for number, part in enumerate(parts, 1))


def _has_inks(jpeg: bytes) -> bool:
    """Whether it is CMYK, whose profile is needed although the pixels were converted to sRGB when it was decoded."""
    return any(marker in _FRAMES and jpeg[start + 5] == _INKS for marker, start, _ in iter_jpeg_segments(jpeg))
