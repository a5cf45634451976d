"""Correct what browsers ignore in a JPEG, and decoders warn of or fail for. Source: ITU T.81, annex B.

It changes no pixels. Once it is done, every further warning of a strict decoder means that pixels are damaged.
"""

from services.compressor.decoders.jpeg_applications import JpegApplication, jpeg_segment
from services.compressor.decoders.jpeg_segments import (
    END_OF_IMAGE,
    SEQUENTIAL_FRAMES,
    START_OF_IMAGE,
    START_OF_SCAN,
    frame_of,
    has_restarts,
    iter_jpeg_segments,
    scan_data_end,
)

_JFIF_VERSION = b"\x01\x01"
_ALL_COEFFICIENTS = bytes((0, 63, 0))  # of a sequential scan
_YCBCR, _YCCK = 1, 2
_TRANSFORMS = {3: (0, _YCBCR), 4: (0, _YCCK)}  # Adobe's codes by the number of components; the last one is assumed


def repaired(jpeg: bytes) -> bytes:
    """The first picture of the file, without:

    - bytes between segments, markers that need no length among the headers, and zeros before the end;
    - a missing end marker, and anything after the end;
    - unknown JFIF versions and Adobe transforms; JFIF and Adobe segments that are too short;
    - spectral selections in sequential scans, which always have all coefficients;
    - the colour profile, whose parts may be numbered wrongly: see `jpeg_profile.py`.
    """
    frame = frame_of(jpeg)
    is_sequential = frame is not None and frame.marker in SEQUENTIAL_FRAMES
    components = frame.components if frame else 0
    with_restarts = has_restarts(jpeg)
    parts = [START_OF_IMAGE]
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker == START_OF_SCAN:
            header = content[:-3] + _ALL_COEFFICIENTS if is_sequential else content
            data = jpeg[end : scan_data_end(jpeg, end)]
            parts += [jpeg_segment(marker, header), _trimmed(data, with_restarts=with_restarts)]
        elif (corrected := _corrected(marker, content, components)) is not None:
            parts.append(jpeg_segment(marker, corrected))
    return b"".join((*parts, END_OF_IMAGE))


def _corrected(marker: int, content: bytes, components: int) -> bytes | None:
    """The content of a segment other than a scan's header; None if the segment is to be left out."""
    if JpegApplication.JFIF.matches(marker, content):
        return content[:5] + _JFIF_VERSION + content[7:] if len(content) >= JpegApplication.JFIF.fields else None
    if JpegApplication.ADOBE.matches(marker, content):
        if len(content) < JpegApplication.ADOBE.fields:
            return None
        known = _TRANSFORMS.get(components, ())
        return content if not known or content[11] in known else content[:11] + bytes((known[-1],))
    return None if JpegApplication.PROFILE.matches(marker, content) else content


def _trimmed(scan_data: bytes, *, with_restarts: bool) -> bytes:
    """Without the fill bytes 0xff at its end, and without zeros, except one after 0xff, which is a part of the data.

    With restart markers, zeros stay: the decoder would not report that data is missing before them.
    """
    data = scan_data.rstrip(b"\xff")
    if with_restarts:
        return data
    data = data.rstrip(b"\0")
    return data + b"\0" if data.endswith(b"\xff") else data
