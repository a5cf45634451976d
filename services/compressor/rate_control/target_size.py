"""Mode "size": the best picture that fits a number of bytes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.compressor.decoders import Picture
from services.compressor.rate_control.ladder import Ladder
from services.compressor.rate_control.quality_search import EncodedCandidate, SearchResult, search

_GOOD_ENOUGH = 0.91
"""A fit that fills so much of the limit is taken. What is left buys less than could be seen, and costs an encode."""

_WELL_FILLED = 0.80
"""So is this one, if the next rung is expected to be too large."""

_MAX_SCALINGS = 4
_MIN_SCALE = 0.1  # what does not fit then is kept from fitting by more than its pixels
_FALL = 1.7
"""Bytes fall with about this power of the scale: with fewer pixels each of them holds more."""

_BELOW = 0.96  # what a scaled picture should take at its lowest rung, relative to the limit: the rest is for beauty
_LARGEST_SCALE = 0.97
_LOW_RUNGS = 12
_TOO_SMALL = 0.75
"""A scaled picture whose lowest rung takes less of the limit could have kept more pixels."""


@dataclass(frozen=True, slots=True)
class SizedPicture:
    """The best file found, and how.

    rung: None if nothing was lost; quality: the same, and None if the ladder has no qualities. picture: as encoded,
    that is perhaps scaled. fits: within the limit.
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

    Where nothing fits, the smallest file that can be made of all the pixels, from `min_quality` up.
    """
    ladder = ladder_of(picture)
    lossless = ladder.lossless() if ladder.lossless else None
    made = 0 if lossless is None else 1
    if lossless is not None and (len(lossless) <= limit or not ladder.rungs):
        return SizedPicture(lossless, picture, None, None, fits=len(lossless) <= limit, encodes=made)
    climb = _RungSearch(ladder, limit, min_quality)
    found = climb.search()
    made += found.encodes
    if found.fitting:
        return _sized(found.fitting, picture, ladder, fits=True, encodes=made)
    smallest = found.smallest
    if allow_resize:
        scaled, tried = _scaled_down(ladder_of, picture, limit, min_quality, len(smallest.data))
        made += tried
        if scaled:
            return replace(scaled, encodes=made)
    if lossless is not None and len(lossless) <= len(smallest.data):
        return SizedPicture(lossless, picture, None, None, fits=False, encodes=made)
    return _sized(smallest, picture, ladder, fits=False, encodes=made)


def _sized(found: EncodedCandidate, picture: Picture, ladder: Ladder, *, fits: bool, encodes: int) -> SizedPicture:
    return SizedPicture(found.data, picture, found.rung, ladder.quality(found.rung), fits=fits, encodes=encodes)


class _RungSearch:
    """The search on the rungs of a ladder that are allowed.

    expected: of the limit at the lowest of them, if it is known better than the ladder does.
    """

    def __init__(self, ladder: Ladder, limit: int, min_quality: int, expected: float | None = None) -> None:
        floor = ladder.rung_of(min_quality)
        self._rungs = [rung for rung in ladder.rungs if rung >= floor] or list(ladder.rungs[-1:])
        self._ladder = ladder
        self._limit = limit
        sizes = ladder.expected_sizes(limit)[-len(self._rungs) :]
        known = 1.0 if expected is None else expected * limit / sizes[0]
        self._expected = [size * known for size in sizes]

    def search(self) -> SearchResult:
        return search(self._ladder.encode, self._limit, self._rungs, self._expected, _GOOD_ENOUGH, _WELL_FILLED)

    def is_low(self, rung: int) -> bool:
        """Whether a rung is among the lowest, so that hardly more pixels would have fitted."""
        return rung in self._rungs[: _LOW_RUNGS + 1]

    def floor(self, found: SearchResult) -> tuple[int, int]:
        """The bytes of the lowest rung, and the encodes that it takes to know them."""
        if found.smallest.rung == self._rungs[0]:
            return len(found.smallest.data), 0
        return len(self._ladder.encode(self._rungs[0])), 1


def _scaled_down(
    ladder_of: Callable[[Picture], Ladder], picture: Picture, limit: int, min_quality: int, least_bytes: int
) -> tuple[SizedPicture | None, int]:
    """Scaled so that the lowest rung should just fit, and then as high as fits; and the encodes it took.

    least_bytes: what the lowest rung takes unscaled.
    """
    best: SizedPicture | None = None
    scale, made = 1.0, 0
    for _ in range(_MAX_SCALINGS):
        scale = min(scale * (_BELOW * limit / least_bytes) ** (1 / _FALL), _LARGEST_SCALE)
        smaller = picture.scaled_to(*_scaled(picture.image.size, scale))
        if scale < _MIN_SCALE or (best and smaller.image.size <= best.picture.image.size):
            break
        ladder = ladder_of(smaller)
        climb = _RungSearch(ladder, limit, min_quality, expected=_BELOW)
        found = climb.search()
        made += found.encodes
        if found.fitting is None and best:
            break
        if found.fitting:
            best = _sized(found.fitting, smaller, ladder, fits=True, encodes=made)
            if climb.is_low(found.fitting.rung):
                break
        least_bytes, tried = climb.floor(found)
        made += tried
        if best and least_bytes > _TOO_SMALL * limit:
            break
    return best, made


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    width, height = size
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
