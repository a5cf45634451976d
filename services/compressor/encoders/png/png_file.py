"""Write a PNG without loss, as small as its size leaves time for.

oxipng tries PNG's filters and colour types, and packs with libdeflate; it does nothing that a viewer could stumble
over, as interlacing. Its levels cost 0.1, 0.4 and 1 s for a million pixels of a photograph, and Pillow's best packing,
which is worse than the second, 1.5 s.
"""

import io
from typing import Any

import oxipng
from PIL import Image, PngImagePlugin

from services.compressor.decoders import Picture

# Bytes of pixels up to which oxipng's levels 2, 1 and 0 serve. It holds them several times; beyond, Pillow goes row by
# row. What packs as well as drawings and screenshots do also packs fast.
_SMALL_BYTES = 4_000_000
_DRAWING_BYTES = 24_000_000
_DRAWING_SHARE = 1 / 12
_LARGE_BYTES = 72_000_000
_HUGE_BYTES = 128_000_000
_MAX_ROWS = 40_000  # oxipng takes up to 20 microseconds for each, however short
_QUICK_DEFLATE = 2

_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"


def write_png(picture: Picture, image: Image.Image, *, sample: float | None = None) -> bytes:
    """The image as a PNG, with what the picture says must travel.

    Modes 1, L, LA, I;16, P, RGB, RGBX and RGBA; in `info` a colour key or nothing. sample: the image is only so large
    a part of what is to be forecast, and packed the same way but in less time.
    """
    if image.mode == "RGBX":
        image = image.convert("RGB")
    if image.mode == "I":
        image = image.convert("I;16")
    pixels = _pixel_bytes(image) / (sample or 1)
    quick = sample is not None
    if pixels > _HUGE_BYTES or image.height > _MAX_ROWS:
        return _by_pillow(picture, image)
    if pixels > _LARGE_BYTES:
        return _by_oxipng(picture, image, 0)
    if pixels <= _SMALL_BYTES and not quick:
        return _by_oxipng(picture, image, 2)
    made = _by_oxipng(picture, image, 1)
    if quick or pixels > _DRAWING_BYTES or len(made) > pixels * _DRAWING_SHARE:
        return made
    return _by_oxipng(picture, image, 2)


def _pixel_bytes(image: Image.Image) -> int:
    return image.width * image.height * len(image.getbands()) * (2 if image.mode == "I;16" else 1)


def profile_for_png(picture: Picture) -> bytes | None:
    """None if colour chunks say it all."""
    return None if picture.colour_chunks else picture.icc_profile


def _chunks(picture: Picture) -> list[tuple[bytes, bytes]]:
    chunks = list(picture.colour_chunks)
    if picture.xmp:
        chunks.append((b"iTXt", _XMP + picture.xmp))
    if picture.exif:
        chunks.append((b"eXIf", picture.exif))
    return chunks


def _by_oxipng(picture: Picture, image: Image.Image, level: int) -> bytes:
    """A profile says whether the pixels are grey or not, so with one they stay what they are."""
    raw = oxipng.RawImage(
        image.tobytes("raw", "I;16B") if image.mode == "I;16" else image.tobytes(),
        *image.size,
        color_type=_colour_type(image),
        bit_depth={"1": 1, "I;16": 16}.get(image.mode, 8),
    )
    for name, data in _chunks(picture):
        raw.add_png_chunk(name, data)
    profile = profile_for_png(picture)
    free = profile is None
    if profile is not None:
        raw.add_icc_profile(profile)
    grey = image.mode in {"1", "L", "LA", "I;16"}
    made: bytes = raw.create_optimized_png(
        level=level, grayscale_reduction=free, palette_reduction=free or not grey, optimize_alpha=True
    )
    return made


def _colour_type(image: Image.Image) -> Any:
    key = image.info.get("transparency")
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


def _by_pillow(picture: Picture, image: Image.Image) -> bytes:
    out = io.BytesIO()
    profile, info = profile_for_png(picture), png_chunks_of(picture)
    image.save(out, "PNG", icc_profile=profile, exif=picture.exif, pnginfo=info, compress_level=_QUICK_DEFLATE)
    return out.getvalue()


def png_chunks_of(picture: Picture) -> PngImagePlugin.PngInfo:
    """For Pillow, which writes EXIF and the profile itself."""
    info = PngImagePlugin.PngInfo()
    for name, data in _chunks(picture):
        if name != b"eXIf":
            info.add(name, data)
    return info
