"""Mode "size": the best picture that fits a number of bytes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.compressor.fitting.ladder import Ladder
from services.compressor.fitting.quality_search import Encoding, Outcome, search
from services.compressor.opening.picture import Picture

_GOOD_ENOUGH = 0.91
"""A fit that fills so much of the limit is taken. What is left buys less than could be seen, and costs an encode."""

_WELL_FILLED = 0.80
"""So is this one, if the next rung is expected to be too large."""

_HOPELESS = 1.15
"""A picture whose lowest rung is expected to be so much too large is scaled without that being tried."""

_MOST_SCALINGS = 5
_LEAST_SCALE = 0.1  # what does not fit then is kept from fitting by more than its pixels
_FALL = 1.7
"""Bytes fall with about this power of the scale: with fewer pixels each of them holds more."""

_BELOW = 0.96  # what a scaled picture should take at its lowest rung, relative to the limit: the rest is for beauty
_LEAST_SCALE = 0.1  # what does not fit then is kept from fitting by more than its pixels
_FALL = 1.5
"""Bytes fall with this power of the scale, at the least. What is scaled too far is encoded finer: it still fills."""


@dataclass(frozen=True, slots=True)
class Fitted:
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


def fit(
    ladder_of: Callable[[Picture], Ladder], picture: Picture, limit: int, min_quality: int, *, allow_resize: bool
) -> Fitted:
    """Lossless if that fits; else the highest rung from `min_quality` up; else, if allowed, the largest scale.

    Where nothing fits, the smallest file that can be made of all the pixels, from `min_quality` up.
    """
    ladder = ladder_of(picture)
    lossless = ladder.lossless() if ladder.lossless else None
    made = 0 if lossless is None else 1
    if lossless is not None and (len(lossless) <= limit or not ladder.rungs):
        return Fitted(lossless, picture, None, None, fits=len(lossless) <= limit, encodes=made)
    climb = _Climb(ladder, limit, min_quality)
    if not (allow_resize and climb.hopeless):
        found = climb.search()
        made += found.encodes
        if found.fitting:
            return _fitted(found.fitting, picture, ladder, fits=True, encodes=made)
        climb.least_bytes = len(found.smallest.data)
    if allow_resize:
        scaled, tried = _scaled_down(ladder_of, picture, climb, min_quality)
        made += tried
        if scaled:
            return replace(scaled, encodes=made)
    smallest, extra = climb.lowest()
    made += extra
    if lossless is not None and len(lossless) <= len(smallest.data):
        return Fitted(lossless, picture, None, None, fits=False, encodes=made)
    # It may even fit, if more was expected of it.
    return _fitted(smallest, picture, ladder, fits=len(smallest.data) <= limit, encodes=made)


def _fitted(found: Encoding, picture: Picture, ladder: Ladder, *, fits: bool, encodes: int) -> Fitted:
    return Fitted(found.data, picture, found.rung, ladder.quality(found.rung), fits=fits, encodes=encodes)


class _Climb:
    """The search on the rungs of a ladder that are allowed.

    expected: of the limit at the lowest of them, if it is known better than the ladder does.
    least_bytes: what the lowest of them takes, or is expected to.
    """

    def __init__(self, ladder: Ladder, limit: int, min_quality: int, expected: float | None = None) -> None:
        floor = ladder.rung_of(min_quality)
        self._rungs = [rung for rung in ladder.rungs if rung >= floor] or list(ladder.rungs[-1:])
        self._ladder = ladder
        sizes = ladder.expected_sizes(limit)[-len(self._rungs) :]
        known = 1.0 if expected is None else expected * limit / sizes[0]
        self._expected = [size * known for size in sizes]
        self._found: Outcome | None = None
        self.limit = limit
        self.least_bytes = self._expected[0]

    @property
    def hopeless(self) -> bool:
        return self.least_bytes > _HOPELESS * self.limit

    def search(self) -> Outcome:
        self._found = search(self._ladder.encode, self.limit, self._rungs, self._expected, _GOOD_ENOUGH, _WELL_FILLED)
        return self._found

    def lowest(self) -> tuple[Encoding, int]:
        """The fewest bytes, and the encodes that it takes to have them now."""
        if self._found:
            return self._found.smallest, 0
        return Encoding(self._rungs[0], self._ladder.encode(self._rungs[0])), 1


def _scaled_down(
    ladder_of: Callable[[Picture], Ladder], picture: Picture, climb: _Climb, min_quality: int
) -> tuple[Fitted | None, int]:
    """Scaled so that the lowest rung should just fit, and then as high as fits; and the encodes it took."""
    scale, made = 1.0, 0
    for _ in range(_MOST_SCALINGS):
        scale *= min(_BELOW * climb.limit / climb.least_bytes, _BELOW) ** (1 / _FALL)
        if scale < _LEAST_SCALE:
            break
        smaller = picture.scaled_to(*_scaled(picture.image.size, scale))
        ladder = ladder_of(smaller)
        climb = _Climb(ladder, climb.limit, min_quality, expected=_BELOW)
        found = climb.search()
        made += found.encodes
        if found.fitting:
            return _fitted(found.fitting, smaller, ladder, fits=True, encodes=made), made
        climb.least_bytes = len(found.smallest.data)
    return None, made


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    width, height = size
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
