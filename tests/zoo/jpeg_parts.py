"""Change parts of a JPEG, and build JPEGs that no library writes. Source: ITU T.81, annex B."""

import struct
from collections.abc import Sequence

from PIL import Image

from services.compressor.decoders.jpeg_segments import START_OF_SCAN, iter_jpeg_segments, scan_data_end
from tests.zoo.specimen import saved

START, END = b"\xff\xd8", b"\xff\xd9"
JFIF = b"JFIF\0"
APP0, APP2, APP14 = 0xE0, 0xE2, 0xEE
FRAME, HUFFMAN, QUANTISATION, RESTART_INTERVAL = 0xC0, 0xC4, 0xDB, 0xDD
_AFTER_JFIF = 20
Sampling = tuple[int, int]


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def adobe(transform: int) -> bytes:
    return segment(APP14, b"Adobe\0\x64\0\0\0\0" + bytes((transform,)))


def profile_part(number: int, count: int, content: bytes) -> bytes:
    return segment(APP2, b"ICC_PROFILE\0" + bytes((number, count)) + content)


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Inserted behind the JFIF segment."""
    return jpeg[:_AFTER_JFIF] + b"".join(segments) + jpeg[_AFTER_JFIF:]


def without_jfif(jpeg: bytes) -> bytes:
    return jpeg[:2] + jpeg[_AFTER_JFIF:]


def with_jfif_version(jpeg: bytes, major: int, minor: int) -> bytes:
    at = jpeg.index(JFIF) + len(JFIF)
    return jpeg[:at] + bytes((major, minor)) + jpeg[at + 2 :]


def with_scan_parameters(jpeg: bytes, first: int, last: int, precision: int) -> bytes:
    """The spectral selection and successive approximation of the first scan."""
    start = _scan_start(jpeg)
    return jpeg[: start - 3] + bytes((first, last, precision)) + jpeg[start:]


def without(jpeg: bytes, unwanted: int) -> bytes:
    """Without the segments of this marker."""
    kept = [START]
    for marker, start, end in iter_jpeg_segments(jpeg):
        if marker != unwanted:
            kept.append(jpeg[start - 4 : end if marker != START_OF_SCAN else scan_data_end(jpeg, end)])
    return b"".join((*kept, END))


def sampled(picture: Image.Image, samplings: Sequence[Sampling], quality: int = 92) -> bytes:
    """A JPEG with these sampling factors of luminance and both chrominances.

    Each component has a scan of its own, which is that of a grey JPEG of the component's size.
    """
    across, down = (max(sampling[axis] for sampling in samplings) for axis in (0, 1))
    width, height = picture.size
    tables, scans = b"", b""
    for number, (band, (x, y)) in enumerate(zip(picture.convert("YCbCr").split(), samplings, strict=True), 1):
        grey = saved(
            band.resize((-(-width * x // across), -(-height * y // down)), Image.Resampling.BOX),
            "JPEG",
            quality=quality,
        )
        tables = _segments_of(grey, QUANTISATION) + _segments_of(grey, HUFFMAN)
        start = _scan_start(grey)
        scans += segment(START_OF_SCAN, bytes((1, number, 0, 0, 63, 0))) + grey[start : scan_data_end(grey, start)]
    components = b"".join(bytes((number, x << 4 | y, 0)) for number, (x, y) in enumerate(samplings, 1))
    frame = segment(FRAME, struct.pack(">BHHB", 8, height, width, len(samplings)) + components)
    jfif = segment(APP0, JFIF + b"\1\1\0\0\1\0\1\0\0")
    return START + jfif + tables + frame + scans + END


def _segments_of(jpeg: bytes, wanted: int) -> bytes:
    return b"".join(jpeg[start - 4 : end] for marker, start, end in iter_jpeg_segments(jpeg) if marker == wanted)


def _scan_start(jpeg: bytes) -> int:
    """Where the data of the first scan begin."""
    return next(end for marker, _, end in iter_jpeg_segments(jpeg) if marker == START_OF_SCAN)
