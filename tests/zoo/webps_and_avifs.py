"""WebPs and AVIFs, all written by Pillow."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PIL import Image

from services.compressor.decoders import Format
from tests.zoo.jpegs import P3
from tests.zoo.specimen import (
    Specimen,
    exif,
    frames,
    gradient,
    grey_gradient,
    saved,
    stored_with_orientation,
    with_alpha,
)

_LOSSY = 6.0
_TIMES = (100, 250, 40)


def _still(format_: Format, picture: Image.Image, tolerance: float = _LOSSY, **save: Any) -> Specimen:
    shown = picture if picture.mode == "RGBA" else picture.convert("RGB")
    return Specimen(saved(picture, format_, **{"quality": 90} | save), format_, shown, tolerance)


def _alpha_over_black() -> Image.Image:
    """Transparent pixels are black, because lossless WebP may change their colour."""
    picture = with_alpha(gradient())
    return Image.composite(
        picture, Image.new("RGBA", picture.size), picture.getchannel("A").point(lambda a: 255 * (a > 0))
    )


def _with_orientation(format_: Format, orientation: int) -> Specimen:
    data = saved(stored_with_orientation(gradient(), orientation), format_, quality=90, exif=exif(orientation))
    return Specimen(data, format_, gradient(), _LOSSY)


def _webp_with_orientation() -> Specimen:
    """Which browsers ignore."""
    return Specimen(saved(gradient(), "WEBP", quality=90, exif=exif(6)), "webp", gradient(), _LOSSY)


def _animated(format_: Format, loop: int) -> Specimen:
    first, *others = frames()
    data = saved(
        first, format_, save_all=True, append_images=others, duration=list(_TIMES), quality=90, **_loop(format_, loop)
    )
    return Specimen(data, format_, first, _LOSSY, milliseconds=_TIMES, loop=loop)


def _loop(format_: Format, loop: int) -> dict[str, int]:
    return {"loop": loop} if format_ == "webp" else {}


def _wide_gamut(format_: Format) -> Specimen:
    return Specimen(saved(gradient(), format_, quality=90, icc_profile=P3), format_, gradient(), 30, profiled=True)


def _with_brand(brand: bytes, made: Specimen) -> Specimen:
    """The major brand may be any if AVIF's is among the compatible ones."""
    return replace(made, data=made.data[:8] + brand + made.data[12:])


def _branded(brand: bytes) -> Specimen:
    return _with_brand(brand, _still("avif", gradient()))


WEBPS_AND_AVIFS: dict[str, Callable[[], Specimen]] = {
    "webp": lambda: _still("webp", gradient()),
    "webp lossless": lambda: _still("webp", gradient(), 0, lossless=True),
    "webp with alpha": lambda: _still("webp", _alpha_over_black()),
    "webp lossless with alpha": lambda: _still("webp", _alpha_over_black(), 0, lossless=True),
    "webp wide gamut": partial(_wide_gamut, "webp"),
    "webp orientation 6": _webp_with_orientation,
    "webp animated": partial(_animated, "webp", 3),
    "webp animated for ever": partial(_animated, "webp", 0),
    **{
        f"avif with the major brand {brand.decode()}": partial(_branded, brand)
        for brand in (b"mif1", b"miaf", b"MA1B", b"avio", b"isom")
    },
    "avif animated with the major brand iso8": lambda: _with_brand(b"iso8", _animated("avif", 0)),
    "avif": lambda: _still("avif", gradient()),
    "avif grey": lambda: _still("avif", grey_gradient()),
    "avif with alpha": lambda: _still("avif", with_alpha(gradient())),
    "avif wide gamut": partial(_wide_gamut, "avif"),
    **{
        f"avif orientation {orientation}": partial(_with_orientation, "avif", orientation)
        for orientation in range(2, 9)
    },
    "avif animated": partial(_animated, "avif", 0),
}
