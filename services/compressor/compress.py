"""Compress a picture as a client asked for. Pure: bytes in, bytes out."""

from dataclasses import dataclass
from typing import Literal

from services.compressor.decoders.open_picture import open_picture
from services.compressor.decoders.picture import Format, Picture
from services.compressor.encoders.registry import EXTENSIONS
from services.compressor.result import Made, make
from services.compressor.ssim import ssim
from shared.contracts.messages import CompressOptions


@dataclass(frozen=True, slots=True)
class Compressed:
    """What became of a picture.

    data: the new file, or None where nothing smaller could be made: then the original's bytes are the result.
    width, height, original_width, original_height: as a viewer shows it, that is after the orientation of its EXIF.
    quality: of the encoder, 1 to 95; None where the format has none, for a lossless result and for a kept original.
    target_met: in mode "size", whether the result is at most the percentage asked for; otherwise true.
    encodes: how many full encodings it took to find.
    ssim: see `ssim.py`; 1.0 for a kept original; None where it was not measured.
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


def compress(original: bytes, options: CompressOptions, max_pixels: int, *, measure_ssim: bool = True) -> Compressed:
    """Compress a picture of one of the formats of `Format`, as CompressOptions says.

    The result is never larger than the original: where nothing can be gained, the original is the result.
    Raises CompressError if the picture cannot be decoded or has more than `max_pixels`.
    """
    opened = open_picture(original, max_pixels, options.metadata)
    made = make(opened, original, options)
    kept = len(made.data) >= len(original)
    result = Made(original, opened, opened.format, encodes=made.encodes) if kept else made
    return Compressed(
        data=None if kept else made.data,
        action="kept_original" if kept else "compressed",
        format=result.format,
        content_type=f"image/{result.format}",
        extension=EXTENSIONS[result.format],
        width=result.picture.image.width,
        height=result.picture.image.height,
        original_width=opened.image.width,
        original_height=opened.image.height,
        quality=result.quality,
        target_met=options.mode != "size" or 100 * len(result.data) <= options.percent * len(original),
        encodes=result.encodes,
        ssim=_ssim(opened, result, kept=kept) if measure_ssim else None,
    )


def _ssim(opened: Picture, result: Made, *, kept: bool) -> float | None:
    if kept:
        return 1.0
    return ssim(opened.scaled_to(*result.picture.image.size).image, result.data)
