"""What a format can trade for bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

QUALITIES = range(1, 96)
"""The qualities of the lossy encoders. Above 95 they add bytes and nothing that could be seen."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """How one picture trades beauty for bytes in one format.

    rungs: from the fewest bytes to the most: qualities of the encoder, or, where it has none, numbers of colours.
    encode: the file at one of the rungs.
    expected_sizes: given the limit in bytes, about how many bytes each rung takes, never falling. It may sample the
        picture, so it is asked only if it is needed; only the number of encodes depends on it.
    rung_of: the rung for a quality from 1 to 95.
    has_quality: whether the rungs are qualities.
    lossless: the file with the same pixels, better packed; None if the format has no such way.
    """

    rungs: Sequence[int]
    encode: Callable[[int], bytes]
    expected_sizes: Callable[[int], Sequence[float]]
    rung_of: Callable[[int], int] = int
    has_quality: bool = True
    lossless: Callable[[], bytes] | None = None

    def quality(self, rung: int) -> int | None:
        """Of the encoder; None if the rungs are no qualities."""
        return rung if self.has_quality else None
