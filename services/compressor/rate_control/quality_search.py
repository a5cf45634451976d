"""Find the highest rung of a ladder whose encoding fits a number of bytes, with few encodes.

An encode costs more than everything else that is done for an image. Bisection would try the middle of the remaining
rungs; this search tries the rung where the expected size curve, shifted and stretched to the sizes measured so far,
crosses the limit. Each guess is clamped so that bisection could still finish within the remaining encodes. A wrong
expectation therefore costs encodes, never the result.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_CAUTION = 0.01  # as a logarithm: the curve is accurate to about 1 %, and an encode just above the limit is wasted


@dataclass(frozen=True, slots=True)
class EncodedCandidate:
    rung: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    within_limit: the best candidate that fits. It fills the limit as far as required, or the next higher rung was
        encoded and is too large, or there is no higher rung. None if not even the lowest rung fits.
    smallest: the candidate with the fewest bytes.
    """

    within_limit: EncodedCandidate | None
    smallest: EncodedCandidate
    encodes: int


def max_encodes(rungs: int) -> int:
    """The most encodes that a search of `rungs` rungs takes: three more than bisection."""
    return rungs.bit_length() + 3


def search(
    encode: Callable[[int], bytes],
    limit: int,
    rungs: Sequence[int],
    expected_sizes: Sequence[float],
    good_enough: float = 1.0,
    well_filled: float = 1.0,
) -> SearchResult:
    """Search `rungs`, in ascending order, for the highest whose encoding takes at most `limit` bytes.

    expected_sizes: predicted bytes of each rung, never decreasing. Only the number of encodes depends on it.
    good_enough: the search ends with a candidate that fills this part of the limit.
    well_filled: it also ends with one that fills this part, if the next rung is expected to be too large.
    Raises ValueError if there are no rungs.
    """
    expected = [math.log(size) for size in expected_sizes]
    log_limit = math.log(max(limit, 1))
    measured: dict[int, float] = {}
    within_limit: EncodedCandidate | None = None
    smallest: EncodedCandidate | None = None
    low, high = -1, len(rungs)  # every index up to `low` fits, every index from `high` on is too large
    budget = max_encodes(len(rungs))
    while high - low > 1:
        guess = _predicted_crossing(low, high, measured, expected, log_limit)
        reach = 2 ** (budget - len(measured) - 1)
        index = min(max(guess, low + 1, high - reach), high - 1, low + reach)
        candidate = EncodedCandidate(rungs[index], encode(rungs[index]))
        size = len(candidate.data)
        measured[index] = math.log(max(size, 1))
        if smallest is None or size < len(smallest.data):
            smallest = candidate
        if size > limit:
            high = index
            continue
        low, within_limit = index, candidate
        if size >= good_enough * limit:
            break
        if size >= well_filled * limit and _predicted_crossing(low, high, measured, expected, log_limit) <= low:
            break
    if smallest is None:
        raise ValueError("there is no rung to try")
    return SearchResult(within_limit, smallest, len(measured))


def _predicted_crossing(
    low: int, high: int, measured: dict[int, float], expected: list[float], log_limit: float
) -> int:
    """The highest index expected to fit. All sizes are logarithms.

    Between two measured sizes the expected curve is stretched to both; next to one it is shifted to it.
    """
    below, above = measured.get(low), measured.get(high)
    if below is not None and above is not None and above > below:
        part = (log_limit - below) / (above - below)
        crossing = expected[low] + part * (expected[high] - expected[low])
    elif below is not None:
        crossing = log_limit - _CAUTION - below + expected[low]
    elif above is not None:
        crossing = log_limit - _CAUTION - above + expected[high]
    else:
        crossing = log_limit
    return bisect_right(expected, crossing) - 1
