"""A limit of events per second, with a small burst. Pure: the caller supplies the time."""

import math

_ROUNDING = 1e-3
"""Of a token. The sum of many intervals is a little off, and a wait for the next token must end with a token."""


class TokenBucket:
    """At most `rate * t + burst` events happen in any `t` seconds.

    The state is one number, the time at which the bucket is full again (the "theoretical arrival time" of the generic
    cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self.full_at = float("-inf")

    def tokens(self, now: float) -> int:
        """The events that may happen at `now`."""
        missing = max(self.full_at, now) - now - self._tolerance
        return max(0, math.floor(1 + _ROUNDING - missing / self._interval))

    def take(self, now: float) -> None:
        """Count an event that happens at `now`."""
        self.full_at = max(self.full_at, now) + self._interval

    def next_at(self, now: float) -> float:
        """When the next event may happen; `now` if it may happen at once."""
        return now if self.tokens(now) else self.full_at - self._tolerance
