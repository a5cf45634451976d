"""The compressor, asked for an exact number of bytes instead of a percentage; and what lies just above its answer."""

from functools import partial

from services.compressor.fitting.ladder import Ladder
from services.compressor.fitting.size import Fitted, fit
from services.compressor.formats.registry import LADDERS
from services.compressor.opening.open_picture import open_picture
from services.compressor.opening.picture import Picture
from shared.contracts.messages import CompressOptions

MAX_PIXELS = 100_000_000
HALF = CompressOptions(percent=50)


def fitted(original: bytes, limit: int) -> Fitted:
    """The best that fits so many bytes, by the same way as `compress` in mode "size"."""
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    return fit(partial(_ladder, len(original)), picture, limit, HALF.min_quality, allow_resize=HALF.allow_resize)


def next_finer(original: bytes, limit: int) -> int | None:
    """How many bytes the next finer rung takes, by one encode more; None if there is none, or nothing was lost."""
    answer = fitted(original, limit)
    if answer.rung is None:
        return None
    ladder = _ladder(len(original), answer.picture)
    finer = [rung for rung in ladder.rungs if rung > answer.rung]
    return len(ladder.encode(finer[0])) if finer else None


def _ladder(original_bytes: int, picture: Picture) -> Ladder:
    return LADDERS[picture.format](picture, original_bytes)
