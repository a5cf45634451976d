"""Write a lossless PNG, with the effort that its size leaves time for.

oxipng tries PNG's filters and colour types and compresses with libdeflate. It uses no feature that viewers handle
badly, such as interlacing. Per megapixel of a photograph its levels 0, 1 and 2 take 0.1, 0.4 and 1 s. Pillow's best
compression takes 1.5 s and gives larger files than level 1.
"""

import io
import struct
from typing import Any

import oxipng
from PIL import Image, PngImagePlugin

from services.compressor.decoders import Picture, per_metre

# The largest sizes, in bytes of pixels, for oxipng's levels 2, 1 and 0. oxipng holds several copies of the pixels; for
# larger pictures Pillow encodes row by row. A picture that compresses as well as a drawing or a screenshot also
# compresses fast, so it gets level 2 up to a larger size.
_SMALL_BYTES = 4_000_000
_DRAWING_BYTES = 24_000_000
_MAX_DRAWING_RATIO = 1 / 12
_LARGE_BYTES = 72_000_000
_HUGE_BYTES = 128_000_000
_MAX_ROWS = 40_000  # oxipng takes up to 20 microseconds per row, however short
_FAST_DEFLATE = 2

_METRES = 1
_XMP_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"


def write_png(picture: Picture, image: Image.Image, *, sample: float | None = None) -> bytes:
    """The image as a PNG, with the picture's colour profile and metadata.

    image: in mode 1, L, LA, I;16, P, RGB, RGBX or RGBA; its `info` contains at most a colour key.
    sample: if the image is a sample for predicting sizes, its share of the picture; it is encoded like the picture, but
        faster.
    """
    if image.mode == "RGBX":
        image = image.convert("RGB")
    if image.mode == "I":
        image = image.convert("I;16")
    pixels = _pixel_bytes(image) / (sample or 1)
    is_sample = sample is not None
    if pixels > _HUGE_BYTES or image.height > _MAX_ROWS:
        return _by_pillow(picture, image)
    if pixels > _LARGE_BYTES:
        return _by_oxipng(picture, image, 0)
    if pixels <= _SMALL_BYTES and not is_sample:
        return _by_oxipng(picture, image, 2)
    png = _by_oxipng(picture, image, 1)
    if is_sample or pixels > _DRAWING_BYTES or len(png) > pixels * _MAX_DRAWING_RATIO:
        return png
    return _by_oxipng(picture, image, 2)


def _pixel_bytes(image: Image.Image) -> int:
    return image.width * image.height * len(image.getbands()) * (2 if image.mode == "I;16" else 1)


def profile_for_png(picture: Picture) -> bytes | None:
    """None if the picture has colour chunks instead."""
    return None if picture.colour_chunks else picture.icc_profile


def _chunks(picture: Picture) -> list[tuple[bytes, bytes]]:
    chunks = list(picture.colour_chunks)
    if picture.density:
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre(picture.density), _METRES)))
    if picture.xmp:
        chunks.append((b"iTXt", _XMP_KEYWORD + picture.xmp))
    if picture.exif:
        chunks.append((b"eXIf", picture.exif))
    return chunks


def _by_oxipng(picture: Picture, image: Image.Image, level: int) -> bytes:
    """With a profile, grey stays grey and colour stays colour: a profile is valid for one of them only."""
    raw = oxipng.RawImage(
        image.tobytes("raw", "I;16B") if image.mode == "I;16" else image.tobytes(),
        *image.size,
        color_type=_colour_type(image),
        bit_depth={"1": 1, "I;16": 16}.get(image.mode, 8),
    )
    for name, data in _chunks(picture):
        raw.add_png_chunk(name, data)
    profile = profile_for_png(picture)
    reducible = profile is None
    if profile is not None:
        raw.add_icc_profile(profile)
    grey = image.mode in {"1", "L", "LA", "I;16"}
    png: bytes = raw.create_optimized_png(
        level=level, grayscale_reduction=reducible, palette_reduction=reducible or not grey, optimize_alpha=True
    )
    return png


def _colour_type(image: Image.Image) -> Any:
    key = _key(image)
    if image.mode == "P":
        flat = bytes(image.getpalette("RGBA") or ())
        return oxipng.ColorType.indexed([list(flat[at : at + 4]) for at in range(0, len(flat), 4)])
    if image.mode == "RGB":
        return oxipng.ColorType.rgb(key if isinstance(key, tuple) else None)
    if image.mode == "RGBA":
        return oxipng.ColorType.rgba()
    if image.mode == "LA":
        return oxipng.ColorType.grayscale_alpha()
    return oxipng.ColorType.grayscale(key if isinstance(key, int) else None)


def _key(image: Image.Image) -> Any:
    """The transparent sample value or colour in the file's range; Pillow's mode "1" has the values 0 and 255."""
    key = image.info.get("transparency")
    return int(bool(key)) if image.mode == "1" and key is not None else key


def _by_pillow(picture: Picture, image: Image.Image) -> bytes:
    out = io.BytesIO()
    profile, info = profile_for_png(picture), png_chunks_of(picture)
    image.save(
        out,
        "PNG",
        icc_profile=profile,
        exif=picture.exif,
        pnginfo=info,
        transparency=_key(image),
        compress_level=_FAST_DEFLATE,
    )
    return out.getvalue()


def png_chunks_of(picture: Picture) -> PngImagePlugin.PngInfo:
    """The chunks for Pillow's writer, which takes EXIF and the profile separately."""
    info = PngImagePlugin.PngInfo()
    for name, data in _chunks(picture):
        if name != b"eXIf":
            info.add(name, data)
    return info
