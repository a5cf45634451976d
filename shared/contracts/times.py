"""Times as text, in every document that leaves Imagemill: API answers, events, webhooks and reports. Pure."""

from datetime import UTC, datetime


def rfc3339(time: datetime) -> str:
    """An aware `time` in UTC with milliseconds, as RFC 3339 writes it: 2026-11-29T19:04:05.123Z.

    The width is fixed, so that the texts sort like the times. MongoDB stores no more than milliseconds.
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
