"""Times for users: RFC 3339, in UTC, always with milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.contracts.times import rfc3339


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 29, 19, 4, 5, 123456, tzinfo=UTC), "2026-11-29T19:04:05.123Z"),
        (datetime(2026, 11, 29, 19, 4, 5, tzinfo=UTC), "2026-11-29T19:04:05.000Z"),
        (datetime(2026, 11, 30, 0, 34, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-11-29T19:04:05.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(time: datetime, text: str) -> None:
    assert rfc3339(time) == text


def test_a_time_without_a_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="no timezone"):
        rfc3339(datetime(2026, 11, 29))  # noqa: DTZ001 - the fault that the test is about
