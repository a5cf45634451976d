"""Times in public documents are RFC 3339 in UTC, with `Z` and milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.contracts.times import rfc3339


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 29, 19, 4, 5, 123000, UTC), "2026-11-29T19:04:05.123Z"),
        (datetime(2026, 11, 29, 19, 4, 5, 0, UTC), "2026-11-29T19:04:05.000Z"),
        (datetime(2026, 11, 29, 19, 4, 5, 999999, UTC), "2026-11-29T19:04:05.999Z"),
        (datetime(2026, 11, 30, 0, 34, 5, 0, timezone(timedelta(hours=5, minutes=30))), "2026-11-29T19:04:05.000Z"),
    ],
    ids=["milliseconds", "whole seconds", "microseconds are cut", "another zone"],
)
def test_a_time_is_written_in_utc_with_milliseconds(time: datetime, text: str) -> None:
    assert rfc3339(time) == text
