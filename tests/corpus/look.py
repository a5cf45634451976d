"""Looks at original and result with the oracles: in the browser, TIFFs by way of libvips."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from tests.corpus.verdict import Seen
from tests.oracle import BrowserOracle, NotShown, Pixels, Shown, as_png, compare, is_tiff, turned

MOMENTS = 6


class Looker:
    def __init__(self, browser: BrowserOracle) -> None:
        self._browser = browser

    def look(self, original: bytes, result: bytes | None, metadata: Sequence[str]) -> Seen:
        first = self._shown(original)
        if result is None:
            return Seen(first, None)
        second = self._shown(result)
        if not (first and second):
            return Seen(first, second, metadata=metadata)
        pairs = [(first.pixels, second.pixels)]
        if first.milliseconds and second.milliseconds:
            pairs += self._moments(original, first, result, second)
        differences = [compare(*pair) for pair in pairs]
        return Seen(first, second, differences, turned(*pairs[0]), metadata)

    def _shown(self, data: bytes) -> Shown | None:
        if is_tiff(data):
            png = as_png(data)
            if png is None:
                return None
            data = png
        try:
            return self._browser.shown(data)
        except NotShown:
            return None

    def _moments(self, original: bytes, first: Shown, result: bytes, second: Shown) -> list[tuple[Pixels, Pixels]]:
        """Both pictures at the same moments of the original's time."""
        moments = _middles(first.milliseconds)
        try:
            before, after = (
                self._browser.frames(data, [_frame_at(moment, shown.milliseconds) for moment in moments])
                for data, shown in ((original, first), (result, second))
            )
        except NotShown:
            return []
        return list(zip(before, after, strict=True))


def _middles(milliseconds: Sequence[float]) -> list[float]:
    """The middles of some frames, evenly spread, the last frame included."""
    ends = [0.0, *accumulate(milliseconds)]
    count = len(milliseconds)
    frames = sorted({round(place * (count - 1) / (MOMENTS - 1)) for place in range(MOMENTS)})
    return [(ends[frame] + ends[frame + 1]) / 2 for frame in frames if milliseconds[frame] > 0]


def _frame_at(moment: float, milliseconds: Sequence[float]) -> int:
    return min(bisect_right(list(accumulate(milliseconds)), moment), len(milliseconds) - 1)
