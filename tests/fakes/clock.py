"""A clock that only a test advances."""

from datetime import UTC, datetime, timedelta


class MovableClock:
    """Call it for the time. Times are whole milliseconds, as in the database."""

    def __init__(self, start: datetime = datetime(2026, 1, 5, 12, tzinfo=UTC)) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Advance by `seconds` and return the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now
