"""Conditional requests and ranges (RFC 9110) for objects that never change. Pure."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range starts after the object's last byte."""


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes [start, end) that a Range header requests; None for the whole object.

    Several ranges, and ranges in other units than bytes, get the whole object, as the RFC allows.
    """
    match = _ONE_RANGE.fullmatch(header) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise Unsatisfiable
    return start, end


def is_unchanged(if_none_match: str | None, if_modified_since: str | None, etag: str, modified: datetime) -> bool:
    """Whether the client has the object already. `etag` includes its quotes."""
    if if_none_match is not None:
        known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return etag in known or "*" in known
    since = _read_date(if_modified_since)
    return since is not None and modified.replace(microsecond=0) <= since


def is_same(if_range: str | None, etag: str, modified: datetime) -> bool:
    """Whether the part that the client has is of this object, so that a range completes it."""
    return if_range is None or if_range == etag or if_range == http_date(modified)


def http_date(time: datetime) -> str:
    return format_datetime(time.astimezone(UTC), usegmt=True)


def _read_date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header) if header else None
    except (ValueError, OverflowError):
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)
