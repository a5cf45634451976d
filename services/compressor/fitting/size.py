"""Mode "size": the best picture that fits a number of bytes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from services.compressor.fitting.ladder import Ladder
from services.compressor.fitting.quality_search import Outcome, search
from services.compressor.opening.picture import Picture

_GOOD_ENOUGH = 0.94
"""A fit that fills so much of the limit is taken. What is left buys less than could be seen, and costs an encode."""

_WELL_FILLED = 0.90
"""So is this one, if the next rung is expected to be too large."""

_MOST_SCALINGS = 6
_SAFETY = 0.98  # bytes fall a little slower than pixels


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best file found, and how.

    rung: None if nothing was lost. picture: as encoded, that is perhaps scaled. fits: within the limit.
    """

    data: bytes
    picture: Picture
    rung: int | None
    fits: bool
    encodes: int


def fit(
    ladder_of: Callable[[Picture], Ladder], picture: Picture, limit: int, min_quality: int, *, allow_resize: bool
) -> Fitted:
    """Lossless if that fits; else the highest rung from `min_quality` up; else, if allowed, the largest scale.

    Where nothing fits, the smallest file that was made.
    """
    ladder = ladder_of(picture)
    lossless = ladder.lossless() if ladder.lossless else None
    made = 0 if lossless is None else 1
    if lossless is not None and len(lossless) <= limit:
        return Fitted(lossless, picture, None, fits=True, encodes=made)
    found = _climb(ladder, limit, min_quality)
    if found is None:
        if lossless is None:
            raise ValueError("a format without rungs must have a lossless way")
        return Fitted(lossless, picture, None, fits=False, encodes=made)
    made += found.encodes
    if found.fitting:
        return Fitted(found.fitting.data, picture, found.fitting.rung, fits=True, encodes=made)
    smallest = Fitted(found.smallest.data, picture, found.smallest.rung, fits=False, encodes=made)
    if lossless is not None and len(lossless) < len(smallest.data):
        smallest = Fitted(lossless, picture, None, fits=False, encodes=made)
    return _scaled_down(ladder_of, smallest, limit, min_quality) if allow_resize else smallest


def _climb(ladder: Ladder, limit: int, min_quality: int) -> Outcome | None:
    floor = ladder.rung_of(min_quality)
    rungs = [rung for rung in ladder.rungs if rung >= floor] or list(ladder.rungs[-1:])
    if not rungs:
        return None
    expected = ladder.expected_sizes(limit)[-len(rungs) :]
    return search(ladder.encode, limit, rungs, expected, _GOOD_ENOUGH, _WELL_FILLED)


def _scaled_down(ladder_of: Callable[[Picture], Ladder], too_large: Fitted, limit: int, min_quality: int) -> Fitted:
    """Scale so that the lowest rung should just fit; then see whether a higher one does."""
    picture, best, made = too_large.picture, too_large, too_large.encodes
    scale = 1.0
    for _ in range(_MOST_SCALINGS):
        scale *= _SAFETY * math.sqrt(limit / len(best.data))
        smaller = picture.scaled_to(*_scaled(picture.image.size, scale))
        found = _climb(ladder_of(smaller), limit, min_quality)
        if found is None:
            break
        made += found.encodes
        if found.fitting:
            return Fitted(found.fitting.data, smaller, found.fitting.rung, fits=True, encodes=made)
        best = Fitted(found.smallest.data, smaller, found.smallest.rung, fits=False, encodes=made)
        if smaller.image.size == (1, 1):
            break
    return best


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    width, height = size
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
