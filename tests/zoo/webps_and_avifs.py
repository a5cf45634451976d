"""WebPs and AVIFs, all of which Pillow writes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image

from services.compressor.decoders import Format
from tests.zoo.jpegs import P3
from tests.zoo.specimen import Specimen, drawn, drawn_grey, exif, frames, saved, turned_away, with_alpha

_LOSSY = 6.0
_TIMES = (100, 250, 40)


def _one(format_: Format, picture: Image.Image, tolerance: float = _LOSSY, **save: Any) -> Specimen:
    shown = picture if picture.mode == "RGBA" else picture.convert("RGB")
    return Specimen(saved(picture, format_, **{"quality": 90} | save), format_, shown, tolerance)


def _exact_alpha() -> Image.Image:
    """Lossless WebP may change what is clear, so that is black."""
    picture = with_alpha(drawn())
    return Image.composite(
        picture, Image.new("RGBA", picture.size), picture.getchannel("A").point(lambda a: 255 * (a > 0))
    )


def _turned(format_: Format, orientation: int) -> Specimen:
    data = saved(turned_away(drawn(), orientation), format_, quality=90, exif=exif(orientation))
    return Specimen(data, format_, drawn(), _LOSSY)


def _animated(format_: Format, loop: int) -> Specimen:
    first, *others = frames()
    data = saved(
        first, format_, save_all=True, append_images=others, duration=list(_TIMES), quality=90, **_loop(format_, loop)
    )
    return Specimen(data, format_, first, _LOSSY, milliseconds=_TIMES, loop=loop)


def _loop(format_: Format, loop: int) -> dict[str, int]:
    return {"loop": loop} if format_ == "webp" else {}


def _wide(format_: Format) -> Specimen:
    return Specimen(saved(drawn(), format_, quality=90, icc_profile=P3), format_, drawn(), 30, profiled=True)


WEBPS_AND_AVIFS: dict[str, Callable[[], Specimen]] = {
    "webp": lambda: _one("webp", drawn()),
    "webp lossless": lambda: _one("webp", drawn(), 0, lossless=True),
    "webp with alpha": lambda: _one("webp", _exact_alpha()),
    "webp lossless with alpha": lambda: _one("webp", _exact_alpha(), 0, lossless=True),
    "webp wide gamut": partial(_wide, "webp"),
    "webp orientation 6": partial(_turned, "webp", 6),
    "webp animated": partial(_animated, "webp", 3),
    "webp animated for ever": partial(_animated, "webp", 0),
    "avif": lambda: _one("avif", drawn()),
    "avif grey": lambda: _one("avif", drawn_grey()),
    "avif with alpha": lambda: _one("avif", with_alpha(drawn())),
    "avif wide gamut": partial(_wide, "avif"),
    **{f"avif orientation {orientation}": partial(_turned, "avif", orientation) for orientation in range(2, 9)},
    "avif animated": partial(_animated, "avif", 0),
}
