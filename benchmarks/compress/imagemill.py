"""The compressor with an exact number of bytes as the limit, and the next finer encoding."""

from services.compressor.decoders import Picture, open_picture
from services.compressor.encoders import LADDERS
from services.compressor.rate_control import Ladder, SizedPicture, fit_to_size
from services.compressor.rate_control.quality_search import search
from shared.contracts.messages import CompressOptions

MAX_PIXELS = 100_000_000
HALF = CompressOptions(percent=50)


def encode_to_size(original: bytes, limit: int) -> bytes:
    """A JPEG of all pixels, as close below `limit` bytes as the qualities allow: no minimum quality, no early stop.

    The smallest one if none fits.
    """
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    ladder = LADDERS["jpeg"](picture, len(original))
    found = search(ladder.encode, limit, ladder.rungs, ladder.expected_sizes(limit))
    return (found.within_limit or found.smallest).data


def next_finer(original: bytes, limit: int) -> int | None:
    """The bytes of the next finer rung, by one more encode; None if there is none or the result is lossless."""
    sized, ladder = _sized(original, limit)
    if sized.rung is None:
        return None
    finer = [rung for rung in ladder.rungs if rung > sized.rung]
    return len(ladder.encode(finer[0])) if finer else None


def _sized(original: bytes, limit: int) -> tuple[SizedPicture, Ladder]:
    """The result and its ladder after the search: a ladder may choose its coding while it is searched."""
    picture = open_picture(original, MAX_PIXELS, HALF.metadata)
    ladders: list[Ladder] = []

    def ladder_of(picture: Picture) -> Ladder:
        ladders.append(LADDERS[picture.format](picture, len(original)))
        return ladders[-1]

    return fit_to_size(ladder_of, picture, limit, HALF.min_quality, allow_resize=HALF.allow_resize), ladders[-1]
