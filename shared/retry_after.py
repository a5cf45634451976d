"""The Retry-After header of HTTP (RFC 9110, section 10.2.3): image hosts and webhook receivers both send it. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str | None, now: datetime) -> float:
    """How long from `now` the sender asks us to wait, in seconds; 0 without a header or with an invalid one.

    The header is a number of seconds or an HTTP date. A number of any length is valid and means what it says, a long
    wait; one that is too large for a float is infinite, as in RFC 9111, section 1.2.2. So every caller has a setting
    that limits the wait: FETCH_RETRY_AFTER_MAX and WEBHOOK_RETRY_AFTER_MAX.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    if date.tzinfo is None:  # "-0000" means UTC from an unknown zone
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
