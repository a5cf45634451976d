"""TIFF: packed without loss, or as a JPEG inside. One page."""

import io
import math
from collections.abc import Sequence

from PIL import Image, TiffImagePlugin

from services.compressor.decoders import Picture, to_basic_mode
from services.compressor.encoders.tiff.directories import DIRECTORIES, with_directories
from services.compressor.rate_control import QUALITIES, Ladder, RateModel, predict_sizes, typical_curve

_PREDICTOR, _XMP = 317, 700
_DIFFERENCES = 2  # of neighbouring samples
_ONLY = 1
_NOWHERE_YET = 8  # any number: it keeps the place of a directory's offset
_JPEG_STRIP = 1 << 20  # bytes of pixels; each strip is a JPEG of its own, with tables and borders
_QUALITIES = QUALITIES[QUALITIES.index(24) :]
"""Below 24 the tables need 16 bits a step: no baseline JPEG, and libtiff, which knows no other, warns of it."""

_RATE_MODEL = RateModel(
    curve=((1, -2.2), (10, -1.15), (20, -0.66), (30, -0.36), (50, 0.0), (70, 0.35), (80, 0.63), (90, 1.12), (95, 1.6)),
    at_50=(0.0, 0.0, 1.0, 0.0, 0.0),
    slope=(0.0, 0.0, 0.0, 0.0, 0.0),
)


def tiff_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """JPEG has no alpha and no single bits: there is then only the lossless way, and scaling."""

    def lossless() -> bytes:
        image = picture.image
        return _packed(picture, image.convert("RGB") if image.mode == "RGBX" else image)

    if picture.image.mode == "1" or "A" in to_basic_mode(picture.image).getbands():
        return Ladder(
            (_ONLY,), lambda _rung: lossless(), lambda limit: (limit,), lambda _quality: _ONLY, has_quality=False
        )
    # As RGB, a JPEG inside a TIFF takes twice the bytes: nothing else separates its colours from its light.
    image = to_basic_mode(picture.image)
    image = image if image.mode == "L" else image.convert("RGB").convert("YCbCr")

    def encode(quality: int) -> bytes:
        return _save(picture, image, compression="jpeg", quality=quality, strip_size=_JPEG_STRIP)

    def expected(limit: int) -> Sequence[float]:
        carried = sum(map(len, picture.pillow_metadata().values()))
        sizes = predict_sizes(image, _jpeg_length, _RATE_MODEL, limit - carried)
        return [size + carried for size in sizes[-len(_QUALITIES) :]]

    return Ladder(_QUALITIES, encode, expected, lossless=lossless)


def _jpeg_length(image: Image.Image, quality: int) -> int:
    """Of a quality below the lowest that is encoded, what it would usually take."""
    encoded = max(quality, _QUALITIES[0])
    out = io.BytesIO()
    image.save(out, "TIFF", compression="jpeg", quality=encoded, strip_size=_JPEG_STRIP)
    curve = typical_curve(_RATE_MODEL)
    beyond = curve[QUALITIES.index(quality)] - curve[QUALITIES.index(encoded)]
    return round(len(out.getvalue()) * math.exp(beyond))


def _packed(picture: Picture, image: Image.Image) -> bytes:
    """Fax coding for single bits; else Deflate, over differences where a sample is a number of light."""
    if image.mode == "1":
        return _save(picture, image, compression="group4")
    return _save(picture, image, compression="tiff_adobe_deflate", differences=image.mode not in ("P", "PA", "F"))


def _save(picture: Picture, image: Image.Image, *, differences: bool = False, **how: str | int) -> bytes:
    exif = Image.Exif()
    exif.load(picture.exif or b"")
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in exif.items():
        tags[tag] = _NOWHERE_YET if tag in DIRECTORIES else value
    if picture.xmp:
        tags[_XMP] = picture.xmp
        tags.tagtype[_XMP] = 1
    if differences:
        tags[_PREDICTOR] = _DIFFERENCES
    out = io.BytesIO()
    image.save(out, "TIFF", tiffinfo=tags, icc_profile=picture.icc_profile, **how)
    return with_directories(out.getvalue(), {tag: exif.get_ifd(tag) for tag in DIRECTORIES if tag in exif})
