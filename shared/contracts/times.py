"""How times are written wherever users read them: API, events, webhooks, reports. Pure."""

from datetime import UTC, datetime


def rfc3339(time: datetime) -> str:
    """`time` in UTC with milliseconds, such as 2026-11-29T19:04:05.123Z; smaller parts are cut off.

    Raises ValueError if `time` has no timezone.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no timezone")
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
