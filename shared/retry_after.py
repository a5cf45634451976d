"""The Retry-After header of HTTP (RFC 9110, section 10.2.3): image hosts and webhook receivers both send it. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str | None, now: datetime) -> float:
    """How long from `now` the sender asks us to wait, in seconds; 0 without a header or with an invalid one.

    The header is a number of seconds or an HTTP date. The result has no upper limit and may be infinite: limit it.
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
