"""Compress a picture as a client asked for. Pure: bytes in, bytes out."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from services.compressor.fitting.ladder import Ladder
from services.compressor.fitting.size import Fitted, fit
from services.compressor.formats.registry import EXTENSIONS, LADDERS
from services.compressor.opening.open_picture import open_picture
from services.compressor.opening.picture import Format, Picture
from shared.contracts.messages import CompressOptions, OutputFormat

_DIMENSIONS_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Compressed:
    """What became of a picture.

    data: the new file, or None where nothing smaller could be made: then the original's bytes are the result.
    width, height, original_width, original_height: as a viewer shows it, that is after the orientation of its EXIF.
    quality: of the encoder, 1 to 95; None where the format has none, for a lossless result and for a kept original.
    target_met: in mode "size", whether the result is at most the percentage asked for; otherwise true.
    encodes: how many full encodings it took to find.
    ssim: see `ssim.py`; None where it was not measured.
    """

    data: bytes | None
    action: Literal["compressed", "kept_original"]
    format: Format
    content_type: str
    extension: str
    width: int
    height: int
    original_width: int
    original_height: int
    quality: int | None
    target_met: bool
    encodes: int
    ssim: float | None = None


def compress(original: bytes, options: CompressOptions, max_pixels: int) -> Compressed:
    """Compress a picture of one of the formats of `Format`, as CompressOptions says.

    The result is never larger than the original: then, and where nothing can be gained, the original is the result.
    Raises CompressError if the picture cannot be decoded or has more than `max_pixels`.
    """
    opened = open_picture(original, max_pixels, options.metadata)
    picture = opened.scaled_to(*_wanted_size(opened.image.size, options))
    format_ = _wanted_format(opened, options.format)
    limit = len(original) * options.percent // 100
    ladder_of = partial(_ladder_of, format_, len(original))
    if options.mode == "size":
        made = fit(ladder_of, picture, limit, options.min_quality, allow_resize=options.allow_resize)
    else:
        made = _encoded_once(ladder_of(picture), picture, options)
    return _compressed(opened, made, format_, len(original), in_bytes=options.mode == "size")


def _wanted_size(size: tuple[int, int], options: CompressOptions) -> tuple[int, int]:
    width, height = size
    scale = options.percent / 100 if options.mode == "dimensions" else 1.0
    scale = min(scale, (options.max_width or width) / width, (options.max_height or height) / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _wanted_format(opened: Picture, wanted: OutputFormat) -> Format:
    return opened.format if wanted == "keep" or wanted == "auto" else wanted  # noqa: PLR1714 mypy follows only this


def _ladder_of(format_: Format, original_bytes: int, picture: Picture) -> Ladder:
    return LADDERS[format_](picture, original_bytes)


def _encoded_once(ladder: Ladder, picture: Picture, options: CompressOptions) -> Fitted:
    quality = options.percent if options.mode == "quality" else _DIMENSIONS_QUALITY
    rung = ladder.rung_of(quality)
    return Fitted(ladder.encode(rung), picture, rung, fits=True, encodes=1)


def _compressed(opened: Picture, made: Fitted, format_: Format, original_bytes: int, *, in_bytes: bool) -> Compressed:
    gained = len(made.data) < original_bytes
    shown = made.picture.image if gained else opened.image
    became = format_ if gained else opened.format
    return Compressed(
        data=made.data if gained else None,
        action="compressed" if gained else "kept_original",
        format=became,
        content_type=f"image/{became}",
        extension=EXTENSIONS[became],
        width=shown.width,
        height=shown.height,
        original_width=opened.image.width,
        original_height=opened.image.height,
        quality=made.rung if gained else None,
        target_met=not in_bytes or made.fits,
        encodes=made.encodes,
    )
