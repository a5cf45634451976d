"""Decode the JPEGs that most catalogues hold, by libjpeg-turbo without Pillow's copies, and strictly.

Pillow lets through what libjpeg only warns of, such as a file that was cut off and closed again: its lower half is
grey. The pixels of a sound file are the same in both; `docs/compression.md` has the times.
"""

import re

import simplejpeg
from PIL import Image

from services.compressor.decoders.jpeg_segments import START_OF_SCAN, has_restarts, iter_jpeg_segments

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_IMAGE = b"\xff\xd8"
_PADDING = "extraneous bytes before marker"
_LOST_END = "Premature end of JPEG file"
# Padding between the headers, and the few bytes that some cameras write before the end: no pixel is in doubt. Before a
# restart, between scans and in greater number they are what is left of damaged ones; with restarts also before the end,
# where the decoder sees no loss if the file was cut at a restart.
_HARMLESS = re.compile(r"extraneous bytes before marker 0x(?:c|db|dd|e|fe)|\b[1-4] extraneous bytes before marker 0xd9")

# From the colours of the file to those we ask for, and the mode of the image.
_PIXELS = {
    "YCbCr": ("RGBX", "RGBX"),
    "RGB": ("RGBX", "RGBX"),
    "Gray": ("GRAY", "L"),
    "CMYK": ("CMYK", "CMYK"),
    "YCCK": ("CMYK", "CMYK"),
}


def decode_jpeg(original: bytes, *, progressive: bool) -> Image.Image | None:
    """In mode RGBX or L. None if it is for Pillow to decode: CMYK, other odd kinds, and with harmless oddities.

    Raises ValueError if pixels are missing or in doubt.
    """
    original, colourspace = _with_colourspace(original)
    wanted, mode = _PIXELS.get(colourspace, (None, ""))
    if wanted is None:
        return None
    try:
        pixels = simplejpeg.decode_jpeg(original, wanted)
    except ValueError as error:
        if _HARMLESS.search(str(error)) and not progressive and not has_restarts(original):
            return None
        if _LOST_END not in str(error) or progressive:  # a progressive file may lack whole scans
            raise
        pixels = simplejpeg.decode_jpeg(original + _END_OF_IMAGE, wanted)
    if mode == "CMYK":
        return None  # its inks are for Pillow to mix; here it was only looked through
    height, width = pixels.shape[:2]
    return Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)


def _with_colourspace(original: bytes) -> tuple[bytes, str]:
    """Without padding between the headers, so that nothing hides what the decoder has to say about the pixels."""
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
            return b"".join((*headers, jpeg[start - 4 :]))
        headers.append(jpeg[start - 4 : end])
    return jpeg
