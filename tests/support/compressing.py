"""Generated originals in every mode. `tests/zoo` has one file of every kind."""

import hashlib
import io
from typing import Any

from PIL import Image, ImageChops, ImageCms, ImageDraw

from services.compressor.decoders.icc_writer import P3_PRIMARIES, SRGB_CURVE, grey_profile, rgb_profile

MAX_PIXELS = 10_000_000
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE_PROFILE = rgb_profile(P3_PRIMARIES, SRGB_CURVE)  # changes colours, so results must keep it
GREY_PROFILE = grey_profile((1.8,))
ORIENTATION, COPYRIGHT = 0x0112, 0x8298


def a_picture(mode: str = "RGB", size: tuple[int, int] = (160, 120), noise: int = 12, seed: int = 0) -> Image.Image:
    """A gradient with some noise, which compresses like a photograph. Equal arguments give equal pixels.

    Its alpha, if the mode has one, is transparent on the left, opaque on the right and translucent between.
    """
    if mode == "P":
        return a_picture("RGB", size, noise, seed).quantize(64)
    if mode == "I;16":
        deep = a_picture("L", size, noise, seed).tobytes()
        return Image.frombytes("I;16", size, b"".join(bytes((value // 3, value)) for value in deep))
    return Image.merge(mode, [_band(name, size, noise, seed + index) for index, name in enumerate(_bands(mode))])


def _bands(mode: str) -> tuple[str, ...]:
    return Image.new(mode, (1, 1)).getbands()


def _band(name: str, size: tuple[int, int], noise: int, seed: int) -> Image.Image:
    across = Image.linear_gradient("L").rotate(90).resize(size)
    if name == "A":
        return across.point(lambda value: min(max(value * 3 - 256, 0), 255))
    light = across if seed % 2 else Image.linear_gradient("L").resize(size)
    speckle = Image.frombytes("L", size, hashlib.shake_128(b"%d" % seed).digest(size[0] * size[1]))
    return ImageChops.add(light, speckle.point(lambda value: value * noise // 256))


def lettering(colour: str, background: str = "white") -> Image.Image:
    """Small text."""
    picture = Image.new("RGB", (320, 240), background)
    drawing = ImageDraw.Draw(picture)
    for row in range(24):
        drawing.text((2, 10 * row), "Sale! -50 % " * 6, fill=colour)
    return picture


def encoded(picture: Image.Image, file_format: str, **save: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, file_format, **({"quality": 92} if file_format != "PNG" else {}) | save)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    """Decoded completely, with its metadata."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def an_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[COPYRIGHT] = "somebody"
    return exif
