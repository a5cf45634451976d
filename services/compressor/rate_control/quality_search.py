"""Find the highest rung of a ladder whose encoding fits a number of bytes, with few encodes.

Each encode costs more than all the rest of an image's way through the house. So the next rung to try is not the
middle of what is left, as in bisection, but where the expected curve of sizes, shifted and stretched through the sizes
measured so far, crosses the limit. The guess is held within such bounds that bisection could still finish the search
in the encodes that are left; a bad expectation therefore costs encodes, never the answer.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_CAUTION = 0.01  # the curve is trusted to one per cent; an encode that just fails is lost


@dataclass(frozen=True, slots=True)
class EncodedCandidate:
    rung: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    fitting: the highest rung known to fit: it fills the limit as far as was asked, or the next higher one was tried
        and is too large, or there is none. None if not even the lowest fits.
    smallest: the fewest bytes of all encodings made.
    """

    fitting: EncodedCandidate | None
    smallest: EncodedCandidate
    encodes: int


def max_encodes(candidates: int) -> int:
    """How many encodes a search among so many rungs takes at most: three more than bisection."""
    return candidates.bit_length() + 3


def search(
    encode: Callable[[int], bytes],
    limit: int,
    rungs: Sequence[int],
    expected_sizes: Sequence[float],
    good_enough: float = 1.0,
    well_filled: float = 1.0,
) -> SearchResult:
    """Search `rungs`, in ascending order, for the highest whose encoding is at most `limit` bytes.

    expected_sizes: about how many bytes each rung takes, never falling. Only the number of encodes depends on it.
    good_enough: the search ends with an encoding that fits and takes this part of the limit,
    well_filled: and with one that takes this part, if the next rung is expected to be too large.
    """
    expected = [math.log(size) for size in expected_sizes]
    log_limit = math.log(max(limit, 1))
    measured: dict[int, float] = {}
    fitting: EncodedCandidate | None = None
    smallest: EncodedCandidate | None = None
    low, high = -1, len(rungs)  # all up to `low` fit, all from `high` on are too large
    budget = max_encodes(len(rungs))
    while high - low > 1:
        guess = _crossing(low, high, measured, expected, log_limit)
        reach = 2 ** (budget - len(measured) - 1)
        at = min(max(guess, low + 1, high - reach), high - 1, low + reach)
        tried = EncodedCandidate(rungs[at], encode(rungs[at]))
        measured[at] = math.log(max(len(tried.data), 1))
        if smallest is None or len(tried.data) < len(smallest.data):
            smallest = tried
        if len(tried.data) > limit:
            high = at
            continue
        low, fitting = at, tried
        if len(tried.data) >= good_enough * limit:
            break
        if len(tried.data) >= well_filled * limit and _crossing(low, high, measured, expected, log_limit) <= low:
            break
    if smallest is None:
        raise ValueError("there is no rung to try")
    return SearchResult(fitting, smallest, len(measured))


def _crossing(low: int, high: int, measured: dict[int, float], expected: list[float], log_limit: float) -> int:
    """The highest index that should fit, if sizes follow the expected curve through what was measured around it."""
    below, above = measured.get(low), measured.get(high)
    if below is not None and above is not None and above > below:
        part = (log_limit - below) / (above - below)
        aim = expected[low] + part * (expected[high] - expected[low])
    elif below is not None:
        aim = log_limit - _CAUTION - below + expected[low]
    elif above is not None:
        aim = log_limit - _CAUTION - above + expected[high]
    else:
        aim = log_limit
    return bisect_right(expected, aim) - 1
