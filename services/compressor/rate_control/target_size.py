"""Mode "size": the best encoding of a picture that fits a number of bytes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.compressor.decoders import Picture
from services.compressor.rate_control.ladder import Ladder
from services.compressor.rate_control.quality_search import EncodedCandidate, SearchResult, search

GOOD_ENOUGH = 0.91
"""An encoding that fills this part of the limit is accepted. Filling the rest gains nothing visible and costs an
encode."""

WELL_FILLED = 0.80
"""An encoding that fills this part is accepted if the next rung is expected to be too large."""

_MAX_SCALINGS = 4
_MIN_SCALE = 0.1  # what does not fit at this scale is too large for other reasons than its pixels
_SCALED_SIZE_EXPONENT = 1.7
"""Bytes fall with about this power of the scale: a pixel of a smaller picture contains more detail."""
_EXPONENTS = (0.8, 2.2)  # those that are believed when measured

SCALED_FILL = 0.96  # the part of the limit that a scaled picture's lowest rung should take
_MAX_SCALE = 0.97
_LOW_RUNGS = 12
_MIN_SCALED_FILL = 0.75
"""If a scaled picture's lowest rung takes less of the limit, a larger scale would have fitted."""


@dataclass(frozen=True, slots=True)
class SizedPicture:
    """The best encoding found.

    picture: the pixels that were encoded, perhaps scaled down. rung: None if the encoding is lossless. quality: the
    encoder's; None if it is lossless or the rungs are not qualities. fits: within the limit.
    """

    data: bytes
    picture: Picture
    rung: int | None
    quality: int | None
    fits: bool
    encodes: int


def fit_to_size(
    ladder_of: Callable[[Picture], Ladder], picture: Picture, limit: int, min_quality: int, *, allow_resize: bool
) -> SizedPicture:
    """Lossless if that fits; else the highest rung from `min_quality` up; else, if allowed, the largest scale.

    If nothing fits: the smallest encoding of all pixels at `min_quality` or above.
    """
    ladder = ladder_of(picture)
    lossless = ladder.lossless() if ladder.lossless else None
    encodes = 0 if lossless is None else 1
    if lossless is not None and (len(lossless) <= limit or not ladder.rungs):
        return SizedPicture(lossless, picture, None, None, fits=len(lossless) <= limit, encodes=encodes)
    found = _RungSearch(ladder, limit, min_quality).search()
    encodes += found.encodes
    if found.within_limit:
        return _sized(found.within_limit, picture, ladder, fits=True, encodes=encodes)
    smallest = found.smallest
    if allow_resize:
        lowest_bytes = min(map(len, filter(None, (smallest.data, lossless))))
        scaled, scaling_encodes = _scaled_down(ladder_of, picture, limit, min_quality, lowest_bytes)
        encodes += scaling_encodes
        if scaled:
            return replace(scaled, encodes=encodes)
    if lossless is not None and len(lossless) <= len(smallest.data):
        return SizedPicture(lossless, picture, None, None, fits=False, encodes=encodes)
    return _sized(smallest, picture, ladder, fits=False, encodes=encodes)


def _sized(candidate: EncodedCandidate, picture: Picture, ladder: Ladder, *, fits: bool, encodes: int) -> SizedPicture:
    quality = ladder.quality(candidate.rung)
    return SizedPicture(candidate.data, picture, candidate.rung, quality, fits=fits, encodes=encodes)


class _RungSearch:
    """A search among the rungs of a ladder that are not below `min_quality`, or that have a drawing's own colours.

    lowest_fill: the part of the limit that the lowest allowed rung should take, if that is known better than from the
    ladder's own prediction.
    """

    def __init__(self, ladder: Ladder, limit: int, min_quality: int, lowest_fill: float | None = None) -> None:
        lowest = ladder.rung_of(min_quality)
        allowed = [index for index, rung in enumerate(ladder.rungs) if rung >= lowest or rung == ladder.own_colours]
        allowed = allowed or [len(ladder.rungs) - 1]
        self._rungs = [ladder.rungs[index] for index in allowed]
        self._ladder = ladder
        self._limit = limit
        sizes = ladder.expected_sizes(limit)
        correction = 1.0 if lowest_fill is None else lowest_fill * limit / sizes[allowed[0]]
        self._expected = [sizes[index] * correction for index in allowed]

    def search(self) -> SearchResult:
        return search(self._ladder.encode, self._limit, self._rungs, self._expected, GOOD_ENOUGH, WELL_FILLED)

    def is_low(self, rung: int) -> bool:
        """Whether a rung is among the lowest allowed ones, so that hardly more pixels would have fitted."""
        return rung in self._rungs[: _LOW_RUNGS + 1]

    def lowest_rung_bytes(self, found: SearchResult) -> tuple[int, int]:
        """The bytes of the lowest allowed rung, and the further encodes needed to measure them."""
        if found.smallest.rung == self._rungs[0]:
            return len(found.smallest.data), 0
        return len(self._ladder.encode(self._rungs[0])), 1


def _scaled_down(
    ladder_of: Callable[[Picture], Ladder], picture: Picture, limit: int, min_quality: int, lowest_bytes: int
) -> tuple[SizedPicture | None, int]:
    """Scale so that the lowest rung should just fit, then take the highest rung that fits.

    Returns the picture, or None if no scale fits, and the number of encodes.
    lowest_bytes: what the lowest allowed rung, or the lossless encoding, takes unscaled.
    """
    best: SizedPicture | None = None
    scale, encodes, exponent = 1.0, 0, _SCALED_SIZE_EXPONENT
    for attempt in range(_MAX_SCALINGS):
        last_scale, last_bytes = scale, lowest_bytes
        scale = min(scale * (SCALED_FILL * limit / lowest_bytes) ** (1 / exponent), _MAX_SCALE)
        smaller = picture.scaled_to(*_scaled(picture.image.size, scale))
        if scale < _MIN_SCALE or (best and smaller.image.size <= best.picture.image.size):
            break
        ladder = ladder_of(smaller)
        rung_search = _RungSearch(ladder, limit, min_quality, lowest_fill=SCALED_FILL)
        found = rung_search.search()
        encodes += found.encodes
        if found.within_limit is None and best:
            break
        if found.within_limit:
            best = _sized(found.within_limit, smaller, ladder, fits=True, encodes=encodes)
            if rung_search.is_low(found.within_limit.rung):
                break
        lowest_bytes, further_encodes = rung_search.lowest_rung_bytes(found)
        encodes += further_encodes
        if attempt:  # the unscaled picture may be of another kind: of two colours without greys
            exponent = _measured_exponent(scale / last_scale, lowest_bytes / last_bytes)
        if best and lowest_bytes > _MIN_SCALED_FILL * limit:
            break
    return best, encodes


def _measured_exponent(scale: float, share: float) -> float:
    """The power of the scale with which the bytes fell; about 1 for line art in two colours.

    scale, share: of the width and of the bytes, from one scaling to the next.
    """
    low, high = _EXPONENTS
    return min(max(math.log(share) / math.log(scale), low), high) if scale != 1 else _SCALED_SIZE_EXPONENT


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    width, height = size
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
