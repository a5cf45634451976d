"""Decode each format completely: all pixels, or an error; never a part of them as if it were the whole."""

import io
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageFile, TiffImagePlugin

from services.compressor.decoders.animation import from_parts, from_pillow, verified_first_frame
from services.compressor.decoders.apng import read_apng
from services.compressor.decoders.bmp_runs import decode_runs
from services.compressor.decoders.gif import read_gif
from services.compressor.decoders.jpeg_decode import decode_jpeg
from services.compressor.decoders.jpeg_segments import check_scans
from services.compressor.decoders.orientation import apply_orientation, orientation_of
from services.compressor.decoders.picture import Animation, Format
from services.compressor.decoders.png_chunks import check_pixels, iter_png_chunks, png_header
from services.compressor.decoders.png_key import apply_colour_key
from services.compressor.decoders.tiff import decode_tiff

PixelLimit = Callable[[tuple[int, int], int], None]
"""Takes a size and a number of frames; raises if they are too many pixels."""

_INDEXED = 3


class Decoded(NamedTuple):
    """image: upright; of an animation the first frame. orientation: which was applied to it."""

    image: Image.Image
    animation: Animation | None = None
    orientation: int = 1


def decode(image: ImageFile.ImageFile, format_: Format, original: bytes, limit: PixelLimit) -> Decoded:
    """Decode an original whose header Pillow has read.

    Raises what `limit` raises, and for broken pixels any exception, as decoders do.
    """
    match format_:
        case "jpeg":
            return _jpeg(image, original)
        case "png":
            return _png(image, original, limit)
        case "gif":
            return _gif(original, limit)
        case "webp" | "avif":
            return _webp_or_avif(image, original, limit)
        case "tiff" if isinstance(image, TiffImagePlugin.TiffImageFile):
            return Decoded(decode_tiff(image, original))
    return _still(image, decode_runs(image, original) if format_ == "bmp" else None)


def _still(image: ImageFile.ImageFile, pixels: Image.Image | None = None) -> Decoded:
    """Upright. Pillow decodes the pixels unless they are given."""
    if pixels is None:
        image.load()
    orientation = orientation_of(image)
    return Decoded(apply_orientation(pixels or image, orientation), None, orientation)


def _jpeg(image: ImageFile.ImageFile, original: bytes) -> Decoded:
    check_scans(original)
    return _still(image, decode_jpeg(original, image.mode))


def _png(image: ImageFile.ImageFile, png: bytes, limit: PixelLimit) -> Decoded:
    header, chunks = png_header(png), list(iter_png_chunks(png))
    if header.colour_type == _INDEXED and not any(name == b"PLTE" and len(data) for name, data in chunks):
        raise ValueError("the palette is missing")
    orientation = orientation_of(image)  # by EXIF before the pixels: browsers do not turn the picture for EXIF behind
    image.load()
    # Pillow leaves missing rows black, so rows need counting only if the last one is black.
    if header.interlaced or not _last_row(image).getbbox(alpha_only=False):
        check_pixels((data for name, data in chunks if name == b"IDAT"), header)
    if apng := read_apng(chunks, header):
        limit(image.size, len(apng.frames))
        animation = from_parts(apng, image.size, len(apng.frames), orientation)
        return Decoded(verified_first_frame(animation), animation if len(apng.frames) > 1 else None, orientation)
    apply_colour_key(image, png)
    return Decoded(apply_orientation(image, orientation), None, orientation)


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
    frame = gif.frames[0]
    fills_canvas = frame.position == (0, 0) and frame.size == gif.size
    return Decoded(frame.decode() if fills_canvas else verified_first_frame(animation))


def _webp_or_avif(image: ImageFile.ImageFile, original: bytes, limit: PixelLimit) -> Decoded:
    count = getattr(image, "n_frames", 1)
    limit(image.size, count)
    image.load()
    orientation = orientation_of(image)
    if count == 1:
        return Decoded(apply_orientation(image, orientation), None, orientation)
    # Pillow does not report an AVIF's loop count; most are made to play for ever.
    animation = from_pillow(lambda: type(image)(io.BytesIO(original)), count, image.info.get("loop", 0), orientation)
    return Decoded(verified_first_frame(animation), animation, orientation)
