"""TIFF: lossless compression, or JPEG compression inside the TIFF. One page."""

import io
import math
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, TiffImagePlugin

from services.compressor.decoders import Picture, is_grey_profile, to_basic_mode
from services.compressor.encoders.palette import exact_palette, palette_image
from services.compressor.encoders.tiff.directories import DIRECTORIES, with_directories
from services.compressor.rate_control import QUALITIES, Ladder, RateModel, predict_sizes, typical_curve

_PREDICTOR, _XMP = 317, 700
_HORIZONTAL_DIFFERENCING = 2
_OWN_COLOURS, _SINGLE_RUNG = 0, 1
_BLACK_AND_WHITE = {0, 255, (0, 0, 0), (255, 255, 255)}
_OFFSET_PLACEHOLDER = 8  # any number: reserves the entry that will hold a directory's offset
_STRIP_BYTES = 1 << 20  # of pixels; each strip is a separate JPEG with its own tables and padded edges
_QUALITIES = QUALITIES[QUALITIES.index(24) :]
"""Below 24 the tables need 16-bit steps. That is not baseline JPEG, and libtiff, which writes only baseline, warns."""

_RATE_MODEL = RateModel(
    curve=((1, -2.2), (10, -1.15), (20, -0.66), (30, -0.36), (50, 0.0), (70, 0.35), (80, 0.63), (90, 1.12), (95, 1.6)),
    at_50=(0.0, 0.0, 1.0, 0.0, 0.0),
    slope=(0.0, 0.0, 0.0, 0.0, 0.0),
)


def tiff_ladder(picture: Picture, _original_bytes: int) -> Ladder:
    """Rungs are qualities. JPEG has neither alpha nor 1-bit pixels: such pictures are lossless, or scaled down.

    The lowest rung of a scaled drawing is one of its own colours.
    """
    ladder = _ladder(picture)
    few = picture.few_colours and _own_colours(picture, picture.few_colours())
    return ladder if few is None else _with_own_colours(ladder, few)


def _own_colours(picture: Picture, image: Image.Image) -> bytes:
    """image: of few colours, in mode L, LA, RGB or RGBA."""
    if "A" in image.getbands():
        return _lossless(picture, image)
    if {colour for _, colour in image.getcolors() or ()} <= _BLACK_AND_WHITE:
        return _lossless(picture, image.convert("1", dither=Image.Dither.NONE))
    palette = exact_palette(lambda: iter((image,)))
    if palette is None or is_grey_profile(picture.icc_profile):
        return _lossless(picture, image)
    return _lossless(picture, palette_image(palette.indices(image), palette.entries[:-1]))


def _with_own_colours(ladder: Ladder, few: bytes) -> Ladder:
    def expected(limit: int) -> list[float]:
        return [len(few), *(max(size, len(few)) for size in ladder.expected_sizes(limit))]

    return replace(
        ladder,
        rungs=(_OWN_COLOURS, *ladder.rungs),
        encode=lambda rung: few if rung == _OWN_COLOURS else ladder.encode(rung),
        expected_sizes=expected,
        own_colours=_OWN_COLOURS,
    )


def _ladder(picture: Picture) -> Ladder:

    def lossless() -> bytes:
        image = picture.image
        return _lossless(picture, image.convert("RGB") if image.mode == "RGBX" else image)

    if picture.image.mode == "1" or "A" in to_basic_mode(picture.image).getbands():
        return Ladder(
            (_SINGLE_RUNG,),
            lambda _rung: lossless(),
            lambda limit: (limit,),
            lambda _quality: _SINGLE_RUNG,
            has_quality=False,
        )
    # libtiff does not convert colours: RGB samples in a JPEG take twice the bytes of YCbCr.
    image = to_basic_mode(picture.image)
    image = image if image.mode == "L" else image.convert("RGB").convert("YCbCr")

    def encode(quality: int) -> bytes:
        return _save(picture, image, compression="jpeg", quality=quality, strip_size=_STRIP_BYTES)

    def expected(limit: int) -> Sequence[float]:
        metadata = sum(map(len, picture.pillow_metadata().values()))
        sizes = predict_sizes(image, _jpeg_bytes, _RATE_MODEL, limit - metadata)
        return [size + metadata for size in sizes[-len(_QUALITIES) :]]

    return Ladder(_QUALITIES, encode, expected, lossless=lossless)


def _jpeg_bytes(image: Image.Image, quality: int) -> int:
    """The bytes at a quality. Below the lowest encoded quality they are extrapolated by the typical curve."""
    encoded = max(quality, _QUALITIES[0])
    out = io.BytesIO()
    image.save(out, "TIFF", compression="jpeg", quality=encoded, strip_size=_STRIP_BYTES)
    curve = typical_curve(_RATE_MODEL)
    extrapolation = curve[QUALITIES.index(quality)] - curve[QUALITIES.index(encoded)]
    return round(len(out.getvalue()) * math.exp(extrapolation))


def _lossless(picture: Picture, image: Image.Image) -> bytes:
    """CCITT group 4 for 1-bit pixels, else Deflate; with differencing where samples are intensities."""
    if image.mode == "1":
        return _save(picture, image, compression="group4")
    return _save(picture, image, compression="tiff_adobe_deflate", differences=image.mode not in ("P", "PA", "F"))


def _save(picture: Picture, image: Image.Image, *, differences: bool = False, **settings: str | int) -> bytes:
    exif = Image.Exif()
    exif.load(picture.exif or b"")
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in exif.items():
        tags[tag] = _OFFSET_PLACEHOLDER if tag in DIRECTORIES else value
    if picture.xmp:
        tags[_XMP] = picture.xmp
        tags.tagtype[_XMP] = 1
    if differences:
        tags[_PREDICTOR] = _HORIZONTAL_DIFFERENCING
    out = io.BytesIO()
    image.save(out, "TIFF", tiffinfo=tags, icc_profile=picture.icc_profile, dpi=picture.density, **settings)
    return with_directories(out.getvalue(), {tag: exif.get_ifd(tag) for tag in DIRECTORIES if tag in exif})
