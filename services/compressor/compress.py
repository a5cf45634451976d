"""Make a picture at most a percentage of its bytes, at the highest quality that fits. Pure: bytes in, bytes out."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from services.compressor.encoders import encode_jpeg, encode_webp
from services.compressor.expected_size import QUALITIES, jpeg_sizes, webp_sizes
from services.compressor.picture import Format, Picture, open_picture
from services.compressor.png_search import search_png
from services.compressor.quality_search import Encoding, Outcome, search

_EXTENSIONS: dict[Format, str] = {"jpeg": "jpg", "png": "png", "webp": "webp"}


@dataclass(frozen=True, slots=True)
class Compressed:
    """What became of a picture.

    data: the new file, or None where nothing smaller could be made: then the original's bytes are the result.
    width, height: as a viewer shows it, that is after the orientation of its EXIF.
    quality: of the encoder, 1 to 95; None for a PNG, which has none, and for a kept original.
    target_met: whether the result is at most the percentage asked for.
    encodes: how many encodings it took to find.
    """

    data: bytes | None
    action: Literal["compressed", "kept_original"]
    format: Format
    content_type: str
    extension: str
    width: int
    height: int
    quality: int | None
    target_met: bool
    encodes: int


def compress(original: bytes, percent: int, max_pixels: int) -> Compressed:
    """Compress a JPEG, PNG or WebP to at most `percent` % of its bytes.

    Format, upright dimensions, ICC profile and alpha stay; other metadata goes. Where the target cannot be met, the
    smallest encoding is delivered; where none is smaller than the original, and for animations, the original.
    Raises CompressError if the picture cannot be decoded or has more than `max_pixels`.
    """
    picture = open_picture(original, max_pixels)
    limit = len(original) * percent // 100
    found = None if picture.animated else _search(picture, original, limit)
    return _compressed(picture, found, len(original))


def _search(picture: Picture, original: bytes, limit: int) -> Outcome:
    if picture.format == "png":
        return search_png(picture, original, limit)
    if picture.format == "jpeg":
        expected = jpeg_sizes(len(original), picture.quantiser)
        return search(partial(encode_jpeg, picture), limit, QUALITIES, expected)
    return search(partial(encode_webp, picture), limit, QUALITIES, webp_sizes(len(original)))


def _compressed(picture: Picture, found: Outcome | None, original_bytes: int) -> Compressed:
    best = _best(found, original_bytes) if found else None
    return Compressed(
        data=best.data if best else None,
        action="compressed" if best else "kept_original",
        format=picture.format,
        content_type=f"image/{picture.format}",
        extension=_EXTENSIONS[picture.format],
        width=picture.image.width,
        height=picture.image.height,
        quality=best.quality if best and picture.format != "png" else None,
        target_met=found is not None and found.fitting is not None,
        encodes=found.encodes if found else 0,
    )


def _best(found: Outcome, original_bytes: int) -> Encoding | None:
    best = found.fitting or found.smallest
    return best if len(best.data) < original_bytes else None
