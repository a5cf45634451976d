"""Apply the transparent colour of a PNG without alpha channel (tRNS). Source: PNG (Third Edition), W3C 2025, 11.3.1.1.

Pillow scales grey samples of 2 and 4 bits to 8, but not the key, and drops the lower bytes of 16-bit colours, so that
other colours would become transparent too.
"""

import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from services.compressor.decoders.png_chunks import iter_png_chunks, png_header

_GREY, _TRUECOLOUR, _INDEXED = 0, 2, 3
_WHITE = 255
_LOWER_BYTES = "RGB;16L"  # of little-endian samples Pillow takes the second byte; PNG's samples are big-endian


def apply_colour_key(image: Image.Image, png: bytes) -> None:
    """Set the key of a decoded PNG, `info["transparency"]`, to the value its pixels have, or give it an alpha channel.

    png: the file that Pillow has decoded to `image`. Raises ValueError if it is broken.
    """
    if "transparency" not in image.info:
        return
    header = png_header(png)
    chunks = dict(iter_png_chunks(png))
    key = bytes(chunks.get(b"tRNS", b""))
    if header.colour_type == _GREY:
        _set_grey_key(image, int.from_bytes(key[:2], "big"), header.depth)
    elif header.colour_type == _INDEXED and list(chunks).index(b"tRNS") < list(chunks).index(b"PLTE"):
        del image.info["transparency"]  # as in every browser
    elif header.colour_type == _TRUECOLOUR and header.depth == 16:
        del image.info["transparency"]
        image.putalpha(_alpha(image, png, key))


def _set_grey_key(image: Image.Image, key: int, depth: int) -> None:
    """Browsers ignore excess bits at a depth of 8, as libpng does; at lower depths such a key equals no sample."""
    most = (1 << depth) - 1
    if depth == 8:
        key &= most
    if key > most:
        del image.info["transparency"]
    else:
        image.info["transparency"] = key * _WHITE // most if most < _WHITE else key


def _alpha(upper: Image.Image, png: bytes, key: bytes) -> Image.Image:
    """Transparent where both bytes of all samples equal the key."""
    lower = PngImageFile(io.BytesIO(png))
    lower.tile = [tile._replace(args=_LOWER_BYTES) for tile in lower.tile]
    lower.load()
    keys = np.frombuffer(key[:6], np.uint8)
    equal = (np.asarray(upper) == keys[::2]) & (np.asarray(lower) == keys[1::2])
    return Image.fromarray(np.where(equal.all(axis=2), 0, _WHITE).astype(np.uint8))
