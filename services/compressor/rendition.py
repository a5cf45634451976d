"""Encode an opened picture in one format, as the options' mode requires: to a size, a quality, dimensions. Pure."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from services.compressor.compress_error import CompressError
from services.compressor.decoders import Format, Picture
from services.compressor.dimensions import fit_inside, target_dimensions
from services.compressor.encoders import LADDERS, MAX_SIDE, estimate_jpeg_quality, holds_hdr
from services.compressor.rate_control import QUALITIES, Ladder, equivalent_quality, fit_to_size
from services.compressor.stripping import strip_original
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions

_DIMENSIONS_QUALITY = 85
"""JPEG quality in mode "dimensions", and the equivalent in other formats: hardly distinguishable from the original."""

MAX_ANIMATION_PIXELS = 80_000_000
MAX_ANIMATION_PIXELS_IN: Mapping[Format, int] = {"png": 40_000_000, "jpeg": sys.maxsize}
"""In all frames. Encoding a longer animation would exceed the time limit, so the original is delivered. A JPEG contains
the first frame only."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture encoded as one file.

    picture: the pixels that were encoded, perhaps scaled down. quality: the encoder's; None if the format has no
    quality setting or the encoding is lossless. encodes: the full encodings it took. kept: the file contains the
    original's own encoding of the pixels, because nothing smaller could be made.
    """

    data: bytes
    picture: Picture
    format: Format
    quality: int | None = None
    encodes: int = 1
    kept: bool = False


class Renderer:
    """Encodes one picture, scaled to the dimensions in the options, in any format.

    A rendition may be larger than the original; the caller decides what to deliver.
    """

    def __init__(self, opened: Picture, original: bytes, options: CompressOptions) -> None:
        self.picture = opened.scaled_to(*target_dimensions(opened.image.size, options))
        self._opened = opened
        self._scaled = self.picture is not opened
        self._original = original
        self._options = options
        # A quality above the original's adds bytes and restores no detail.
        original_quality = estimate_jpeg_quality(opened.jpeg.tables[0]) if opened.jpeg else QUALITIES[-1]
        self._dimensions_quality = min(_DIMENSIONS_QUALITY, original_quality)

    def render(self, format_: Format) -> Rendition:
        """In one format. A JPEG is not re-encoded if removing its metadata is enough."""
        if format_ == "jpeg" and self._options.mode == "size" and self._scan_fits():
            stripped = strip_original(self._original, self._opened)
            if stripped and len(stripped) <= self._limit:
                return Rendition(stripped, self.picture, format_, encodes=0)
        return self.encode(format_)

    def keep_original(self, rendition: Rendition) -> Rendition:
        """The original without the metadata that the options remove, in place of a rendition that is no smaller.

        If the metadata cannot be removed from the file, the picture is encoded as small as necessary instead.
        Raises CompressError if that fails too: metadata must not be delivered, and neither a file that is larger.
        """
        opened, original = self._opened, self._original
        data = original if self._options.metadata == "keep" else strip_original(original, opened)
        if data is None:
            fitted = self._fitted_below(rendition.format, len(original))
            if fitted:
                return replace(fitted, encodes=fitted.encodes + rendition.encodes)
            data = strip_original(original, replace(opened, exif=None)) if opened.exif else None
        if data is None:
            raise CompressError(ErrorCode.DECODE_ERROR, "its metadata cannot be removed")
        return Rendition(data, opened, opened.format, encodes=rendition.encodes, kept=True)

    def encode(self, format_: Format) -> Rendition:
        """In one format, from the pixels."""
        if _frame_pixels(self.picture) > _max_animation_pixels(format_):
            return Rendition(self._original, self.picture, self.picture.format, encodes=0)
        picture, options = _as_held(self.picture, format_), self._options
        if options.mode == "size":
            return self._fitted(format_, picture, self._limit, options.min_quality, allow_resize=options.allow_resize)
        encoded = self._encoded_once(format_, picture)
        if len(encoded.data) < len(self._original) or not self._scaled:
            return encoded
        # The client asked for these dimensions, so the quality gives way.
        fitted = self._fitted(format_, picture, len(self._original) - 1, 1, allow_resize=False)
        return replace(fitted, encodes=fitted.encodes + encoded.encodes)

    def encode_like(self, reference: Rendition, format_: Format, extra_quality: int) -> Rendition:
        """Lossless if the reference is and the format can be; else at an equivalent quality plus `extra_quality`."""
        picture = _as_held(reference.picture, format_)
        if reference.quality is None:
            lossless = self._ladder(format_, picture).lossless
            if lossless:
                return Rendition(lossless(), picture, format_)
        quality = equivalent_quality(reference.quality or _DIMENSIONS_QUALITY, reference.format, format_)
        return self._at_quality(format_, picture, min(quality + extra_quality, QUALITIES[-1]))

    def fits(self, rendition: Rendition) -> bool:
        """Whether it is within the limit of mode "size", and in the other modes smaller than the original."""
        size, options = len(rendition.data), self._options
        return size <= self._limit if options.mode == "size" else size < len(self._original)

    @property
    def _limit(self) -> int:
        return len(self._original) * self._options.percent // 100

    def _scan_fits(self) -> bool:
        """Whether removing a JPEG's metadata may be enough: its entropy-coded pixels alone are within the limit."""
        picture = self.picture
        if self._options.metadata == "keep" and (picture.exif or picture.xmp):  # which a stripped file would lose
            return False
        return picture.orientation == 1 and picture.jpeg is not None and picture.jpeg.scan_bytes <= self._limit

    def _ladder(self, format_: Format, picture: Picture) -> Ladder:
        return LADDERS[format_](picture, len(self._original))

    def _fitted(
        self, format_: Format, picture: Picture, limit: int, min_quality: int, *, allow_resize: bool
    ) -> Rendition:
        sized = fit_to_size(partial(self._ladder, format_), picture, limit, min_quality, allow_resize=allow_resize)
        return Rendition(sized.data, sized.picture, format_, sized.quality, sized.encodes)

    def _fitted_below(self, format_: Format, limit: int) -> Rendition | None:
        """At any quality and size; None if nothing is smaller than the limit, or encoding would take too long."""
        if _frame_pixels(self.picture) > _max_animation_pixels(format_):
            return None
        fitted = self._fitted(format_, _as_held(self.picture, format_), limit - 1, 1, allow_resize=True)
        return fitted if len(fitted.data) < limit else None

    def _encoded_once(self, format_: Format, picture: Picture) -> Rendition:
        if self._options.mode == "quality":
            return self._at_quality(format_, picture, self._options.percent)
        return self._at_quality(format_, picture, equivalent_quality(self._dimensions_quality, "jpeg", format_))

    def _at_quality(self, format_: Format, picture: Picture, quality: int) -> Rendition:
        ladder = self._ladder(format_, picture)
        if not ladder.rungs and ladder.lossless:
            return Rendition(ladder.lossless(), picture, format_)
        wanted = ladder.rung_of(quality)
        rung = max((rung for rung in ladder.rungs if rung <= wanted), default=ladder.rungs[0])
        # One rung may stand for several qualities: report the requested one.
        reported = quality if rung == wanted and ladder.has_quality else ladder.quality(rung)
        return Rendition(ladder.encode(rung), picture, format_, reported)


def _frame_pixels(picture: Picture) -> int:
    """Pixels in all frames of an animation; 0 for a still picture."""
    return picture.animation.count * picture.image.width * picture.image.height if picture.animation else 0


def _max_animation_pixels(format_: Format) -> int:
    return MAX_ANIMATION_PIXELS_IN.get(format_, MAX_ANIMATION_PIXELS)


def _as_held(picture: Picture, format_: Format) -> Picture:
    """The picture as the format can hold it: within its maximum side, and in sRGB if it has no high dynamic range."""
    max_side = MAX_SIDE.get(format_)
    if max_side is not None and max(picture.image.size) > max_side:
        picture = picture.scaled_to(*fit_inside(picture.image.size, max_side, max_side))
    return picture if holds_hdr(format_, picture) else picture.tone_mapped()
