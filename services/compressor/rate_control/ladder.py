"""The contract between rate control and an encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

QUALITIES = range(1, 96)
"""The qualities of the lossy encoders. Above 95 they add bytes without a visible gain."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """How one picture trades quality for bytes in one format.

    rungs: from the fewest bytes to the most. A rung is a quality of the encoder or, in formats without one, a number
        of colours.
    encode: returns the file at one rung.
    expected_sizes: given the limit in bytes, predicts the bytes of each rung; never decreasing. May encode samples of
        the picture, so it is called only when needed. A wrong prediction costs encodes, never the result.
    rung_of: the rung for a quality from 1 to 95.
    has_quality: whether the rungs are qualities.
    own_colours: of a scaled drawing, the rung with the colours that it had before. It may be used whatever the lowest
        quality: no colour is lost. None if there is no such rung.
    lossless: returns the file with unchanged pixels in a smaller encoding; None if the format has no such encoding.
    """

    rungs: Sequence[int]
    encode: Callable[[int], bytes]
    expected_sizes: Callable[[int], Sequence[float]]
    rung_of: Callable[[int], int] = int
    has_quality: bool = True
    own_colours: int | None = None
    lossless: Callable[[], bytes] | None = None

    def quality(self, rung: int) -> int | None:
        """The encoder's quality at a rung; None if the rungs are not qualities."""
        return rung if self.has_quality and rung != self.own_colours else None
