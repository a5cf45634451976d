"""The compressor, asked for an exact number of bytes instead of a percentage; and what lies just above its answer."""

from services.compressor.decoders import Picture, open_picture
from services.compressor.encoders import LADDERS
from services.compressor.rate_control.ladder import Ladder
from services.compressor.rate_control.quality_search import search
from services.compressor.rate_control.target_size import SizedPicture, fit_to_size
from shared.contracts.messages import CompressOptions

MAX_PIXELS = 100_000_000
HALF = CompressOptions(percent=50)


def fills(original: bytes, limit: int) -> bytes:
    """A JPEG of all the pixels in as nearly so many bytes as the qualities allow: no floor, and no early end.

    The smallest if none fits.
    """
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    ladder = LADDERS["jpeg"](picture, len(original))
    found = search(ladder.encode, limit, ladder.rungs, ladder.expected_sizes(limit))
    return (found.fitting or found.smallest).data


def next_finer(original: bytes, limit: int) -> int | None:
    """How many bytes the next finer rung takes, by one encode more; None if there is none, or nothing was lost."""
    answer, ladder = _sized(original, limit)
    if answer.rung is None:
        return None
    finer = [rung for rung in ladder.rungs if rung > answer.rung]
    return len(ladder.encode(finer[0])) if finer else None


def _sized(original: bytes, limit: int) -> tuple[SizedPicture, Ladder]:
    """And the ladder it stands on, as the search left it: a ladder may choose its ways while it is searched."""
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    ladders: list[Ladder] = []

    def ladder_of(picture: Picture) -> Ladder:
        ladders.append(LADDERS[picture.format](picture, len(original)))
        return ladders[-1]

    return fit_to_size(ladder_of, picture, limit, HALF.min_quality, allow_resize=HALF.allow_resize), ladders[-1]
