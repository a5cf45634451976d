"""Decode common JPEGs strictly, by libjpeg-turbo without the copies that Pillow makes.

Pillow accepts files that make libjpeg warn, such as a truncated file with an end marker appended, whose lower half is
grey. Both decoders give the same pixels for a valid file; `docs/compression.md` has the times.
"""

import re

import simplejpeg
from PIL import Image

from services.compressor.decoders.jpeg_segments import START_OF_SCAN, has_restarts, iter_jpeg_segments

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_IMAGE = b"\xff\xd8"
_MARKER_AND_LENGTH = 4
_PADDING = "extraneous bytes before marker"
_MISSING_END = "Premature end of JPEG file"
# Harmless: padding between the headers, and up to four bytes before the end marker, as some cameras write them.
# Not harmless: bytes before a restart marker or between scans, and more than four. They are left over from damage.
# In a file with restart markers no such bytes are harmless: it may have been truncated at a restart, and the decoder
# does not report that.
_HARMLESS = re.compile(r"extraneous bytes before marker 0x(?:c|db|dd|e|fe)|\b[1-4] extraneous bytes before marker 0xd9")

# From the file's colour space to the one that the decoder is asked for, and the image's mode.
_COLOUR_SPACES = {
    "YCbCr": ("RGBX", "RGBX"),
    "RGB": ("RGBX", "RGBX"),
    "Gray": ("GRAY", "L"),
    "CMYK": ("CMYK", "CMYK"),
    "YCCK": ("CMYK", "CMYK"),
}


def decode_jpeg(original: bytes, *, progressive: bool) -> Image.Image | None:
    """Decode to mode RGBX or L. None if Pillow has to decode it: CMYK, unusual kinds, and files with harmless bytes.

    Raises ValueError if pixels are missing or uncertain.
    """
    original, colourspace = _with_colourspace(original)
    decoded_space, mode = _COLOUR_SPACES.get(colourspace, (None, ""))
    if decoded_space is None:
        return None
    try:
        pixels = simplejpeg.decode_jpeg(original, decoded_space)
    except ValueError as error:
        if _HARMLESS.search(str(error)) and not progressive and not has_restarts(original):
            return None
        if _MISSING_END not in str(error) or progressive:  # a progressive file may lack whole scans
            raise
        pixels = simplejpeg.decode_jpeg(original + _END_OF_IMAGE, decoded_space)
    if mode == "CMYK":
        return None  # decoded only to check it: Pillow converts the inks
    height, width = pixels.shape[:2]
    return Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)


def _with_colourspace(original: bytes) -> tuple[bytes, str]:
    """The JPEG and its colour space. Padding between headers is removed: its warning would hide those about pixels."""
    try:
        return original, str(simplejpeg.decode_jpeg_header(original)[2])
    except ValueError as error:
        if _PADDING not in str(error):
            raise
    packed = _without_padding(original)
    return packed, str(simplejpeg.decode_jpeg_header(packed)[2])


def _without_padding(jpeg: bytes) -> bytes:
    headers = [_START_OF_IMAGE]
    for marker, start, end in iter_jpeg_segments(jpeg):
        if marker == START_OF_SCAN:
            return b"".join((*headers, jpeg[start - _MARKER_AND_LENGTH :]))
        headers.append(jpeg[start - _MARKER_AND_LENGTH : end])
    return jpeg
