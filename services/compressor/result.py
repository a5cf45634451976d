"""One file of a picture, in the mode, the format and the dimensions that were asked for."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from services.compressor.decoders.colours import has_alpha
from services.compressor.decoders.picture import Format, Picture
from services.compressor.encoders.jpeg.strip import stripped_jpeg
from services.compressor.encoders.jpeg.tables import quality_like
from services.compressor.encoders.registry import LADDERS, LARGEST_SIDE
from services.compressor.rate_control.equal_quality import equivalent
from services.compressor.rate_control.ladder import QUALITIES, Ladder
from services.compressor.rate_control.size import fit
from services.compressor.ssim import ssim
from shared.contracts.messages import CompressOptions

_DIMENSIONS_QUALITY = 85
"""Of a JPEG, and what looks the same elsewhere: hardly to be told from the original."""


_LASTING: tuple[Format, ...] = ("webp", "avif")
_SHOWN: frozenset[Format] = frozenset({"jpeg", "png", "gif", "webp", "avif"})
_MAX_TRIED_PIXELS = 20_000_000
"""In all frames. Larger pictures are made in one format only, so that they end in time."""

_MAX_PIXELS_IN_FRAMES = 80_000_000
_MAX_ANIMATED_PIXELS: Mapping[Format, int] = {"png": 40_000_000, "jpeg": sys.maxsize}
"""Longer animations are delivered as they are, since they would not end in time; a JPEG takes the first frame only."""

_MORE_QUALITY = (0, 10)
"""Added to the quality that usually looks the same: some pictures need more."""

_HARDLY_SEEN = 0.01
"""Of SSIM."""


@dataclass(frozen=True, slots=True)
class Made:
    """A file.

    picture: as it was encoded, perhaps scaled. quality: of the encoder; None if it has none or nothing was lost.
    """

    data: bytes
    picture: Picture
    format: Format
    quality: int | None = None
    encodes: int = 1


def make(opened: Picture, original: bytes, options: CompressOptions) -> Made:
    """The file that CompressOptions describes, which may be larger than the original."""
    work = _Work(opened, original, options)
    if options.format == "auto":
        return work.smallest()
    return work.in_format(opened.format if options.format == "keep" else options.format)


def _wanted_size(size: tuple[int, int], options: CompressOptions) -> tuple[int, int]:
    width, height = size
    scale = options.percent / 100 if options.mode == "dimensions" else 1.0
    return _inside(size, scale, options.max_width or width, options.max_height or height)


def _inside(size: tuple[int, int], scale: float, max_width: int, max_height: int) -> tuple[int, int]:
    width, height = size
    scale = min(scale, max_width / width, max_height / height)
    return min(max(1, round(width * scale)), max_width), min(max(1, round(height * scale)), max_height)


class _Work:
    """A picture in its wanted dimensions, and what is to become of it."""

    def __init__(self, opened: Picture, original: bytes, options: CompressOptions) -> None:
        self._picture = opened.scaled_to(*_wanted_size(opened.image.size, options))
        self._scaled = self._picture is not opened
        self._original = original
        self._options = options
        # An original that was coarser gains nothing by being encoded finer.
        known = quality_like(opened.jpeg.tables[0]) if opened.jpeg else QUALITIES[-1]
        self._dimensions_quality = min(_DIMENSIONS_QUALITY, known)

    def in_format(self, format_: Format) -> Made:
        """In one format; a JPEG by its metadata alone, if that is all that is to go or can."""
        if self._options.mode == "size" and self._pixels_fit():
            stripped = self._stripped(format_)
            if stripped and len(stripped) <= self._limit:
                return Made(stripped, self._picture, format_, encodes=0)
        made = self._encoded(format_)
        if len(made.data) < len(self._original):
            return made
        stripped = self._stripped(format_)
        if stripped and len(stripped) < len(self._original):
            return Made(stripped, self._picture, format_, encodes=made.encodes)
        return made

    def smallest(self) -> Made:
        """In the format, of those that keep alpha and animation, that looks the same in the fewest bytes.

        The first is made as was asked, the others so that they look like it; where it had to be scaled to fit, each
        fits by itself, and the most pixels win.
        """
        first, *others = _candidates(self._picture)
        made = self.in_format(first)
        look = ssim(made.picture.image, made.data)
        if made.picture is not self._picture:
            best = made
            for format_ in others:
                best = _best(best, [self._encoded(format_)], _more_pixels)
            return best
        if look is None:
            return made
        best = made
        for format_ in others:
            rivals = (self._like(made, format_, more) for more in _MORE_QUALITY)
            best = _best(best, rivals, partial(_alike_and_smaller, made, look))
        return best

    def _pixels_fit(self) -> bool:
        """Whether the pixels of a JPEG as they are leave room within the limit: metadata may be all that has to go."""
        return self._picture.jpeg is not None and self._picture.jpeg.scan_bytes <= self._limit

    def _stripped(self, format_: Format) -> bytes | None:
        return stripped_jpeg(self._original, self._picture) if format_ == "jpeg" else None

    @property
    def _limit(self) -> int:
        return len(self._original) * self._options.percent // 100

    def _ladder(self, format_: Format, picture: Picture) -> Ladder:
        return LADDERS[format_](picture, len(self._original))

    def _encoded(self, format_: Format) -> Made:
        if _frame_pixels(self._picture) > _MAX_ANIMATED_PIXELS.get(format_, _MAX_PIXELS_IN_FRAMES):
            return Made(self._original, self._picture, self._picture.format, encodes=0)
        picture, options = _small_enough(self._picture, format_), self._options
        if options.mode == "size":
            return self._fitted(format_, picture, self._limit, options.min_quality, allow_resize=options.allow_resize)
        made = self._encoded_once(format_, picture)
        if len(made.data) < len(self._original) or not self._scaled:
            return made
        # The dimensions that were asked for are worth more than the quality.
        found = self._fitted(format_, picture, len(self._original) - 1, 1, allow_resize=False)
        return replace(found, encodes=found.encodes + made.encodes)

    def _fitted(self, format_: Format, picture: Picture, limit: int, min_quality: int, *, allow_resize: bool) -> Made:
        found = fit(partial(self._ladder, format_), picture, limit, min_quality, allow_resize=allow_resize)
        return Made(found.data, found.picture, format_, found.quality, found.encodes)

    def _encoded_once(self, format_: Format, picture: Picture) -> Made:
        if self._options.mode == "quality":
            return self._at_quality(format_, picture, self._options.percent)
        return self._at_quality(format_, picture, equivalent(self._dimensions_quality, "jpeg", format_))

    def _at_quality(self, format_: Format, picture: Picture, quality: int) -> Made:
        ladder = self._ladder(format_, picture)
        if not ladder.rungs and ladder.lossless:
            return Made(ladder.lossless(), picture, format_)
        wanted = ladder.rung_of(quality)
        rung = max((rung for rung in ladder.rungs if rung <= wanted), default=ladder.rungs[0])
        # A rung may stand for several qualities.
        told = quality if rung == wanted and ladder.has_quality else ladder.quality(rung)
        return Made(ladder.encode(rung), picture, format_, told)

    def _like(self, made: Made, format_: Format, more: int) -> Made:
        picture = _small_enough(made.picture, format_)
        if made.quality is None:
            lossless = self._ladder(format_, picture).lossless
            if lossless:
                return Made(lossless(), picture, format_)
        quality = equivalent(made.quality or _DIMENSIONS_QUALITY, made.format, format_)
        return self._at_quality(format_, picture, min(quality + more, QUALITIES[-1]))


def _best(first: Made, rivals: Iterable[Made], better: Callable[[Made, Made], bool]) -> Made:
    """The first rival that is better, or the first; with the encodes of all that were made."""
    encodes = first.encodes
    for rival in rivals:
        encodes += rival.encodes
        if better(first, rival):
            return replace(rival, encodes=encodes)
    return replace(first, encodes=encodes)


def _more_pixels(best: Made, rival: Made) -> bool:
    """Or as many in fewer bytes."""
    pixels = [made.picture.image.width * made.picture.image.height for made in (best, rival)]
    return pixels[1] > pixels[0] or (pixels[1] == pixels[0] and len(rival.data) < len(best.data))


def _alike_and_smaller(made: Made, look: float, best: Made, rival: Made) -> bool:
    """look: the SSIM of what was made first."""
    if len(rival.data) >= len(best.data):
        return False
    seen = ssim(made.picture.image, rival.data)
    return seen is not None and seen >= look - _HARDLY_SEEN


def _candidates(picture: Picture) -> list[Format]:
    """What a browser shows and keeps alpha and animation, first that which the original is or comes nearest to."""
    own = picture.format
    first: Format
    if own in _SHOWN and (own != "jpeg" or not has_alpha(picture.image)):
        first = own
    else:
        first = "webp" if picture.animation or has_alpha(picture.image) else "jpeg"
    if max(_frame_pixels(picture), picture.image.width * picture.image.height) > _MAX_TRIED_PIXELS:
        return [first]
    return [first, *(each for each in _LASTING if each != first and _can_hold(each, picture))]


def _frame_pixels(picture: Picture) -> int:
    """In all frames of an animation; 0 if it is none."""
    return picture.animation.count * picture.image.width * picture.image.height if picture.animation else 0


def _can_hold(format_: Format, picture: Picture) -> bool:
    """Without scaling; and Pillow cannot tell an AVIF how often it is to be played."""
    if format_ == "avif" and picture.animation and picture.animation.loop != 0:
        return False
    return max(picture.image.size) <= LARGEST_SIDE[format_]


def _small_enough(picture: Picture, format_: Format) -> Picture:
    most = LARGEST_SIDE.get(format_)
    if most is None or max(picture.image.size) <= most:
        return picture
    return picture.scaled_to(*_inside(picture.image.size, 1.0, most, most))
