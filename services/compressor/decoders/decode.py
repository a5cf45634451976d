"""Decode each format: all its pixels or an error, never a part of them passed off as the whole."""

import io
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageFile, TiffImagePlugin

from services.compressor.decoders.animation import from_parts, from_pillow, verified_first_frame
from services.compressor.decoders.apng import read_apng
from services.compressor.decoders.gif import read_gif
from services.compressor.decoders.jpeg_decode import decode_jpeg
from services.compressor.decoders.jpeg_segments import check_scans
from services.compressor.decoders.orientation import orientation_of, upright
from services.compressor.decoders.picture import Animation, Format
from services.compressor.decoders.png_chunks import check_pixels, header, iter_png_chunks
from services.compressor.decoders.tiff import check_strips

# Refuses a picture of so many pixels, and an animation of so many frames of that size.
PixelLimit = Callable[[tuple[int, int], int], None]

_TRUECOLOUR = 2


class Decoded(NamedTuple):
    """Upright. image: of an animation the first frame."""

    image: Image.Image
    animation: Animation | None = None


def decode(image: ImageFile.ImageFile, format_: Format, original: bytes, limit: PixelLimit) -> Decoded:
    """Decode what Pillow has opened.

    Raises what a decoder raises at broken pixels, which may be anything, and what `limit` raises.
    """
    match format_:
        case "jpeg":
            return _jpeg(image, original)
        case "png":
            return _png(image, original, limit)
        case "gif":
            return _gif(original, limit)
        case "webp" | "avif":
            return _sequence(image, original, limit)
        case "tiff" if isinstance(image, TiffImagePlugin.TiffImageFile):
            check_strips(image, original)
    return _still(image)


def _still(image: ImageFile.ImageFile, pixels: Image.Image | None = None) -> Decoded:
    """Turned upright, and decoded by Pillow unless that is done already."""
    if pixels is None:
        image.load()
    return Decoded(upright(pixels or image, orientation_of(image)))


def _jpeg(image: ImageFile.ImageFile, original: bytes) -> Decoded:
    progressive = "progressive" in image.info
    if progressive:
        check_scans(original)
    return _still(image, decode_jpeg(original, progressive=progressive))


def _png(image: ImageFile.ImageFile, png: bytes, limit: PixelLimit) -> Decoded:
    form, pieces = header(png), list(iter_png_chunks(png))
    image.load()
    # Rows that are missing are black; so there is nothing to count if the last is not.
    if form.interlaced or not _last_row(image).getbbox(alpha_only=False):
        check_pixels((data for name, data in pieces if name == b"IDAT"), form)
    orientation = orientation_of(image)
    if animated := read_apng(pieces, form):
        limit(image.size, len(animated.frames))
        animation = from_parts(animated, image.size, len(animated.frames), orientation)
        return Decoded(verified_first_frame(animation), animation)
    key = image.info.get("transparency")
    if form.depth == 16 and form.colour_type == _TRUECOLOUR and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)  # Pillow takes the upper bytes of the pixels
    return Decoded(upright(image, orientation))


def _last_row(image: Image.Image) -> Image.Image:
    return image.crop((0, image.height - 1, image.width, image.height))


def _gif(original: bytes, limit: PixelLimit) -> Decoded:
    gif = read_gif(original)
    for frame in gif.frames:
        limit(frame.size, 1)
    limit(gif.size, len(gif.frames))
    animation = from_parts(gif, gif.size, len(gif.frames), orientation=1)
    if len(gif.frames) > 1:
        return Decoded(verified_first_frame(animation), animation)
    alone = gif.frames[0]
    whole = alone.at == (0, 0) and alone.size == gif.size
    return Decoded(alone.decoded() if whole else verified_first_frame(animation))


def _sequence(image: ImageFile.ImageFile, original: bytes, limit: PixelLimit) -> Decoded:
    count = getattr(image, "n_frames", 1)
    limit(image.size, count)
    image.load()
    orientation = orientation_of(image)
    if count == 1:
        return Decoded(upright(image, orientation))
    # Pillow does not say how often an AVIF is played; for ever is what they are made for.
    animation = from_pillow(lambda: type(image)(io.BytesIO(original)), count, image.info.get("loop", 0), orientation)
    return Decoded(verified_first_frame(animation), animation)
