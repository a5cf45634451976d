"""Retry-After is a number of seconds or an HTTP date; anything else asks for no wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retry_after import retry_after_seconds

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"), [("20", 20), (" 20 ", 20), ("0", 0), ("007", 7), ("9" * 5000, inf), ("0\x1f", 0)]
)
def test_a_number_is_a_wait_in_seconds(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Mon, 05 Jan 2026 12:01:40 -0000", 100),
        ("Mon, 05 Jan 2026 13:01:40 +0100", 100),
        ("Monday, 05-Jan-26 12:01:40 GMT", 100),
        ("Mon Jan  5 12:01:40 2026", 100),
        ("Fri, 31 Dec 9999 23:59:59 GMT", (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - NOW).total_seconds()),
    ],
)
def test_a_date_is_a_wait_until_then(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


def test_a_past_date_asks_for_no_wait() -> None:
    assert retry_after_seconds(format_datetime(NOW - timedelta(days=1), usegmt=True), NOW) == 0


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "-5", "1.5", "²", "٣٠", "Mon, 05 Jan 99999999 12:01:40 GMT", "1 Jan " + "9" * 30 + " 12:00 GMT"],
)
def test_no_header_or_an_invalid_one_asks_for_no_wait(header: str | None) -> None:
    assert retry_after_seconds(header, NOW) == 0


@given(st.text())
def test_any_text_gives_a_wait_that_is_not_negative(header: str) -> None:
    assert retry_after_seconds(header, NOW) >= 0
