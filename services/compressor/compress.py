"""Compress an image as the options require. Pure: bytes in, bytes out. The front door of decoders and encoders."""

from typing import Literal, NamedTuple

from services.compressor.auto_format import smallest_rendition
from services.compressor.decoders import Format, Picture, has_gain_map, open_picture
from services.compressor.encoders import EXTENSIONS
from services.compressor.rendition import Renderer, Rendition
from services.compressor.ssim import ssim
from shared.contracts.messages import CompressOptions


class Compressed(NamedTuple):  # which is pickled faster than a dataclass
    """The result for one image.

    data: the new file; None if the original is delivered unchanged.
    action: "kept_original" if no smaller file could be made. Then `data` is the original without its metadata, or None
        if there is none to remove.
    width, height, original_width, original_height: as displayed, that is with the EXIF orientation applied.
    quality: the encoder's, 1 to 95; None for formats without a quality setting, lossless results and kept originals.
    target_met: in mode "size", whether the result is within the requested percentage; otherwise true.
    encodes: how many full encodings were made.
    ssim: see `ssim.py`; 1.0 for a kept original; None if it was not measured.
    lost: what the result cannot show: "hdr" if it is tone-mapped, "gain_map" if the original has one.
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
    lost: Literal["hdr", "gain_map"] | None = None


def compress(original: bytes, options: CompressOptions, max_pixels: int, *, measure_ssim: bool = True) -> Compressed:
    """Compress an image in one of the formats of `Format`.

    The result is never larger than the original: if nothing can be gained, the original is kept.
    Raises CompressError if the image cannot be decoded or has more than `max_pixels`, or if its metadata can neither be
    delivered nor removed.
    """
    opened = open_picture(original, max_pixels, options.metadata)
    renderer = Renderer(opened, original, options)
    result = _render(renderer, options)
    if len(result.data) >= len(original):
        result = renderer.keep_original(result)
    return Compressed(
        data=None if result.data == original else result.data,
        action="kept_original" if result.kept else "compressed",
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
        ssim=_ssim(opened, result) if measure_ssim else None,
        lost=_lost(original, opened, result),
    )


def _render(renderer: Renderer, options: CompressOptions) -> Rendition:
    if options.format == "auto":
        return smallest_rendition(renderer)
    return renderer.render(renderer.picture.format if options.format == "keep" else options.format)


def _lost(original: bytes, opened: Picture, result: Rendition) -> Literal["hdr", "gain_map"] | None:
    if opened.hdr and not result.picture.hdr:
        return "hdr"
    return "gain_map" if has_gain_map(original) and not has_gain_map(result.data) else None


def _ssim(opened: Picture, result: Rendition) -> float | None:
    if result.kept:
        return 1.0
    original = opened.scaled_to(*result.picture.image.size)
    # Across a transfer function pixels cannot be compared.
    return ssim((original if result.picture.hdr else original.tone_mapped()).image, result.data)
