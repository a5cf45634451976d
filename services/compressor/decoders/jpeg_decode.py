"""Open and decode JPEGs strictly: without the copies that Pillow makes, and without Pillow's tolerance for damage.

Pillow accepts files that make libjpeg warn, such as a truncated file with an end marker appended, whose lower half is
grey. Both decoders give the same pixels for a valid file; `docs/compression.md` has the times.

Browsers ignore all warnings. Those that tell nothing about pixels are ignored here too: a file that does not decode
strictly is repaired, see `jpeg_repair.py`, and tried again.
"""

import io
import re
import zlib

import simplejpeg
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.decoders.jpeg_profile import read_jpeg_profile
from services.compressor.decoders.jpeg_repair import repaired
from services.compressor.decoders.jpeg_segments import END_OF_IMAGE, has_restarts

_UNKNOWN_SAMPLING = "Could not determine subsampling"
# Up to four bytes before the end marker are harmless; some cameras write them. More are left over from damage, as are
# bytes before a restart marker or between scans. In a file with restart markers no such bytes are harmless: it may have
# been truncated at a restart, and the decoder does not report that.
_HARMLESS = re.compile(r"\b[1-4] extraneous bytes before marker 0xd9")
_FURTHER_BYTES = bytes(range(1, 65))  # any scan data
_BAND_ROWS = 64

# From Pillow's mode to the colour space that the decoder is asked for, and the mode of the result.
_COLOUR_SPACES = {"L": ("GRAY", "L"), "RGB": ("RGBX", "RGBX"), "CMYK": ("CMYK", "CMYK")}


def open_jpeg(original: bytes) -> JpegImageFile:
    """The file as Pillow opens it, with the colour profile that browsers apply. Raises any exception.

    Not `Image.open`: it also looks for further pictures (MPO), and fails if their list is broken.
    """
    try:
        image = JpegImageFile(io.BytesIO(original))
    except (SyntaxError, ValueError, IndexError, OSError):  # Pillow does not read some segments that others skip
        image = JpegImageFile(io.BytesIO(repaired(original)))
    image.info.pop("icc_profile", None)
    if profile := read_jpeg_profile(original):
        image.info["icc_profile"] = profile
    return image


def decode_jpeg(original: bytes, mode: str) -> Image.Image:
    """Decode to mode RGBX, L or CMYK. Of a progressive file all scans must be present, which is not checked here.

    mode: Pillow's. Raises ValueError or OSError if pixels are missing or uncertain.
    """
    try:
        return _decoded(original, mode)
    except (ValueError, OSError):
        return _decoded(repaired(original), mode)


def _decoded(jpeg: bytes, mode: str) -> Image.Image:
    decoded_space, mode = _COLOUR_SPACES[mode]
    try:
        pixels = simplejpeg.decode_jpeg(jpeg, decoded_space)
    except ValueError as error:
        if _UNKNOWN_SAMPLING in str(error):
            return _by_pillow_complete(repaired(jpeg))
        if _HARMLESS.search(str(error)) and not has_restarts(jpeg):
            return _by_pillow(jpeg)
        raise
    if mode == "CMYK":
        return _by_pillow(jpeg)  # decoded only to check it: Pillow converts the inks
    height, width = pixels.shape[:2]
    return Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)


def _by_pillow(jpeg: bytes) -> Image.Image:
    image = JpegImageFile(io.BytesIO(jpeg))
    image.load()
    return image


def _by_pillow_complete(jpeg: bytes) -> Image.Image:
    """A file that only Pillow decodes: with sampling factors that libjpeg-turbo's interface has no name for.

    Raises ValueError if scan data is missing: then further data before the end marker changes pixels.
    """
    with_further_data = _checksum(_by_pillow(jpeg.removesuffix(END_OF_IMAGE) + _FURTHER_BYTES + END_OF_IMAGE))
    image = _by_pillow(jpeg)
    if _checksum(image) != with_further_data:
        raise ValueError("premature end of data segment")
    return image


def _checksum(image: Image.Image) -> int:
    """Of all pixels, by bands, which need little memory."""
    checksum = 0
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height)))
        checksum = zlib.crc32(band.tobytes(), checksum)
    return checksum
